"""Numbers in kanji."""

from __future__ import annotations

CURRENCIES = {"$": "ドル", "¥": "円", "£": "ポンド", "€": "ユーロ"}
"""Signs that stand before a price, and what is said behind it."""


def cardinal(digits: str) -> str:
    """A number in kanji: "1234.5" -> "千二百三十四点五".

    Args:
        digits: Digits, with a point and more digits behind it at most.

    Returns:
        Digit by digit where the number is larger than there are words for.
    """
    # Slow to load, and not every text has a number.
    from num2words import num2words

    try:
        return str(num2words(digits, lang="ja"))
    except (OverflowError, ValueError, ArithmeticError):
        return digit_by_digit(digits)


def digit_by_digit(digits: str) -> str:
    """Each digit in kanji: "090" -> "〇九〇"; a point is 点."""
    return digits.translate(_DIGITS)


_DIGITS = str.maketrans("0123456789.", "〇一二三四五六七八九点")
