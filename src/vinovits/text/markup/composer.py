"""Puts a script together, piece by piece, whatever the markup was written in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from vinovits.text.hidden import Shown, ShownBuilder
from vinovits.text.markup.say_as import Say, said_as
from vinovits.text.markup.values import LONGEST_PAUSE, LOUDEST, RATES, wrong
from vinovits.text.reading import Said
from vinovits.text.script import PLAIN, Manner, Script

T = TypeVar("T")

_SPACES = " \t\u3000"
_SPACE_RUN = re.compile(r"[ \t\r\n\f]{2,}|[\t\r\n\f]")
_CLOSERS = frozenset("\"'”’»›)]}」』）】》〉*_" + _SPACES)
_OPENERS = frozenset("\"'“‘«‹([{「『（【《〈*_" + _SPACES)
_MARKS = frozenset(",.!?:;…—–，。！？：；、｡､‽⁇⁈⁉·・\r\n")
"""What makes a pause by itself; a line's end may be that of a sentence."""


@dataclass(frozen=True, slots=True)
class Change:
    """How a stretch differs from what is around it."""

    rate: float = 1.0
    volume: float = 1.0
    speaker: str = ""
    style: str = ""
    language: str = ""
    say: Say | None = None


@dataclass(frozen=True, slots=True)
class _State:
    """What holds for a piece of text."""

    manner: Manner = PLAIN
    language: str = ""
    say: Say | None = None

    def changed(self, change: Change) -> _State:
        manner = Manner(
            rate=min(max(self.manner.rate * change.rate, RATES[0]), RATES[1]),
            volume=min(self.manner.volume * change.volume, LOUDEST),
            speaker=change.speaker or self.manner.speaker,
            style=change.style or self.manner.style,
        )
        return _State(manner, change.language or self.language, change.say or self.say)


@dataclass(frozen=True, slots=True)
class _Piece:
    """Text that stands for characters of the source, or is a copy of them."""

    start: int
    end: int
    state: _State
    text: str
    is_copy: bool


@dataclass(frozen=True, slots=True)
class _Pause:
    start: int
    end: int
    seconds: float


@dataclass(frozen=True, slots=True)
class _Mark:
    name: str


@dataclass(frozen=True, slots=True)
class _Break:
    pass


@dataclass(frozen=True, slots=True)
class _Reading:
    """Holds for the pieces up to the next `_ReadingEnd`."""

    language: str
    reading: str


@dataclass(frozen=True, slots=True)
class _ReadingEnd:
    pass


_Item = _Piece | _Pause | _Mark | _Break | _Reading | _ReadingEnd


