"""Web pages and pieces of them: their tags are taken out, their text is read.

Not by `html.parser`: it takes quadratic time for tags that don't end (CPython issue 135462).
"""

from __future__ import annotations

import re
from html import unescape

from vinovits.text.hidden import shown
from vinovits.text.markup.composer import Composer
from vinovits.text.markup.ruby import CLOSING as RUBY_CLOSING
from vinovits.text.markup.ruby import ruby_bases
from vinovits.text.script import Script
from vinovits.text.word_sets import word_set

_TOKEN = re.compile(
    r"""<(?P<closing>/?)(?P<name>[a-zA-Z][a-zA-Z0-9:-]*)(?P<rest>(?:[^<>"']|"[^"<]*"|'[^'<]*')*+)>
      |<\?[^<>]*>
      |&(?P<reference>\#\d{1,8}|\#[xX][\da-fA-F]{1,8}|[a-zA-Z][a-zA-Z\d]{1,31});?""",
    re.VERBOSE,
)
_ALT = re.compile(r"""\salt\s*=\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)')""", re.IGNORECASE)
_BLOCKS = word_set(
    "address article aside blockquote body button caption center dd details dialog dir div dl dt "
    "fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr html legend li main menu "
    "nav ol option p pre section summary table tbody tfoot thead tr ul"
)
"""Sentences end where they begin and end."""
_LEFT_OUT = word_set("canvas head iframe object rp rt script style svg template")
"""What is in them isn't read."""


def parse_html(text: str) -> Script:
    """Take the tags out of a text.

    Args:
        text: Any text.
    """
    seen = shown(text)
    composer = Composer(text, seen)
    flow_html(composer, seen.text, 0, len(seen.text))
    return composer.done()


def flow_html(composer: Composer, text: str, start: int, end: int) -> None:
    """Add what is read of a stretch of HTML.

    Args:
        composer: Takes it.
        text: The source of the composer.
        start: Index of the first character.
        end: Index behind the last.
    """
    unclosed: set[str] = set()
    in_row = False
    position = start
    while match := _TOKEN.search(text, position, end):
        composer.flow(position, match.start())
        position = match.end()
        name = (match["name"] or "").lower()
        if match["reference"]:
            new = unescape(match[0])
            if not (new.isspace() and composer.is_spaced):
                composer.put(" " if new.isspace() else new, *match.span())
        elif name == "br":
            composer.put("\n", *match.span())
        elif name in _BLOCKS:
            composer.end_sentence(*match.span())
            in_row = in_row and name != "tr"
        elif name in ("td", "th") and not match["closing"]:
            if in_row:
                composer.comma(*match.span())
            in_row = True
        elif name == "img" and (alt := _ALT.search(match["rest"])):
            composer.put(unescape(alt["double"] or alt["single"] or ""), *match.span())
        elif name == "ruby" and not match["closing"] and name not in unclosed:
            if closing := RUBY_CLOSING.search(text, position, end):
                _flow_ruby(composer, text, position, closing.start())
                position = closing.end()
            else:
                unclosed.add(name)
        elif name in _LEFT_OUT and not match["closing"] and name not in unclosed:
            closing = re.compile(rf"</{name}\s*>", re.IGNORECASE).search(text, position, end)
            if closing is None:
                unclosed.add(name)
            else:
                position = closing.end()
    composer.flow(position, end)


def _flow_ruby(composer: Composer, text: str, start: int, end: int) -> None:
    """Add what stands in an element ruby, with the readings beside it."""
    for base in ruby_bases(text, start, end, composer.language):
        if base.reading:
            composer.begin_reading(base.language, base.reading)
        for span in base.spans:
            flow_html(composer, text, *span)
        if base.reading:
            composer.end_reading()
