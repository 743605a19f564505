from __future__ import annotations

from dataclasses import replace

import pytest

from vinovits.text import front_ends
from vinovits.text.chinese import RULES, read
from vinovits.text.reading import Said
from vinovits.text.script import plain


def told(text: str) -> list[tuple[str, str, str]]:
    """Words, their readings, and what they stand for."""
    return [
        (word.text, word.reading, text[word.start : word.end])
        for sentence in read(text)
        for word in sentence.words
        if not word.is_punctuation
    ]


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("重庆（Chóngqìng）", "chong2 qing4"),
        ("重庆(chong2qing4)", "chong2 qing4"),
        ("重庆（拼音：chóng qìng）", "chong2 qing4"),
        ("北京（Beijing）", "bei3 jing1"),
        ("六安（Lù’ān）", "lu4 an1"),
        ("单（shàn）", "shan4"),
        ("单（dān）", "dan1"),
        ("单（chan）", "chan2"),
        ("吕布（Lǚ Bù）", "lv3 bu4"),
        ("玩儿（wánr）", "wan2 er5"),
        ("行（háng）", "hang2"),
        ("行（xíng）", "xing2"),
        ("東西（dōngxi）", "dong1 xi5"),
    ],
)
def test_pinyin_in_brackets_is_the_reading_of_what_is_before(text: str, reading: str) -> None:
    [(_, found, place)] = told(text)
    assert (found, place) == (reading, text)


@pytest.mark.parametrize(
    "text",
    [
        "智能（AI）",
        "中国（China）",
        "他（he）",
        "重庆（Chóng）",
        "好（）",
        "好（1）",
        "好（hǎo",
        "好（nǚ3）",
    ],
)
def test_what_is_not_its_reading_is_read_as_it_stands(text: str) -> None:
    for _, _, place in told(text):
        assert place.isalnum()


def test_tones_change_as_those_of_a_dictionary_do() -> None:
    [sentence] = read("你好（nǐ hǎo）")
    assert sentence.words[0].tones == (2, 2, 3, 3)
    words = told("一个（yí gè）苹果")
    assert words[0][:2] == ("一个", "yi1 ge4")


def test_it_goes_behind_a_closing_mark_and_into_words_as_ever() -> None:
    assert told("《红楼梦》（Hónglóu Mèng）")[0][:2] == ("红楼梦", "hong2 lou2 meng4")
    assert told("银行（yínháng）里") == [
        ("银行", "yin2 hang2", "银行（yínháng）"),
        ("里", "li3", "里"),
    ]


def test_given_readings_go_before_and_released_ones_know_none() -> None:
    text = "单（shàn）"
    said = [Said(0, 1, "dan1", "zh", "lexicon")]
    assert next(read(text, said=said)).words[0].reading == "dan1"
    assert next(read(text, RULES["2.3"])).words[0].reading == "dan1"


@pytest.mark.parametrize("languages", [["zh"], ["zh", "en"], ["zh", "ja", "en"]])
def test_voices_of_several_languages_take_it_for_a_reading_too(languages: list[str]) -> None:
    text = "他在重庆（Chóngqìng）和《北京》（Běijīng），也在 Běijīng"
    words = [word for part in front_ends.read(text, languages, "2.3") for word in part.words]
    told = [(word.reading, text[word.start : word.end]) for word in words if word.reading]
    assert told[2:] == [
        ("chong2 qing4", "重庆（Chóngqìng）"),
        ("he2", "和"),
        ("bei3 jing1", "北京"),
        ("ye3", "也"),
        ("zai4", "在"),
        ("bei3 jing1", "Běijīng"),
    ]


def test_what_has_a_language_or_a_reading_keeps_it() -> None:
    script = replace(plain("重庆（Chóngqìng）"), languages=((0, 12, "zh"),))
    [sentence] = front_ends.read(script, ["zh", "en"], "2.3")
    assert [word.reading for word in sentence.words] == ["chong2 qing4", ""]
    script = replace(plain("单（shàn）人"), said=(Said(0, 1, "dan1", "zh", "markup"),))
    [sentence] = front_ends.read(script, ["zh", "en"], "2.3")
    assert sentence.words[0].reading == "dan1"
