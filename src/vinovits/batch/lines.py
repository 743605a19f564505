"""Many short texts, each to a file of its own: what hasn't changed isn't made again."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, Self

from vinovits.batch.run import MOST_TRIES, Begun, spoken
from vinovits.batch.speakers import Speakers, VoiceFacts, WorkerLostError
from vinovits.errors import OutputError, UsageError, VinovitsError
from vinovits.output.atomic import atomic_file, write_error
from vinovits.output.audio_file import FORMATS, AudioFile
from vinovits.output.timings import timings_format

if TYPE_CHECKING:
    from vinovits.engine.result import Chunk

MANIFEST = "manifest.jsonl"
_JOURNAL = ".manifest.journal"
"""Entries since the manifest was written: what a killed process had done is known by it."""


@dataclass(frozen=True, slots=True)
class Line:
    """A text that becomes a file."""

    number: int
    """In its list, as people count."""
    id: str
    """Name of its file, without extension."""
    text: str
    voice: str
    settings: Mapping[str, Any]
    """What `Voice.stream` takes, as JSON has it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the manifest."""

    id: str
    file: str
    """Its name in the folder."""
    text: str
    voice: str
    seconds: float
    sampling_rate: int
    sha256: str
    """Of the file."""
    key: str
    """Of all that it was made from."""
    timings: str = ""
    """Name of the file of its timings; "" for none."""


@dataclass(slots=True)
class MadeLines:
    """What has become of a list."""

    made: int = 0
    found: int = 0
    """Files that had been made before from the same."""
    seconds: float = 0.0
    """Of audio that was made."""
    failed: dict[int, str] = field(default_factory=dict)
    """Why lines can't be spoken, by their numbers."""


