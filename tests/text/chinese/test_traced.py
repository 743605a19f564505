from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from vinovits.text.chinese.traced import joined, realign, substitute, trace

_TEXT = st.text("ab一二12 ", max_size=30)


def test_replacements_stand_for_what_they_replace() -> None:
    traced = substitute(trace("有25个", 10), re.compile(r"\d+"), lambda match: "二十五")
    assert traced.text == "有二十五个"
    assert traced.spans == [(10, 11), (11, 13), (11, 13), (11, 13), (13, 14)]
    assert traced.span(0, 2) == (10, 13)


def test_realigned_text_keeps_what_stayed() -> None:
    traced = realign(trace("在2024年3月去"), "在二零二四年三月去")
    assert traced.span(0, 1) == (0, 1)
    assert traced.span(1, 5) == (1, 5)
    assert traced.span(8, 9) == (8, 9)


@given(_TEXT, st.sampled_from(["", "x", "一二"]))
def test_every_character_has_a_span_within_the_text(text: str, new: str) -> None:
    traced = substitute(trace(text), re.compile(r"\d|a+"), lambda match: new)
    assert traced.text == re.sub(r"\d|a+", new, text)
    assert len(traced.spans) == len(traced.text)
    assert all(0 <= start < end <= len(text) for start, end in traced.spans)


@given(_TEXT, _TEXT)
def test_any_rewriting_can_be_realigned(text: str, new: str) -> None:
    traced = realign(trace(text), new)
    assert traced.text == new
    assert len(traced.spans) == len(new)
    if text:
        assert all(0 <= start < end <= len(text) for start, end in traced.spans)


@given(_TEXT, _TEXT)
def test_parts_join_to_the_whole(left: str, right: str) -> None:
    whole = trace(left + right)
    again = joined([whole.part(0, len(left)), whole.part(len(left), len(whole.text))])
    assert (again.text, list(again.spans)) == (whole.text, list(whole.spans))
