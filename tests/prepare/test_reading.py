"""Texts become phones as a voice will speak them, and what can't be read is told."""

from __future__ import annotations

import pytest

from vinovits.prepare.reading import Said, TextReader, mismatch, told
from vinovits.prepare.settings import Settings

READ = TextReader(Settings())


def consistent(said: Said) -> bool:
    return len(said.phones) == len(said.tones) == sum(said.word2ph)


def test_english() -> None:
    said = READ("It costs $5.", "en")
    assert said.text == "It costs five dollars."
    assert said.phones[0] == said.phones[-1] == "_"
    assert consistent(said)
    # Two ends, four words and a mark.
    assert len(said.word2ph) == 7
    assert max(said.tones) <= 3
    assert said.sounds == len(said.phones) - 3


def test_chinese_counts_phones_by_character() -> None:
    pytest.importorskip("kaldifst")
    said = READ("你好，世界", "zh")
    assert said.word2ph == (1, 2, 2, 1, 2, 2, 1, 1)
    assert consistent(said)


def test_several_sentences_are_one_clip() -> None:
    said = READ("Good. Very good!", "en")
    assert (said.phones.count("."), said.phones.count("!")) == (1, 1)
    assert consistent(said)


def test_english_words_in_chinese_keep_their_language() -> None:
    pytest.importorskip("kaldifst")
    said = READ("这是 Apple 手机", "zh")
    assert set(said.languages) == {"zh", "en"}
    assert len(said.languages) == len(said.phones)
    assert consistent(said)


@pytest.mark.parametrize(
    ("text", "language"),
    [("Hello.", "en"), ("你好。", "zh"), ("これは本です。", "ja"), ("We say 的 here.", "en")],
)
def test_languages_are_told_by_letters(text: str, language: str) -> None:
    assert told(text) == language


@pytest.mark.parametrize(
    ("text", "language", "why"),
    [
        ("This is clearly English.", "zh", "seems to be English"),
        ("これはペンです。", "zh", "seems to be Japanese"),
        ("我们去银行吧。", "en", "Chinese or Japanese characters"),
        ("今天天气很好我们一起去公园散步", "ja", "no kana at all"),
        ("东京", "ja", ""),
        ("我用 iPhone 手机", "zh", ""),
        ("Hello.", "en", ""),
    ],
)
def test_wrong_languages(text: str, language: str, why: str) -> None:
    found = mismatch(text, language)
    assert why in found if why else not found


def test_what_cannot_be_read() -> None:
    assert "only punctuation" in READ("?!", "en").unreadable
    assert "Korean" in READ("안녕하세요 여러분", "en").wrong_language


def test_a_family_that_was_released_without_the_language() -> None:
    said = TextReader(Settings(family="1.0.1", reading="released"))("Hello.", "en")
    assert said.phones == ()
    assert "1.0.1 were released without a front end for en" in said.wrong_language
