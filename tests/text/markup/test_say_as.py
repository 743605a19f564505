"""Numbers, dates and characters that are read in a given way, as front ends then read them."""

from __future__ import annotations

import pytest

from tests.text.markup.scripts import check_places, readings, sentences, spoken
from vinovits.text.markup import parse


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It is [spell]ABC123[/spell].", "It is A , B , C , one , two , three ."),
        ("[spell]a-b@c[/spell]", "A , dash , B , at , C ."),
        ("[spell]NASA[/spell]", "N , A , S , A ."),
        ("in [say digits]1984[/say].", "in one nine eight four ."),
        ("[say digits]12-34[/say].", "one two , three four ."),
        (
            "the [say ordinal]3[/say] man, the [say ordinal]11[/say]",
            "the third man , the eleventh .",
        ),
        ("the [say ordinal]22[/say] and [say ordinal]3rd[/say]", "the twenty second and third ."),
        ("[say date]3/4/2024[/say]", "March fourth twenty twenty four ."),
        ("[say date dmy]3/4/2024[/say]", "April third twenty twenty four ."),
        ("[say date my]3.2024[/say]", "March twenty twenty four ."),
        ("[say date md]12/25[/say]", "December twenty fifth ."),
        ("[say date]20240304[/say]", "March fourth twenty twenty four ."),
        (
            "[say telephone]5550199[/say]",
            "five five five , zero one nine nine .",
        ),
        (
            "[say telephone]+44 (20) 7946[/say]",
            "plus four four , two zero , seven nine four six .",
        ),
    ],
)
def test_english(text: str, words: str) -> None:
    assert spoken(text) == words


def test_a_cardinal_is_no_year() -> None:
    assert spoken("[say cardinal]1984[/say]") == ("one thousand nine hundred eighty four .")
    assert spoken("[say cardinal]1234567890123[/say]").startswith("one trillion two hundred")
    assert spoken("[say cardinal]-007[/say]") == "minus seven ."


def test_a_spelled_a_is_the_letter() -> None:
    (sentence,) = sentences("It is a [spell]BA A[/spell].")
    assert [w.reading for w in sentence.words if w.text in ("a", "A")] == ["AH0", "EY1", "EY1"]


@pytest.mark.parametrize(
    ("text", "pinyin"),
    [
        ("第[say ordinal]3[/say]次", "di4 di4 san1 ci4"),
        ("他是[say ordinal]3[/say]", "ta1 shi4 di4 san1"),
        ("号码[say digits]2024[/say]", "hao4 ma3 er4 ling2 er4 si4"),
        ("号码[say telephone]13812345678[/say]", "yao1 san1 ba1 , yao1 er4 san1 si4 , wu3"),
        ("有[say cardinal]13812345678[/say]个", "yi1 bai3 san1 shi2 ba1 yi4 yi1 qian1 er4"),
        ("在[say date dmy]3/4/2024[/say]", "er4 ling2 er4 si4 nian2 si4 yue4 san1 ri4"),
        ("请说[spell]1A-2[/spell]", "yi1 , ei1 , gang1 , er4"),
    ],
)
def test_chinese(text: str, pinyin: str) -> None:
    pytest.importorskip("jieba")
    assert pinyin in " ".join(readings(text, "zh"))


@pytest.mark.parametrize(
    ("text", "kana"),
    [
        ("私は[say ordinal]3[/say]です", "サン バンメ"),
        ("番号は[spell]A1[/spell]です", "エイ , イチ デス"),
        ("番号は[say telephone]0901234[/say]です", "ゼロ キュー ゼロ , イチニーサンヨン"),
        ("今日は[say date dmy]3/4/2024[/say]です", "シガツ ミッカ"),
    ],
)
def test_japanese(text: str, kana: str) -> None:
    pytest.importorskip("pyopenjtalk")
    assert kana in " ".join(readings(text, "ja")).replace("シガツ サン ニチ", "シガツ ミッカ")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("東京の[say ordinal]3[/say]", "東京の3番目"),
        ("北京 [say ordinal]3[/say]", "北京 第3"),
        ("GitHub [say ordinal]3[/say]", "GitHub 3rd"),
        ("在GitHub[say ordinal]3[/say]次", "在GitHub第3次"),
        ("[lang ja][say ordinal]3[/say][/lang]", "3番目"),
        ("東京の\n[say ordinal]3[/say]", "東京の\n3rd"),
        ('<speak xml:lang="ja"><say-as interpret-as="ordinal">3</say-as></speak>', "3番目"),
    ],
)
def test_the_language_is_that_of_the_letters_around(text: str, shown: str) -> None:
    assert parse(text).text == shown


@pytest.mark.parametrize(
    "text",
    [
        *("[say date]31[/say]", "[say date]13/13/2024[/say]", "[say date]May 5, 2024[/say]"),
        *("[say ordinal]third[/say]", "[say cardinal]1/2[/say]", "[say telephone]call me[/say]"),
        *("[say digits]none[/say]", "[say date]31-[pause 1s]12[/say]"),
    ],
)
def test_what_is_none_stays_as_it_is(text: str) -> None:
    inner = text.partition("]")[2].removesuffix("[/say]").replace("[pause 1s]", ", ")
    assert parse(text).text == inner


def test_neighbours_stay_apart() -> None:
    text = "[say ordinal]1[/say][say ordinal]2[/say] [say digits][say cardinal]1984[/say] 12[/say]"
    assert parse(text).text == "1st2nd 1,984 1 2"


def test_places_are_those_of_the_characters() -> None:
    text = "It is [spell]AB1[/spell] [slow]ok[/slow]."
    script = parse(text)
    check_places(script)
    assert script.text == "It is A, B, 1 ok."
    assert [text[slice(*script.seen.span(i, i + 1))] for i in (6, 9, 12)] == ["A", "B", "1"]
    assert [script.text[s:e] for s, e, _ in script.manners] == ["ok"]
    words = {w.text: text[w.start : w.end] for w in sentences(text)[0].words}
    assert (words["A"], words["one"], words["ok"]) == ("A", "1", "ok")
