"""Sentences that users of other programs have complained about, and what is told of odd ones."""

from __future__ import annotations

import re
import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinovits.text.english import RULES, read
from vinovits.text.reading import Said, Sentence


def spoken(text: str, *said: Said) -> str:
    return " | ".join(
        " ".join(word.text for word in sentence.words) for sentence in read(text, said=said)
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        # Numbers were read digit by digit, or not at all.
        ("I have 10 apples and 245.", "I have ten apples and two hundred forty five ."),
        (
            "Today is the 27th 1st 2nd 23rd 7, 1/1/2023 12:01 12:01am.",
            "Today is the twenty seventh first second twenty third seven , January first twenty "
            "twenty three twelve oh one twelve oh one a m .",
        ),
        # An ellipsis made no pause.
        (
            "Lisa shrunk under his stare. “Um, Hannelore, she’s still… Anna is watching, but…”",
            "Lisa shrunk under his stare . | Um , Hannelore , she's still … | "
            "Anna is watching , but …",
        ),
        ("A long ellipsis.... Could it be?", "A long ellipsis … | Could it be ?"),
        # Brackets made no pause, and initials ended the sentence.
        (
            "James T. Kirk (the captain) is here.",
            "James T Kirk , the captain , is here .",
        ),
        # Lists without marks were one sentence.
        (
            "There are four fruits:\nApple\nBanana\nOrange",
            "There are four fruits , | Apple . | Banana . | Orange .",
        ),
        # Words that broke the voice.
        ("Tighten the buttons.", "Tighten the buttons ."),
        # Letters were skipped or spelled.
        ("scrawlings and magicks", "scrawlings and magicks ."),
    ],
)
def test_complaints(text: str, words: str) -> None:
    assert spoken(text) == words


def test_words_that_were_spelled_are_said() -> None:
    (sentence,) = read("scrawlings and magicks of Nerevar")
    assert [word.source for word in sentence.words if "spelled" in word.source] == []


@pytest.mark.parametrize("row", sorted(RULES))
def test_a_name_that_is_said_wrongly_is_put_right(row: str) -> None:
    said = [Said(8, 12, "G AY1 S", "en", "lexicon")]
    (sentence,) = read("Mr John Geis.", RULES[row], said)
    [word] = [word for word in sentence.words if word.source == "lexicon"]
    assert (word.text, word.phones) == ("Geis", ("g", "ay", "s"))


def told(text: str, sentences: list[Sentence]) -> tuple[set[int], str]:
    """Characters that are in a word or mark, and the notes."""
    covered = {
        place
        for sentence in sentences
        for word in sentence.words
        if word.phones
        for place in range(word.start, word.end)
    }
    return covered, " ".join(note for sentence in sentences for note in sentence.notes)


SILENT = re.compile(r"https?://|<[^<>]*>|&\w+;|\[\d+\]|[²³¹⁰⁴-⁹]|[:;=8][-o']?[)(\[\]DPpO|*]+")
"""Left out on purpose: docs/english.md says so."""
SAMPLES = (
    "Dr. Mr. St. U.S. e.g. No. Henry VIII I A read http://x.com/π example.com @ # $5 1,234 3.14 "
    "1/2 9:30 p.m. 2024-03-15 May 3rd 5'11\" km/h °C % – ... 'em dogs' MP3 iPhone x² 😀 π café ½ "
    "[1] &amp; Ａ１ ① Ⅳ é ñ ø 日本 я ß ﬁ ™ ª º ʰ ₅ ⅓ Å Ω µ ℃ № ½x ٣ ３ 𝟝 𝐀 ⓐ ㊗ © ☃ ∴ ♪ ⚡ ƒ ĳ ŉ "
    "ﷺ ℵ 〒 ㎏ ﬀ 〆 ー ㍿ ‰ ※ ¤ Σ σ ς ά ἀ 한국 ก \u200b \u202e \ud800 \x00"
)
TEXTS = st.one_of(
    st.lists(st.sampled_from(SAMPLES.split(" ")), max_size=10).map(" ".join),
    st.lists(st.sampled_from(SAMPLES.split(" ")), max_size=6).map("".join),
    st.text(max_size=40),
)


@settings(max_examples=120, deadline=None)
@given(TEXTS, st.sampled_from(["better", "2.1", "2.3"]))
def test_every_letter_is_spoken_or_told_of(text: str, row: str) -> None:
    sentences = list(read(text, RULES[row]))
    covered, notes = told(text, sentences)
    if not sentences or "..." in notes:
        return  # nothing to speak, or more than a note has room for
    silent = {place for match in SILENT.finditer(text) for place in range(*match.span())}
    for place, character in enumerate(text):
        if place not in covered | silent and character.isalnum():
            plain = unicodedata.normalize("NFKC", character)
            assert character in notes or plain in notes, repr(character)


def test_notes_of_what_has_no_word_go_with_a_sentence_beside_it() -> None:
    first, second = read("😀\n\nHello there.\n\n日本\n\nBye.\n\n한국\n\n")
    assert first.notes == ("Left out emoji: 😀.",)
    assert second.notes == (
        "Left out characters that English can't read: 日 本.",
        "Left out characters that English can't read: 한 국.",
    )


@pytest.mark.parametrize("row", ["better", "2.1", "2.3"])
@pytest.mark.parametrize("text", ["word " * 200_000, "word" * 250_000, "1" * 1_000_000])
def test_a_million_characters_without_a_mark_are_read_bit_by_bit(row: str, text: str) -> None:
    began = time.process_time()
    sentences = read(text, RULES[row])
    for _, sentence in zip(range(20), sentences, strict=False):
        assert sum(len(word.phones) for word in sentence.words) <= 1000
        assert sentence.end - sentence.start <= 1200
    assert time.process_time() - began < 5
