"""Whatever a text holds: nothing raises, and nothing vanishes in silence."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinovits.text.front_ends import Reading, read
from vinovits.text.hidden import shown
from vinovits.text.reading import Sentence
from vinovits.text.report import has_to_be_told
from vinovits.text.sequence import Piece, to_sequence
from vinovits.text.symbols import TABLES

NASTY = json.loads((Path(__file__).parent / "nasty.json").read_text("utf-8"))
VOICES = [
    (("zh",), "2.3"),
    (("ja",), "jp-extra"),
    (("en",), "2.1"),
    (("zh", "en"), "2.3"),
    (("zh", "ja", "en"), "2.3"),
    (("ja", "zh", "en"), "2.0"),
    (("zh", "ja", "en"), "1.1.1"),
]
RELEASED = [
    (("zh",), "2.4"),
    (("ja",), "jp-extra"),
    (("en",), "2.3"),
    (("zh", "ja", "en"), "2.3"),
    (("zh", "ja"), "1.1.1"),
]
CASES = [
    *((languages, family, "better") for languages, family in VOICES),
    *((languages, family, "released") for languages, family in RELEASED),
]
cases = pytest.mark.parametrize(
    ("languages", "family", "reading"),
    CASES,
    ids=["+".join(c[0]) + f" {c[1]} {c[2]}" for c in CASES],
)


UNSAID = re.compile(
    r"(?i)</?[a-z]+[^<>]*>|&[a-z#]\w+;|\b(?:https?|ftp)://|[:;=][-']?\S|[®™←⁰¹²³⁴-⁹]|[:;=8][-o']?[DPpO|*]+"
)
"""What nobody says who reads a page aloud; raised numbers lead to footnotes, :O is a face."""
SILENT = ("Lm", "Sc", "Sm")
"""Categories of signs that pause, or have no name, where they stand alone: ʼ, ₩, ↔."""


def nfkc(character: str) -> str:
    return unicodedata.normalize("NFKC", character).strip()[:1]


def by_characters(text: str) -> list[Piece]:
    return [(1, at, at + 1) for at in range(len(text))]


def check(text: str, languages: tuple[str, ...], family: str, reading: Reading) -> None:
    """Read a text and look at all that comes."""
    sentences = list(read(text, languages, family, reading))
    for before, after in pairwise(sentences):
        assert before.end <= after.start
    for sentence in sentences:
        check_sentence(sentence, text, family)
    if sentences and reading == "better":
        told = "".join(note for sentence in sentences for note in sentence.notes)
        spoken = {
            at
            for sentence in sentences
            for word in sentence.words
            for at in range(word.start, word.end)
        }
        seen = shown(text)
        visible = {seen.origin(at) for at in range(len(seen.text))}
        visible -= {at for match in UNSAID.finditer(text) for at in range(*match.span())}
        lost = {text[at] for at in visible - spoken if has_to_be_told(text[at])}
        lost -= {character for character in lost if unicodedata.category(character) in SILENT}
        named = {*told, *unicodedata.normalize("NFD", told), *re.findall(r"U\+[0-9A-F]+", told)}
        missing = {c for c in lost if not {c, nfkc(c), f"U+{ord(c):04X}"} & named}
        # A note names ten characters at most.
        assert not missing or " ..." in told, (missing, told)


def check_sentence(sentence: Sentence, text: str, family: str) -> None:
    table = TABLES[family]
    assert 0 <= sentence.start <= sentence.end <= len(text)
    assert text[sentence.start : sentence.end] == sentence.text
    assert any(not word.is_punctuation for word in sentence.words)
    for word in sentence.words:
        language = table.languages[word.language or sentence.language]
        # Of words that were made from one number, some may be in the next sentence.
        assert word.start <= sentence.end
        assert sentence.start <= word.end <= len(text)
        assert len(word.phones) == len(word.tones)
        assert not word.spread or sum(word.spread) == len(word.phones)
        assert set(word.phones) <= set(table.symbols), word
        assert all(0 <= tone < language.tones for tone in word.tones), word
    for before, after in pairwise(sentence.words):
        assert before.start <= after.start, (before, after)
    sequence = to_sequence(sentence, table, lambda language: by_characters)
    assert sum(sum(stretch.word2ph) for stretch in sequence.stretches) == len(sequence.phones)
    assert len(sequence.phones) == len(sequence.tones) == len(sequence.languages)
    assert len(sequence.names) == 2 + sum(len(word.phones) for word in sentence.words)


def lines() -> Iterator[str]:
    for kind, texts in NASTY.items():
        assert texts, kind
        yield from texts


@cases
def test_nasty_texts(languages: tuple[str, ...], family: str, reading: Reading) -> None:
    for text in lines():
        try:
            check(text, languages, family, reading)
        except Exception as error:
            raise AssertionError(f"reading {text!r}") from error


def test_the_file_of_nasty_texts_has_many() -> None:
    assert len(set(lines())) >= 150


PIECES = """
我 们 这 说 東京 会議 学生 きょう は の マンガ ー 々 〇 ゝ T恤 GitHub it's CPU iPhone nǐ Tōkyō
www.a.com a@b.de 15 3.14 2024-03-15 10:30 5kg 100% $5 ￥9 ℃ ½ ² α Ω ﾊﾝｶｸ Ａ１ 한국 Привет ไทย
עברית 👍🏽 👩\u200d👧 𠀀 \u0301 \ud800 \ue000 \u200d \u202e 行 了 。 、 ！ ？ … 「 」 ( ) < > & *
# _ -
"""

pieces = st.one_of(
    st.sampled_from(PIECES.split()),
    st.sampled_from([" ", "\n", "\n\n", "\t", "\u3000", ". ", "。"]),
    st.text(st.characters(), min_size=1, max_size=4),
)
mixed = st.lists(pieces, min_size=1, max_size=25).map("".join)


@cases
@settings(max_examples=100, deadline=None)
@given(text=mixed)
def test_random_mixed_texts(
    text: str, languages: tuple[str, ...], family: str, reading: Reading
) -> None:
    check(text, languages, family, reading)


@pytest.mark.parametrize("languages", [("zh",), ("ja",), ("en",), ("zh", "ja", "en")])
def test_a_long_run_without_a_mark(languages: tuple[str, ...]) -> None:
    for text in ("我们去东京" * 600, "東京に行く" * 600, "hello there " * 300, "a你かﾊ" * 800):
        check(text, languages, "2.3", "better")


def test_timings_map_back_through_what_is_hidden() -> None:
    text = "\x1b[31m我在GitHub\x1b[0m上<!-- x -->看プロジェクト。"
    [sentence] = read(text, ("zh",), "2.3")
    placed = {word.text: text[word.start : word.end] for word in sentence.words}
    assert placed["GitHub"] == "GitHub"
    assert placed["プロジェクト"] == "プロジェクト"
    assert not re.search("x", "".join(placed))
