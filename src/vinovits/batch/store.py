"""Units of work and what was made of them, kept on disk: nothing is made twice, nothing is lost.

A folder has a database (SQLite, with a write-ahead log) and a piece of audio for each unit that is
done. A piece is written whole before the database knows of it, so that after a kill, a power cut or
a full disk only what was being made at that moment is made again. Pieces are named after what they
are made from: a unit whose text, voice and settings have been spoken before is done at once.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self, get_args

from vinovits import __version__
from vinovits.batch import spoken
from vinovits.engine.result import Chunk, SpokenSentence
from vinovits.errors import OutputError, UsageError
from vinovits.output.atomic import atomic_file, write_error
from vinovits.output.audio_file import FORMATS, AudioFile

FORMAT = 1
"""Version of the database."""

State = Literal["queued", "running", "done", "failed", "cancelled"]
"""Of a work; "queued" waits for a worker, "running" has had one."""

_SCHEMA = """
CREATE TABLE works (
    id TEXT PRIMARY KEY,
    owner TEXT,
    created REAL NOT NULL,
    changed REAL NOT NULL,
    state TEXT NOT NULL,
    error TEXT NOT NULL DEFAULT '',
    data TEXT NOT NULL
);
CREATE TABLE units (
    work TEXT NOT NULL REFERENCES works (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    text TEXT NOT NULL,
    start INTEGER NOT NULL,
    voice TEXT NOT NULL,
    settings TEXT NOT NULL,
    silence REAL NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT '',
    piece TEXT,
    PRIMARY KEY (work, number)
) WITHOUT ROWID;
CREATE TABLE pieces (
    key TEXT PRIMARY KEY,
    rate INTEGER NOT NULL,
    samples INTEGER NOT NULL,
    sentences TEXT NOT NULL,
    made REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX units_of_piece ON units (piece);
"""
_EXTENSION = ".flac"
_OURS = re.compile(
    rf"(?P<folder>[0-9a-f]{{2}})/((?P=folder)[0-9a-f]{{62}}{re.escape(_EXTENSION)}"
    r"|\.vinovits-[0-9a-f]+\.part)"
)
"""What may be written among the pieces: they, and what `atomic_file` calls those not done yet."""
_DATABASE = "units.db"
_LEAST_ROOM = 64 << 10
"""Bytes: the database may need as much at once."""
_LOCK = ".lock"


@dataclass(frozen=True, slots=True)
class Unit:
    """A stretch of text that is spoken by itself."""

    number: int
    """In its work, from 0."""
    text: str
    start: int
    """Where it begins in the text of the work."""
    voice: str
    """Name of a voice."""
    settings: Mapping[str, Any]
    """What `Voice.stream` takes, as JSON has it."""
    silence: float = 0.0
    """Seconds of silence behind it, if another unit follows."""
    tries: int = 0
    """How often it was begun and not done."""
    error: str = ""
    """Why the last try failed."""


@dataclass(frozen=True, slots=True)
class Work:
    """Units that make one thing together: a book, a long text."""

    id: str
    owner: str | None
    """Who asked for it; None where nobody in particular did."""
    created: float
    """Seconds since 1970."""
    changed: float
    """When its state last did."""
    state: State
    error: str
    """Why it has failed."""
    data: dict[str, Any] = field(default_factory=dict)
    """What those who made it want to know later, as JSON has it."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a work is."""

    done: int
    """Units."""
    total: int
    seconds: float
    """Audio made."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What was made of a unit."""

    key: str
    path: Path
    """16-bit samples, lossless."""
    sampling_rate: int
    samples: int
    sentences: tuple[SpokenSentence, ...]


def piece_key(voice: str, text: str, settings: Mapping[str, Any]) -> str:
    """The name of what a unit becomes: the same for the same text, voice, settings and version.

    Args:
        voice: All that is known of the voice and of where it runs (`voice_stamp`).
        text: Of the unit.
        settings: As JSON has them.
    """
    content = json.dumps([FORMAT, __version__, voice, text, settings], sort_keys=True)
    return hashlib.sha256(content.encode("ascii")).hexdigest()


class UnitStore:
    """The units in a folder, for one process at a time and any number of its threads."""

    def __init__(self, folder: Path) -> None:
        """Open the store of a folder, which is made if need be.

        Raises:
            UsageError: Another process has it open.
            OutputError: The folder can't be written, or was written by a newer release.
        """
        import filelock

        self._folder = folder
        self._pieces = folder / "pieces"
        self._lock = threading.RLock()
        with self._told():
            self._pieces.mkdir(parents=True, exist_ok=True)
            self._owner = filelock.FileLock(folder / _LOCK, mode=0o600)
            try:
                self._owner.acquire(timeout=0)
            except filelock.Timeout:
                raise UsageError(
                    f"The folder {folder} is in use by another process. Wait for its end, or name "
                    "another folder."
                ) from None
        try:
            with self._told():
                self._database = self._opened(folder / _DATABASE)
                self._sweep()
        except BaseException:
            self._owner.release()
            raise

    def close(self) -> None:
        """Let go of the folder."""
        with self._lock:
            self._database.close()
            self._owner.release()

    def delete(self) -> None:
        """Close it, and delete all of it; the folder too, unless there is something else in it."""
        lock = self._folder / _LOCK
        with self._lock:
            self._database.close()
            # Nobody else may open the folder before all is gone.
            for path in self._ours():
                _delete(path)
            for end in ("", "-wal", "-shm"):
                _delete(self._folder / f"{_DATABASE}{end}")
            for folder in (*self._pieces.glob("[0-9a-f][0-9a-f]"), self._pieces):
                _delete(folder)
            was_open = not _delete(lock)  # as Windows keeps it
            self._owner.release()
            if was_open:
                _delete(lock)
            _delete(self._folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def folder(self) -> Path:
        """Where it is."""
        return self._folder

    def add(
        self,
        work: str,
        units: Iterable[Unit],
        data: Mapping[str, Any],
        owner: str | None = None,
    ) -> None:
        """Take on a work: all of it, or nothing.

        Args:
            work: A name that no other has.
            units: Its units, in order.
            data: To be kept with it, as JSON has it.
            owner: Who asks for it.

        Raises:
            UsageError: There is a work of that name.
            OutputError: The disk is full or gone.
        """
        now = time.time()
        rows = (
            (work, unit.number, unit.text, unit.start, unit.voice, _json(unit.settings),
             unit.silence)
            for unit in units
        )  # fmt: skip
        with self._changing() as database:
            try:
                database.execute(
                    "INSERT INTO works (id, owner, created, changed, state, data) "
                    "VALUES (?, ?, ?, ?, 'queued', ?)",
                    (work, owner, now, now, _json(data)),
                )
            except sqlite3.IntegrityError:
                raise UsageError(f"There is a work {work!r:.80} already.") from None
            database.executemany(
                "INSERT INTO units (work, number, text, start, voice, settings, silence) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                rows,
            )

    def works(self, states: Sequence[State] = get_args(State)) -> list[Work]:
        """Those in one of some states, the oldest first."""
        marks = ", ".join("?" * len(states))
        return [
            _work(row)
            for row in self._rows(
                "SELECT id, owner, created, changed, state, error, data FROM works "
                f"WHERE state IN ({marks}) ORDER BY created, rowid",
                tuple(states),
            )
        ]

    def work(self, work: str) -> Work | None:
        """A work by its name; None: there is none."""
        rows = self._rows(
            "SELECT id, owner, created, changed, state, error, data FROM works WHERE id = ?",
            (work,),
        )
        return _work(rows[0]) if rows else None

    def set_state(
        self, work: str, state: State, error: str = "", data: Mapping[str, Any] | None = None
    ) -> None:
        """Change the state of a work.

        Args:
            work: Its name.
            state: The new one.
            error: Why it has failed.
            data: To be kept in place of what was; None: that stays.
        """
        with self._changing() as database:
            database.execute(
                "UPDATE works SET state = ?, error = ?, changed = ?, data = coalesce(?, data) "
                "WHERE id = ?",
                (state, error, time.time(), None if data is None else _json(data), work),
            )

    def waiting(self, work: str) -> list[int]:
        """Numbers of the units of a work that aren't done, in order."""
        rows = self._rows(
            "SELECT number FROM units WHERE work = ? AND piece IS NULL ORDER BY number", (work,)
        )
        return [number for (number,) in rows]

    def waiting_units(self, work: str) -> Iterator[Unit]:
        """The units of a work that aren't done, in order, without holding all of them."""
        for number in self.waiting(work):
            yield self.unit(work, number)

    def done_units(self, work: str) -> Iterator[tuple[Unit, str]]:
        """The units of a work that are done, in order, and the keys of their pieces."""
        rows = self._rows(
            "SELECT number, piece FROM units WHERE work = ? AND piece IS NOT NULL ORDER BY number",
            (work,),
        )
        for number, piece in rows:
            yield self.unit(work, number), piece

    def undo(self, work: str, number: int) -> None:
        """Have a unit made again; its piece stays until the work is removed."""
        with self._changing() as database:
            database.execute(
                "UPDATE units SET piece = NULL WHERE work = ? AND number = ?", (work, number)
            )

    def unit(self, work: str, number: int) -> Unit:
        """A unit of a work.

        Raises:
            KeyError: There is none.
        """
        rows = self._rows(
            f"SELECT {_UNIT} FROM units WHERE work = ? AND number = ?", (work, number)
        )
        if not rows:
            raise KeyError((work, number))
        return _unit(rows[0])

    def progress(self, work: str) -> Progress:
        """How far a work is."""
        [(total, done, seconds)] = self._rows(
            "SELECT count(*), count(piece), total(1.0 * samples / rate) FROM units "
            "LEFT JOIN pieces ON key = piece WHERE work = ?",
            (work,),
        )
        return Progress(done, total, seconds)

    def done(self, work: str, number: int, key: str) -> bool:
        """Record that a unit is done, if there is a piece of that name.

        Args:
            work: Name of the work.
            number: Of the unit.
            key: From `piece_key`.

        Returns:
            Whether there is such a piece; if not, it is to be made.
        """
        with self._changing() as database:
            known = database.execute("SELECT 1 FROM pieces WHERE key = ?", (key,)).fetchone()
            if known is None or not self._path(key).is_file():
                return False
            database.execute(
                "UPDATE units SET piece = ?, error = '' WHERE work = ? AND number = ?",
                (key, work, number),
            )
            return True

    def make(self, key: str, sampling_rate: int, chunks: Iterable[Chunk]) -> float:
        """Write a piece, whole or not at all; `done` then finds it.

        Args:
            key: From `piece_key`.
            sampling_rate: Of the chunks.
            chunks: All of the speech.

        Returns:
            Its seconds.

        Raises:
            OutputError: The disk is full or gone.
        """
        path = self._path(key)
        samples = 0
        sentences: list[SpokenSentence] = []
        with self._told():
            path.parent.mkdir(exist_ok=True)
        with atomic_file(path) as part:
            with AudioFile(part, FORMATS[_EXTENSION], sampling_rate, name=path) as file:
                for chunk in chunks:
                    file.write(chunk.samples)
                    samples += len(chunk.samples)
                    if chunk.spoken is not None:
                        sentences.append(chunk.spoken)
                file.finish()
            with self._told():
                _to_disk(part)
        with self._changing() as database:
            database.execute(
                "INSERT OR REPLACE INTO pieces (key, rate, samples, sentences, made) "
                "VALUES (?, ?, ?, ?, ?)",
                (key, sampling_rate, samples, spoken.to_json(sentences), time.time()),
            )
        return samples / sampling_rate

    def failed(self, work: str, number: int, error: str) -> int:
        """Record that a unit couldn't be made.

        Args:
            work: Name of the work.
            number: Of the unit.
            error: Why.

        Returns:
            How often it was tried.
        """
        with self._changing() as database:
            database.execute(
                "UPDATE units SET tries = tries + 1, error = ? WHERE work = ? AND number = ?",
                (error, work, number),
            )
        return self.unit(work, number).tries

    def try_again(self, work: str) -> None:
        """Forget how often units of a work were tried."""
        with self._changing() as database:
            database.execute("UPDATE units SET tries = 0, error = '' WHERE work = ?", (work,))

    def pieces(self, work: str) -> Iterator[tuple[Unit, Piece]]:
        """The units of a work and what was made of them, in order.

        Raises:
            OutputError: A unit isn't done.
        """
        for unit, piece in self.pieces_and_gaps(work):
            if piece is None:
                raise OutputError(f"Part {unit.number + 1} of {work} isn't there.")
            yield unit, piece

    def pieces_and_gaps(
        self, work: str, first: int = 0, end: int | None = None
    ) -> Iterator[tuple[Unit, Piece | None]]:
        """Units of a work in order, and what was made of each; None where nothing was.

        Args:
            work: Its name.
            first: Number of the first unit.
            end: Of the one behind the last; None: to the end.
        """
        if end is None:
            [(last,)] = self._rows("SELECT max(number) FROM units WHERE work = ?", (work,))
            end = 0 if last is None else last + 1
        for number in range(first, end):
            found = self._rows(
                f"SELECT {_UNIT}, key, rate, samples, sentences FROM units "
                "LEFT JOIN pieces ON key = piece WHERE work = ? AND number = ?",
                (work, number),
            )
            if not found:
                raise OutputError(f"Part {number + 1} of {work} isn't there.")
            *row, key, rate, samples, sentences = found[0]
            if key is None or not self._path(key).is_file():
                yield _unit(row), None
                continue
            known = tuple(spoken.from_json(sentences))
            yield _unit(row), Piece(key, self._path(key), rate, samples, known)

    def piece(self, key: str) -> Piece | None:
        """What was made under a name from `piece_key`; None: nothing."""
        found = self._rows("SELECT rate, samples, sentences FROM pieces WHERE key = ?", (key,))
        if not found or not self._path(key).is_file():
            return None
        [(rate, samples, sentences)] = found
        return Piece(key, self._path(key), rate, samples, tuple(spoken.from_json(sentences)))

    def drop_pieces(self, work: str) -> None:
        """Delete what was made of a work's units, but for what others have too.

        How far the work was isn't known any more, so this is for works that are done.
        """
        self._delete_unused(work, "UPDATE units SET piece = NULL WHERE work = ?")

    def remove(self, work: str) -> None:
        """Delete a work, with its units and their pieces, but for those that others have too."""
        self._delete_unused(work, "DELETE FROM works WHERE id = ?")

    def _delete_unused(self, work: str, statement: str) -> None:
        with self._changing() as database:
            keys = [
                key
                for (key,) in database.execute(
                    "SELECT DISTINCT piece FROM units WHERE work = ? AND piece IS NOT NULL", (work,)
                ).fetchall()
            ]
            database.execute(statement, (work,))
            unused = [
                key
                for key in keys
                if database.execute(
                    "SELECT 1 FROM units WHERE piece = ? LIMIT 1", (key,)
                ).fetchone()
                is None
            ]
            database.executemany("DELETE FROM pieces WHERE key = ?", [(key,) for key in unused])
        for key in unused:
            with suppress(OSError):  # swept at the next start
                self._path(key).unlink(missing_ok=True)

    def _opened(self, path: Path) -> sqlite3.Connection:
        database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        try:
            # Written through to the disk at each commit: a power cut loses no unit.
            database.executescript(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
            )
            [version] = database.execute("PRAGMA user_version").fetchone()
            if not version:
                database.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT;")
            elif version != FORMAT:
                raise OutputError(
                    f"{path} was written by another release of vinovits. Name another folder."
                )
        except BaseException:
            database.close()
            raise
        return database

    def _sweep(self) -> None:
        """Delete what a killed process left behind, and forget what a power cut has taken."""
        known = {key for (key,) in self._rows("SELECT key FROM pieces", ())}
        there = set()
        for path in self._ours():
            if path.suffix == _EXTENSION and path.stem in known:
                there.add(path.stem)
            else:
                path.unlink(missing_ok=True)
        lost = [(key,) for key in known - there]
        with self._changing() as database:
            database.executemany("UPDATE units SET piece = NULL WHERE piece = ?", lost)
            database.executemany("DELETE FROM pieces WHERE key = ?", lost)

    def _ours(self) -> list[Path]:
        """All pieces and unfinished pieces; a folder that a user names may have others' files."""
        return [
            path
            for path in self._pieces.glob("*/*")
            if _OURS.fullmatch(path.relative_to(self._pieces).as_posix())
        ]

    def _path(self, key: str) -> Path:
        return self._pieces / key[:2] / f"{key}{_EXTENSION}"

    def _rows(self, statement: str, values: Sequence[Any]) -> list[Any]:
        with self._lock, self._told():
            return self._database.execute(statement, values).fetchall()

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: it counts if the block succeeds."""
        with self._lock, self._told():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
                self._database.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._database.execute("ROLLBACK")
                raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise write_error(self._folder, error) from error
        except sqlite3.Error as error:
            if _is_full(self._folder):  # SQLite calls it an error of input and output
                full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                raise write_error(self._folder, full) from error
            raise OutputError(f"The database in {self._folder} can't be used: {error}.") from error


_UNIT = "number, text, start, voice, settings, silence, tries, error"


def _unit(row: Sequence[Any]) -> Unit:
    number, text, start, voice, settings, silence, tries, error = row
    return Unit(number, text, start, voice, json.loads(settings), silence, tries, error)


def _work(row: Sequence[Any]) -> Work:
    id_, owner, created, changed, state, error, data = row
    return Work(id_, owner, created, changed, state, error, json.loads(data))


def _json(data: Mapping[str, Any]) -> str:
    return json.dumps(dict(data))


def _delete(path: Path) -> bool:
    """Delete a file or an empty folder, and say whether it is gone."""
    try:
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink(missing_ok=True)
    except OSError:
        return False
    return True


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < _LEAST_ROOM
    except OSError:
        return False


def _to_disk(path: Path) -> None:
    """Have the system write a file through, before the database knows of it."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
