"""Readings that a spelling tells by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vinovits.text.reading import Said
from vinovits.text.script import plain
from vinovits.text.spellings import told_by_spelling


def told(text: str, *languages: str) -> list[tuple[str, str, str]]:
    script = told_by_spelling(plain(text), languages)
    return [(text[one.start : one.end], one.reading, one.language) for one in script.said]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nǐ hǎo", [("nǐ", "ni3", "zh"), ("hǎo", "hao3", "zh")]),
        ("他说wǒmen了", [("wǒmen", "wo3 men5", "zh")]),
        ("Běijīng", [("Běijīng", "bei3 jing1", "zh")]),
        ("Xī'ān", [("Xī'ān", "xi1 an1", "zh")]),
        ("Māori, Ōsaka, Dvořák, résumé, déjà vu, café, Škoda", []),
        ("Beijing", []),
    ],
)
def test_pinyin_with_its_tones_is_chinese(text: str, expected: list[tuple[str, str, str]]) -> None:
    assert told(text, "zh", "en") == expected
    assert told(text, "en") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Tōkyōへ行く", [("Tōkyō", "トーキョー", "ja")]),
        ("Shōhei ŌtaniとKyūshū", None),
        ("kon'yōshi", [("kon'yōshi", "コンヨーシ", "ja")]),
        ("kenkyū", [("kenkyū", "ケンキュー", "ja")]),
        ("Hokkaidō", [("Hokkaidō", "ホッカイドー", "ja")]),
        ("Mātauranga pūnaha Lëtz", None),
        ("Māx", []),
    ],
)
def test_romaji_with_long_vowels_is_japanese_where_no_english_is_spoken(
    text: str, expected: list[tuple[str, str, str]] | None
) -> None:
    found = told(text, "ja")
    assert found == expected if expected is not None else found
    assert told(text, "ja", "en") == []


def test_signs_of_addresses_have_chinese_names() -> None:
    found = told("www.a.com或b.c@qq.com，v2.0，3.14，U.S.A，Node.js", "zh")
    assert [(text, reading) for text, reading, _ in found] == [
        (".", "dian3"),
        (".", "dian3"),
        (".", "dian3"),
        ("@", "ai4 te4"),
        (".", "dian3"),
        (".", "dian3"),
    ]
    assert told("www.a.com", "zh", "en") == []


def test_no_among_hanzi_is_said_as_its_chinese_counterpart() -> None:
    assert told("优の良品", "zh") == [("の", "de5", "zh")]
    assert told("优の良品", "zh", "ja") == []
    assert told("食べるのは", "zh") == []


def test_what_is_given_goes_before() -> None:
    script = plain("nǐ hǎo 你")
    given = Said(0, 2, "N IH1", "en", "markup")
    found = told_by_spelling(replace(script, said=(given,)), ["zh", "en"])
    assert [one.reading for one in found.said] == ["N IH1", "hao3"]
    found = told_by_spelling(replace(script, languages=((0, 6, "en"),)), ["zh", "en"])
    assert found.said == ()
