"""Lexicons in W3C PLS."""

from __future__ import annotations

import pytest

from vinovits.errors import LexiconError
from vinovits.text.lexicon.formats import Contents, parse

HEAD = (
    '<?xml version="1.0" encoding="{encoding}"?>\n<lexicon version="1.0" '
    'xmlns="http://www.w3.org/2005/01/pronunciation-lexicon" alphabet="{alphabet}" '
    'xml:lang="{language}">'
)


def document(
    lexemes: str, alphabet: str = "ipa", language: str = "en-GB", encoding: str = "UTF-8"
) -> bytes:
    head = HEAD.format(alphabet=alphabet, language=language, encoding=encoding)
    return f"{head}{lexemes}</lexicon>".encode(encoding)


def readings(contents: Contents) -> dict[str, str]:
    assert contents.faults == ()
    return {entry.written: entry.reading for entry in contents.entries}


def test_phonemes_in_each_alphabet_and_aliases() -> None:
    lexemes = """
      <meta name="author" content="me"/><metadata><lexeme xmlns="urn:other">no</lexeme></metadata>
      <lexeme><grapheme>tomato</grapheme><grapheme>TOMATO</grapheme>
        <phoneme>təˈmɑːtəʊ</phoneme><example>a tomato</example></lexeme>
      <lexeme><grapheme>行长</grapheme><phoneme alphabet="x-pinyin">hang2 zhang3</phoneme></lexeme>
      <lexeme><grapheme>橋</grapheme><phoneme alphabet="x-kana">はし:2</phoneme></lexeme>
      <lexeme><grapheme>R&amp;B</grapheme><phoneme alphabet="x-cmu"><!-- c -->AA1 R
        </phoneme></lexeme>
      <lexeme><grapheme>W3C</grapheme><alias>World <![CDATA[Wide]]> Web</alias></lexeme>"""
    for encoding in ("UTF-8", "UTF-16"):
        contents = parse(document(lexemes, encoding=encoding), "words.pls")
        found = readings(contents)
        assert found.pop("tomato") == found.pop("TOMATO")
        assert found == {
            "行长": "hang2 zhang3",
            "橋": "ハシ:2",
            "R&B": "AA1 R",
            "W3C": "=World Wide Web",
        }
        languages = ["en", "en", "zh", "ja", "en", "en"]
        assert [entry.language for entry in contents.entries] == languages


def test_the_first_preferred_reading_is_taken() -> None:
    lexemes = """
      <lexeme><grapheme>a</grapheme><phoneme>EY1</phoneme><alias>x</alias></lexeme>
      <lexeme><grapheme>b</grapheme><phoneme>B IY1</phoneme>
        <alias prefer="true">bee</alias><phoneme prefer="true">B EY1</phoneme></lexeme>"""
    contents = parse(document(lexemes, "x-cmu"), "words.pls")
    assert readings(contents) == {"a": "EY1", "b": "=bee"}
    assert contents.skipped == 3


def test_faults_name_their_lines() -> None:
    lexemes = """
      <lexeme><grapheme>a</grapheme><phoneme alphabet="x-sampa">eI</phoneme></lexeme>
      <lexeme><grapheme>b</grapheme></lexeme>
      <lexeme><phoneme>b</phoneme></lexeme>
      <lexeme><grapheme>c</grapheme><phoneme alphabet="x-cmu">QQ</phoneme></lexeme>
      <lexeme><grapheme>d</grapheme><alias> </alias></lexeme>"""
    faults = parse(document(lexemes), "words.pls").faults
    assert [fault[:8] for fault in faults] == [f"line {number}: " for number in range(3, 8)]
    reasons = ("'x-sampa' isn't read", "neither a phoneme", "no grapheme", "no phone", "no reading")
    for fault, reason in zip(faults, reasons, strict=True):
        assert reason in fault
    (fault,) = parse(
        document("<lexeme><grapheme>a</grapheme><alias>b</alias></lexeme>", language="fr"), "x.pls"
    ).faults
    assert "the language 'fr'" in fault


BOMB = "".join(f'<!ENTITY l{number + 1} "{f"&l{number};" * 10}">' for number in range(9))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (f'<!DOCTYPE lexicon [<!ENTITY l0 "x">{BOMB}]><lexicon>&l9;</lexicon>', "DOCTYPE"),
        ('<!DOCTYPE lexicon SYSTEM "file:///etc/passwd"><lexicon/>', "DOCTYPE"),
        ("<lexicon>&x;</lexicon>", "isn't well-formed"),
        ("<lexicon><lexeme></lexicon>", "isn't well-formed"),
        ("<speak/>", "begins with <speak>"),
        ("<lexicon>" + "<x>" * 100_000, "more than 50 elements"),
        ('<?xml version="1.0" encoding="x-none"?><lexicon/>', "encoding"),
        ("", "isn't well-formed"),
    ],
)
def test_what_is_dangerous_or_no_pls_is_refused(data: str, reason: str) -> None:
    with pytest.raises(LexiconError, match=reason):
        parse(data.encode(), "words.pls")
