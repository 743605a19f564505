"""Documents of word processors (Office Open XML)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vinovits.books.archive import Archive
from vinovits.books.model import Book, Draft, Kind, chapters_at_headings
from vinovits.errors import TextError
from vinovits.text.markup import escape

if TYPE_CHECKING:
    from docx.text.paragraph import Paragraph

_HEADING = re.compile(r"(?:heading|überschrift|标题|見出し)\s*(\d)", re.IGNORECASE)


def read_docx(path: Path) -> Book:
    """Read a document.

    Args:
        path: Its file.

    Raises:
        TextError: It is broken, locked, has no text, or unpacks to too much.
    """
    import docx
    from docx.opc.exceptions import PackageNotFoundError
    from docx.table import Table

    with Archive(path) as archive:
        if "word/document.xml" not in archive:
            raise TextError(f"{path.name} is no document: it has no text part.")
        archive.check()
    try:
        document = docx.Document(str(path))
        parts: list[Any] = list(document.iter_inner_content())
    except (PackageNotFoundError, KeyError, ValueError, SyntaxError, AttributeError) as error:
        raise TextError(f"{path.name} is broken: {error}.") from None
    draft = Draft()
    for part in parts:
        if isinstance(part, Table):
            for row in part.rows:
                cells = dict.fromkeys(" ".join(cell.text.split()) for cell in row.cells)
                draft.add(Kind.TABLE, escape(", ".join(cell for cell in cells if cell)))
        else:
            _paragraph(draft, part)
    if not any(block.text for block in draft.blocks):
        raise TextError(f"{path.name} has no text.")
    about = document.core_properties
    first = next((block.text for block in draft.blocks if block.text), "")
    title = (about.title or "").strip() or (first if len(first) < 100 else path.stem)
    return Book(
        title,
        (about.author or "").strip(),
        chapters_at_headings(draft.blocks),
        (about.language or "").strip(),
    )


def _paragraph(draft: Draft, paragraph: Paragraph) -> None:
    style = (paragraph.style.name if paragraph.style is not None else "") or ""
    text = escape(paragraph.text)
    heading = _HEADING.match(style)
    if style.lower() == "title":
        draft.add(Kind.HEADING, text, 1)
    elif heading:
        draft.add(Kind.HEADING, text, min(int(heading[1]) + 1, 6))
    elif "footnote" in style.lower() or "endnote" in style.lower():
        draft.add(Kind.NOTE, text)
    elif "quote" in style.lower():
        draft.add(Kind.QUOTE, text)
    elif "list" in style.lower():
        draft.add(Kind.ITEM, text)
    elif style.lower() == "caption":
        draft.add(Kind.CAPTION, text)
    elif re.fullmatch(r"(?:[*＊⁂•·#~—–-]\s*){1,9}", paragraph.text.strip()):
        draft.add(Kind.BREAK, "")
    else:
        for line in text.split("\n"):
            draft.add(Kind.TEXT, line)
