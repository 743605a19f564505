"""Numbers in Chinese words."""

from __future__ import annotations

import re

DIGITS = "零一二三四五六七八九"
MAX_DIGITS = 16
"""Longer integers have no reading in the usual units."""

_GROUPS = ("", "万", "亿", "万亿")
_PLACES = ("", "十", "百", "千")


def digits(number: str) -> str:
    """Read digit by digit: "2024" is 二零二四; a full stop is 点."""
    return "".join("点" if c == "." else DIGITS[int(c)] for c in number)


def cardinal(integer: str) -> str:
    """Read an integer: "10203" is 一万零二百零三.

    Args:
        integer: Decimal digits; leading zeros don't count.

    Returns:
        Its words, 十 rather than 一十 at the front, always 二 rather than 两.

    Raises:
        ValueError: It has more than 16 digits.
    """
    number = str(int(integer))
    if len(number) > MAX_DIGITS:
        raise ValueError(f"{number} has more than {MAX_DIGITS} digits.")
    groups = [number[max(end - 4, 0) : end] for end in range(len(number), 0, -4)]
    words = ""
    for index in reversed(range(len(groups))):
        value = int(groups[index])
        if not value:
            continue
        if words and value < 1000:
            words += "零"
        words += _group(value) + _GROUPS[index]
    words = re.sub("万亿(?=.*亿)", "万", words)
    return (words[1:] if words.startswith("一十") else words) or "零"


def _group(value: int) -> str:
    """Read 1 to 9999."""
    words = ""
    for place in (3, 2, 1, 0):
        digit = value // 10**place % 10
        if digit:
            words += DIGITS[digit] + _PLACES[place]
        elif words and value % 10**place and not words.endswith("零"):
            words += "零"
    return words


def decimal(number: str) -> str:
    """Read a number with or without a fraction and a sign: "-3.14" is 负三点一四.

    Raises:
        ValueError: Its integer part has more than 16 digits.
    """
    sign = "负" if number.startswith("-") else ""
    whole, _, fraction = number.removeprefix("-").partition(".")
    return sign + cardinal(whole or "0") + ("点" + digits(fraction) if fraction else "")
