from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vinovits.errors import LanguageError, TextError
from vinovits.text.checks import check_text
from vinovits.text.english import read


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
        ("hello 你好", "Chinese"),
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
    with pytest.raises(LanguageError, match="speaks Chinese"):
        check_text("東京へ", ["zh"])
    with pytest.raises(LanguageError, match="speaks Chinese and Japanese"):
        check_text("안녕", ["zh", "ja"])


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
