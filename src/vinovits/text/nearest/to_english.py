"""Chinese and Japanese words in phones of English."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vinovits.text.english.pronounce import to_model
from vinovits.text.nearest import Sounds
from vinovits.text.nearest.parts import NEUTRAL, Mora, morae, syllables
from vinovits.text.nearest.tables import sounds as table
from vinovits.text.nearest.tables import syllables as syllable_table
from vinovits.text.reading import Word

_BEFORE = {"p": "M", "b": "M", "m": "M", "k": "NG", "g": "NG"}
"""What a moraic n becomes before a consonant."""


def sounds(word: Word, source: str, rules: Any) -> Sounds:
    """Phones and tones of a word in English.

    Args:
        word: As read by the front end of its language.
        source: Code of that language, "zh" or "ja".
        rules: Of the English front end; the tone of consonants differs between families.
    """
    phones = _of_chinese(word) if source == "zh" else _of_japanese(word)
    return Sounds(*to_model(tuple(phones), rules.consonant_tone))


def _of_chinese(word: Word) -> Iterator[str]:
    for name, tone in syllables(word):
        _, phones = syllable_table().get(name, ("", ""))
        for phone in phones.split():
            yield phone.replace("1", "0") if tone == NEUTRAL else phone


def _of_japanese(word: Word) -> Iterator[str]:
    """Morae, with the stress on the last high one before the fall, else on the last but one."""
    names = table("japanese-english")
    found = list(morae(word))
    vowels = [index for index, mora in enumerate(found) if mora.phones != "N"]
    falls = [i for i in vowels if found[i].high and not all(m.high for m in found[i:])]
    stressed = falls[-1] if falls else (vowels[-2:] or [0])[0]
    for index, mora in enumerate(found):
        if mora.phones == "N":
            yield _BEFORE.get(_first(found, index + 1), "N")
            continue
        consonant, vowel = mora.phones[:-1], mora.phones[-1]
        yield from names.get(consonant, "").split()
        # No English word ends in EH.
        name = "EY" if vowel == "e" and not _first(found, index + 1) else names[vowel]
        yield f"{name}{int(index == stressed)}"


def _first(found: list[Mora], index: int) -> str:
    return found[index].phones[0] if index < len(found) else ""
