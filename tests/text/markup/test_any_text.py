"""What holds whatever the text is."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.text.markup.scripts import check_places
from vinovits.errors import TextError
from vinovits.text.front_ends import read
from vinovits.text.markup import escape, parse
from vinovits.text.script import plain

PIECES = (
    *(
        "[slow]",
        "[/slow]",
        "[loud]",
        "[/loud]",
        "[pause 300ms]",
        "[pause]",
        "[pause 1s]",
        "[break]",
    ),
    *("[speed 0.8]", "[/speed]", "[volume -6dB]", "[/volume]", "[lang ja]", "[lang xx]", "[/lang]"),
    *("[speaker Ann]", "[/speaker]", "[style x y]", "[/style]", "[spell]", "[/spell]", "[mark a]"),
    *("[say date]", "[say ordinal]", "[say digits]", "[say telephone]", "[say cardinal]", "[/say]"),
    *("[行|hang2]", "[橋本|ハシモト]", "[x|T AH0]", "[W3C|=a b]", "[x|/a/]", "[行|q9]", "[a|b c]"),
    *("[A]<zh>", "<jp>", "<EN>", "|", "\\", "[", "]", "/", "\n", " ", "1", "12", "3/4/2024", "a"),
    *("A.", ", ", "東京", "の", "é", "<!--", "-->", "<b>", "\u202e", "😀"),
)
TAGS = (
    *("<p>", "</p>", "<s>", "</s>", "<break/>", "<break time='1s'/>", "<emphasis>", "</emphasis>"),
    *("<say-as interpret-as='date'>", "</say-as>", "<sub alias='x'>", "</sub>", "<mark name='a'/>"),
    *("<phoneme ph='a'>", "</phoneme>", "<prosody rate='80%'>", "</prosody>", "<x:y>", "</x:y>"),
    *("<desc>", "</desc>", "&amp;", "&#10;", "&", "<![CDATA[", "]]>", "<!-- c -->", "<", ">"),
    *(" ", "\r\n", "\n", "a", "1/2", "東", "é", "\ud800", "\x01"),
)
soup = st.lists(st.sampled_from(PIECES), max_size=25).map("".join)
stretches = st.recursive(
    st.lists(st.sampled_from(("a ", "東", "1", "&amp;", "&#10;"))).map("".join),
    lambda inner: st.tuples(
        st.sampled_from(
            [
                *("p", "s", "emphasis", "say-as interpret-as='date'", "prosody volume='soft'"),
                *("lang xml:lang='ja'", "voice name='x'", "say-as interpret-as='characters'"),
            ]
        ),
        inner,
        inner,
    ).map(lambda parts: f"<{parts[0]}>{parts[1]}</{parts[0].split()[0]}><break/>{parts[2]}"),
    max_leaves=12,
)


def check_parsed(text: str) -> None:
    """It is, with all places right, or an error names the place."""
    try:
        check_places(parse(text))
    except TextError as error:
        message = str(error)
    else:
        return
    assert "at character" in message


@given(soup)
@settings(max_examples=150, deadline=None)
def test_nothing_but_text_errors_is_raised(text: str) -> None:
    check_parsed(text)


@given(st.lists(st.sampled_from(TAGS), max_size=15).map("".join))
@settings(max_examples=150, deadline=None)
def test_ssml_raises_nothing_but_text_errors(content: str) -> None:
    check_parsed(f"<speak>{content}</speak>")


@given(stretches)
@settings(max_examples=200, deadline=None)
def test_right_ssml_is_read(content: str) -> None:
    script = parse(f"<speak>{content}</speak>")
    check_places(script)
    for sentence in read(script, ["en"], "2.3"):
        assert 0 <= sentence.start <= sentence.end <= len(script.original)
        assert all(sentence.start <= w.start <= w.end <= sentence.end for w in sentence.words)


@given(st.text(alphabet=st.characters(exclude_characters="[")))
def test_text_without_brackets_is_left_alone(text: str) -> None:
    assert parse(text, "plain") == plain(text)


@given(st.one_of(soup, st.text()))
@settings(max_examples=150, deadline=None)
def test_escaped_text_is_read_as_it_was(text: str) -> None:
    script = parse(escape(text), "plain")
    assert script.text == plain(text).text
    assert script == replace(plain(script.original), seen=script.seen)
    check_places(script)


@given(soup)
def test_off_is_off(text: str) -> None:
    assert parse(text, "off") == plain(text)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("Hello [1] world. " * 60_000, 2),
        ("Hello world, there. " * 50_000, 0.2),
        ("He[slow]llo w[/slow]or[pause 9ms] ld " * 17_000, 15),
        ("the [say ordinal]3[/say] x " * 25_000, 15),
        ("<speak>" + "<p>Hi <break time='9ms'/>you</p>" * 25_000 + "</speak>", 15),
        ("[" * 1_000_000, 2),
        ("[a|" * 300_000, 2),
        ("[" + " " * 1_000_000 + "]", 2),
        ("[" + "a " * 500_000 + "|]<zh>", 2),
        ("[行|" + "há" * 300_000 + "]", 2),
        ("\\" * 1_000_000 + "[pause 1s]", 2),
        ("\x1b[0ma[pause 9ms]b" * 20_000, 15),
        ("[A]<zh>你<jp>は|" * 20_000, 15),
    ],
)
def test_a_million_characters_take_linear_time(text: str, limit: float) -> None:
    """The limits are loose: quadratic time would take minutes."""
    start = time.process_time()
    parse(text)
    assert time.process_time() - start < limit
