"""Numbers in words, American style: no "and", no commas.

Thin functions over num2words, which spells cardinals, ordinals and years well. What is ours: digit
by digit reading, leading zeros, decimals, and that no length of number raises.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from vinovits.text.english.pieces import DIGITS

MAX_DIGITS = 36
"""Longer whole numbers are read digit by digit: nobody counts in undecillions."""


@lru_cache(maxsize=4096)
def _in_words(number: int, form: str) -> str:
    # num2words imports forty languages: only when a number comes.
    from num2words import num2words

    words: Any = num2words(number, lang="en", to=form)
    return str(words).replace(" and ", " ").replace(",", "")


def digits(number: str) -> str:
    """Digit by digit: "007" -> "zero zero seven". Characters that are no digits are skipped."""
    return " ".join(DIGITS[int(c)] for c in number if c in "0123456789")


def cardinal(number: str) -> str:
    """A whole number: "1,234" -> "one thousand two hundred thirty-four".

    Args:
        number: Digits, with or without grouping signs.

    Returns:
        Words; digit by digit for leading zeros ("007") and beyond `MAX_DIGITS`.
    """
    plain = "".join(c for c in number if c in "0123456789")
    if len(plain) > MAX_DIGITS or (len(plain) > 1 and plain[0] == "0"):
        return digits(plain)
    return _in_words(int(plain), "cardinal") if plain else ""


def ordinal(number: str) -> str:
    """An ordinal: "23" -> "twenty-third"."""
    plain = "".join(c for c in number if c in "0123456789").lstrip("0") or "0"
    if len(plain) > MAX_DIGITS:
        return digits(plain)
    return _in_words(int(plain), "ordinal")


def decimal(number: str) -> str:
    """A number that may have a decimal part: "3.14" -> "three point one four", ".5" -> "point five"."""
    whole, point, part = number.partition(".")
    if not point:
        return cardinal(whole)
    # The whole part of "007.5" is rare; "0.5" keeps its zero.
    return " ".join(filter(None, (cardinal(whole) if whole else "", "point", digits(part))))


def year(number: str) -> str:
    """A year of up to four digits: "1984" -> "nineteen eighty-four", "2007" -> "two thousand seven"."""
    return _in_words(int(number), "year") if len(number) <= 4 else cardinal(number)


def in_pairs(number: str) -> str:
    """A room, flight or route number: "101" -> "one oh one", "747" -> "seven forty-seven"."""
    if not 3 <= len(number) <= 4 or number[0] == "0":
        return cardinal(number)
    head, tail = number[:-2], number[-2:]
    if tail == "00":
        return cardinal(number) if head.endswith("0") else f"{cardinal(head)} hundred"
    return f"{cardinal(head)} {'oh ' + DIGITS[int(tail[1])] if tail[0] == '0' else cardinal(tail)}"


def plural(words: str) -> str:
    """Plural of the last word of a number: "nineteen eighty" -> "nineteen eighties"."""
    if words.endswith("y"):
        return words[:-1] + "ies"
    return words + ("es" if words.endswith("x") else "s")
