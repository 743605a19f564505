"""Readings that are given: spoken just so, whatever they stand for and whatever is around."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinovits.text.english import RULES, read
from vinovits.text.english.pronounce import to_model
from vinovits.text.reading import Said, Sentence, Word

SYMBOLS = frozenset(
    json.loads((Path(__file__).parents[2] / "golden" / "text" / "symbols.json").read_text("utf-8"))
)
TOMATO = "T AH0 M AA1 T OW0"
PHONES = ("t", "ah", "m", "aa", "t", "ow")
ROWS = sorted(RULES)


def given_at(text: str, *surfaces: str, reading: str = TOMATO) -> list[Said]:
    """Readings for the first place of each surface, in order."""
    found: list[Said] = []
    for surface in surfaces:
        start = text.index(surface, found[-1].end if found else 0)
        found.append(Said(start, start + len(surface), reading, "en", "markup"))
    return found


def words(text: str, said: list[Said], row: str = "better") -> list[Word]:
    return [word for sentence in read(text, RULES[row], said) for word in sentence.words]


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize(
    ("text", "surface"),
    [
        ("I like tomato soup.", "tomato"),
        ("Ask Dr. Smith.", "Dr."),
        ("C++ is old.", "C++"),
        ("It is 3.5 now.", "3.5"),
        ("I 😀 you.", "😀"),
        ("Say 東京 again.", "東京"),
        ("Yahoo! is old. Yes.", "Yahoo!"),
        ("Stop. Now! Go on.", "Stop. Now!"),
        ("In New  York now.", "New  York"),
        ("untomatoed", "tomato"),
        ("rock'n'roll", "n"),
        ("5kg here", "kg"),
        ("$5k", "5"),
        ("...!...", "!"),
        ("a  b", "  "),
        ("https://x.com/a", "x"),
        ("#tag and @me", "tag"),
        ("word x", "x"),
        ("résumé", "résumé"),
        ("<b>bold</b>", "<b>"),
        ("May 3rd, 2024", "3rd"),
        ("No. 5", "5"),
        ("5 million dollars", "million"),
        ("1,234,567", "234"),
        ("\u200bx\u200b", "\u200bx\u200b"),
        ("\U000f0000 a", "a"),
    ],
)
def test_a_given_reading_is_spoken_for_just_its_stretch(row: str, text: str, surface: str) -> None:
    said = given_at(text, surface)
    own = [word for word in words(text, said, row) if word.source == "markup"]
    [word] = own
    assert word.phones == PHONES
    assert (word.phones, word.tones) == to_model(tuple(TOMATO.split()), RULES[row].consonant_tone)
    assert (word.start, word.end) == (said[0].start, said[0].end)
    assert word.reading == TOMATO
    assert word.text == (" ".join(surface.split()) or surface)
    assert not word.is_punctuation


def test_what_is_around_is_read_as_before() -> None:
    text = "Dr. Smith paid $5 to Elm St. on May 3rd."

    def spoken(*surfaces: str) -> str:
        return " ".join(word.text for word in words(text, given_at(text, *surfaces)))

    assert spoken() == "doctor Smith paid five dollars to Elm street on May third ."
    assert spoken("Smith", "Elm") == spoken()
    assert spoken("3rd") == "doctor Smith paid five dollars to Elm street on May 3rd ."


def test_the_words_beside_see_what_is_written() -> None:
    text = "A lead pipe, and they lead us."
    for surface in ("pipe", "A", "they", "us"):
        leads = [w.phones for w in words(text, given_at(text, surface)) if w.text == "lead"]
        assert leads == [("l", "eh", "d"), ("l", "iy", "d")]


@pytest.mark.parametrize(
    ("text", "surface", "reading", "ending"),
    [
        ("Two GPUs.", "GPU", "G UW1 P", ("s",)),
        ("The GPU's fan", "GPU", "G UW1 B", ("z",)),
        ("The GPU’s fan", "GPU", "G UW1 S", ("ih", "z")),
        ("GPUstuff", "GPU", "G UW1 S", ("s", "t", "ah", "f")),
    ],
)
def test_an_s_behind_it_sounds_as_behind_its_last_phone(
    text: str, surface: str, reading: str, ending: tuple[str, ...]
) -> None:
    said = given_at(text, surface, reading=reading)
    found = words(text, said)
    place = next(i for i, word in enumerate(found) if word.source == "markup")
    assert found[place + 1].phones == ending
    assert found[place + 1].start == found[place].end


def test_no_sentence_ends_within_it() -> None:
    text = "One. Two! Three. Four. Yahoo! The end."
    sentences = list(read(text, said=given_at(text, "Two! Three.", "Yahoo!")))
    assert [sentence.text for sentence in sentences] == [
        "One.",
        "Two! Three. Four.",
        "Yahoo! The end.",
    ]


def test_readings_of_other_languages_are_passed_over() -> None:
    said = [Said(0, 5, "hang2", "zh", "markup")]
    assert words("tomato soup", said) == words("tomato soup", [])


@pytest.mark.parametrize("row", ["better", "2.3"])
def test_a_very_long_reading_is_cut(row: str) -> None:
    said = [Said(2, 4, " ".join(["AA1", "T"] * 1000), "en", "lexicon")]
    sentences = list(read("a xy b", RULES[row], said))
    assert sum(len(w.phones) for s in sentences for w in s.words if w.source == "lexicon") == 2000
    assert all(sum(len(word.phones) for word in s.words) <= 400 for s in sentences)


SAMPLES = (
    "Dr. St. U.S. e.g. No. Henry VIII I read live http:// example.com @ # $5 1,234 3.14 1/2 9:30 "
    "p.m. May 3rd 5'11\" km/h °C dogs' MP3 x² 😀 (a) [1] <b> &amp; word(s) ---- ...."
)
SURFACES = st.one_of(
    st.text(st.characters(), max_size=60),
    st.text("aAbé019 .,!?'\"-–—/:$£€%&()[]’“_#@😀東ー\n\u3000\u200b\U000f0000", max_size=60),
    st.lists(st.sampled_from(SAMPLES.split(" ")), max_size=12).map(" ".join),
)


@st.composite
def said_texts(draw: st.DrawFn) -> tuple[str, list[Said]]:
    text = draw(SURFACES)
    places = st.integers(0, len(text))
    cuts = sorted(draw(st.lists(places, max_size=6, unique=True)))
    return text, [
        Said(start, end, TOMATO, "en", "markup")
        for start, end in zip(cuts[::2], cuts[1::2], strict=False)
    ]


def check(text: str, sentences: list[Sentence], said: list[Said]) -> None:
    spoken = [(one.start, one.end) for one in said]
    found = []
    position = 0
    for sentence in sentences:
        assert position <= sentence.start < sentence.end <= len(text)
        assert sentence.text == text[sentence.start : sentence.end]
        position, before = sentence.end, sentence.start
        for word in sentence.words:
            assert before <= word.start <= word.end <= sentence.end or word.start == word.end
            assert len(word.phones) == len(word.tones)
            assert SYMBOLS.issuperset(word.phones)
            if word.source == "markup":
                assert word.phones == PHONES
                found.append((word.start, word.end))
            else:
                assert all(word.end <= start or end <= word.start for start, end in spoken)
            before = word.start
    assert found == spoken


@settings(max_examples=120, deadline=None)
@given(said_texts(), st.sampled_from(ROWS))
def test_readings_may_be_given_anywhere(given_text: tuple[str, list[Said]], row: str) -> None:
    text, said = given_text
    check(text, list(read(text, RULES[row], said)), said)


@pytest.mark.parametrize("row", ["better", "2.1", "2.3"])
def test_a_million_characters_without_a_mark_with_ten_thousand_readings(row: str) -> None:
    text = "word " * 20_000
    said = [Said(at, at + 4, TOMATO, "en", "lexicon") for at in range(0, len(text), 50)]
    began = time.process_time()
    spoken = 0
    for sentence in read(text, RULES[row], said):
        assert sum(len(word.phones) for word in sentence.words) <= 400
        spoken += sum(word.source == "lexicon" for word in sentence.words)
    assert spoken == len(said)
    assert time.process_time() - began < 5
