"""What a text front end hands on: sentences of words, each with its phones and tones."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from vinovits.text.hidden import Shown

Source = Literal[
    "", "dictionary", "context", "rule", "spelled", "network", "lexicon", "markup", "fallback"
]
"""Where a reading came from: a dictionary; the words around, which chose among several; a rule made
it of other words; letter by letter; a network (g2pW, letters to sounds); the user's lexicon; markup
in the text; the nearest there was for something that has none. "" for marks, and where it isn't
told."""


@dataclass(frozen=True, slots=True)
class Said:
    """A stretch of a text whose reading is given, by markup or by the user's lexicon."""

    start: int
    """Index of its first character in the text that a front end is given."""
    end: int
    """Index behind its last; beyond `start`."""
    reading: str
    """As `Word.reading` has it: ARPAbet ("T AH0 M AA1 T OW0") for English, pinyin with tones
    ("hang2 zhang3", 5 for none) for Chinese, kana with an accent behind a colon where it has one
    ("ハシ:1") for Japanese. It is known to be one."""
    language: str
    """Code of the language that it is a reading of."""
    source: Source
    """"markup" or "lexicon"."""


def said_within(said: Sequence[Said], start: int, end: int) -> list[Said]:
    """The readings that are given in [start:end], with places from `start` on.

    Args:
        said: In order, without overlap.
        start: Index of a character.
        end: Index behind one.
    """
    first = bisect_left(said, start, key=lambda one: one.start)
    behind = bisect_right(said, end, key=lambda one: one.end)
    return [
        replace(one, start=one.start - start, end=one.end - start) for one in said[first:behind]
    ]


@dataclass(frozen=True, slots=True)
class Word:
    """One spoken word or one punctuation mark, with its place in the original text."""

    text: str
    """The word as it is spoken ("twenty" for a part of "25"), or one of the punctuation phones."""
    start: int
    """Index into the original text of the first character that this word stands for."""
    end: int
    """Index behind its last character. Words made from one number share one span."""
    phones: tuple[str, ...]
    """Phones without blanks, at least one; punctuation has itself as its only phone. None for what
    a released front end is silent about, and the voice's BERT sees nevertheless."""
    tones: tuple[int, ...]
    """One tone per phone, before the language's offset; punctuation has 0."""
    is_punctuation: bool = False
    spread: tuple[int, ...] = ()
    """How many of the phones each character of `text` has, summing to len(phones). It decides where
    the phones lie among the word pieces, where these are characters (Chinese and Japanese BERT).
    Empty: the phones are shared evenly among the pieces."""
    reading: str = ""
    """The reading as people write it: ARPAbet ("R EH1 D"), pinyin ("hang2"), kana; "" for marks."""
    source: Source = ""
    language: str = ""
    """Code of its language where that isn't the sentence's."""
    rate: float = 1.0
    """How fast, as a factor of the speed of the whole."""
    volume: float = 1.0
    """How loud, as a factor of the amplitude."""
    pause: float | None = None
    """For a mark, how many seconds it is to last; None leaves that to the voice."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A piece of text that is spoken in one go."""

    text: str
    """The original characters text[start:end]."""
    start: int
    end: int
    words: tuple[Word, ...]
    """At least one word that isn't punctuation."""
    language: str = "en"
    """Code of the language of the words that don't name theirs."""
    notes: tuple[str, ...] = ()
    """Sentences for the user about what was left out or guessed."""
    silence: float = 0.0
    """Seconds of silence before it, beside the usual pause between sentences."""
    speaker: str = ""
    """Name of the speaker that markup asks for; "" for the one of the whole."""
    style: str = ""
    """Name of the style that markup asks for; "" for the one of the whole."""
    marks: tuple[tuple[str, int], ...] = ()
    """Names that markup gives to places of the text, to be told when they are reached, and the
    index of each in the original text."""
    shown: Shown | None = None
    """What of `text` is read, and where it stands in the original; None: all of it."""
