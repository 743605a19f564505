"""Markdown as a book: by way of HTML."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt

from vinovits.books.html import read_page
from vinovits.books.model import Block, Kind
from vinovits.books.tags import written

_FRONT_MATTER = re.compile(r"---[ \t]*\r?\n((?:(?!---)[^\n]*\n)*+)---[ \t]*(?:\r?\n|\Z)")
_FIELD = re.compile(r"(title|author|lang|language)[ \t]*:[ \t]*(.*?)[ \t\r]*$", re.MULTILINE | re.I)
_FOOTNOTE = re.compile(r"^\[\^[^\]\s]{1,40}\]:[ ]?(.*(?:\n(?:[ \t]+\S.*))*)", re.MULTILINE)
_REFERENCE = re.compile(r"\[\^[^\]\s]{1,40}\]")


def read_markdown(text: str, *, live: bool = False) -> tuple[dict[str, str], tuple[Block, ...]]:
    """Read a text in Markdown (CommonMark with tables and footnotes).

    Args:
        text: All of it.
        live: Whether tags in it are tags.

    Returns:
        What its front matter says (title, author, language), and the blocks.
    """
    fields: dict[str, str] = {}
    if front := _FRONT_MATTER.match(text):
        for found in _FIELD.finditer(front[1]):
            key = "language" if found[1].lower().startswith("lang") else found[1].lower()
            fields[key] = found[2].strip("\"'")
        text = text[front.end() :]
    notes = [" ".join(found[1].split()) for found in _FOOTNOTE.finditer(text)]
    text = _REFERENCE.sub("", _FOOTNOTE.sub("", text))
    page = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text)
    document = f"<html><body>{page}</body></html>".encode()
    blocks = read_page(document, "The Markdown", live=live).blocks if text.strip() else ()
    return fields, (
        *blocks,
        *(Block(Kind.NOTE, written(note, live=live)) for note in notes if note),
    )
