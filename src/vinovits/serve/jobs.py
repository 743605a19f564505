"""Long texts in the background: jobs that go on where they were after a restart."""

from __future__ import annotations

import logging
import secrets
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from vinovits.batch.join import join
from vinovits.batch.make import Stopped, make, voice_stamp
from vinovits.batch.run import MOST_TRIES
from vinovits.batch.store import Progress, State, UnitStore, Work
from vinovits.engine.settings import SpeakSettings
from vinovits.errors import LexiconError, OutputError, VinovitsError
from vinovits.output.atomic import write_error
from vinovits.serve.book_jobs import COVER, forget_uploads, publish_job
from vinovits.serve.errors import ApiError, api_error, disk_full, lexicon_error
from vinovits.serve.job_orders import BookJob, JobKind, Planned, SpeakJob
from vinovits.serve.log import FIELDS
from vinovits.serve.metrics import Metrics
from vinovits.serve.voices import ServedVoices

_log = logging.getLogger(__name__)

SubtitleKind = Literal["srt", "vtt", "lrc", "json"]
SUBTITLES: tuple[SubtitleKind, ...] = ("srt", "vtt", "lrc", "json")
OPEN: tuple[State, ...] = ("queued", "running")
"""States of jobs that aren't ended."""

_PATIENCE = 5.0
"""Seconds for which a unit lets requests go first that wait for a worker."""
_LEAST_FREE = 256 << 20
"""Bytes of the disk that must be free for a job to be taken on."""
_SWEEP_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Job:
    """A job, as it is now."""

    id: str
    owner: str | None
    title: str
    state: State
    done: int
    """Units."""
    total: int
    seconds: float
    """Audio made."""
    error: str
    """Why it has failed: a sentence for its owner."""
    created: float
    """Seconds since 1970."""
    changed: float
    """When its state last did."""
    voice: str
    format: JobKind
    characters: int
    settings: dict[str, Any]
    chapters: list[dict[str, Any]]
    """Of a book: the title of each, and its start and end in seconds once the job is done."""
    notes: list[str]
    """Of a book: sentences for its owner."""

    def as_data(self) -> dict[str, Any]:
        """Plain JSON data for the owner."""
        return {name: value for name, value in asdict(self).items() if name != "owner"}


@dataclass(slots=True)
class _Active:
    """A job that isn't ended."""

    id: str
    owner: str | None
    waiting: deque[int]
    """Numbers of units that nobody works on."""
    busy: int = 0
    """Workers on it."""
    stop: threading.Event = field(default_factory=threading.Event)


