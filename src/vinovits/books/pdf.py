"""PDF files that hold text: lines become paragraphs again, what every page repeats is left out."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from vinovits.books.model import Block, Book, Chapter, Kind, chapters_at_headings
from vinovits.books.plain import read_plain
from vinovits.errors import TextError
from vinovits.text.markup import escape

_MOST_PAGES = 5_000
_MARGIN = 2
"""Lines at the top and bottom of pages that may be a running title or a page number."""
_DIGITS = re.compile(r"\d+|\b[ivxlc]+\b")


def read_pdf(path: Path) -> Book:
    """Read a PDF.

    Args:
        path: Its file.

    Raises:
        TextError: It is broken or locked, or its pages are pictures.
    """
    import pypdf
    from pypdf.errors import PyPdfError

    # It warns of each flaw that it gets over, in words for programmers.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = pypdf.PdfReader(path)
        if reader.is_encrypted and not reader.decrypt(""):
            raise TextError(f"{path.name} is locked by a password. Save it without, and try again.")
        if len(reader.pages) > _MOST_PAGES:
            raise TextError(f"{path.name} has more than {_MOST_PAGES:,} pages. Part it.")
        pages = [page.extract_text() for page in reader.pages]
        about: Any = reader.metadata or {}
        marks = dict(_outline(reader, reader.outline))
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise TextError(f"{path.name} is broken: {error}.") from None
    letters = sum(any(character.isalpha() for character in page) for page in pages)
    if not letters:
        raise TextError(
            f"{path.name} holds pictures of pages, no text. Run a text recognition (OCR) over it "
            "first."
        )
    notes = []
    if letters < len(pages):
        notes.append(f"{len(pages) - letters} of {len(pages)} pages have no text and are left out.")
    chapters = _chapters(list(_without_repeats(pages)), marks)
    title = str(about.get("/Title") or "").strip() or path.stem
    author = str(about.get("/Author") or "").strip()
    return Book(title, author, chapters, notes=tuple(notes))


def _outline(reader: Any, entries: Sequence[Any]) -> Iterator[tuple[int, str]]:
    """Pages at which the bookmarks of the highest level point."""
    for entry in entries:
        if not isinstance(entry, list):
            number = reader.get_destination_page_number(entry)
            if number is not None and number >= 0 and entry.title:
                yield number, str(entry.title).strip()


def _without_repeats(pages: Sequence[str]) -> Iterator[list[str]]:
    """The lines of pages, without running titles and page numbers."""
    split = [[line for line in page.splitlines() if line.strip()] for page in pages]
    seen: Counter[str] = Counter()
    for lines in split:
        seen.update(
            {_DIGITS.sub("#", line.strip()) for line in (*lines[:_MARGIN], *lines[-_MARGIN:])}
        )
    often = max(3, len(pages) // 4)
    for lines in split:
        inner = range(_MARGIN, len(lines) - _MARGIN)
        yield [
            line
            for number, line in enumerate(lines)
            if number in inner or seen[_DIGITS.sub("#", line.strip())] < often
        ]


def _chapters(pages: Sequence[list[str]], marks: dict[int, str]) -> tuple[Chapter, ...]:
    """Parted at bookmarks; where there are less than two, at lines that look like headings."""
    if len(marks) < 2:
        return chapters_at_headings(_blocks([line for page in pages for line in page]))
    bounds = sorted({0, *marks, len(pages)})
    found = []
    for start, end in pairwise(bounds):
        title = marks.get(start, "")
        blocks = _blocks([line for page in pages[start:end] for line in page])
        has_own = blocks and title and blocks[0].text.casefold().startswith(title.casefold())
        if has_own and len(blocks[0].text) < len(title) + 40:
            blocks = (Block(Kind.HEADING, blocks[0].text, 1), *blocks[1:])
        elif title:
            blocks = (Block(Kind.HEADING, escape(title), 1), *blocks)
        if blocks:
            found.append(Chapter(title, blocks))
    return tuple(found)


def _blocks(lines: Sequence[str]) -> tuple[Block, ...]:
    """Paragraphs: one ends where a line that ends a sentence is much shorter than most."""
    lengths = sorted(len(line.strip()) for line in lines)
    usual = lengths[len(lengths) * 3 // 4] if lengths else 0
    text: list[str] = []
    for line in lines:
        text.append(line)
        short = len(line.strip()) < 0.8 * usual
        if short and (
            line.rstrip()[-1:] in ".!?…。！？」』”\"'" or len(line.strip()) < 0.5 * usual
        ):
            text.append("")
    return read_plain("\n".join(text))[1]
