from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from vinovits.text.traced import realign, substitute, trace


def test_a_replacement_stands_for_what_it_replaced() -> None:
    traced = substitute(trace("a 12 b", 10), re.compile(r"\d+"), lambda match: "twelve")
    assert traced.text == "a twelve b"
    assert traced.span(2, 8) == (12, 14)
    assert traced.span(9, 10) == (15, 16)


def test_what_vanished_goes_with_its_neighbour() -> None:
    assert realign(trace("-ab-"), "ab").spans == [(0, 2), (2, 4)]
    assert realign(trace("ab"), "axb").spans == [(0, 1), (0, 1), (1, 2)]


@given(st.text("abc", max_size=20), st.text("abcd", max_size=20))
def test_every_character_has_a_span_in_order_of_the_text(old: str, new: str) -> None:
    traced = realign(trace(old), new)
    assert len(traced.spans) == len(new)
    assert all(0 <= start <= end <= len(old) for start, end in traced.spans)
    assert [start for start, _ in traced.spans] == sorted(start for start, _ in traced.spans)
