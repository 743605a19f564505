"""Chinese: from text to sentences of words with phones and tones."""

from __future__ import annotations

from collections.abc import Iterator

from vinovits.text.chinese.clauses import words_of
from vinovits.text.chinese.rules import RULES, STEPS, ChineseRules
from vinovits.text.chinese.traced import Traced
from vinovits.text.reading import Word

__all__ = ["RULES", "ChineseRules", "normalise_and_read"]


def normalise_and_read(traced: Traced, rules: ChineseRules) -> Iterator[Word]:
    """All words and marks of a text as the rules have them, without any cutting into sentences."""
    for name in rules.steps:
        traced = STEPS[name](traced)
    return words_of(traced, rules)
