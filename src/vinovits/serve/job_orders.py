"""What jobs are asked to speak: texts and books, and the units that these become."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from vinovits.batch.store import Unit
from vinovits.batch.units import cut
from vinovits.books.casting import NARRATOR, Cast, Pauses
from vinovits.books.model import Book, Cover, Include
from vinovits.books.plan import make_plan
from vinovits.engine.settings import SpeakSettings
from vinovits.errors import TextError

JobKind = Literal["m4b", "mp3", "opus", "flac", "wav"]
"""Formats of the audio; m4b is for books."""
MOST_CHAPTERS = 1000
_LONGEST_TITLE = 200
"""Characters."""
_LARGEST_COVER = 8 << 20
"""Bytes."""
_MOST_NOTES = 20
_LONGEST_NOTE = 300
"""Characters."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What becomes of an order."""

    units: Sequence[Unit]
    data: dict[str, Any]
    """What is kept beside them, as JSON has it."""
    cover: Cover | None = None


@dataclass(frozen=True, slots=True)
class SpeakJob:
    """A long text."""

    text: str
    voice: str
    """Name of a voice."""
    settings: SpeakSettings = field(default_factory=lambda: SpeakSettings())
    """As JSON has them."""
    format: JobKind = "mp3"
    title: str = ""
    paragraph_pause: float | None = None
    """Seconds of silence between paragraphs; None: those between sentences."""
    owner: str | None = None
    """Name of the API key; None where none is needed."""

    @property
    def characters(self) -> int:
        """How long it is."""
        return len(self.text)

    def planned(self, pause: float) -> Planned:
        """What the text is cut into.

        Args:
            pause: Seconds of silence between the voice's sentences.

        Raises:
            TextError: Nothing of it can be spoken, or its markup is wrong.
        """
        parts = cut(self.text, self.settings.get("markup", "auto"))
        if not parts:
            raise TextError("There is nothing in this text that can be spoken.")
        given = self.settings.get("pause")
        pause = pause if given is None else given
        between = pause if self.paragraph_pause is None else self.paragraph_pause
        units = [
            Unit(
                number,
                part.text,
                part.start,
                self.voice,
                dict(self.settings),
                between if part.ends_paragraph else pause,
            )
            for number, part in enumerate(parts)
        ]
        return Planned(units, {"title": self.title})


@dataclass(frozen=True, slots=True)
class BookJob:
    """A book."""

    book: Book
    include: Include
    voice: str
    """Name of a voice."""
    settings: SpeakSettings
    """As JSON has them."""
    format: JobKind = "m4b"
    title: str = ""
    """In place of the book's own."""
    author: str = ""
    """The same."""
    paragraph_pause: float | None = None
    """Seconds of silence between paragraphs; None: the usual ones."""
    gaps: Literal["fail", "mark"] = "fail"
    """What becomes of parts that can't be spoken: no book, or a tone in their place."""
    owner: str | None = None
    """Name of the API key; None where none is needed."""

    @property
    def characters(self) -> int:
        """How much of it is read."""
        chapters = self.book.chapters
        return sum(
            len(block.text)
            for chapter in chapters
            for block in chapter.blocks
            if self.include.takes(block)
        )

    def planned(self, pause: float) -> Planned:
        """What the book is cut into, chapter by chapter.

        Args:
            pause: Of no use here: a book has pauses of its own.

        Raises:
            TextError: Nothing of it can be spoken, or it has too many chapters.
        """
        usual = Pauses()
        between = usual.paragraph if self.paragraph_pause is None else self.paragraph_pause
        cast = Cast(
            {NARRATOR: {**self.settings, "voice": self.voice}}, pauses=Pauses(paragraph=between)
        )
        plan = make_plan(self.book, cast, self.include)
        if len(plan.chapters) > MOST_CHAPTERS:
            raise TextError(
                f"The book has {len(plan.chapters)} chapters, and {MOST_CHAPTERS} are taken."
            )
        cover = self.book.cover
        if cover is not None and len(cover.data) > _LARGEST_COVER:
            cover = None
        data = {
            "title": (self.title or plan.title)[:_LONGEST_TITLE],
            "author": (self.author or plan.author)[:_LONGEST_TITLE],
            "language": plan.language[:_LONGEST_TITLE],
            "gaps": self.gaps,
            "cover": None if cover is None else cover.media_type,
            "notes": [note[:_LONGEST_NOTE] for note in self.book.notes[:_MOST_NOTES]],
            "chapters": [
                {
                    "title": chapter.title[:_LONGEST_TITLE],
                    "first": chapter.first,
                    "units": chapter.end - chapter.first,
                }
                for chapter in plan.chapters
            ],
        }
        return Planned(plan.units, data, cover)
