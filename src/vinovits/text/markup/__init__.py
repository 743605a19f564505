"""Markup: what a text says beside its words, as a script."""

from __future__ import annotations

from typing import Literal, get_args

from vinovits.errors import UsageError
from vinovits.text.markup.plain import escape, parse_plain
from vinovits.text.markup.ssml import is_ssml, parse_ssml
from vinovits.text.script import Script, plain

__all__ = ["Markup", "escape", "parse"]

Markup = Literal["auto", "off", "plain", "ssml", "html", "markdown"]
"""What a text may hold: SSML if it begins as such, else tags in square brackets; nothing; those
tags; SSML; tags of HTML, or Markdown, which are taken out."""


def parse(text: str, markup: Markup = "auto") -> Script:
    """Take the markup out of a text, and keep what it says.

    Args:
        text: Any text.
        markup: What it may hold.

    Returns:
        The script, which knows the places of its characters in the text. Text without markup is
        left as it is.

    Raises:
        TextError: The markup is wrong: it says what, where, and how to have it read as text.
        UsageError: There is no such markup.
    """
    match markup:
        case "off":
            return plain(text)
        case "auto":
            return parse_ssml(text) if is_ssml(text) else parse_plain(text)
        case "plain":
            return parse_plain(text)
        case "ssml":
            return parse_ssml(text)
        case "html":
            from vinovits.text.markup.html import parse_html

            return parse_html(text)
        case "markdown":
            from vinovits.text.markup.markdown import parse_markdown

            return parse_markdown(text)
    raise UsageError(f"There is no markup {markup!r}. Take one of {', '.join(get_args(Markup))}.")
