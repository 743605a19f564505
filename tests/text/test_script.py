"""A text and what is told of it: every place stays where it was, whatever is rewritten."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from vinovits.text.front_ends import read
from vinovits.text.hidden import ShownBuilder
from vinovits.text.reading import Said, Sentence
from vinovits.text.script import Manner, Script, plain


def said(script: Script) -> list[Sentence]:
    return list(read(script, ["en"], "2.3"))


def test_a_pause_is_that_of_the_mark_beside_it() -> None:
    text = "Well, yes. No."
    for index, mark in ((6, 1), (5, 1), (4, 1), (10, 3), (11, 3)):
        first, _ = said(replace(plain(text), pauses=((index, 0.5),)))
        assert [word.pause for word in first.words] == [
            0.5 if number == mark else None for number in range(4)
        ]


def test_a_pause_without_a_mark_beside_it_gets_one() -> None:
    (sentence,) = said(replace(plain("Well yes."), pauses=((5, 0.5), (5, 0.25))))
    assert [(word.text, word.pause) for word in sentence.words] == [
        ("Well", None),
        (",", 0.75),
        ("yes", None),
        (".", None),
    ]


def test_a_pause_before_all_words_is_silence() -> None:
    first, second = said(replace(plain('"Yes." No.'), pauses=((0, 1.0), (1, 0.5), (7, 2.0))))
    assert (first.silence, second.silence) == (1.5, 0)
    assert [word.pause for word in first.words] == [None, 2.0]


def test_manners_belong_to_words_and_voices_to_sentences() -> None:
    text = "I am Ann. You are Bob now."
    quick, bob = Manner(rate=2.0, volume=0.5), Manner(speaker="bob")
    script = replace(
        plain(text),
        manners=((5, 8, quick), (10, 17, bob), (17, 22, replace(bob, rate=0.5))),
    )
    assert list(script.parts()) == [(0, 10), (10, 22), (22, 26)]
    one, two, three = said(script)
    assert [word.text for word in one.words if (word.rate, word.volume) == (2.0, 0.5)] == ["Ann"]
    assert [word.text for word in two.words if word.rate == 0.5] == ["Bob", "."]
    assert [sentence.speaker for sentence in (one, two, three)] == ["", "bob", ""]


def test_parts_end_at_breaks() -> None:
    script = replace(plain("one two\n three"), breaks=(4, 8))
    assert [script.text[slice(*part)] for part in script.parts()] == ["one ", "two\n", " three"]


def test_a_place_has_its_name_in_the_sentence_it_is_in() -> None:
    first, second = said(
        replace(plain("One. Two three."), marks=((0, "a"), (5, "b"), (9, "c"), (15, "d")))
    )
    assert first.marks == (("a", 0),)
    assert second.marks == (("b", 5), ("c", 9), ("d", 15))


def test_languages_of_readings_go_before_those_around() -> None:
    script = replace(
        plain("abcdefghij"),
        said=(Said(2, 4, "a1", "zh", "markup"), Said(6, 7, "ア", "ja", "lexicon")),
        languages=((0, 3, "en"), (5, 9, "en")),
    )
    assert script.given_languages() == [
        (0, 2, "en"),
        (2, 4, "zh"),
        (5, 6, "en"),
        (6, 7, "ja"),
        (7, 9, "en"),
    ]


def test_rewriting_moves_what_is_told() -> None:
    text = "go to W3C now"
    script = replace(
        plain(text),
        said=(Said(0, 2, "G OW1", "en", "markup"), Said(10, 13, "N AW1", "en", "markup")),
        pauses=((6, 1.0), (10, 1.0)),
        breaks=(10,),
        marks=((9, "x"),),
    )
    new = script.rewritten([(6, 9, "World Wide Web Consortium")])
    assert new.text == "go to World Wide Web Consortium now"
    assert [new.text[one.start : one.end] for one in new.said] == ["go", "now"]
    assert [index for index, _ in new.pauses] == [6, 32]
    assert (new.breaks, new.marks) == ((32,), ((31, "x"),))
    assert new.seen.span(6, 31) == (6, 9)
    assert new.seen.span(12, 13) == (6, 9)
    assert new.seen.span(32, 35) == (10, 13)
    words = {word.text: text[word.start : word.end] for one in said(new) for word in one.words}
    assert words["Consortium"] == "W3C"
    assert words["now"] == "now"


pieces = st.lists(
    st.tuples(
        st.integers(0, 30), st.integers(1, 6), st.one_of(st.none(), st.text("xyz", max_size=4))
    )
)


@given(pieces)
def test_every_character_that_is_shown_knows_its_place(
    parts: list[tuple[int, int, str | None]],
) -> None:
    """Pieces are copied from a text, or put in the place of some of it; then both again."""
    source = plain("The quick brown fox jumps over the dog").seen
    builder = ShownBuilder()
    places: list[tuple[int, int]] = []
    for start, length, new in parts:
        if new is None:
            builder.copy(source, start, start + length)
            places += [(at, at + 1) for at in range(start, start + length)]
        else:
            builder.put(new, start, start + length)
            places += [(start, start + length)] * len(new)
    seen = builder.done()
    assert len(seen.text) == len(places)
    assert [seen.span(at, at + 1) for at in range(len(places))] == places
    for start in range(0, len(places), 3):
        part = seen.part(start, len(places))
        assert part.text == seen.text[start:]
        assert [part.span(at, at + 1) for at in range(len(part.text))] == places[start:]
