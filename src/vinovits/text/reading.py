"""What a text front end hands on: sentences of words, each with its phones and tones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Source = Literal["", "dictionary", "context", "rule", "spelled", "network", "lexicon", "fallback"]
"""Where a reading came from: a dictionary; the words around, which chose among several; a rule made
it of other words; letter by letter; a network (g2pW, letters to sounds); the user's lexicon; the
nearest there was for something that has none. "" for marks, and where it isn't told."""


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
