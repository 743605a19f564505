"""Sets of words, written in the source as plain text."""

from __future__ import annotations


def word_set(words: str) -> frozenset[str]:
    """The words of a text that is separated by spaces."""
    return frozenset(words.split())
