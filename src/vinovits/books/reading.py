"""Open a book of any kind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from vinovits.books.model import Book, chapters_at_headings, plain_title
from vinovits.errors import MissingExtraError, TextError, UsageError
from vinovits.text.encoding import decode
from vinovits.text.markup import escape
from vinovits.text.subtitles import Cue, read_subtitles

LARGEST = 64 << 20
"""Bytes of a text file: ten times the longest novels."""
BOOKS = (".txt", ".text", ".md", ".markdown", ".html", ".htm", ".xhtml", ".epub", ".docx", ".pdf")
SUBTITLES = (".srt", ".vtt")


def read_book(path: Path, encoding: str | None = None, *, tags: bool | None = None) -> Book:
    """Read a book.

    Args:
        path: A file whose name ends in one of `BOOKS`.
        encoding: Of text files; None finds that out.
        tags: Whether tags of our own markup are tags in text, Markdown and web pages; None: in text
            and Markdown. They never are in other books.

    Returns:
        The book, with at least one chapter that has text.

    Raises:
        UsageError: There is no such file, or its name has another ending.
        TextError: It can't be read, is too large, or holds no text.
        MissingExtraError: What reads such files isn't installed.
    """
    kind = path.suffix.lower()
    if path.is_dir():
        raise UsageError(f"{path} is a folder, and a book is a file.")
    if kind not in BOOKS:
        raise UsageError(
            f"{path.name} isn't a book that can be read: {', '.join((*BOOKS, *SUBTITLES))} can."
        )
    if kind in (".epub", ".docx", ".pdf") and not path.is_file():
        raise UsageError(f"There is no file {path}.")
    try:
        book = _read(path, kind, encoding, tags)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in ("lxml", "docx", "pypdf"):
            raise
        raise MissingExtraError(
            f"Reading {kind} files needs packages that aren't installed: run "
            "`pip install 'vinovits[books]'`."
        ) from None
    except OSError as error:
        raise TextError(
            f"{path} can't be read: {(error.strerror or str(error)).lower()}."
        ) from None
    if not book.characters:
        raise TextError(f"{path.name} has no text.")
    return book


def read_cues(path: Path, encoding: str | None = None) -> tuple[Cue, ...]:
    """Read subtitles, to be spoken at their times.

    Args:
        path: A file whose name ends in one of `SUBTITLES`.
        encoding: None finds it out.

    Returns:
        Cues in the order of their beginnings; their texts are in our own markup, and none ends
        before it begins.

    Raises:
        UsageError: There is no such file.
        TextError: It can't be read, or holds none.
    """
    text, _ = _text(path, encoding)
    cues = read_subtitles(text)
    if not cues:
        raise TextError(f"{path.name} holds no subtitles that can be read.")
    return tuple(replace(cue, text=escape(cue.text), end=max(cue.start, cue.end)) for cue in cues)


def _read(path: Path, kind: str, encoding: str | None, tags: bool | None) -> Book:
    match kind:
        case ".epub":
            from vinovits.books.epub import read_epub

            return read_epub(path)
        case ".docx":
            from vinovits.books.docx import read_docx

            return read_docx(path)
        case ".pdf":
            from vinovits.books.pdf import read_pdf

            return read_pdf(path)
        case ".html" | ".htm" | ".xhtml":
            from vinovits.books.html import read_page

            page = read_page(_bytes(path), path.name, live=tags is True)
            chapters = chapters_at_headings(page.blocks)
            return Book(page.title or path.stem, page.author, chapters, page.language)
    text, notes = _text(path, encoding)
    if kind in (".md", ".markdown"):
        from vinovits.books.markdown import read_markdown

        fields, blocks = read_markdown(text, live=tags is not False)
    else:
        from vinovits.books.plain import read_plain

        fields, blocks = read_plain(text, live=tags is not False)
    is_plain = kind in (".txt", ".text")
    # In plain text, parts and chapters are told apart by their words.
    parted = is_plain and any(block.level == 2 for block in blocks)
    chapters = chapters_at_headings(blocks, depth=2 if parted else 0)
    first = blocks[0] if blocks else None
    own = plain_title(first.text) if first is not None and first.level == 1 else ""
    return Book(
        fields.get("title") or own or path.stem,
        fields.get("author", ""),
        chapters,
        fields.get("language", ""),
        notes=notes,
    )


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            data = stream.read(LARGEST + 1)
    except FileNotFoundError:
        raise UsageError(f"There is no file {path}.") from None
    if len(data) > LARGEST:
        raise TextError(
            f"{path.name} holds more than {LARGEST >> 20} MB: too much for one book. Part it."
        )
    return data


def _text(path: Path, encoding: str | None) -> tuple[str, tuple[str, ...]]:
    decoded = decode(_bytes(path), path.name, encoding)
    return decoded.text, (f"{decoded.note} --encoding says otherwise.",) if decoded.note else ()
