"""Plain words."""

from __future__ import annotations

import re

from vinovits.text.english.pieces import Piece, Reading, Rule, Scan


def _read_word(scan: Scan, match: re.Match[str]) -> Reading:
    return [Piece(match[0], match.start(), match.end())]


RULES = (Rule(re.compile(r"[A-Za-z]+(?:'[A-Za-z]+)*"), _read_word),)
