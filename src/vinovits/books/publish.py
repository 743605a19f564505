"""From spoken units to the files of an audiobook."""

from __future__ import annotations

import re
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from vinovits.batch.store import UnitStore
from vinovits.books.mastering import ENCODINGS, Loudness, Mark, encode, measure, need_av
from vinovits.books.model import Cover, Kind
from vinovits.books.overlay import Line, SyncedChapter, TextBlock, write_overlay
from vinovits.books.plan import Plan, PlannedChapter
from vinovits.books.samples import BookSound, Heard, lengths
from vinovits.errors import OutputError, UsageError
from vinovits.output.atomic import atomic_file, check_file, write_error
from vinovits.output.timings import TimingsFormat, timings_format

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

OVERLAY = ".epub"
TIMINGS = (".srt", ".vtt", ".lrc", ".json")
_ELEMENTS = {
    Kind.QUOTE: "blockquote",
    Kind.NOTE: "aside",
}
_NOT_IN_NAMES = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|.\s]+")
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Published:
    """What was written."""

    files: tuple[Path, ...]
    seconds: float
    """Of all audio."""
    loudness: Loudness
    gaps: tuple[int, ...]
    """Numbers of units that a tone stands for."""
    marks: tuple[Mark, ...] = ()
    """When each chapter begins and ends, in the sound of the whole."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to write."""

    out: Path
    """A file for the whole, whose extension tells the format; or a folder."""
    extension: str
    """Of the files in a folder, with its dot."""
    is_folder: bool
    """A file for each chapter."""
    timings: tuple[str, ...] = ()
    """Extensions of timings to write beside each file, of `TIMINGS`."""
    overlay: bool = False
    """An EPUB with text and audio, instead of audio files or beside them."""


def wanted(out: Path, extension: str | None, timings: Sequence[str]) -> Wanted:
    """Understand what is asked for.

    Args:
        out: A file, or a folder, which need not exist.
        extension: Of files in a folder; None for .mp3.
        timings: Names of formats, such as "srt".

    Raises:
        UsageError: There is no such format, or it doesn't go with the rest.
    """
    own = out.suffix.lower()
    is_file = own in (*ENCODINGS, OVERLAY) and not out.is_dir()
    if own and not is_file and not out.is_dir() and len(own) <= 5 and own[1:].isalnum():
        raise UsageError(
            f"{out} ends in {own}, and books are written as "
            f"{', '.join((*ENCODINGS, OVERLAY))}, or to a folder."
        )
    inner = f".{extension.lstrip('.').lower()}" if extension else ".mp3"
    if not is_file and inner not in ENCODINGS:
        raise UsageError(f"There is no format {inner}. There are: {', '.join(ENCODINGS)}.")
    for name in timings:
        if f".{name}" not in TIMINGS:
            raise UsageError(f"There are no timings {name!r}; there are srt, vtt, lrc and json.")
    overlay = own == OVERLAY and is_file
    if overlay and timings:
        raise UsageError("An .epub has the timings in it: leave out --timings.")
    return Wanted(
        out,
        inner if not is_file else own,
        not is_file,
        tuple(f".{name}" for name in timings),
        overlay,
    )


def check_out(want: Wanted) -> None:
    """Find out whether what is wanted can be written, and make the folder that it goes to.

    Raises:
        OutputError: It can't.
    """
    if not want.is_folder:
        for extension in (want.out.suffix, *want.timings):
            check_file(want.out.with_suffix(extension))
        return
    try:
        want.out.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=want.out).close()
    except OSError as error:
        raise write_error(want.out, error) from error


def publish(
    store: UnitStore,
    plan: Plan,
    want: Wanted,
    rate: int,
    *,
    cover: Cover | None = None,
    narrator: str = "",
    tell: Callable[[str], None] = lambda stage: None,
    work: str | None = None,
    stop: threading.Event | None = None,
) -> Published:
    """Write a book.

    Its loudness is measured over the whole, and one gain is for all of it: between -23 and -18
    LUFS, with no peak above -3 dB.

    Args:
        store: Has all units of the plan, or gaps where they couldn't be spoken.
        plan: What they are.
        want: What to write.
        rate: Hz, of all audio before it is encoded.
        cover: A picture.
        narrator: Who reads, for tags.
        tell: Called with the name of what is being done.
        work: Name of the units in the store; None: that of the plan.
        stop: Ends it.

    Raises:
        Stopped: The event was set.
        OutputError: A file can't be written.
        MissingExtraError: What writes it isn't installed.
    """
    need_av()
    check_out(want)
    work = work or plan.name
    sound = BookSound(store, work, rate, stop)
    gaps: list[int] = []
    marks = tuple(_marks(store, plan, work, rate))
    tell("loudness")

    def count(heard: Heard) -> None:
        if heard.is_gap:
            gaps.append(heard.unit.number)

    loudness = measure(sound.blocks(0, len(plan.units), count), rate)
    tell("writing")
    tags = {
        "title": plan.title,
        "album": plan.title,
        "artist": plan.author,
        "album_artist": plan.author,
        "composer": narrator,
        "genre": "Audiobook",
        "language": plan.language,
    }
    writer = _Writer(sound, plan, rate, loudness.gain, tags, cover, want)
    if want.overlay:
        files, seconds = writer.overlay(narrator)
    elif want.is_folder:
        files, seconds = writer.chapters()
    else:
        files, seconds = writer.whole(marks)
    return Published(tuple(files), seconds, loudness, tuple(gaps), marks)


