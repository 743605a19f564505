from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vinovits.text.chinese.numbers import DIGITS, cardinal, decimal, digits

_PLACES = {"十": 10, "百": 100, "千": 1000}
_GROUPS = {"万": 10**4, "亿": 10**8}


def _value(words: str) -> int:
    """What a Chinese number is worth: groups of four digits, 万亿 as one."""
    total = section = digit = 0
    for index, character in enumerate(words):
        if character in DIGITS:
            digit = DIGITS.index(character)
        elif character in _PLACES:
            section += (digit or (1 if index == 0 else 0)) * _PLACES[character]
            digit = 0
        else:
            section += digit
            if character == "亿" and not section:
                total *= _GROUPS["亿"]
            else:
                total += section * _GROUPS[character]
            section = digit = 0
    return total + section + digit


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("0", "零"),
        ("10", "十"),
        ("110", "一百一十"),
        ("1001", "一千零一"),
        ("10203", "一万零二百零三"),
        ("100010", "十万零一十"),
        ("20000000", "二千万"),
        ("100000001", "一亿零一"),
        ("007", "七"),
    ],
)
def test_cardinals(number: str, said: str) -> None:
    assert cardinal(number) == said


@given(st.integers(0, 10**12 - 1))
def test_a_cardinal_has_the_value_of_its_number(number: int) -> None:
    assert _value(cardinal(str(number))) == number


def test_decimals_and_digits() -> None:
    assert decimal("-3.14") == "负三点一四"
    assert digits("2024") == "二零二四"
    with pytest.raises(ValueError, match="more than 16"):
        cardinal("1" * 17)
