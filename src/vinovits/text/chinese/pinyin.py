"""Syllables of characters and words: pypinyin's tables of characters and phrases."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from vinovits.errors import MissingExtraError
from vinovits.text.chinese.tables import readings, syllable_phones
from vinovits.text.reading import Source

NEUTRAL = 5
Polyphones = Callable[[str], Sequence[str | None]]
"""A model that reads characters in their sentence, such as g2pW: given a text in traditional
characters, the pinyin with tone of each character, such as "chang2", or None where it doesn't
know."""
_SYLLABLE = re.compile(r"([a-zê]+)([1-5])")


@dataclass(frozen=True, slots=True)
class Syllable:
    """How one character is read; a mark or an unread character has the tone 0."""

    name: str
    """Pinyin without tone, ü written v; the character itself where it has no reading."""
    tone: int
    """1 to 5, 5 for none of its own."""
    source: Source = "dictionary"

    @property
    def phones(self) -> tuple[str, ...]:
        """In the families' symbols; () for what has none."""
        return _phones(self.name)


_NEAREST = {"m": "mu", "n": "en", "ng": "en", "hm": "heng", "hng": "heng", "ê": "ei"}
"""Syllables without a vowel of the symbols, and the ones that sound most like them."""
_INITIALS = ("zh", "ch", "sh", *"bpmfdtnlgkhjqxrzcs")


@cache
def _phones(name: str) -> tuple[str, ...]:
    """By the table; a rare syllable such as "kei" by an initial and a final of others."""
    table = syllable_phones()
    known = table.get(_NEAREST.get(name, name))
    if known is not None:
        return known
    finals = {phones[1] for phones in table.values()}
    for initial in _INITIALS:
        final = name.removeprefix(initial)
        if final != name and final in finals:
            return initial, final
    return ()


@cache
def _pypinyin() -> Any:
    try:
        import pypinyin
    except ImportError:
        raise MissingExtraError(
            "Reading Chinese needs the packages jieba and pypinyin. Install them with "
            '`pip install "vinovits[zh]"`.'
        ) from None
    return pypinyin


@lru_cache(maxsize=65536)
def read_word(word: str) -> tuple[Syllable, ...]:
    """The reading of a word by pypinyin's phrases and characters, one syllable per character."""
    pypinyin = _pypinyin()
    found = pypinyin.lazy_pinyin(
        word,
        style=pypinyin.Style.TONE3,
        neutral_tone_with_five=True,
        errors=list,  # characters without a reading, one by one
    )
    rare = readings("rare")
    return tuple(
        parse(name) or parse(rare.get(character, ""), "fallback") or Syllable(character, 0)
        for name, character in zip(found, word, strict=True)
    )


@lru_cache(maxsize=4096)
def every_reading(character: str) -> frozenset[str]:
    """All readings of a character that pypinyin knows, such as "chang2" and "zhang3"."""
    pypinyin = _pypinyin()
    [found] = pypinyin.pinyin(
        character, style=pypinyin.Style.TONE3, heteronym=True, neutral_tone_with_five=True
    )
    return frozenset(name.replace("ü", "v") for name in found)


def parse(name: str, source: Source = "dictionary") -> Syllable | None:
    """A syllable written as "lü4"; None for anything else."""
    match = _SYLLABLE.fullmatch(name.replace("ü", "v"))
    return Syllable(match[1], int(match[2]), source) if match else None
