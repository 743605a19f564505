"""Numbers in words as the released front ends have them.

The steps and their order are those that Keith Ito's tacotron (MIT) made common: commas out, then
amounts of money, decimals, ordinals and at last every run of digits by itself. So "3.14" is "three
point fourteen" and "100m" is "one hundredm": voices of these families were trained on that.
Numbers are spelled as the library inflect spells them.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from vinovits.text.english.pieces import DIGITS
from vinovits.text.traced import Traced, substitute

_MAX_DIGITS = 36
"""The released code raises for longer numbers; here they are read digit by digit."""
_ONES = (
    *DIGITS,
    *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SCALES = (
    *("", "thousand", "million", "billion", "trillion", "quadrillion", "quintillion"),
    *("sextillion", "septillion", "octillion", "nonillion", "decillion"),
)
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}

_GROUPED = re.compile(r"[0-9][0-9,]+[0-9]")
_POUNDS = re.compile(r"£([0-9,]*[0-9]+)")
_DOLLARS = re.compile(r"\$([0-9.,]*[0-9]+)")
_DECIMAL = re.compile(r"([0-9]+)\.([0-9]+)")
_ORDINAL = re.compile(r"([0-9]+)(?:st|nd|rd|th)")
_NUMBER = re.compile(r"[0-9]+")


def spell_numbers(text: Traced) -> Traced:
    """Write every number of a text as words."""
    if not _NUMBER.search(text.text):
        return text
    for pattern, write in _STEPS:
        text = substitute(text, pattern, write)
    return text


def _dollars(amount: str) -> str:
    """Dollars and cents, with digits: "1.05" -> "1 dollar, 5 cents"."""
    whole, *rest = amount.replace(",", "").split(".")
    if len(rest) > 1:
        return f"{amount} dollars"
    counts = [
        (number, f"{number} {unit}{'' if number == '1' else 's'}")
        for number, unit in ((_stripped(whole), "dollar"), (_stripped("".join(rest)), "cent"))
    ]
    return ", ".join(words for number, words in counts if number) or "zero dollars"


def _stripped(digits: str) -> str:
    return digits.lstrip("0")


def _number(digits: str) -> str:
    """A run of digits: a year or the like between 1001 and 2999 in pairs, else a cardinal."""
    digits = _stripped(digits) or "0"
    if len(digits) == 4 and "1000" < digits < "3000":
        head, tail = int(digits[:2]), int(digits[2:])
        if digits == "2000":
            return "two thousand"
        if head == 20 and tail < 10:
            return f"two thousand {_ONES[tail]}"
        if tail == 0:
            return f"{cardinal(digits[:2])} hundred"
        return f"{_below_hundred(head)} {'oh ' if tail < 10 else ''}{_below_hundred(tail)}"
    return cardinal(digits)


def cardinal(digits: str, joint: str = "") -> str:
    """A whole number: "1234567" -> "one million, two hundred thirty-four thousand, ...".

    Args:
        digits: ASCII digits; beyond 36 they are read one by one.
        joint: Stands before what is left below a hundred ("and ").
    """
    digits = _stripped(digits) or "0"
    if len(digits) > _MAX_DIGITS:
        return " ".join(_ONES[int(digit)] for digit in digits)
    groups: list[str] = []
    number = int(digits)
    for scale in _SCALES:
        number, group = divmod(number, 1000)
        if group:
            groups.insert(0, f"{_below_thousand(group, joint)} {scale}".rstrip())
        if not number:
            break
    if len(groups) > 1 and 0 < int(digits[-3:]) < 100:
        return f"{', '.join(groups[:-1])} {joint}{groups[-1]}"
    return ", ".join(groups) or _ONES[0]


def ordinal(digits: str) -> str:
    """An ordinal; unlike cardinals it has "and": "112" -> "one hundred and twelfth"."""
    words = cardinal(digits, "and ")
    start = max(words.rfind(" "), words.rfind("-")) + 1
    last = words[start:]
    if last in _ORDINALS:
        return words[:start] + _ORDINALS[last]
    return words[:-1] + "ieth" if words.endswith("y") else words + "th"


def _below_thousand(number: int, joint: str) -> str:
    hundreds, rest = divmod(number, 100)
    parts = [f"{_ONES[hundreds]} hundred"] if hundreds else []
    if rest:
        parts.append((joint if hundreds else "") + _below_hundred(rest))
    return " ".join(parts)


def _below_hundred(number: int) -> str:
    if number < len(_ONES):
        return _ONES[number]
    tens, ones = divmod(number, 10)
    return _TENS[tens - 2] + (f"-{_ONES[ones]}" if ones else "")


_STEPS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (_GROUPED, lambda match: match[0].replace(",", "")),
    (_POUNDS, lambda match: f"{match[1]} pounds"),
    (_DOLLARS, lambda match: _dollars(match[1])),
    (_DECIMAL, lambda match: f"{match[1]} point {match[2]}"),
    (_ORDINAL, lambda match: ordinal(match[1])),
    (_NUMBER, lambda match: _number(match[0])),
)
"""In order: what is a pattern's match is written so."""
