from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vinovits.errors import LanguageError, TextError
from vinovits.text.checks import check_text
from vinovits.text.english import read
from vinovits.text.reading import Said
from vinovits.text.script import plain


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        (" \n\t\u00a0 ", "only spaces"),
        ("😀", "only emoji."),
        ("👩‍👩‍👧 ❤️ 👍🏽", "only emoji."),
        ('?!... — ""', "only punctuation"),
        ("😀 !", "punctuation and signs and emoji"),
        ("\x00\x01\x07", "control characters"),
        ("\u202e\u200f", "control characters"),
        ("\ud800\udfff", "lone surrogates"),
        ("\u0301\u0302", "invisible"),
        ("+ = $ %", "punctuation and signs"),
        ("<br> :p &nbsp;", "only tags, emoticons"),
        ("²", "only"),
        ("a" * 501, "word of 501 letters"),
        ("fine\nand " + "x" * 10_000, "word of 10,000 letters"),
        ("ａ１" * 300, "word of 600 letters and digits"),
        ("1" * 501, r'number of 501 digits \("1{20}\.\.\."\) at character 1 '),
        ("a key: " + "a1" * 300, "word of 600 letters and digits"),
        ("word " * 400_000, "2,000,000 characters, about 37 hours"),
    ],
)
def test_unspeakable_text_is_refused(text: str, says: str) -> None:
    with pytest.raises(TextError, match=says) as error:
        check_text(text, ["en"])
    assert not isinstance(error.value, LanguageError)
    assert str(error.value).endswith(".")


def test_the_place_of_a_long_word_is_named() -> None:
    with pytest.raises(TextError, match=r"at character 7 \(line 2\)"):
        check_text("Hello\n" + "x" * 600, ["en"])


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("hi 你好吗", "Chinese"),
        ("こんにちは", "Japanese"),
        ("東京へ", "Japanese"),
        ("안녕", "Korean"),
        ("大韓民國 대한민국", "Korean"),
        ("Привет", "Cyrillic"),
        ("λόγος", "Greek"),
        ("שלום", "Hebrew"),
        ("مرحبا", "Arabic"),
        ("ไทย", "Thai"),
        ("हिन्दी", "Devanagari"),
        ("ﾊﾝｶｸ", "Japanese"),
        ("ㄅㄆ", "Chinese"),
    ],
)
def test_a_foreign_script_is_named_with_its_place(text: str, language: str) -> None:
    with pytest.raises(
        LanguageError, match=f"{language} letters .* at character .*English"
    ) as error:
        check_text(text, ["en"])
    assert error.value.language == language


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "0",
        "½",
        "café naïve Søren Dvořák ß",
        "π, 5 µm, 10 Ω, 3 Å, α",
        "ｆｕｌｌ ｗｉｄｔｈ",
        "𝐛𝐨𝐥𝐝",
        "e\u0301",
        "hi \ud800 \x00 \u202e there 👍",
        "a" * 500,
        "1" * 500,
        ("1" * 100 + ".") * 8,
        "1 " * 1000,
        "№ ① ²",
    ],
)
def test_what_can_be_read_is_let_through(text: str) -> None:
    check_text(text, ["en"])
    assert list(read(text))


def test_the_languages_of_the_voice_decide() -> None:
    check_text("你好 world", ["ZH", "en"])
    check_text("東京へ行く", ["ja"])
    check_text("東京へ", ["zh"])
    check_text("Hello, world!", ["zh"])
    with pytest.raises(LanguageError, match="speaks Chinese"):
        check_text("東京へ行きましょう", ["zh"])
    with pytest.raises(LanguageError, match="speaks Chinese and Japanese"):
        check_text("안녕", ["zh", "ja"])


@pytest.mark.parametrize(
    "text",
    [
        "hello 你好",
        "I like 東京タワー.",
        "He said Привет to me.",
        "안녕 is hello",
        "see λόγος there",
    ],
)
def test_some_words_of_other_languages_are_let_through(text: str) -> None:
    check_text(text, ["en"])


def test_what_is_given_counts_for_neither_side() -> None:
    script = plain("😀 你好世界")
    with pytest.raises(LanguageError, match="Chinese"):
        check_text(script, ["en"])
    check_text(replace(script, said=(Said(2, 6, "HH AH0 L OW1", "en", "markup"),)), ["en"])
    check_text(replace(plain("a 你好世界"), languages=((2, 6, "zh"),)), ["en"])
    check_text(replace(plain("😀"), said=(Said(0, 1, "HH AY1", "en", "markup"),)), ["en"])


def test_places_in_messages_are_those_of_the_original() -> None:
    script = plain("<b>").rewritten([(0, 3, "Привет")])
    with pytest.raises(LanguageError, match=r"at character 1 \(line 1\)"):
        check_text(script, ["en"])
    script = plain("one two\nthree").rewritten([(8, 13, "x" * 501)])
    with pytest.raises(TextError, match=r"at character 9 \(line 2\)"):
        check_text(script, ["en"])


def test_many_words_of_just_the_length_that_is_read_are_checked_quickly() -> None:
    started = time.process_time()
    check_text(("a" * 500 + " ") * 600, ["en"])
    assert time.process_time() - started < 1  # 5 s when each letter begins a search of its own


@given(st.text(st.characters(), min_size=1, max_size=60))
def test_text_that_passes_has_something_to_say(text: str) -> None:
    try:
        check_text(text, ["en"])
    except TextError:
        return
    assert list(read(text))


@given(st.text(st.characters(categories=["Cs", "Cc", "Cf", "Mn", "So", "Lo", "Ll"])))
def test_every_refusal_is_an_error_of_ours(text: str) -> None:
    with suppress(TextError):
        check_text(text, ["en"])
