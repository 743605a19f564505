"""The distance is the least number of edits, which makes it a metric."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vinovits.edit_distance import edit_distance, error_rate

WORDS = st.lists(st.sampled_from("abc"), max_size=7)


@given(WORDS, WORDS)
def test_it_is_0_for_equals_only_and_the_same_both_ways(one: list[str], other: list[str]) -> None:
    distance = edit_distance(one, other)
    assert (distance == 0) == (one == other)
    assert edit_distance(other, one) == distance
    assert abs(len(one) - len(other)) <= distance <= max(len(one), len(other))


@given(WORDS, WORDS, WORDS)
def test_no_way_round_is_shorter(one: list[str], other: list[str], third: list[str]) -> None:
    assert edit_distance(one, third) <= edit_distance(one, other) + edit_distance(other, third)


@given(WORDS, WORDS, WORDS, WORDS)
def test_what_is_common_at_the_ends_costs_nothing(
    head: list[str], one: list[str], other: list[str], tail: list[str]
) -> None:
    assert edit_distance(head + one + tail, head + other + tail) == edit_distance(one, other)


@given(WORDS, st.data())
def test_one_edit_is_at_most_1(words: list[str], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(words)))
    taken = data.draw(st.integers(0, 1))
    new = data.draw(st.lists(st.sampled_from("abc"), max_size=1))
    assert edit_distance(words, words[:at] + new + words[at + taken :]) <= 1


@pytest.mark.parametrize(
    ("one", "other", "edits"),
    [("kitten", "sitting", 3), ("", "abc", 3), ("abcd", "bcde", 2), ("abc", "acb", 2)],
)
def test_known_distances(one: str, other: str, edits: int) -> None:
    assert edit_distance(one, other) == edits


def test_error_rates() -> None:
    assert error_rate(["it", "is", "a", "dog"], ["it", "was", "a", "dog"]) == 0.25
    assert error_rate(["one"], ["no", "one", "here"]) == 2.0
    assert error_rate([], ["a"]) == 1.0
    assert error_rate([], []) == 0.0
