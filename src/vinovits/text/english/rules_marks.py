"""Punctuation."""

from __future__ import annotations

import re

from vinovits.text.english.pieces import Reading, Rule, Scan, mark

_PHONE = {";": ",", ":": ",", "–": "-", "—": "-", **dict.fromkeys("\"'()[]{}", "'")}


def _read_dots(scan: Scan, match: re.Match[str]) -> Reading:
    return [mark("…", match.start(), match.end())]


def _read_mark(scan: Scan, match: re.Match[str]) -> Reading:
    sign = match[0][0]
    return [mark(_PHONE.get(sign, sign), match.start(), match.end())]


RULES = (
    Rule(re.compile(r"\.\.+|…+"), _read_dots),
    Rule(re.compile(r"([!?.,;:\"'()\[\]{}–—])\1*|--+|(?<=\s)-(?=\s)"), _read_mark),
)
