"""Symbol tables: which phones a family of voices knows, and its language and tone numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

PUNCTUATION = ("!", "?", "…", ",", ".", "'", "-")
"""The phones that stand for punctuation, shared by all families."""

_PHONES_108 = (
    "AA E EE En I N OO U V a aa ae ah ai an ang ao aw ay b by c ch cl d dh dy e eh ei en eng er ey "
    "f g gy h hh hy i i0 ia ian iang iao ie ih in ing iong ir iu iy j jh k ky l m my n ng ny o ong "
    "ou ow oy p py q r ry s sh t th ts u ua uai uan uang uh ui un uo uw v van ve vn w x y z zh"
)
SYMBOLS_108 = ("_", *_PHONES_108.split(), *PUNCTUATION, "SP", "UNK")
"""Symbols of the families 1.0.x, in the order of their ids. "_" (0) is pad and blank."""

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


def _table(symbols: tuple[str, ...], japanese_tones: int) -> SymbolTable:
    """Every family knows three languages; Japanese has gained a tone, which moves English."""
    return SymbolTable(
        symbols,
        {
            "zh": LanguageNumbers(id=0, tone_start=0, tones=6),
            "ja": LanguageNumbers(id=1, tone_start=6, tones=japanese_tones),
            "en": LanguageNumbers(id=2, tone_start=6 + japanese_tones, tones=4),
        },
    )


TABLE_V2 = _table(SYMBOLS_112, japanese_tones=2)
"""The table of 2.0 and every later family."""

_TABLE_V1_1 = _table(SYMBOLS_112, japanese_tones=1)

TABLES = {
    "1.0.1": _table(SYMBOLS_108, japanese_tones=1),
    "1.1.0": _TABLE_V1_1,
    "1.1.1": _TABLE_V1_1,
    **dict.fromkeys(
        ("2.0", "2.1", "2.2", "2.3", "2.4", "jp-extra", "sbv2", "sbv2-jp-extra"), TABLE_V2
    ),
}
"""The table of each family of voices, by the family's name, as they were released."""
