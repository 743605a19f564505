"""Sentences that users of such systems have complained about, as they are read here."""

from __future__ import annotations

import subprocess
import sys

from vinovits.text.front_ends import read, spoken_in
from vinovits.text.reading import Sentence

ALL = ("zh", "ja", "en")


def one(text: str, *languages: str, family: str = "2.3") -> Sentence:
    [sentence] = read(text, languages or ALL, family)
    return sentence


def by_language(sentence: Sentence) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for word in sentence.words:
        language = word.language or sentence.language
        if word.is_punctuation:
            continue
        if found and found[-1][0] == language:
            found[-1] = (language, found[-1][1] + word.text)
        else:
            found.append((language, word.text))
    return found


def test_three_languages_in_a_sentence_are_one_sentence() -> None:
    # Upstream splits such a text, and joins the sound of the parts (fishaudio/Bert-VITS2#259).
    sentence = one("我昨天在GitHub上看到一个很酷的プロジェクト，it works!")
    assert by_language(sentence) == [
        ("zh", "我昨天在"),
        ("en", "GitHub"),
        ("zh", "上看到一个很酷的"),
        ("ja", "プロジェクト"),
        ("en", "itworks"),
    ]
    assert sentence.language == "zh"
    assert sentence.notes == ()


def test_chinese_with_english_words_is_read() -> None:
    # https://github.com/Artrajz/vits-simple-api/issues/122 raised.
    sentence = one("我喜欢用Python写code。")
    assert by_language(sentence) == [
        ("zh", "我喜欢用"),
        ("en", "Python"),
        ("zh", "写"),
        ("en", "code"),
    ]


def test_initialisms_are_spelled() -> None:
    # https://github.com/Artrajz/vits-simple-api/issues/136 read them as pinyin.
    readings = [word.reading for word in one("他开BBA。").words]
    assert " ".join(readings).strip() == "ta1 kai1 B IY1 B IY1 EY1"
    readings = [word.reading for word in one("他开BBA。", "zh").words]
    assert " ".join(readings).strip() == "ta1 kai1 bi4 bi4 ei1"


def test_full_width_words_are_english() -> None:
    [hello] = read("Ｈｅｌｌｏ，　Ｗｏｒｌｄ！", ALL, "2.3")
    assert [word.reading for word in hello.words] == ["HH AH0 L OW1", "", "W ER1 L D", ""]
    assert by_language(one("我说Ｈｅｌｌｏ")) == [("zh", "我说"), ("en", "Hello")]
    assert one("２０２４年").words[0].reading == one("2024年").words[0].reading
    assert one("Ｉｎ ２０２４").words[1].text == "twenty"
    *_, word, _ = one("我说Ｈｅｌｌｏ", "en").words
    assert (word.reading, word.source) == ("HH AH0 L OW1", "dictionary")


def test_japanese_in_chinese_is_japanese() -> None:
    # https://github.com/Artrajz/vits-simple-api/issues/8
    found = by_language(one("你好,用日语说是：こんにちは"))
    assert found == [("zh", "你好用日语说是"), ("ja", "こんにちは")]


def test_an_honorific_isnt_chinese() -> None:
    # https://github.com/Artrajz/vits-simple-api/issues/173 read 主人様 as Chinese.
    sentence = one("それは残念だったわね、ご主人様。")
    assert [language for language, _ in by_language(sentence)] == ["ja"]


def test_classical_chinese_isnt_japanese() -> None:
    # https://github.com/Artrajz/vits-simple-api/issues/48 took parts of it for Japanese.
    text = "君不见，黄河之水天上来，奔流到海不复回。君不见，高堂明镜悲白发，朝如青丝暮成雪。"
    for sentence in read(text, ALL, "2.3"):
        assert [language for language, _ in by_language(sentence)] == ["zh"]


def test_numbers_go_with_the_words_beside_them() -> None:
    # https://github.com/fishaudio/Bert-VITS2/pull/212
    text = "vits和Bert-VITS2是tts模型。花费3天。Take 3 days."
    first, second, third = read(text, ALL, "2.3")
    assert ("zh", "和") in by_language(first)
    assert by_language(second) == [("zh", "花费三天")]
    assert by_language(third) == [("en", "Takethreedays")]


def test_only_languages_whose_phones_are_used_are_named() -> None:
    text = "我在GitHub看プロジェクト"
    assert spoken_in(text, ALL) == ["zh", "en", "ja"]
    assert spoken_in(text, ["zh"]) == ["zh"]
    assert spoken_in(text, ["en"]) == ["en"]
    assert spoken_in("我在GitHub看プロジェクト", ["zh", "ja"]) == ["zh", "ja"]
    assert spoken_in("Hello.", ALL) == ["en"]
    assert spoken_in("...", ALL) == ["zh"]


def test_without_the_extra_of_a_language_that_the_voice_lacks_the_rest_is_read() -> None:
    code = """
import sys
for name in ("pypinyin", "jieba", "pyopenjtalk"):
    sys.modules[name] = None
from vinovits.text.front_ends import read
[sentence] = read("I said 你好 and ありがとう to her.", ["en"], "2.3")
print(" ".join(word.text for word in sentence.words))
print(*sentence.notes, sep="\\n")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    words, *notes = done.stdout.splitlines()
    assert words == "I said and to her ."
    assert len(notes) == 2
    assert notes[0].startswith("Left out 你好. ")
    assert "vinovits[zh]" in notes[0]
    assert notes[1].startswith("Left out ありがとう. ")
    assert "vinovits[ja]" in notes[1]


def test_what_a_spelling_tells_is_named_too() -> None:
    assert spoken_in("Say nǐ hǎo to her", ["en", "zh"]) == ["en", "zh"]
    assert spoken_in("Say nǐ hǎo to her", ["en", "zh"], "released") == ["en"]
