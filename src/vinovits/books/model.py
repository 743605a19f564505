"""A book as it is read aloud: chapters of blocks of text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What a block is, which decides whether and with which pauses it is read."""

    HEADING = "heading"
    TEXT = "text"
    QUOTE = "quote"
    ITEM = "item"
    NOTE = "note"
    TABLE = "table"
    CODE = "code"
    CAPTION = "caption"
    BREAK = "break"
    """A change of scene; it has no text."""


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, heading, or the like."""

    kind: Kind
    text: str
    """In vinovits' own markup: what would be a tag is escaped, readings of ruby are tags."""
    level: int = 0
    """Of headings: from 1 (the book's own title, or its parts) to 6; else 0."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter; what stands before the first is one without a title."""

    title: str
    """Plain text; "" for none."""
    blocks: tuple[Block, ...]
    """Its own heading is the first, if it has one."""


@dataclass(frozen=True, slots=True)
class Cover:
    """A picture."""

    data: bytes
    """A JPEG or PNG file."""
    media_type: str
    """"image/jpeg" or "image/png"."""


@dataclass(frozen=True, slots=True)
class Book:
    """All that is known of a book."""

    title: str
    author: str
    """Names, joined by commas; "" where the file tells none."""
    chapters: tuple[Chapter, ...]
    language: str = ""
    """A language tag, such as "zh-CN"; "" where the file tells none."""
    cover: Cover | None = None
    notes: tuple[str, ...] = ()
    """Sentences for the user: what was guessed, and what couldn't be read."""

    @property
    def characters(self) -> int:
        """Characters of all blocks."""
        return sum(len(block.text) for chapter in self.chapters for block in chapter.blocks)


@dataclass(frozen=True, slots=True)
class Include:
    """Which blocks are read beside headings, text, quotes and items of lists."""

    notes: bool = False
    """Foot and end notes."""
    tables: bool = False
    """Row by row, with commas between the cells."""
    code: bool = False
    captions: bool = True
    """Captions of figures, and their descriptions where they have none."""

    def takes(self, block: Block) -> bool:
        """Whether a block is read."""
        wanted = {
            Kind.NOTE: self.notes,
            Kind.TABLE: self.tables,
            Kind.CODE: self.code,
            Kind.CAPTION: self.captions,
        }
        return wanted.get(block.kind, True)


@dataclass(slots=True)
class Draft:
    """Collects blocks, and parts them in chapters at headings."""

    blocks: list[Block] = field(default_factory=list)

    def add(self, kind: Kind, text: str, level: int = 0) -> None:
        """Add a block, unless there is nothing in it."""
        text = text.strip()
        if text or kind is Kind.BREAK:
            self.blocks.append(Block(kind, text, level))


def chapters_at_headings(blocks: Sequence[Block], depth: int = 0) -> tuple[Chapter, ...]:
    """Part blocks at their headings.

    Chapters begin at the headings of the highest level that occurs more than once, and at all above
    it. If none occurs more than once, they begin at the highest.

    Args:
        blocks: Of a whole book.
        depth: The lowest level of headings at which chapters begin; 0 finds it so.

    Returns:
        Chapters without those that have nothing but their title, which is then the first block of
        the next: a part's title is read before its first chapter.
    """
    counts = [0] * 7
    for block in blocks:
        if block.kind is Kind.HEADING:
            counts[block.level] += 1
    used = [level for level in range(1, 7) if counts[level]]
    depth = depth or next((level for level in used if counts[level] > 1), used[0] if used else 0)
    parts: list[list[Block]] = [[]]
    for block in blocks:
        begins = block.kind is Kind.HEADING and block.level <= depth
        if begins and any(other.kind is not Kind.HEADING for other in parts[-1]):
            parts.append([])
        elif begins and parts[-1] and parts[-1][-1].level == block.level:
            # Two headings of one level: a chapter without text, such as a list of plates.
            parts.append([])
        parts[-1].append(block)
    # A sole heading of the highest level, at the very beginning, is the title of the whole.
    own = counts[used[0]] == 1 and depth > used[0] if used else False
    skipped = next((block for block in blocks if block.text), None) if own else None
    if skipped is not None and skipped.level != used[0]:
        skipped = None
    return tuple(Chapter(_title(part, depth, skipped), tuple(part)) for part in parts if part)


def _title(blocks: Sequence[Block], depth: int, skipped: Block | None) -> str:
    """Titles of a chapter, a part's before it."""
    titles = []
    for block in blocks:
        if block is skipped:
            continue
        if block.kind is not Kind.HEADING or block.level > depth:
            break
        titles.append(plain_title(block.text))
    return ": ".join(titles)


def plain_title(text: str) -> str:
    """A heading without markup, in one line."""
    from vinovits.text.markup import parse

    return " ".join(parse(text, "plain").text.split())