class Composer:
    """Takes text and what is told of it in order, and makes the script of them.

    All places are indices into `seen.text`, the source that the markup was found in.
    """

    def __init__(self, original: str, seen: Shown) -> None:
        """Begin with nothing.

        Args:
            original: As the user gave it.
            seen: What of it holds text and markup.
        """
        self._original = original
        self._seen = seen
        self._items: list[_Item] = []
        self._turn = Change()
        self._changes: list[Change] = []
        self._state = _State()
        self._last = ""

    @property
    def language(self) -> str:
        """Code of the language that is given here; "" for none."""
        return self._state.language

    @property
    def is_spaced(self) -> bool:
        """Whether a space stands before this place, or nothing at all."""
        return not self._last or self._last.isspace()

    def copy(self, start: int, end: int) -> None:
        """Add characters of the source."""
        self._add(_Piece(start, end, self._state, self._seen.text[start:end], True))

    def flow(self, start: int, end: int) -> None:
        """Add characters of the source in which spaces and line ends, however many, are a space."""
        position = start
        if self.is_spaced:
            while position < end and self._seen.text[position].isspace():
                position += 1
        for spaces in _SPACE_RUN.finditer(self._seen.text, position, end):
            self.copy(position, spaces.start())
            self.put(" ", *spaces.span())
            position = spaces.end()
        self.copy(position, end)

    def put(self, text: str, start: int, end: int) -> None:
        """Add a text that stands for characters of the source."""
        self._add(_Piece(start, end, self._state, text, False))

    def comma(self, start: int, end: int) -> None:
        """Add a comma, in the place of spaces before it."""
        if self._items and isinstance(last := self._items[-1], _Piece):
            piece, start = _without_spaces(last, start)
            self._items[-1:] = [piece] if piece else []
        self.put(", ", start, end)

    def enter(self, change: Change) -> None:
        """Begin a stretch."""
        self._changes.append(change)
        self._state = self._state.changed(change)

    def leave(self) -> None:
        """End the stretch that was begun last."""
        self._changes.pop()
        self._fold()

    def turn(self, speaker: str, language: str, start: int, end: int) -> None:
        """Let another speaker go on, in a language, beneath all open stretches."""
        self.end_sentence(start, end)
        self._turn = Change(speaker=speaker, language=language)
        self._fold()

    def turn_language(self, language: str) -> None:
        """Go on in another language, beneath all open stretches."""
        self._turn = replace(self._turn, language=language)
        self._fold()

    def pause(self, seconds: float, start: int, end: int) -> None:
        """Add a pause; characters [start:end] of the source ask for it.

        One of 0 seconds takes away that of the mark beside it, and is nothing where none is.
        """
        self._items.append(_Pause(start, end, seconds))

    def mark(self, name: str) -> None:
        """Give this place a name."""
        self._items.append(_Mark(name))

    def end_sentence(self, start: int, end: int) -> None:
        """End a sentence here; characters [start:end] of the source ask for it."""
        if not self.is_spaced:
            self.put(" ", start, end)
        if self._last:
            self._items.append(_Break())

    def begin_reading(self, language: str, reading: str) -> None:
        """Say how the text is read that is added up to `end_reading`."""
        self._items.append(_Reading(language, reading))

    def end_reading(self) -> None:
        """End the stretch whose reading is given."""
        self._items.append(_ReadingEnd())

    def done(self, language: str = "") -> Script:
        """The script.

        Args:
            language: Code of its language where neither markup nor letters tell one.

        Raises:
            TextError: Pauses at one place are longer than a minute together.
        """
        builder = ShownBuilder()
        runs: list[tuple[int, int, _State]] = []
        said: list[Said] = []
        pauses: list[tuple[int, float]] = []
        marks: list[tuple[int, str]] = []
        breaks: dict[int, None] = {}
        says: list[tuple[int, int, Say]] = []
        reading: tuple[int, _Reading] | None = None
        apart = True  # whether the next piece is no continuation of the one before
        for item in self._with_commas():
            at = len(builder)
            match item:
                case _Piece():
                    if item.is_copy:
                        builder.copy(self._seen, item.start, item.end)
                    else:
                        builder.put(item.text, *self._seen.span(item.start, item.end))
                    runs.append((at, len(builder), item.state))
                    if item.state.say is not None and reading is None:
                        start = at
                        if not apart and says and says[-1][1:] == (at, item.state.say):
                            start = says.pop()[0]
                        says.append((start, len(builder), item.state.say))
                    apart = False
                    continue
                case _Pause():
                    pauses.append((at, item.seconds))
                case _Mark():
                    marks.append((at, item.name))
                case _Break():
                    breaks[at] = None
                case _Reading():
                    reading = at, item
                case _ReadingEnd():
                    assert reading is not None
                    said.append(
                        Said(reading[0], at, reading[1].reading, reading[1].language, "markup")
                    )
                    reading = None
            apart = True
        seen = builder.done()
        script = Script(
            self._original,
            seen,
            said=tuple(filter(None, (_trimmed(one, seen.text) for one in said))),
            languages=tuple(
                run for run in _merged((s, e, state.language) for s, e, state in runs) if run[2]
            ),
            manners=tuple(
                run
                for run in _merged((s, e, state.manner) for s, e, state in runs)
                if run[2] != PLAIN
            ),
            pauses=tuple(pauses),
            marks=tuple(marks),
            breaks=tuple(breaks),
        )
        return said_as(script, says, language) if says else script

    def _add(self, piece: _Piece) -> None:
        if piece.text:
            self._items.append(piece)
            self._last = piece.text[-1]

    def _fold(self) -> None:
        state = _State().changed(self._turn)
        for change in self._changes:
            state = state.changed(change)
        self._state = state

    def _with_commas(self) -> Iterator[_Item]:
        """All items, and a comma for each pause that has no mark beside it."""
        after = self._after_pauses()
        before: _Piece | None = None
        paused, total = False, 0.0
        held: _Item | None = None  # a piece whose last spaces a comma may take the place of
        for number, item in enumerate(self._items):
            if isinstance(item, _Pause):
                if not item.seconds and not _has_mark(before, after[number]):
                    continue
                total += item.seconds
                if total > LONGEST_PAUSE:
                    raise wrong(
                        self._original,
                        self._seen.origin(item.start),
                        "The pause",
                        f"makes {total:g} seconds of silence with those beside it; "
                        f"at most {LONGEST_PAUSE:g} s are taken.",
                        "",
                    )
                behind = after[number]
                if before and behind and not paused and _needs_comma(before, behind):
                    start = item.start
                    if isinstance(held, _Piece):
                        held, start = _without_spaces(held, start)
                    if held is not None:
                        yield held
                    text = "," if behind.text[0] in _SPACES else ", "
                    state = replace(before.state, say=None)
                    held = None
                    yield _Piece(start, item.end, state, text, False)
                    paused = True
            elif isinstance(item, _Break):
                paused = True
            elif isinstance(item, _Piece):
                if set(item.text) - _CLOSERS:
                    before, paused = item, False
                if any(character.isalnum() for character in item.text):
                    total = 0.0
            if held is not None:
                yield held
            held = item
        if held is not None:
            yield held

    def _after_pauses(self) -> dict[int, _Piece | None]:
        """By the number of each pause, the next piece with text; None before a sentence's end."""
        after: dict[int, _Piece | None] = {}
        behind: _Piece | None = None
        for number in range(len(self._items) - 1, -1, -1):
            item = self._items[number]
            if isinstance(item, _Piece) and set(item.text) - _OPENERS:
                behind = item
            elif isinstance(item, _Break):
                behind = None
            elif isinstance(item, _Pause):
                after[number] = behind
        return after


