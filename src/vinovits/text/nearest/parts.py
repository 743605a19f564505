"""What a word of each language consists of: phones with stress, syllables with tones, morae."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from vinovits.text.chinese.pinyin import Syllable
from vinovits.text.chinese.tables import syllable_phones
from vinovits.text.nearest.tables import syllables as sounds_of_syllables
from vinovits.text.reading import Word
from vinovits.text.word_sets import word_set

VOWELS = word_set("AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW")
"""Those of ARPAbet."""
NEUTRAL = 5
"""The tone of a Chinese syllable that has none."""


class Mora(NamedTuple):
    """A mora of Japanese."""

    phones: str
    """Of consonant and vowel, written together: "kya"; "N"."""
    high: bool


def arpabet(word: Word) -> list[str]:
    """Phones of an English word, the vowels with their stress: "AA1"."""
    return word.reading.split()


def syllables(word: Word) -> list[tuple[str, int]]:
    """Pinyin and spoken tone of each syllable of a Chinese word."""
    names = _names()
    pairs = zip(word.phones[::2], word.phones[1::2], word.tones[::2], strict=False)
    return [(names[one, other], tone) for one, other, tone in pairs if (one, other) in names]


@cache
def _names() -> dict[tuple[str, ...], str]:
    """Pinyin by phones; of two ways to write a syllable the first, rare ones at last."""
    rare = {Syllable(name, NEUTRAL).phones: name for name in sounds_of_syllables()}
    return rare | {phones: name for name, phones in reversed(syllable_phones().items())}


def morae(word: Word) -> Iterator[Mora]:
    """Morae of a Japanese word; what is doubled (gakko, too) counts once, as it does elsewhere."""
    consonant = ""
    last = ""
    for phone, tone in zip(word.phones, word.tones, strict=True):
        if phone == "N" or phone.lower() in "aiueo":
            vowel = phone if phone == "N" else phone.lower()
            if consonant or vowel != last:
                yield Mora(consonant + vowel, tone > 0)
            consonant, last = "", vowel
        elif phone != "q":
            if consonant:
                yield Mora(consonant + "u", tone > 0)
            consonant = phone
