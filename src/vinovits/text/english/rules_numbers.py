"""Numbers on their own."""

from __future__ import annotations

import re

from vinovits.text.english.numbers import cardinal, decimal
from vinovits.text.english.pieces import Reading, Rule, Scan, spoken


def _read_number(scan: Scan, match: re.Match[str]) -> Reading:
    words = decimal(match[0].replace(",", "")) if "." in match[0] else cardinal(match[0])
    return spoken(words, match.start(), match.end())


RULES = (Rule(re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+"), _read_number),)