def _needs_comma(before: _Piece, behind: _Piece) -> bool:
    """Whether a sentence goes on from one piece to the other without a mark between them."""
    if (before.state.manner.speaker, before.state.manner.style) != (
        behind.state.manner.speaker,
        behind.state.manner.style,
    ):
        return False
    return not _has_mark(before, behind)


def _has_mark(before: _Piece | None, behind: _Piece | None) -> bool:
    """Whether a mark is at the end of one piece or at the beginning of the other."""
    last = next(c for c in reversed(before.text) if c not in _CLOSERS) if before else ""
    first = next(c for c in behind.text if c not in _OPENERS) if behind else ""
    return last in _MARKS or first in _MARKS


def _without_spaces(piece: _Piece, behind: int) -> tuple[_Piece | None, int]:
    """A piece without the spaces at its end, and where in the source these begin."""
    text = piece.text.rstrip(_SPACES)
    if len(text) == len(piece.text) or (text and not piece.is_copy):
        return piece, behind
    if not text:
        return None, piece.start
    end = piece.start + len(text)
    return replace(piece, end=end, text=text), end


def _trimmed(said: Said, text: str) -> Said | None:
    """A reading of the stretch without the spaces at its ends; None if nothing is left."""
    part = text[said.start : said.end]
    if not part.strip():
        return None
    start = said.start + len(part) - len(part.lstrip())
    return replace(said, start=start, end=said.start + len(part.rstrip()))


def _merged(runs: Iterator[tuple[int, int, T]]) -> list[tuple[int, int, T]]:
    """Runs of one value each, of another than the one before."""
    merged: list[tuple[int, int, T]] = []
    for start, end, value in runs:
        if merged and merged[-1][1:] == (start, value):
            merged[-1] = (merged[-1][0], end, value)
        else:
            merged.append((start, end, value))
    return merged
