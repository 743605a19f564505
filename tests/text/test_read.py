from __future__ import annotations

import json
import random
import time
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinovits.text.english import read
from vinovits.text.english.folding import fold
from vinovits.text.english.normalise import may_hold_words, normalise
from vinovits.text.reading import Sentence

GOLDEN = Path(__file__).parents[1] / "golden" / "text"
CASES = [json.loads(line) for line in (GOLDEN / "en.jsonl").read_text("utf-8").splitlines()]
SYMBOLS = frozenset(json.loads((GOLDEN / "symbols.json").read_text("utf-8")))
MARKS = frozenset("!?…,.'-")


def sounds(sentences: list[Sentence]) -> list[tuple[str, int]]:
    """Phones and tones of the words, without marks."""
    return [
        sound
        for sentence in sentences
        for word in sentence.words
        if not word.is_punctuation
        for sound in zip(word.phones, word.tones, strict=True)
    ]


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_words_sound_as_in_the_released_front_end(case: dict[str, object]) -> None:
    """Marks are left out: ours are chosen anew (docs/english.md). "differs" says why we differ."""
    recorded = [s for s in zip(case["phones"], case["tones"], strict=True) if s[1]]
    assert (sounds(list(read(str(case["text"])))) == recorded) == (case["differs"] is None)


def check_sentences(text: str, sentences: list[Sentence]) -> None:
    position = 0
    for sentence in sentences:
        assert position <= sentence.start < sentence.end <= len(text)
        assert sentence.text == text[sentence.start : sentence.end]
        assert any(not word.is_punctuation for word in sentence.words)
        assert len(sentence.words) <= 100
        assert sum(len(word.phones) for word in sentence.words) <= 400
        assert sentence.words[-1].is_punctuation
        assert not sentence.words[0].is_punctuation
        check_words(sentence)
        position = sentence.end


def check_words(sentence: Sentence) -> None:
    last = (sentence.start, sentence.start)
    for word in sentence.words:
        assert sentence.start <= word.start <= word.end <= sentence.end
        assert (word.start, word.end) == last or word.start >= last[1]
        assert word.phones
        assert len(word.phones) == len(word.tones)
        assert SYMBOLS.issuperset(word.phones)
        assert set(word.tones) <= {0, 1, 2, 3}
        if word.is_punctuation:
            assert word.phones == (word.text,)
            assert word.text in MARKS
            assert word.tones == (0,)
        else:
            assert word.start < word.end
            assert not MARKS & set(word.phones)
            assert 0 not in word.tones
        last = (word.start, word.end)


WRITTEN = st.text("aAbIVX19 .,!?'\"-–—/:$€%°#@&()+=<>½²\u00a0\n", max_size=150)
SAMPLES = (
    "Dr. Mr. St. U.S. e.g. No. Henry VIII I A read live close http:// example.com @ # $ 5 1,234 "
    "3.14 1/2 9:30 p.m. 2024-03-15 May 3rd 5'11\" km/h °C % – — ... 'em 's dogs' MP3 iPhone x² 😀 "
    "π café ½ 192.168.0.1 555-1234 (a) [1] <b> &amp; \n\n \ud800 \x00 \u202e"
)
PIECES = st.lists(st.sampled_from(SAMPLES.split(" ")), max_size=40).map(" ".join)


@settings(max_examples=100)
@given(st.text(st.characters(), max_size=200) | WRITTEN | PIECES)
def test_any_text_is_read_within_the_rules(text: str) -> None:
    check_sentences(text, list(read(text)))


@given(PIECES)
def test_drawing_lazily_gives_the_same(text: str) -> None:
    everything = list(read(text))
    assert [list(islice(read(text), n + 1))[-1] for n in range(len(everything))] == everything


@given(st.text(st.characters(codec="ascii"), min_size=1, max_size=80))
def test_every_letter_and_digit_lies_in_a_sentence(text: str) -> None:
    covered: set[int] = set()
    for sentence in read(text):
        covered.update(range(sentence.start, sentence.end))
    missing = [c for i, c in enumerate(text) if c.isalnum() and i not in covered]
    # Tags, entities, emoticons and terminal codes are left out on purpose, and a sentence of
    # nothing else too.
    assert not missing or any(sign in text for sign in "<&:;=8\x1b")


@pytest.mark.parametrize(
    "text",
    ["", " ", "\n", "?!", "😀", "\x00", "\ud800", "...", "=====", "\u202e", "---", "''", '"'],
)
def test_text_without_a_word_gives_no_sentence(text: str) -> None:
    assert list(read(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "he\x00llo wor\u200bld",
        "lone \ud83d surrogate",
        "\u202eright to left\u202c marks",
        "Z\u0301\u0302\u0303\u0304algo",
        "abc שלום مرحبا def",
        "x" * 10_000,
        "(" * 5000 + "a",
        "1" * 50_000,
        "word " * 3000,
        "a, " * 3000,
        "http://x.y/" + "a/" * 2000,
        "A" * 1000,
        "É" * 700,
    ],
)
def test_bad_input_is_read_within_the_rules(text: str) -> None:
    sentences = list(read(text))
    assert sentences
    check_sentences(text, sentences)


def test_what_is_left_out_is_noted() -> None:
    (sentence,) = read("Hello 👍 мир \ud800 there.")
    assert [word.text for word in sentence.words] == ["Hello", "there", "."]
    assert sentence.notes == (
        "Left out emoji: 👍.",
        "Left out characters that English can't read: м и р U+D800.",
    )


def test_a_long_sentence_is_cut_at_a_comma() -> None:
    clause = "the old clock in the hall struck midnight, "
    sentences = list(read(clause * 20))
    assert len(sentences) > 1
    assert all(s.text.endswith(("midnight,", "midnight")) for s in sentences)
    assert all(s.words[-1].text == "," for s in sentences[:-1])


def test_a_sentence_always_ends_with_a_mark() -> None:
    assert [s.words[-1].text for s in read("One\n\nTwo!\n\n(Three)\n\nFour...\n\nDear John,")] == [
        ".",
        "!",
        ".",
        "…",
        ",",
    ]


def test_reading_is_lazy() -> None:
    text = "A short sentence. " * 50_000
    assert next(iter(read(text))).text == "A short sentence."


MARKS_AND_SPACES = "!?.,;:-–—…()[]{}\"'*_#~^|\\/"


@pytest.mark.parametrize(
    "marks",
    [
        "!" * 300_000,
        "—" * 300_000,
        '"' * 300_000,
        "".join(random.Random(0).choices(MARKS_AND_SPACES, k=300_000)),
    ],
    ids=["!", "—", "quotes", "mixed"],
)
def test_the_first_word_behind_many_marks_comes_soon(marks: str) -> None:
    list(read("Loads the 1st tables."))
    started = time.process_time()
    sentence = next(read(marks + " word"))
    assert [word.text for word in sentence.words if not word.is_punctuation] == ["word"]
    # A tenth of a second; with all rules tried on each mark, or a search of each run of marks from
    # each of them, 3 to 12 s.
    assert time.process_time() - started < 1.5


@given(st.text(MARKS_AND_SPACES + "+=<>%&$°→^²½αa1 \u200b😀", max_size=40))
def test_what_is_passed_over_has_no_words(text: str) -> None:
    folded = fold(text).text
    assert may_hold_words(folded) or all(piece.mark for piece in normalise(folded))
