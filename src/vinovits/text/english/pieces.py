"""The units between written text and pronunciation, and what a reading rule is."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from vinovits.text.english.lexicon import Phones
from vinovits.text.reading import Said


@dataclass(frozen=True, slots=True)
class Piece:
    """One word to be spoken, or one punctuation mark."""

    text: str
    """The spoken word, in the case it is written in, or one of the seven punctuation phones."""
    start: int
    """Index of its first character in the folded sentence."""
    end: int
    mark: bool = False
    letter: bool = False
    """The word is the name of the letter `text`."""
    suffix: str = ""
    """"s" or "'s" to be said after the letter name: the last piece of "DVDs"."""
    phones: Phones = ()
    """The pronunciation, where the rule knows it; () to look it up."""
    said: Said | None = None
    """The reading that is given; `text` is what is written there."""


@dataclass(slots=True)
class Scan:
    """The state of reading one sentence from left to right."""

    text: str
    """The folded sentence."""
    shouted: bool = False
    """Most of the sentence is in capitals, so that capitals say nothing about a word."""
    pieces: list[Piece] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    """Letters and digits that no rule says anything for."""

    def previous(self) -> str:
        """The last piece before the current place: a word, a mark, or "" at the beginning."""
        return self.pieces[-1].text if self.pieces else ""

    def written_before(self, position: int) -> str:
        """The written word right before a position, with a space between; "" if there is none."""
        match = _WORD_BEFORE.search(self.text, max(0, position - 40), position)
        return match[1] if match else ""

    def written_after(self, position: int) -> str:
        """The written word right after a position, with a space between; "" if there is none."""
        match = _WORD_AFTER.match(self.text, position)
        return match[1] if match else ""


_WORD_BEFORE = re.compile(r"([A-Za-z]+(?:'[A-Za-z]+)?)\.?[ \u00a0]+\Z")
_WORD_AFTER = re.compile(r"[ \u00a0]+([A-Za-z]+(?:'[A-Za-z]+)?)")

Reading = list[Piece]
Read = Callable[[Scan, re.Match[str]], Reading | None]
"""Turns a match into pieces, [] for something that is silent; None when the rule doesn't apply."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A written form and how it is read. Rules are tried in order where a token begins."""

    pattern: re.Pattern[str]
    read: Read


def spoken(words: str, start: int, end: int) -> Reading:
    """Pieces of several words that share one span; hyphens part words."""
    return [Piece(word, start, end) for word in words.replace("-", " ").split()]


def spelled(letters: str, start: int) -> Reading:
    """Pieces of letters and digits said one by one, each with its own span."""
    return [
        Piece(DIGITS[int(c)], start + i, start + i + 1)
        if c in "0123456789"
        else Piece(c, start + i, start + i + 1, letter=True)
        for i, c in enumerate(letters)
        if c.isascii() and c.isalnum()
    ]


def mark(sign: str, start: int, end: int) -> Piece:
    """A punctuation piece."""
    return Piece(sign, start, end, mark=True)


NUMBER = (
    r"(?:\d{1,3}(?:,\d{2,3})*,\d{3}(?!\d)|\d{1,3}(?:\u00a0\d{3})+(?!\d)"
    r"|\d{1,3}(?: \d{3}){2,}(?!\d|[.,-]\d)|\d+)(?:\.\d+)?|\.\d+"
)
"""A number with grouping by commas or thin spaces and with decimals, as a regular expression."""
DOT = r"(?:\.(?![\"')\]\s]*\Z))?"
"""The full stop of an abbreviation, unless it ends the sentence too: then it is left as a mark."""
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