class Jobs:
    """All jobs of a server, and the threads that work on them. Any thread may call its methods."""

    def __init__(
        self,
        folder: Path,
        voices: ServedVoices,
        metrics: Metrics,
        *,
        workers: int = 1,
        most: int = 200,
        most_each: int = 20,
        most_text: int = 1_000_000,
        days: float = 7.0,
        busy: Callable[[], bool] = lambda: False,
    ) -> None:
        """Do nothing yet; `open` does.

        Args:
            folder: Where jobs are kept.
            voices: Those that speak.
            metrics: Told of units.
            workers: Units that are made at once.
            most: Jobs that are kept, those that are ended too.
            most_each: The same, of one owner.
            most_text: Characters of a text.
            days: For which a job that is ended is kept.
            busy: Whether requests wait for a worker: they go first, for a while.
        """
        self._folder, self._voices, self._metrics = folder, voices, metrics
        self._workers, self._busy = workers, busy
        self._most, self._most_each = most, most_each
        self._most_text, self._days = most_text, days
        self._changed = threading.Condition(threading.RLock())
        self._store: UnitStore | None = None
        self._why_not = "The jobs aren't open."
        self._active: dict[str, _Active] = {}
        self._turns: deque[str | None] = deque()
        """Owners, the one whose turn is next in front."""
        self._threads: list[threading.Thread] = []
        self._closing = False
        self._swept = 0.0

    def open(self) -> None:
        """Take up the jobs that are kept. If the folder can't be used, jobs are refused."""
        try:
            self._store = UnitStore(self._folder)
        except VinovitsError as error:
            self._why_not = "This server takes no jobs; its log says why."
            _log.warning("There will be no jobs: %s", error)
            return
        forget_uploads(self._folder)
        for work in self._store.works(OPEN):
            self._begin(work.id, work.owner)
        if self._active:
            parts = sum(self._store.progress(id_).done for id_ in self._active)
            _log.info(
                "%d jobs are taken up where they were.",
                len(self._active),
                extra={FIELDS: {"parts": parts}},
            )
        self.keep_working()

    def close(self) -> None:
        """Stop within a window of the decoder: what is done is kept, the rest is for later."""
        self.stop()
        for thread in self._threads:
            thread.join()
        if self._store is not None:
            self._store.close()
            self._store = None

    def stop(self) -> None:
        """Have all threads end, and wait for none."""
        with self._changed:
            self._closing = True
            for active in self._active.values():
                active.stop.set()
            self._changed.notify_all()

    def keep_working(self) -> None:
        """Begin a thread for each that there should be and isn't, or isn't any more."""
        with self._changed:
            if self._store is None or self._closing:
                return
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            while len(self._threads) < self._workers:
                thread = threading.Thread(target=self._work, name="vinovits-jobs", daemon=True)
                self._threads.append(thread)
                thread.start()

    def check_room(self, owner: str | None) -> None:
        """Refuse an owner whose job couldn't be taken on, before it is sent.

        Raises:
            ApiError: There is no room for it.
        """
        self._check_room(self._opened(), owner)

    def submit(self, asked: SpeakJob | BookJob) -> Job:
        """Take on a job. It may take as long as a voice takes to load.

        Raises:
            ApiError: It can't be taken on, and why.
            VinovitsError: The text, or a setting, can't be right.
        """
        store = self._opened()
        if asked.characters > self._most_text:
            raise ApiError(
                413,
                f"The text has {asked.characters} characters, and {self._most_text} are taken.",
                "text_too_long",
                param="text" if isinstance(asked, SpeakJob) else "file",
            )
        self._check_room(store, asked.owner)
        planned = self._planned(asked)
        data = {
            **planned.data,
            "voice": asked.voice,
            "format": asked.format,
            "characters": asked.characters,
            "settings": dict(asked.settings),
        }
        id_ = secrets.token_hex(12)
        with self._changed:
            if self._closing:
                raise self._refusal()
            self._check_room(store, asked.owner)  # others may have come in between
            if planned.cover is not None:
                self._keep_cover(id_, planned.cover.data)
            try:
                store.add(id_, planned.units, data, asked.owner)
            except BaseException:
                shutil.rmtree(self._results(id_), ignore_errors=True)
                raise
            self._begin(id_, asked.owner)
            self._changed.notify_all()
        self.keep_working()
        return self.get(id_)

    def get(self, id_: str, owner: str | None = None) -> Job:
        """A job.

        Args:
            id_: Its id.
            owner: Who asks; None: somebody who may see all.

        Raises:
            ApiError: There is none, or it is another's.
        """
        store = self._opened()
        return _job(self._find(store, id_, owner), store.progress(id_))

    def list(self, owner: str | None = None) -> list[Job]:
        """The jobs of an owner, or all if None, the newest first."""
        store = self._opened()
        return [
            _job(work, store.progress(work.id))
            for work in reversed(store.works())
            if owner is None or work.owner == owner
        ]

    def cancel(self, id_: str, owner: str | None = None) -> Job:
        """Stop a job, and keep what is done of it; one that is ended stays as it is.

        Raises:
            ApiError: There is none, or it is another's.
        """
        store = self._opened()
        with self._changed:
            if self._find(store, id_, owner).state in OPEN:
                self._leave(id_)
                store.set_state(id_, "cancelled")
        return self.get(id_)

    def resume(self, id_: str, owner: str | None = None) -> Job:
        """Go on with a job that failed or was cancelled; others stay as they are.

        Raises:
            ApiError: There is none, or it is another's.
        """
        store = self._opened()
        with self._changed:
            if self._find(store, id_, owner).state in ("failed", "cancelled"):
                self._settle(id_)
                store.try_again(id_)
                store.set_state(id_, "queued")
                self._begin(id_, self._find(store, id_, owner).owner)
                self._changed.notify_all()
        return self.get(id_)

    def remove(self, id_: str, owner: str | None = None) -> None:
        """Stop a job, and delete all there is of it.

        Raises:
            ApiError: There is none, or it is another's.
        """
        store = self._opened()
        with self._changed:
            self._find(store, id_, owner)
            self._leave(id_)
            self._settle(id_)
            store.remove(id_)
        shutil.rmtree(self._results(id_), ignore_errors=True)

    def result(self, id_: str, kind: SubtitleKind | None = None, owner: str | None = None) -> Path:
        """The audio of a job that is done, or its timings.

        Args:
            id_: The job's.
            kind: A format of timings; None: the audio.
            owner: Who asks; None: somebody who may see all.

        Raises:
            ApiError: There is no such job, it is another's, or it isn't done.
        """
        job = self.get(id_, owner)
        if job.state != "done":
            raise ApiError(409, f"The job isn't done: it is {job.state}.", "job_not_done")
        return self._results(id_) / f"speech.{kind or job.format}"

    @property
    def folder(self) -> Path:
        """Where jobs are kept."""
        return self._folder

    def counts(self) -> dict[str, int]:
        """How many jobs are in each state."""
        counts: dict[str, int] = {}
        for work in self._store.works() if self._store is not None else ():
            counts[work.state] = counts.get(work.state, 0) + 1
        return counts

    def _planned(self, asked: SpeakJob | BookJob) -> Planned:
        """What is to be spoken, once its first unit and the settings are known to be right."""
        voice = self._voices.get(asked.voice)
        planned = asked.planned(voice.manifest.defaults.pause)
        first = planned.units[0]
        settings = cast(SpeakSettings, cast(Any, dict(first.settings)))
        try:
            with voice.stream(first.text, ahead=False, **settings):
                pass
        except LexiconError as error:
            if settings.get("lexicon") is None:
                raise
            raise lexicon_error(error) from None
        return planned

    def _keep_cover(self, id_: str, data: bytes) -> None:
        folder = self._results(id_)
        try:
            folder.mkdir(parents=True)
            (folder / COVER).write_bytes(data)
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise write_error(folder, error) from error

    def _check_room(self, store: UnitStore, owner: str | None) -> None:
        works = store.works()
        own = sum(work.owner == owner for work in works)
        for count, most in ((own, self._most_each), (len(works), self._most)):
            if count >= most:
                raise ApiError(
                    429,
                    f"There are {count} jobs, as many as are kept. Delete one that you don't need "
                    "any more.",
                    "too_many_jobs",
                    headers={"Retry-After": "60"},
                )
        if shutil.disk_usage(self._folder).free < _LEAST_FREE:
            raise disk_full()

    def _opened(self) -> UnitStore:
        store = self._store
        if store is None:
            raise self._refusal()
        return store

    def _refusal(self) -> ApiError:
        return ApiError(503, self._why_not, "no_jobs", headers={"Retry-After": "60"})

    def _find(self, store: UnitStore, id_: str, owner: str | None) -> Work:
        work = store.work(id_)
        if work is None or (owner is not None and work.owner != owner):
            raise ApiError(404, f"There is no job {id_[:60]!r}.", "job_not_found")
        return work

    def _results(self, id_: str) -> Path:
        return self._folder / "results" / id_

    def _begin(self, id_: str, owner: str | None) -> None:
        assert self._store is not None
        self._active[id_] = _Active(id_, owner, deque(self._store.waiting(id_)))
        if owner not in self._turns:
            self._turns.append(owner)

    def _leave(self, id_: str) -> None:
        """Have workers on a job stop."""
        active = self._active.get(id_)
        if active is not None:
            active.stop.set()
            active.waiting.clear()
            if not active.busy:
                del self._active[id_]

    def _settle(self, id_: str) -> None:
        """Wait until no worker is on a job that was left."""
        self._changed.wait_for(lambda: id_ not in self._active)

    def _next(self) -> tuple[_Active, int | None] | None:
        """The unit to make next, or a job to be joined (None): owners take turns."""
        for _ in range(len(self._turns)):
            owner = self._turns[0]
            self._turns.rotate(-1)
            own = [one for one in self._active.values() if one.owner == owner]
            if not own:
                self._turns.remove(owner)
                continue
            for active in own:
                if active.stop.is_set():
                    continue
                if active.waiting:
                    return active, active.waiting.popleft()
                if not active.busy:
                    return active, None
        return None

    def _work(self) -> None:
        """What a thread does until the end."""
        while True:
            with self._changed:
                task = None
                while not self._closing and (task := self._next()) is None:
                    self._changed.wait(1.0)
                    self._sweep()
                if task is None or self._closing:
                    return
                active, number = task
                active.busy += 1
            try:
                self._let_requests_go_first(active)
                if number is None:
                    self._join(active)
                else:
                    self._make(active, number)
            except Stopped:
                pass
            except Exception:  # a worker that died of it would be missing for all later jobs
                _log.exception("A worker has met what it can't do anything about.")
                self._fail(active, "The server couldn't do this; its log says why.")
            finally:
                with self._changed:
                    active.busy -= 1
                    if active.stop.is_set() and not active.busy:
                        self._active.pop(active.id, None)
                    self._changed.notify_all()

    def _let_requests_go_first(self, active: _Active) -> None:
        end = time.monotonic() + _PATIENCE
        while self._busy() and time.monotonic() < end and not active.stop.wait(0.05):
            pass
        if active.stop.is_set():
            raise Stopped

    def _make(self, active: _Active, number: int) -> None:
        store = self._opened()
        unit = store.unit(active.id, number)
        with self._changed:
            if not active.stop.is_set():
                store.set_state(active.id, "running")
        try:
            voice = self._voices.get(unit.voice)
            made = make(store, active.id, unit, voice, voice_stamp(voice), active.stop)
        except Stopped:
            raise
        except Exception as error:  # of the part only: the job is tried again, told, or has a gap
            told = api_error(error)
            tries = store.failed(active.id, number, str(told))
            if told.status < 500 and self._may_have_gaps(store, active.id):
                return
            where = f"Part {number + 1}, from character {unit.start + 1:,} on"
            if told.status < 500 or tries >= MOST_TRIES:
                self._fail(active, f"{where}: {told}")
                return
            _log.warning("%s of job %s is tried again.", where, active.id)
            active.stop.wait(tries)
            with self._changed:
                if not active.stop.is_set():
                    active.waiting.appendleft(number)
            return
        self._metrics.units.labels("made" if made else "found").inc()

    def _may_have_gaps(self, store: UnitStore, id_: str) -> bool:
        work = store.work(id_)
        return work is not None and work.data.get("gaps") == "mark"

    def _join(self, active: _Active) -> None:
        store = self._opened()
        work = store.work(active.id)
        if work is None:
            raise Stopped
        folder = self._results(active.id)
        subtitles = [folder / f"speech.{kind}" for kind in SUBTITLES]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            made: dict[str, Any] = {}
            if "chapters" in work.data:
                seconds, made = publish_job(store, work, folder, active.stop)
            else:
                audio = folder / f"speech.{work.data['format']}"
                seconds = join(store, active.id, audio, subtitles, active.stop)
        except (OSError, MemoryError, VinovitsError) as error:
            self._fail(active, str(api_error(error)))
            return
        with self._changed:
            if active.stop.is_set():
                raise Stopped
            total = store.progress(active.id).total
            data = {**work.data, **made, "total": total, "seconds": seconds}
            store.set_state(active.id, "done", data=data)
            active.stop.set()
        store.drop_pieces(active.id)
        fields = {"job": active.id, "key": active.owner, "seconds": round(seconds, 1)}
        _log.info("A job is done.", extra={FIELDS: fields})

    def _fail(self, active: _Active, why: str) -> None:
        with self._changed:
            if active.stop.is_set():
                return
            with suppress(OutputError):  # the disk may be full: the next start tries again
                self._opened().set_state(active.id, "failed", why)
            active.waiting.clear()
            active.stop.set()
        _log.warning("A job has failed.", extra={FIELDS: {"job": active.id, "why": why}})

    def _sweep(self) -> None:
        """Now and then, delete jobs that were ended long ago."""
        now = time.time()
        if now - self._swept < _SWEEP_SECONDS or self._store is None:
            return
        self._swept = now
        ended: Sequence[State] = ("done", "failed", "cancelled")
        try:
            for work in self._store.works(ended):
                if now - work.changed > self._days * 86400 and work.id not in self._active:
                    self._store.remove(work.id)
                    shutil.rmtree(self._results(work.id), ignore_errors=True)
        except OutputError as error:
            _log.warning("Old jobs can't be deleted: %s", error)


def _job(work: Work, progress: Progress) -> Job:
    data = work.data
    done, total, seconds = progress.done, progress.total, progress.seconds
    if work.state == "done":
        done = total = data["total"]
        seconds = data["seconds"]
    return Job(
        id=work.id,
        owner=work.owner,
        title=data["title"],
        state=work.state,
        done=done,
        total=total,
        seconds=round(seconds, 3),
        error=work.error,
        created=work.created,
        changed=work.changed,
        voice=data["voice"],
        format=data["format"],
        characters=data["characters"],
        settings=data["settings"],
        chapters=[
            {name: chapter.get(name) for name in ("title", "start", "end")}
            for chapter in data.get("chapters", ())
        ],
        notes=data.get("notes", []),
    )
