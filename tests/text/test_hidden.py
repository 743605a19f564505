from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.text.test_read import check_sentences
from vinovits.engine.result import SpokenSentence, WordTiming
from vinovits.errors import LanguageError, TextError
from vinovits.output.cues import cues, written_pieces
from vinovits.text import front_ends
from vinovits.text.checks import check_text
from vinovits.text.hidden import shown
from vinovits.text.reading import Sentence


def read(text: str) -> Iterator[Sentence]:
    return front_ends.read(text, ["en"], "2.3")


CODES = [
    "\x1b[31m",
    "\x1b[0m",
    "\x1b[m",
    "\x1b[01;38;5;196m",
    "\x1b[2K",
    "\x1b[?25l",
    "\x1b(B",
    "\x1b7",
    "\x1b]0;a title\x07",
    "\x1b]8;;https://example.com/a b\x1b\\",
    "\x1bP1$r0m\x1b\\",
]
ELEMENTS = [
    "<script>var x = 1; alert('<b>boo</b>');</script>",
    '<SCRIPT type="module">\nlet a\n</Script >',
    "<style>p { color: red }</style>",
    "<!-- a comment. With a > sign. -->",
    "<!DOCTYPE html>",
]


@pytest.mark.parametrize("code", CODES)
def test_terminal_codes_vanish(code: str) -> None:
    assert shown(f"un{code}believable{code} red.").text == "unbelievable red."


@pytest.mark.parametrize("element", ELEMENTS)
def test_what_a_browser_hides_becomes_a_space(element: str) -> None:
    assert shown(f"One.{element}Two.").text == "One. Two."


@pytest.mark.parametrize(
    "text",
    [
        "The <script> tag and the <style> tag.",
        "a < b and c > d <!-- open",
        "\x1b[31",
        "\x1b]0;a title without end",
        "[31mred[0m",
        "<scripture>Amen</scripture>",
    ],
)
def test_what_has_no_end_stays(text: str) -> None:
    assert shown(text).text == text
    assert shown(text).is_all


@given(st.lists(st.sampled_from([*CODES, *ELEMENTS, "a", "Bc", ". ", "<p>", "\x1b", "<!--", "é"])))
def test_places_point_into_the_original(parts: list[str]) -> None:
    text = "".join(parts)
    seen = shown(text)
    origins = [seen.origin(index) for index in range(len(seen.text))]
    assert origins == sorted(set(origins))
    for index, origin in enumerate(origins):
        assert text[origin] == seen.text[index] or (text[origin], seen.text[index]) == ("<", " ")
        assert seen.index(origin) == index
        assert seen.span(index, index + 1) == (origin, origin + 1)
        assert seen.span(index + 1, index + 1) == (origin + 1, origin + 1)
    places = [seen.index(origin) for origin in range(len(text) + 1)]
    assert places == sorted(places)
    assert places[-1] == len(seen.text)


COLOURED = (
    "\x1b[1m\x1b[31mHello\x1b[0m <!-- x. Y -->the\x1b[32mre, 1\x1b[0m0 people.\x1b[0m Bye now."
)


def test_coloured_text_is_said_as_plain_text_is() -> None:
    plain = [sentence.words for sentence in read("Hello there, 10 people. Bye now.")]
    sentences = list(read(COLOURED))
    check_sentences(COLOURED, sentences)
    assert [[(word.text, word.phones, word.tones) for word in s.words] for s in sentences] == [
        [(word.text, word.phones, word.tones) for word in words] for words in plain
    ]
    written = [COLOURED[word.start : word.end] for word in sentences[0].words]
    assert written == ["Hello", "the\x1b[32mre", ",", "1\x1b[0m0", "people", "."]


@given(
    st.lists(
        st.sampled_from(
            [*CODES, *ELEMENTS, "a ", "U.S. ", "10", " cats, ", "No. ", "\n\n", "<b>", "\x1b"]
        )
    ).map("".join)
)
def test_any_mixture_is_read_within_the_rules(text: str) -> None:
    check_sentences(text, list(read(text)))


@pytest.mark.parametrize("text", ["\x1b[0m", "\x1b[31m \x1b[0m", *ELEMENTS])
def test_a_text_of_nothing_else_is_refused(text: str) -> None:
    with pytest.raises(TextError, match="only terminal codes, or scripts, styles and comments"):
        check_text(text, ["en"])


def test_checks_look_at_what_is_read_and_name_the_place_in_the_original() -> None:
    check_text("<script>'привет'</script>fine", ["en"])
    with pytest.raises(LanguageError, match=r"at character 7 \(line 1\)"):
        check_text("\x1b[31m Привет", ["en"])
    with pytest.raises(TextError, match=r"word of 501 letters .* at character 6 \(line 1\)"):
        check_text("\x1b[31m" + "a" * 400 + "\x1b[0m" + "a" * 101, ["en"])


def test_subtitles_show_what_is_seen() -> None:
    sentence = next(read(COLOURED))
    timed = tuple(
        WordTiming(word.text, word.start, word.end, i * 0.5, i * 0.5 + 0.5)
        for i, word in enumerate(sentence.words)
    )
    spoken = SpokenSentence(
        sentence.text,
        sentence.start,
        sentence.end,
        0.0,
        0.5 * len(timed),
        timed,
        (),
        shown=sentence.shown,
    )
    texts = [piece.text for piece in written_pieces(spoken)]
    assert texts == ["Hello  ", "there, ", "10 ", "people."]
    assert [cue.lines for cue in cues(spoken)] == [("Hello there, 10 people.",)]


@pytest.mark.parametrize(
    "unit",
    ["\x1b[0m", "\x1b[", "\x1b]", "\x1b[1", "<script>", "<script ", "<!--", "<style></style>", "<"],
)
def test_a_million_characters_take_linear_time(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    started = time.process_time()
    shown(text)
    assert time.process_time() - started < 5