class Batch:
    """A folder of files and their manifest, for one process at a time."""

    def __init__(self, folder: Path, extension: str, timings: str | None = None) -> None:
        """Open a folder, which is made if need be.

        Args:
            folder: Where files go.
            extension: Of the audio, with its dot: one of `vinovits.output.audio_file.FORMATS`.
            timings: Extension of timings, without a dot; None for none.

        Raises:
            UsageError: Another process works in it.
            OutputError: It can't be written.
        """
        import filelock

        self._folder, self._extension, self._timings = folder, extension, timings
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = filelock.FileLock(folder / ".lock", mode=0o600)
            self._lock.acquire(timeout=0)
        except filelock.Timeout:
            raise UsageError(
                f"Another process works in the folder {folder}. Wait for its end, or name another."
            ) from None
        except OSError as error:
            raise write_error(folder, error) from error
        try:
            self._entries = {
                entry.id: entry
                for name in (MANIFEST, _JOURNAL)
                for entry in self._read(folder / name)
            }
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def make(
        self,
        lines: Sequence[Line],
        speakers: Speakers,
        *,
        begun: Callable[[int, int], None] = lambda total, done: None,
        tell: Callable[[float], None] = lambda seconds: None,
        stop: threading.Event | None = None,
    ) -> MadeLines:
        """Speak lines whose file isn't there, or was made from something else.

        Args:
            lines: Whose ids differ.
            speakers: Who speaks.
            begun: Told how many lines there are, and 0.
            tell: Told the seconds that were made for each line, 0 where none were.
            stop: Ends it early; what is done is kept.

        Raises:
            OutputError: A file can't be written.
            VinovitsError: A voice can't be loaded.
        """
        result = MadeLines()
        voices: dict[str, VoiceFacts] = {}
        tries: dict[str, int] = {}
        begun(len(lines), 0)

        def begin(line: Line) -> Begun[tuple[Line, str]] | Literal["done", "later"]:
            if line.voice not in voices:
                try:
                    voices[line.voice] = speakers.facts(line.voice)
                except UsageError as error:  # there is no such voice
                    result.failed[line.number] = str(error)
                    tell(0.0)
                    return "done"
            key = self._key(line, voices[line.voice])
            if self._is_there(line, key):
                result.found += 1
                tell(0.0)
                return "done"
            return (line, key), speakers.speak(line.voice, line.text, line.settings)

        waiting = deque(lines)
        with self._journal() as journal:
            for (line, key), made in spoken(waiting, begin, speakers, stop):
                if isinstance(made, VinovitsError):
                    tries[line.id] = tries.get(line.id, 0) + 1
                    if isinstance(made, WorkerLostError) and tries[line.id] < MOST_TRIES:
                        waiting.appendleft(line)
                        continue
                    result.failed[line.number] = str(made)
                    tell(0.0)
                    continue
                entry = self._write(line, key, made, voices[line.voice].sampling_rate)
                self._entries[line.id] = entry
                self._note(journal, entry)
                result.made += 1
                result.seconds += entry.seconds
                tell(entry.seconds)
        self._settle(lines)
        return result

    def prune(self, lines: Iterable[Line]) -> int:
        """Delete files that this manifest knows and that are of none of the lines.

        Returns:
            How many.
        """
        kept = {line.id for line in lines}
        gone = [entry for id_, entry in self._entries.items() if id_ not in kept]
        for entry in gone:
            for name in filter(None, (entry.file, entry.timings)):
                with suppress(OSError):
                    (self._folder / name).unlink(missing_ok=True)
            del self._entries[entry.id]
        self._settle(())
        return len(gone)

    def _key(self, line: Line, voice: VoiceFacts) -> str:
        content = json.dumps([voice.key(line.text, line.settings), self._extension, self._timings])
        return hashlib.sha256(content.encode()).hexdigest()

    def _is_there(self, line: Line, key: str) -> bool:
        entry = self._entries.get(line.id)
        names = () if entry is None else filter(None, (entry.file, entry.timings))
        return (
            entry is not None
            and entry.key == key
            and all((self._folder / name).is_file() for name in names)
        )

    def _write(self, line: Line, key: str, chunks: Sequence[Chunk], rate: int) -> Entry:
        path = self._folder / f"{line.id}{self._extension}"
        timings = None if self._timings is None else path.with_name(f"{line.id}.{self._timings}")
        samples = sum(len(chunk.samples) for chunk in chunks)
        with ExitStack() as stack:
            part = stack.enter_context(atomic_file(path))
            if timings is not None:
                form = timings_format(timings)
                sentences = [chunk.spoken for chunk in chunks if chunk.spoken is not None]
                written = (
                    form.head(line.voice, rate),
                    *(form.sentence(sentence) for sentence in sentences),
                    form.tail(samples / rate),
                )
                other = stack.enter_context(atomic_file(timings))
                try:
                    other.write_text("".join(written), encoding="utf-8", newline="\n")
                except OSError as error:
                    raise write_error(timings, error) from error
            with AudioFile(part, FORMATS[self._extension], rate, name=path) as file:
                for chunk in chunks:
                    file.write(chunk.samples)
                file.finish()
            digest = _sha256(part)
        return Entry(
            line.id,
            path.name,
            line.text,
            line.voice,
            round(samples / rate, 4),
            rate,
            digest,
            key,
            "" if timings is None else timings.name,
        )

    def _journal(self) -> IO[str]:
        try:
            return (self._folder / _JOURNAL).open("a", encoding="utf-8", newline="\n")
        except OSError as error:
            raise write_error(self._folder / _JOURNAL, error) from error

    def _note(self, journal: IO[str], entry: Entry) -> None:
        """Have an entry on the disk before the next file is begun."""
        try:
            journal.write(_json(entry))
            journal.flush()
            os.fsync(journal.fileno())
        except OSError as error:
            raise write_error(self._folder / _JOURNAL, error) from error

    def _settle(self, lines: Iterable[Line]) -> None:
        """Write the manifest in the order of the lines, those that aren't among them behind."""
        order = {line.id: number for number, line in enumerate(lines)}
        entries = sorted(self._entries.values(), key=lambda one: order.get(one.id, len(order)))
        with atomic_file(self._folder / MANIFEST) as part:
            try:
                part.write_text("".join(map(_json, entries)), encoding="utf-8", newline="\n")
            except OSError as error:
                raise write_error(self._folder / MANIFEST, error) from error
        with suppress(OSError):
            (self._folder / _JOURNAL).unlink(missing_ok=True)

    def _read(self, path: Path) -> Iterable[Entry]:
        """Entries of a manifest; a last line that a kill has cut is left out."""
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return
        except (OSError, UnicodeDecodeError) as error:
            raise OutputError(f"The manifest {path} can't be read: {error}. Delete it.") from None
        for line in lines:
            try:
                entry = Entry(**json.loads(line))
            except (ValueError, TypeError):
                continue
            if all(Path(name).name == name for name in (entry.file, entry.timings)):
                yield entry


def _json(entry: Entry) -> str:
    return json.dumps(asdict(entry), ensure_ascii=True) + "\n"


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
