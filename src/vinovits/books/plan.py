"""From a book and its cast to units of work, and where each belongs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from vinovits.batch.store import Unit
from vinovits.batch.units import cut
from vinovits.books.casting import Cast
from vinovits.books.model import Block, Book, Include, Kind
from vinovits.errors import TextError
from vinovits.text.lexicon import LexiconEntry


@dataclass(frozen=True, slots=True)
class PlannedBlock:
    """A block, and the units that speak it."""

    kind: str
    level: int
    first: int
    """Number of its first unit."""
    units: int


@dataclass(frozen=True, slots=True)
class PlannedChapter:
    """A chapter, and its blocks."""

    title: str
    blocks: tuple[PlannedBlock, ...]

    @property
    def first(self) -> int:
        """Number of its first unit."""
        return self.blocks[0].first

    @property
    def end(self) -> int:
        """Number of the unit behind its last."""
        return self.blocks[-1].first + self.blocks[-1].units


@dataclass(frozen=True, slots=True)
class Plan:
    """All units of a book, and what belongs together."""

    title: str
    author: str
    language: str
    chapters: tuple[PlannedChapter, ...]
    units: tuple[Unit, ...]

    @property
    def name(self) -> str:
        """A name that another plan of the same folder doesn't have."""
        digest = hashlib.sha256()
        digest.update(json.dumps(self.data(), sort_keys=True).encode())
        for unit in self.units:
            content = [unit.text, unit.voice, dict(unit.settings), unit.silence]
            digest.update(json.dumps(content, sort_keys=True).encode())
        return digest.hexdigest()[:24]

    def data(self) -> dict[str, Any]:
        """What is kept beside the units, as JSON has it."""
        return {
            "title": self.title,
            "author": self.author,
            "language": self.language,
            "chapters": [asdict(chapter) for chapter in self.chapters],
        }


def make_plan(
    book: Book, cast: Cast, include: Include, lexicon: Sequence[LexiconEntry] = ()
) -> Plan:
    """Part a book into units.

    Args:
        book: What to read.
        cast: Who reads it.
        include: What of it.
        lexicon: Readings of words of this book.

    Raises:
        TextError: Nothing of it can be spoken.
    """
    planner = _Planner(cast, lexicon)
    chapters = []
    for chapter in book.chapters:
        blocks = tuple(planner.blocks(block for block in chapter.blocks if include.takes(block)))
        if blocks:
            chapters.append(PlannedChapter(chapter.title, blocks))
            planner.pause(cast.pauses.chapter)
    if not planner.units:
        raise TextError(f"Nothing of {book.title!r} can be spoken.")
    return Plan(book.title, book.author, book.language, tuple(chapters), tuple(planner.units))


class _Planner:
    """Collects units."""

    def __init__(self, cast: Cast, lexicon: Sequence[LexiconEntry]) -> None:
        self._cast = cast
        self._lexicon = [(entry.written.casefold(), asdict(entry)) for entry in lexicon]
        self.units: list[Unit] = []
        self._position = 0
        """Characters of all units so far."""

    def pause(self, seconds: float) -> None:
        """Have at least so much silence behind the last unit."""
        if self.units and self.units[-1].silence < seconds:
            self.units[-1] = _with_silence(self.units[-1], seconds)

    def blocks(self, blocks: Iterable[Block]) -> Iterator[PlannedBlock]:
        pauses = self._cast.pauses
        for block in blocks:
            if block.kind is Kind.BREAK:
                self.pause(pauses.scene)
                continue
            is_heading = block.kind is Kind.HEADING
            if is_heading:
                self.pause(pauses.heading)
            first = len(self.units)
            for role, text in self._cast.turns(block):
                self._turn(role, text)
            if len(self.units) > first:
                self.pause(pauses.heading if is_heading else pauses.paragraph)
                yield PlannedBlock(block.kind.value, block.level, first, len(self.units) - first)

    def _turn(self, role: str, text: str) -> None:
        settings = self._cast.role(role)
        voice = settings.pop("voice")
        for part in cut(text, "plain"):
            own = {**settings, "markup": "plain"}
            if words := self._words_in(part.text):
                own["lexicon"] = words
            self.units.append(
                Unit(len(self.units), part.text, self._position, voice, own, self._cast.pauses.turn)
            )
            self._position += len(part.text) + 1

    def _words_in(self, text: str) -> list[Mapping[str, Any]]:
        """The entries whose words are there: a change of another changes nothing of a unit."""
        folded = text.casefold()
        return [entry for written, entry in self._lexicon if written in folded]


def _with_silence(unit: Unit, seconds: float) -> Unit:
    return Unit(unit.number, unit.text, unit.start, unit.voice, unit.settings, seconds)
