"""Tags of vinovits' own markup in books: live where the author may have written them."""

from __future__ import annotations

from vinovits.errors import TextError
from vinovits.text.markup import escape, parse


def written(text: str, *, live: bool) -> str:
    """A text as markup.

    Args:
        text: As it stands in the book.
        live: Whether tags in it are tags, if they are right; else all is read as it stands.
    """
    if not live or "[" not in text:
        return escape(text)
    try:
        parse(text, "plain")
    except TextError:
        return escape(text)
    return text
