"""What encoding a text file is in."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vinovits.errors import TextError
from vinovits.text.encoding import decode

CHINESE = "他说：今天我们去上海。"
JAPANESE = "どこで生れたかとんと見当がつかぬ。"
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


@given(text=TEXTS, encoding=st.sampled_from(["utf-8-sig", "utf-16", "utf-32"]))
@example(text="", encoding="utf-16")
def test_marks_are_believed(text: str, encoding: str) -> None:
    found = decode(text.encode(encoding), "a.txt")
    assert (found.text, found.note) == (text, "")


@given(text=TEXTS.filter(lambda text: not text.startswith("\ufeff")))
def test_what_can_be_utf_8_is(text: str) -> None:
    found = decode(text.encode("utf-8"), "a.txt")
    assert (found.text, found.encoding, found.note) == (text, "utf-8", "")


@given(data=st.binary())
def test_any_bytes_are_a_text_or_an_error(data: bytes) -> None:
    try:
        found = decode(data, "a.txt")
    except TextError:
        return
    assert "\0" not in found.text
    assert bool(found.note) == (found.encoding in ("gb18030", "cp932", "big5", "euc_jp", "cp1252"))


@pytest.mark.parametrize(
    ("text", "encoding", "called"),
    [
        (CHINESE, "gbk", "GBK"),
        ("好", "gbk", "GBK"),
        ("a.wav|她|ZH|㐀㐁是好的。", "gb18030", "GBK"),
        (JAPANESE, "shift_jis", "Shift JIS"),
        ("a.wav|友|JP|はい。", "shift_jis", "Shift JIS"),
        (JAPANESE, "euc_jp", "EUC-JP"),
        ("他們說這個國家很大。", "big5", "Big5"),
        ("Ein naïver Gruß aus Köln – “schön”.", "cp1252", "Windows-1252"),
    ],
)
def test_guesses_are_told(text: str, encoding: str, called: str) -> None:
    found = decode(text.encode(encoding), "a.txt")
    assert found.text == text
    assert found.note == f"a.txt isn't UTF-8; it was read as {called}."
    assert decode(text.encode(encoding), "a.txt", encoding).note == ""


@pytest.mark.parametrize(
    ("data", "encoding", "what"),
    [
        (b"a\0b", None, "null bytes"),
        (b"\xff\xfea\0\0\0", None, "null bytes"),
        (b"\xff\xfea", None, "isn't utf-16-le text"),
        (b"\xfca\x81\x8d\x90", None, "no text in UTF-8, UTF-16, GBK, Shift JIS"),
        (b"\xff", "utf-8", "isn't utf-8 text at byte 0"),
        (b"a", "klingon", "no encoding 'klingon'"),
    ],
)
def test_no_text_is_an_error(data: bytes, encoding: str | None, what: str) -> None:
    with pytest.raises(TextError, match=what):
        decode(data, "a.txt", encoding)
