from __future__ import annotations

import time
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vinovits.text.sentences import MAX_CHARACTERS, split_sentences


def split(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("Mr. Smith met Dr. Brown. They left.", ["Mr. Smith met Dr. Brown.", "They left."]),
        ("John F. Kennedy spoke. He left.", ["John F. Kennedy spoke.", "He left."]),
        ("He takes vitamin C. It helps.", ["He takes vitamin C.", "It helps."]),
        ("Pi is 3.14. Yes.", ["Pi is 3.14.", "Yes."]),
        ("Ｐｉ　is ３.１４. Yes.", ["Ｐｉ　is ３.１４.", "Yes."]),
        ("At 5 p.m. we left. Fine.", ["At 5 p.m. we left.", "Fine."]),
        ("It ended at 5 p.m. The rest slept.", ["It ended at 5 p.m.", "The rest slept."]),
        ("In the U.S. Senate. Then.", ["In the U.S. Senate.", "Then."]),
        ("See p. 12 and No. 5. Good.", ["See p. 12 and No. 5.", "Good."]),
        ("I said no. He left.", ["I said no.", "He left."]),
        ('"Stop!" he said. "Why?" she asked.', ['"Stop!" he said.', '"Why?" she asked.']),
        ('He said "go." Then he went.', ['He said "go."', "Then he went."]),
        ("Well... maybe. Well... No.", ["Well... maybe.", "Well...", "No."]),
        ("Go to example.com. Now.", ["Go to example.com.", "Now."]),
        ("First line\nSecond line", ["First line", "Second line"]),
        ("A paragraph\n\n\nanother one", ["A paragraph", "another one"]),
        ("a line that\r\ngoes on in the next", ["a line that\r\ngoes on in the next"]),
        (
            "This is a wrapped line that is long enough to be taken\nFor prose. Yes.",
            ["This is a wrapped line that is long enough to be taken\nFor prose.", "Yes."],
        ),
        ("- one\n- two\n1. three\n2. four", ["- one", "- two", "1. three", "2. four"]),
        ("你好。再见！Good.", ["你好。", "再见！", "Good."]),
        ("Is it so?Yes. No.", ["Is it so?Yes.", "No."]),
        ("A fact.[12] Another.", ["A fact.[12]", "Another."]),
        ("", []),
        (" \n\t ", []),
        ("?!", ["?!"]),
    ],
)
def test_splitting(text: str, sentences: list[str]) -> None:
    assert split(text) == sentences


@given(st.text(max_size=400) | st.text("aA1 .!?\n\"')。…", max_size=400))
def test_spans_cover_all_but_spaces_in_order(text: str) -> None:
    position = 0
    for start, end in split_sentences(text):
        assert position <= start < end <= len(text)
        assert not text[position:start].strip()
        assert not text[start].isspace()
        assert not text[end - 1].isspace()
        position = end
    assert not text[position:].strip()


@given(st.text("ab. \n", max_size=200), st.integers(1, 30))
def test_the_first_sentences_do_not_depend_on_how_many_are_drawn(text: str, count: int) -> None:
    assert list(islice(split_sentences(text), count)) == list(split_sentences(text))[:count]


def test_text_without_marks_is_cut_between_words() -> None:
    parts = split("word " * 2000)
    assert len(parts) > 1
    assert all(len(part) <= MAX_CHARACTERS and set(part.split()) == {"word"} for part in parts)


def test_one_endless_word_is_cut() -> None:
    assert [len(part) for part in split("a" * (2 * MAX_CHARACTERS + 5))] == [1200, 1200, 5]


@pytest.mark.parametrize("unit", [".", "\n", " ", '"', "a.", '."', "\n ", "。", "Mr. ", "(", "[1]"])
def test_a_million_of_anything_takes_linear_time(unit: str) -> None:
    started = time.monotonic()
    for _ in split_sentences(unit * (1_000_000 // len(unit)) + "x"):
        pass
    # Quadratic time would be hours.
    assert time.monotonic() - started < 60


@pytest.mark.parametrize(
    ("written", "cut"),
    [
        ("{a}one two, three! four, five {b}", "three!"),
        ("{a}one two, three four {b}", "two,"),
        ("{a}one two.\"' three, four {b}", "two.\"'"),
        ("{a}one—two three {b}", "one—"),
    ],
)
def test_a_text_without_sentences_is_cut_at_the_last_of_the_best_places(
    written: str, cut: str
) -> None:
    first, _ = split(written.format(a="a" * (MAX_CHARACTERS - 100), b="b" * 200))
    assert first.endswith(cut)