def _marks(store: UnitStore, plan: Plan, work: str, rate: int) -> Iterator[Mark]:
    """When chapters begin in one file, by the lengths of their pieces."""
    position = 0
    starts = {chapter.first: chapter for chapter in plan.chapters}
    open_chapter, begin = None, 0
    for number, samples in lengths(store, work, len(plan.units), rate):
        if number in starts:
            if open_chapter is not None:
                yield Mark(open_chapter.title or plan.title, begin / rate, position / rate)
            open_chapter, begin = starts[number], position
        position += samples
    if open_chapter is not None:
        yield Mark(open_chapter.title or plan.title, begin / rate, position / rate)


class _Writer:
    """Writes the files of one book."""

    def __init__(
        self,
        sound: BookSound,
        plan: Plan,
        rate: int,
        gain: float,
        tags: Mapping[str, str],
        cover: Cover | None,
        want: Wanted,
    ) -> None:
        self._sound, self._plan, self._rate, self._gain = sound, plan, rate, gain
        self._tags, self._cover, self._want = tags, cover, want

    def whole(self, marks: Sequence[Mark]) -> tuple[list[Path], float]:
        """One file."""
        out = self._want.out
        return self._file(out, 0, len(self._plan.units), self._tags, marks)

    def chapters(self) -> tuple[list[Path], float]:
        """A file for each chapter, in a folder."""
        folder = self._want.out
        files: list[Path] = []
        total = 0.0
        count = len(self._plan.chapters)
        for number, chapter in enumerate(self._plan.chapters, 1):
            name = f"{number:0{max(2, len(str(count)))}} {file_name(chapter.title)}".strip()
            path = folder / f"{name}{self._want.extension}"
            title = chapter.title or self._plan.title
            tags = {**self._tags, "title": title, "track": f"{number}/{count}"}
            made, seconds = self._file(path, chapter.first, chapter.end, tags, ())
            files += made
            total += seconds
        return files, total

    def overlay(self, narrator: str) -> tuple[list[Path], float]:
        """An EPUB with text and audio."""
        out = self._want.out
        synced = []
        with tempfile.TemporaryDirectory(prefix="vinovits-", dir=out.parent) as temporary:
            for number, chapter in enumerate(self._plan.chapters):
                audio = Path(temporary) / f"{number}.mp3"
                heard: dict[int, tuple[Line, ...]] = {}

                def take(unit: Heard, heard: dict[int, tuple[Line, ...]] = heard) -> None:
                    heard[unit.unit.number] = tuple(
                        Line(
                            sentence.text if sentence.shown is None else sentence.shown.text,
                            sentence.start,
                            sentence.end,
                        )
                        for sentence in unit.sentences
                    )

                blocks = self._sound.blocks(chapter.first, chapter.end, take)
                seconds = encode(audio, blocks, self._rate, self._gain, tags=self._tags)
                synced.append(
                    SyncedChapter(chapter.title, _text_blocks(chapter, heard), audio, seconds)
                )
            write_overlay(
                out,
                title=self._plan.title,
                author=self._plan.author,
                language=self._plan.language,
                chapters=synced,
                cover=self._cover,
                narrator=narrator,
            )
        return [out], sum(chapter.seconds for chapter in synced)

    def _file(
        self, path: Path, first: int, end: int, tags: Mapping[str, str], marks: Sequence[Mark]
    ) -> tuple[list[Path], float]:
        """Audio, and timings beside it."""
        timings = [path.with_suffix(extension) for extension in self._want.timings]
        with ExitStack() as stack:
            written = [_Timings(stack, timing) for timing in timings]
            for one in written:
                one.write(one.form.head(self._plan.units[first].voice, self._rate))

            def take(heard: Heard) -> None:
                for sentence in heard.sentences:
                    for one in written:
                        one.write(one.form.sentence(sentence))

            blocks: Iterable[NDArray[np.float32]] = self._sound.blocks(first, end, take)
            seconds = encode(
                path,
                blocks,
                self._rate,
                self._gain,
                tags=tags,
                marks=marks,
                cover=self._cover,
            )
            for one in written:
                one.write(one.form.tail(seconds))
        return [path, *timings], seconds


class _Timings:
    """A file of timings that is being written."""

    def __init__(self, stack: ExitStack, path: Path) -> None:
        self._path = path
        part = stack.enter_context(atomic_file(path))
        self._file: TextIO = stack.enter_context(part.open("w", encoding="utf-8", newline="\n"))
        self.form: TimingsFormat = timings_format(path)

    def write(self, text: str) -> None:
        try:
            self._file.write(text)
        except OSError as error:
            raise write_error(self._path, error) from error


def _text_blocks(
    chapter: PlannedChapter, heard: Mapping[int, tuple[Line, ...]]
) -> tuple[TextBlock, ...]:
    found = []
    for block in chapter.blocks:
        numbers = range(block.first, block.first + block.units)
        lines = tuple(line for number in numbers for line in heard.get(number, ()))
        kind = Kind(block.kind)
        element = f"h{block.level}" if kind is Kind.HEADING else _ELEMENTS.get(kind, "p")
        if lines:
            found.append(TextBlock(element, lines))
    return tuple(found)


def file_name(title: str) -> str:
    """A title as a part of a file name that every system takes; "" if nothing is left of it."""
    return _NOT_IN_NAMES.sub(" ", title).strip()[:_LONGEST_NAME].strip()


def check_room(folder: Path, seconds: float) -> None:
    """Refuse a book that the disk has no room for.

    Args:
        folder: Where its units are kept.
        seconds: Of audio, about.

    Raises:
        OutputError: There is too little.
    """
    import shutil

    need = int(seconds * 60_000)  # lossless units of one channel, and the book itself
    free = shutil.disk_usage(folder).free
    if free < need:
        raise OutputError(
            f"The book takes about {need >> 20} MB while it is made, and {folder} has "
            f"{free >> 20} MB left. Make room, or name another folder."
        )
