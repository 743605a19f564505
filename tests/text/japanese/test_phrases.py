"""Accent phrases and moras are those that are spoken."""

from __future__ import annotations

import pytest

from vinovits.text.japanese import read
from vinovits.text.japanese.phrases import Phrase, accent_phrases, phones_of, written_out
from vinovits.text.notation import split_moras
from vinovits.text.reading import Said

TEXTS = [
    "今日は、いい天気ですね？音声合成GitHubのテストをやった。25人です。",
    "「橋本」さんの、えーっとヴァイオリン。",
    "運命(さだめ)に会おう。",
    "時速3.5kmで、第1回。",
]


def shown(phrase: Phrase, text: str) -> tuple[str, int, str, bool, bool]:
    stretch = text[phrase.start : phrase.end]
    return "".join(phrase.moras), phrase.accent, stretch, phrase.pause, phrase.question


def test_phrases_have_moras_accents_and_places() -> None:
    text = "今日は、いい天気ですね？テストをやった"
    assert [shown(phrase, text) for phrase in accent_phrases(text)] == [
        ("キョオワ", 1, "今日は", True, False),
        ("イイ", 1, "いい", False, False),
        ("テンキデスネ", 1, "天気ですね", True, True),
        ("テストヲ", 1, "テストを", False, False),
        ("ヤッタ", 3, "やった", False, False),
    ]


def test_given_readings_are_phrases_too() -> None:
    text = "橋本さんです。"
    said = (Said(0, 2, "ハシモトン:2", "ja", "lexicon"),)
    [phrase] = accent_phrases(text, said)
    assert phrase.moras[:5] == ("ハ", "シ", "モ", "ト", "ン")
    assert (phrase.start, phrase.end) == (0, 6)


@pytest.mark.parametrize("text", TEXTS)
def test_they_say_what_is_read(text: str) -> None:
    phrases = accent_phrases(text)
    words = [word for sentence in read(text) for word in sentence.words]
    read_moras = sum(len(split_moras(word.reading)) for word in words)
    assert sum(len(phrase.moras) for phrase in phrases) == read_moras
    assert all(1 <= phrase.accent <= len(phrase.moras) for phrase in phrases)
    assert all(0 <= phrase.start < phrase.end <= len(text) for phrase in phrases)
    assert sorted(phrase.start for phrase in phrases) == [phrase.start for phrase in phrases]


def test_nothing_to_say_is_no_phrase() -> None:
    assert accent_phrases("…ーー。") == []
    assert accent_phrases("") == []


def test_moras_have_consonants_and_vowels() -> None:
    assert [phones_of(mora) for mora in ("キョ", "ア", "ン", "ッ", "ヴァ", "シ", "x", "")] == [
        ("ky", "o"),
        ("", "a"),
        ("", "N"),
        ("", "cl"),
        ("v", "a"),
        ("sh", "i"),
        ("", ""),
        ("", ""),
    ]


def test_long_vowels_are_written_out() -> None:
    assert written_out("きょーと") == ("キョ", "オ", "ト")
    assert written_out("ーンー") == ("ン", "ン")
