"""How each released front end reads English, and how we do: rows of data."""

from __future__ import annotations

from dataclasses import dataclass, replace

from vinovits.text.english.pronounce import CONSONANT_TONE


@dataclass(frozen=True, slots=True)
class EnglishRules:
    """How an English text is read."""

    consonant_tone: int = CONSONANT_TONE
    """The tone of phones without stress; vowels have their stress + 1, marks have 0."""
    released: bool = False
    """Numbers, marks and words as the released front ends have them, faults included. The fields
    below matter only then."""
    parting_marks: str = ",;.?!+"
    """Characters that part words, besides spaces."""
    maps_marks: bool = True
    """Quotes, brackets and dashes become the phones "'" and "-", and a space goes in between a
    mark and a letter, before words are parted. Quirk where False: they are silent."""
    by_pieces: bool = False
    """Quirk: words are parted where the tokenizer of the family's BERT parts them, and each piece
    is looked up alone."""


_V2_1 = EnglishRules(consonant_tone=0, released=True)
_V2_3 = EnglishRules(released=True, by_pieces=True)

RULES = {
    "2.0": replace(_V2_1, parting_marks=",;.?!+-", maps_marks=False),
    "2.1": _V2_1,
    "2.2": _V2_1,
    "2.3": _V2_3,
    "sbv2": _V2_3,
}
"""The rules of each released version, "better": ours with the tones of "2.3", and "better/2.1" and
so on: ours with those of that version."""

RULES |= {
    f"better/{version}": EnglishRules(consonant_tone=rules.consonant_tone)
    for version, rules in RULES.items()
}
RULES["better"] = RULES["better/2.3"]
