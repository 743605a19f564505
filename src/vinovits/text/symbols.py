"""Symbol tables: which phones a family of voices knows, and its language and tone numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

PUNCTUATION = ("!", "?", "…", ",", ".", "'", "-")
"""The phones that stand for punctuation, shared by all families."""

_PHONES_112 = (
    "AA E EE En N OO V a a: aa ae ah ai an ang ao aw ay b by c ch d dh dy e e: eh ei en eng er ey "
    "f g gy h hh hy i i0 i: ia ian iang iao ie ih in ing iong ir iu iy j jh k ky l m my n ng ny o "
    "o: ong ou ow oy p py q r ry s sh t th ts ty u u: ua uai uan uang uh ui un uo uw v van ve vn "
    "w x y z zh zy"
)
SYMBOLS_112 = ("_", *_PHONES_112.split(), *PUNCTUATION, "SP", "UNK")
"""Symbols of the families from 1.1 on, in the order of their ids. "_" (0) is pad and blank."""


@dataclass(frozen=True, slots=True)
class LanguageNumbers:
    """How one language is numbered in a family of voices."""

    id: int
    """Row of the language embedding."""
    tone_start: int
    """Added to every tone of the language, so that languages do not share tone embeddings."""
    tones: int
    """How many tones the language has; a tone t has 0 <= t < tones."""


@dataclass(frozen=True, slots=True)
class SymbolTable:
    """Phones, tones and languages of a voice, as numbers."""

    symbols: tuple[str, ...]
    """All phones; the index is the id. Index 0 is the blank."""
    languages: dict[str, LanguageNumbers]
    """By language code: "zh", "ja", "en"."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return {
            "symbols": list(self.symbols),
            "languages": {
                code: {"id": n.id, "tone_start": n.tone_start, "tones": n.tones}
                for code, n in self.languages.items()
            },
        }

    @property
    def tone_count(self) -> int:
        """Rows of the tone embedding."""
        return sum(numbers.tones for numbers in self.languages.values())


TABLE_V2 = SymbolTable(
    SYMBOLS_112,
    {
        "zh": LanguageNumbers(id=0, tone_start=0, tones=6),
        "ja": LanguageNumbers(id=1, tone_start=6, tones=2),
        "en": LanguageNumbers(id=2, tone_start=8, tones=4),
    },
)
"""The table of 2.0 and every later family."""
