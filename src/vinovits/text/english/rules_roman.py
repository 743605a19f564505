"""Roman numerals, told from words and initialisms by what they stand behind."""

from __future__ import annotations

import re

from vinovits.text.english.numbers import cardinal, ordinal
from vinovits.text.english.pieces import Reading, Scan, spoken
from vinovits.text.english.tables import words_in
from vinovits.text.word_sets import word_set

_ROMAN = re.compile(r"M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})\Z")
_ROMAN_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}


def _roman_value(numeral: str) -> int:
    values = [_ROMAN_VALUES[c] for c in numeral]
    return sum(-v if v < w else v for v, w in zip(values, [*values[1:], 0], strict=True))


def read_roman(scan: Scan, word: str, start: int, end: int) -> Reading | None:
    """Read a numeral of several letters.

    Args:
        scan: The sentence.
        word: Capitals.
        start: Where they begin in the folded sentence.
        end: Where they end.

    Returns:
        Henry VIII -> "the eighth", Chapter IV -> "four"; None for anything else.
    """
    if not _ROMAN.match(word):
        return None
    before = scan.written_before(start)
    number = str(_roman_value(word))
    if before.lower() in words_in("abbreviations", "roman", "regnal") and before[0].isupper():
        return spoken(f"the {ordinal(number)}", start, end)
    if before.lower() in words_in("abbreviations", "roman", "counted"):
        return spoken(cardinal(number), start, end)
    if scan.written_after(end).lower() in ("century", "centuries", "dynasty"):
        return spoken(ordinal(number), start, end)
    plain = set(word) <= set("IVX")
    if plain and len(word) > 1 and before[:1].isupper() and word not in ("XX", "IV", "VI", "XI"):
        return spoken(cardinal(number), start, end)
    if plain and len(word) > 2 and word != "XXX":
        return spoken(cardinal(number), start, end)
    return None


def read_roman_ordinal(scan: Scan, match: re.Match[str]) -> Reading | None:
    """XIXth: "nineteenth"."""
    if not _ROMAN.match(match["numeral"]):
        return None
    return spoken(ordinal(str(_roman_value(match["numeral"]))), match.start(), match.end())


def read_numeral_letter(scan: Scan, letter: str, start: int, end: int) -> Reading | None:
    """Read V, X or I behind what numerals follow: "Act V"; None where it is a letter or "I"."""
    before = scan.written_before(start)
    if letter not in "VXI" or (letter == "I" and not _is_first(scan, before, end)):
        return None
    value = str(_roman_value(letter))
    if before.lower() in words_in("abbreviations", "roman", "regnal") and before[0].isupper():
        return spoken(f"the {ordinal(value)}", start, end)
    if before.lower() in words_in("abbreviations", "roman", "counted"):
        return spoken(cardinal(value), start, end)
    return None


def _is_first(scan: Scan, before: str, end: int) -> bool:
    """Whether "I" is a numeral: "World War I.", "King Charles I of", never "Henry I think"."""
    following = scan.written_after(end).lower()
    if before.lower() in ("war", "chapter", "part", "phase", "act", "type", "volume", "book"):
        return not following or following not in _AFTER_PRONOUN
    ruler = any(
        piece.text.lower() in words_in("abbreviations", "roman", "rulers")
        for piece in scan.pieces[-3:]
    )
    return following == "of" or (ruler and following not in _AFTER_PRONOUN)


_AFTER_PRONOUN = word_set(
    "am was have had do did don't didn't will would can could should shall may might must "
    "think know believe guess hope love like want need see saw said say went go get got never "
    "always also just really find found feel felt wonder suppose read wrote"
)
