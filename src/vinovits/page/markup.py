"""HTML of the page's lists: what is escaped, and words that a script puts in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


def word(key: str) -> str:
    """A text of words.toml, which `page.js` fills in."""
    return f'<span data-word="{escape(key)}"></span>'


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, in a frame that scrolls where the screen is narrow.

    Args:
        caption: Key of its caption in words.toml.
        head: Keys of its columns' names.
        rows: Cells, as plain text.
    """
    cells = "".join(f'<th scope="col">{word(key)}</th>' for key in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return (
        f'<div class="vv-scroll" tabindex="0" role="group" aria-label="{escape(caption)}">'
        f"<table><caption>{word(caption)}</caption>"
        f"<thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table></div>"
    )
