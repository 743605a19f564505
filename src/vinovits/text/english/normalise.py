"""From a written sentence to spoken words: the scanner that tries the reading rules in order."""

from __future__ import annotations

import re
from functools import cache

from vinovits.text.english import (
    rules_dates,
    rules_marks,
    rules_money,
    rules_numbers,
    rules_web,
    rules_words,
)
from vinovits.text.english.pieces import Piece, Rule, Scan

_PLAIN_WORD = re.compile(r"[a-z]+(?=[ ,;?!)]|\Z)")
"""The common case, a lower-case word with nothing attached: no rule needs to be asked."""


@cache
def _rules() -> tuple[Rule, ...]:
    return (
        *rules_words.before_numbers(),
        *rules_web.rules(),
        *rules_numbers.BEFORE_DATES,
        *rules_dates.RULES,
        *rules_money.rules(),
        *rules_numbers.RULES,
        *rules_words.rules(),
        *rules_numbers.PLAIN,
        *rules_marks.rules(),
    )


def normalise(text: str) -> list[Piece]:
    """Read a folded sentence.

    Args:
        text: What `folding.fold` made of one sentence.

    Returns:
        Spoken words and marks in order, with spans into `text`.
    """
    scan = Scan(text, shouted=_is_shouted(text))
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        position = _read_one(scan, position)
    return scan.pieces


def _read_one(scan: Scan, position: int) -> int:
    """Read what begins at a position; return where it ends."""
    word = _PLAIN_WORD.match(scan.text, position)
    if word and word[0] not in _ASKED:
        scan.pieces.append(Piece(word[0], position, word.end()))
        return word.end()
    for rule in _rules():
        match = rule.pattern.match(scan.text, position)
        if match is None or match.end() == position:
            continue
        pieces = rule.read(scan, match)
        if pieces is not None:
            scan.pieces.extend(pieces)
            return match.end()
    return position + 1


_ASKED = frozenset("a c p v w x no pp nos nr ch vol vols fig figs sec art eq ver ca op ex par para et ie eg nb aka vs etc govt approx rock chap sect pg".split())
"""Lower-case words that a rule may read otherwise."""
_CAPITALS = re.compile(r"\b[A-Z]{2,}\b")


def _is_shouted(text: str) -> bool:
    letters = sum(c.isalpha() for c in text)
    capitals = sum(c.isupper() for c in text)
    return capitals > 0.7 * letters and len(_CAPITALS.findall(text)) > 1
