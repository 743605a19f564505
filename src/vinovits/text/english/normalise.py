"""From a written sentence to spoken words: the scanner that tries the reading rules in order."""

from __future__ import annotations

import re
from functools import cache

from vinovits.text.english.pieces import Piece, Rule, Scan


@cache
def _rules() -> tuple[Rule, ...]:
    from vinovits.text.english import rules_marks, rules_numbers, rules_words

    return (*rules_numbers.RULES, *rules_words.RULES, *rules_marks.RULES)


def normalise(text: str) -> list[Piece]:
    """Read a folded sentence.

    Args:
        text: What `folding.fold` made of one sentence.

    Returns:
        Spoken words and marks in order, with spans into `text`.
    """
    scan = Scan(text, shouted=_is_shouted(text))
    position = 0
    rules = _rules()
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        for rule in rules:
            match = rule.pattern.match(text, position)
            if match is None or match.end() == position:
                continue
            pieces = rule.read(scan, match)
            if pieces is not None:
                scan.pieces.extend(pieces)
                position = match.end()
                break
        else:
            position += 1
    return scan.pieces


_CAPITALS = re.compile(r"\b[A-Z]{2,}\b")


def _is_shouted(text: str) -> bool:
    letters = sum(c.isalpha() for c in text)
    capitals = sum(c.isupper() for c in text)
    return capitals > 0.7 * letters and len(_CAPITALS.findall(text)) > 1
