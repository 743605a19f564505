"""Ruby in brackets is said once, and remarks in brackets are said too."""

from __future__ import annotations

import pytest

from vinovits.text.japanese import RULES, read
from vinovits.text.reading import Said, Word

pytest.importorskip("pyopenjtalk")


def words(text: str, said: tuple[Said, ...] = (), row: str = "better") -> list[Word]:
    return [
        word
        for sentence in read(text, RULES[row], said)
        for word in sentence.words
        if not word.is_punctuation
    ]


@pytest.mark.parametrize(
    ("text", "kanji", "stretch", "phones"),
    [
        # as the dictionary reads it
        ("この漢字(かんじ)を", "漢字", "漢字(かんじ)", "kaNji"),
        ("この漢字（かんじ）を", "漢字", "漢字（かんじ）", "kaNji"),
        ("この漢字《かんじ》を", "漢字", "漢字《かんじ》", "kaNji"),
        ("この｜漢字《かんじ》を", "漢字", "｜漢字《かんじ》", "kaNji"),
        ("この|漢字(かんじ)を", "漢字", "|漢字(かんじ)", "kaNji"),
        ("紫陽花(ｱｼﾞｻｲ)が", "紫陽花", "紫陽花(ｱｼﾞｻｲ)", "ajisai"),
        ("読み方(よみかた)を", "読み方", "読み方(よみかた)", "yomikata"),
        ("お父さん(おとうさん)と", "お父さん", "お父さん(おとうさん)", "otoosaN"),
        ("東京都庁(とちょう)へ", "都庁", "都庁(とちょう)", "tochoo"),
        ("時々《ときどき》は", "時々", "時々《ときどき》", "tokidoki"),
        # otherwise
        ("日本(にっぽん)は", "日本", "日本(にっぽん)", "niqpoN"),
        ("運命(さだめ)だ", "運命", "運命(さだめ)", "sadame"),
        ("主人公運命(さだめ)だ", "運命", "運命(さだめ)", "sadame"),
        ("政(まつりごと)を", "政", "政(まつりごと)", "matsurigoto"),
        ("運命《フェイト》の", "運命", "運命《フェイト》", "feito"),
        ("｜あの人《かれ》は", "あの人", "｜あの人《かれ》", "kare"),
        ("｜XYZ(えっくす)だ", "XYZ", "｜XYZ(えっくす)", "eqkusu"),
        ("翠玉《おうじょう》が", "翠玉", "翠玉《おうじょう》", "oojoo"),
    ],
)
def test_ruby_is_said_once(text: str, kanji: str, stretch: str, phones: str) -> None:
    found = words(text)
    [word] = [word for word in found if "".join(word.phones) == phones]
    assert word.text == kanji
    assert text[word.start : word.end] == stretch
    assert not any(word is not other and other.end > word.start and other.start < word.end
                   for other in found)  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "東京(とてもよい)です",
        "明日(たぶん)行く",
        "猫(かわいい)がいる",
        "米国(アメリカ)では",
        "公式(サイト)へ",
        "私は(かな)と",
        "(かんじ)が",
    ],
)
def test_remarks_are_read(text: str) -> None:
    covered = "".join(text[word.start : word.end] for word in words(text))
    assert covered == text.replace("(", "").replace(")", "")


def test_released_readings_say_both() -> None:
    assert [word.text for word in words("漢字(かんじ)", row="2.3")] == ["漢字", "かんじ"]


@pytest.mark.parametrize(("ruby", "twice"), [("はしもと", False), ("きょうもと", True)])
def test_ruby_behind_a_given_reading(ruby: str, twice: bool) -> None:
    said = (Said(0, 2, "ハシモト:0", "ja", "lexicon"),)
    first, *rest = words(f"橋本({ruby})は", said)
    assert (first.source, first.start, first.end) == ("lexicon", 0, 2)
    assert (rest[0].text == "は") is not twice


def test_a_reading_may_be_given_inside() -> None:
    said = (Said(3, 6, "カンジ:1", "ja", "markup"),)
    assert [word.source for word in words("漢字(かんじ)", said)] == ["dictionary", "markup"]
