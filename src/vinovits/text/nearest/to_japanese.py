"""Chinese and English words in kana, and what these are in a family's phones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from vinovits.text.japanese.words import from_kana
from vinovits.text.nearest import Sounds
from vinovits.text.nearest.parts import VOWELS, arpabet, syllables
from vinovits.text.nearest.tables import sounds as table
from vinovits.text.nearest.tables import syllables as syllable_table
from vinovits.text.reading import Word

_MELODIES = {1: (1, 1), 2: (0, 1), 3: (0, 0), 4: (1, 0), 5: (0, 0)}
"""By the tone of a Chinese syllable: its first mora, and the rest of it, high or low."""
_SMALL = {"a": "ャ", "u": "ュ", "o": "ョ"}
_LARGE = {"ャ": "ヤ", "ュ": "ユ", "ョ": "ヨ"}
_MORA = re.compile("[ァ-ヴ][ァィゥェォャュョ]?|ー")


def sounds(word: Word, source: str, rules: Any) -> Sounds:
    """Phones and tones of a word in Japanese.

    Args:
        word: As read by the front end of its language.
        source: Code of that language, "zh" or "en".
        rules: Of the Japanese front end, for the family: its phones, and whether it has tones.
    """
    phones: list[str] = []
    tones: list[int] = []
    for kana, high in _of_chinese(word) if source == "zh" else _of_english(word):
        # A long mark says the phone before it again, and there is none before the first.
        found = [phones[-1]] if kana == "ー" and phones else from_kana(kana, rules)
        named = [rules.moraic_n if phone == "N" else phone for phone in found]
        phones += named
        tones += [high if rules.tones != "none" else 0] * len(named)
    return Sounds(tuple(phones), tuple(tones))


def _of_chinese(word: Word) -> Iterator[tuple[str, int]]:
    """Morae with their height."""
    for name, tone in syllables(word):
        kana, _ = syllable_table().get(name, ("", ""))
        first, rest = _MELODIES.get(tone, (1, 1))
        for index, mora in enumerate(_MORA.findall(kana)):
            yield mora, rest if index else first


def _of_english(word: Word) -> Iterator[tuple[str, int]]:
    """Morae with their height: low at first, high up to the stress, as loanwords mostly are."""
    found = list(_in_kana(arpabet(word)))
    stressed = next((i for i, (_, stress) in enumerate(found) if stress == 1), len(found))
    for index, (mora, _) in enumerate(found):
        yield mora, int(index == stressed or 0 < index < stressed)


def _in_kana(phones: list[str]) -> Iterator[tuple[str, int]]:
    """Morae of an English word, and the stress of their vowels."""
    tables = table("english-japanese")
    short, stops = (frozenset(tables["short"][key].split()) for key in ("vowels", "stops"))
    onset = last = ""
    for index, phone in enumerate([*phones, ""]):
        vowel = phone.rstrip("012")
        if phone == "Y" and onset in tables["rows"]:
            onset += phone
        elif vowel in VOWELS:
            letter, rest = tables["vowels"][vowel][0], tables["vowels"][vowel][1:]
            yield from _stressed(_with_vowel(onset, letter) + rest, int(phone[len(vowel) :] or 0))
            onset, last = "", vowel
            ending = phones[index + 1 :]
            if vowel in short and len(ending) == 1 and ending[0] in stops:
                yield "ッ", 0
        else:
            yield from _stressed(_alone(onset, last, phone), 0)
            onset = phone


def _alone(consonant: str, last: str, following: str) -> str:
    """Kana of a consonant that no vowel follows, or of none."""
    tables = table("english-japanese")
    if consonant == "R":
        return str(tables["r"].get(last, ""))
    if consonant == "NG" and following in ("K", "G"):
        return "ン"
    names = tables["alone"]
    return str(names.get(consonant) or names.get(consonant[:-1], ""))


def _with_vowel(onset: str, vowel: str) -> str:
    """Kana of a consonant, with a y behind it or not, and a vowel."""
    rows = table("english-japanese")["rows"]
    if onset not in rows and (small := _SMALL.get(vowel)):
        kana: str = rows[onset[:-1]].split()[1]
        # Where the i is written small already, another doesn't go behind it.
        return kana + small if len(kana) == 1 else f"{kana}{_LARGE[small]}"
    found: str = rows[onset if onset in rows else onset[:-1]].split()["aiueo".index(vowel)]
    return found


def _stressed(kana: str, stress: int) -> Iterator[tuple[str, int]]:
    for index, mora in enumerate(_MORA.findall(kana)):
        yield mora, 0 if index else stress
