from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from vinovits.text.traced import joined, realign, substitute, trace

_TEXT = st.text("ab一二12 ", max_size=30)


def test_a_replacement_stands_for_what_it_replaced() -> None:
    traced = substitute(trace("a 12 b", 10), re.compile(r"\d+"), lambda match: "twelve")
    assert traced.text == "a twelve b"
    assert traced.span(2, 8) == (12, 14)
    assert traced.span(9, 10) == (15, 16)
    traced = substitute(trace("有25个", 10), re.compile(r"\d+"), lambda match: "二十五")
    assert traced.spans == [(10, 11), (11, 13), (11, 13), (11, 13), (13, 14)]
    assert traced.span(0, 2) == (10, 13)


def test_of_many_digits_each_keeps_its_place() -> None:
    traced = substitute(
        trace("号123456789"), re.compile(r"\d+"), lambda match: "幺二三四五六七八九"
    )
    assert traced.spans == trace("号123456789").spans
    traced = substitute(trace("-0.1234567"), re.compile(".+"), lambda match: "负零点一二三四五六七")
    assert traced.spans == trace("-0.1234567").spans
    assert realign(trace("在123456789"), "在一二三四五六七八九").spans == trace("在123456789").spans


def test_what_vanished_goes_with_its_neighbour_or_with_nothing() -> None:
    assert realign(trace("-ab-"), "ab").spans == [(0, 2), (2, 4)]
    assert realign(trace("-ab-"), "ab", cover=False).spans == [(1, 2), (2, 3)]
    assert realign(trace("ab"), "axb").spans == [(0, 1), (0, 1), (1, 2)]


def test_realigned_text_keeps_what_stayed() -> None:
    traced = realign(trace("在2024年3月去"), "在二零二四年三月去")
    assert traced.span(0, 1) == (0, 1)
    assert traced.span(1, 5) == (1, 5)
    assert traced.span(8, 9) == (8, 9)
    assert realign(trace("好，。"), "好,.").spans == trace("好，。").spans


@given(_TEXT, st.sampled_from(["", "x", "一二"]))
def test_every_character_has_a_span_within_the_text(text: str, new: str) -> None:
    traced = substitute(trace(text), re.compile(r"\d|a+"), lambda match: new)
    assert traced.text == re.sub(r"\d|a+", new, text)
    assert len(traced.spans) == len(traced.text)
    assert all(0 <= start < end <= len(text) for start, end in traced.spans)


@given(_TEXT, _TEXT, st.booleans())
def test_any_rewriting_can_be_realigned_in_order(old: str, new: str, cover: bool) -> None:
    traced = realign(trace(old), new, cover)
    assert traced.text == new
    assert len(traced.spans) == len(new)
    assert all(0 <= start <= end <= len(old) for start, end in traced.spans)
    assert all(start < end for start, end in traced.spans) or not old
    assert [start for start, _ in traced.spans] == sorted(start for start, _ in traced.spans)
    if cover and new:
        covered = {at for start, end in traced.spans for at in range(start, end)}
        assert covered == set(range(len(old)))


@given(_TEXT, _TEXT)
def test_parts_join_to_the_whole(left: str, right: str) -> None:
    whole = trace(left + right)
    again = joined([whole.part(0, len(left)), whole.part(len(left), len(whole.text))])
    assert (again.text, list(again.spans)) == (whole.text, list(whole.spans))
