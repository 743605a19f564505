"""Syllables of characters and words: pypinyin's tables of characters and phrases."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from vinovits.errors import MissingExtraError
from vinovits.text.chinese.tables import syllable_phones

NEUTRAL = 5
_SYLLABLE = re.compile(r"([a-zê]+)([1-5])")


@dataclass(frozen=True, slots=True)
class Syllable:
    """How one character is read; a mark or an unread character has the tone 0."""

    name: str
    """Pinyin without tone, ü written v; the character itself where it has no reading."""
    tone: int
    """1 to 5, 5 for none of its own."""

    @property
    def phones(self) -> tuple[str, ...]:
        """In the families' symbols; () for what has none."""
        return syllable_phones().get(self.name, ())


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
    return tuple(parse(name) or Syllable(c, 0) for name, c in zip(found, word, strict=True))


def parse(name: str) -> Syllable | None:
    """A syllable written as "lü4"; None for anything else."""
    match = _SYLLABLE.fullmatch(name.replace("ü", "v"))
    return Syllable(match[1], int(match[2])) if match else None
