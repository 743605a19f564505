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
    """A number with or without decimals: "3.14" -> "three point one four"."""
    whole, point, part = number.partition(".")
    if not point:
        return cardinal(whole)
    # The whole part of "007.5" is rare; "0.5" keeps its zero.
    return " ".join(filter(None, (cardinal(whole) if whole else "", "point", digits(part))))


def year(number: str) -> str:
    """A year of up to four digits: "1984" -> "nineteen eighty-four"."""
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


_DENOMINATORS = {2: ("half", "halves"), 4: ("quarter", "quarters")}
VULGAR = {
    "½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4), "⅕": (1, 5), "⅖": (2, 5),
    "⅗": (3, 5), "⅘": (4, 5), "⅙": (1, 6), "⅚": (5, 6), "⅛": (1, 8), "⅜": (3, 8), "⅝": (5, 8),
    "⅞": (7, 8), "⅐": (1, 7), "⅑": (1, 9), "⅒": (1, 10),
}  # fmt: skip


def fraction(numerator: str, denominator: str) -> str:
    """A fraction: 3, 4 -> "three quarters"; 1, 2 -> "one half"; 5, 8 -> "five eighths"."""
    below = int(denominator) if len(denominator) < 5 else 0
    names = _DENOMINATORS.get(below)
    if names is None:
        if below < 2:
            return f"{cardinal(numerator)} over {cardinal(denominator)}"
        one = ordinal(denominator)
        names = (one, plural(one))
    return f"{cardinal(numerator)} {names[numerator != '1']}"


def mixed(whole: str, numerator: str, denominator: str) -> str:
    """A whole number and a fraction: 2, 1, 2 -> "two and a half"."""
    part = fraction(numerator, denominator)
    return f"{cardinal(whole)} and {'a ' + part[4:] if part.startswith('one ') else part}"


def quantity(written: str) -> tuple[str, bool]:
    """A number in any of the forms that a unit may follow.

    Args:
        written: "1,234.5", "½", "2½", "3/4" or "2 1/2".

    Returns:
        Its words, and whether what it counts is in the singular: one, or a part of one.
    """
    written = written.replace("\u00a0", " ")
    if written[-1] in VULGAR:
        above, below = VULGAR[written[-1]]
        whole = written[:-1].strip()
        if whole:
            return mixed(whole, str(above), str(below)), False
        return fraction(str(above), str(below)), True
    if "/" in written:
        head, _, denominator = written.partition("/")
        whole, _, numerator = head.rpartition(" ")
        if whole:
            return mixed(whole, numerator, denominator), False
        return fraction(numerator, denominator), True
    plain = written.replace(",", "").replace(" ", "")
    return decimal(plain), plain == "1"
