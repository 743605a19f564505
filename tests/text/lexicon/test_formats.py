"""Lexicons from files, and to files."""

from __future__ import annotations

import csv
import io
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vinovits.errors import LexiconError, UsageError
from vinovits.lexicons import read_lexicon
from vinovits.text.lexicon import LexiconEntry
from vinovits.text.lexicon.formats import parse, stored, to_csv, to_json

WRITTEN = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1).map(
    lambda text: text.strip()[:100].strip()
)
SHOWN = WRITTEN.filter(bool)
READINGS = st.sampled_from(
    [("en", "T AH0 M AA1 T OW0"), ("zh", "hang2 zhang3"), ("ja", "ハシモト:0"), ("ja", "ハシ")]
)
ALIASES = st.tuples(st.sampled_from(["", "en", "zh", "ja"]), SHOWN.map("={}".format))
ENTRIES = st.lists(
    st.builds(
        lambda written, said, context, priority: LexiconEntry(
            written, said[1], said[0], tuple(context), priority
        ),
        SHOWN,
        READINGS | ALIASES,
        st.lists(SHOWN.filter(lambda word: "|" not in word), max_size=3),
        st.integers(0, 10),
    ),
    max_size=5,
)


@given(ENTRIES)
def test_both_of_our_formats_hold_all_of_an_entry(entries: list[LexiconEntry]) -> None:
    for kind, text in (("csv", to_csv(entries)), ("json", to_json(entries))):
        contents = parse(text.encode(), f"words.{kind}")
        assert contents.faults == ()
        assert list(contents.entries) == entries
    assert stored(to_json(entries).encode(), "user.json") == entries


def test_csv_holds_no_formulas() -> None:
    entries = [LexiconEntry("=1+1", '=HYPERLINK("x")'), LexiconEntry("-5", "=@x", context=("+1",))]
    for row in list(csv.reader(io.StringIO(to_csv(entries)[1:])))[1:]:
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("reading,written\nhang2,行\n", [LexiconEntry("行", "hang2", "zh")]),
        (
            'Written;Language;Reading;Context;Priority\n行;;háng;"银行|分行";9\n\n',
            [LexiconEntry("行", "hang2", "zh", ("银行", "分行"), 9)],
        ),
        ("written\treading\nW3C\t=World Wide Web\n", [LexiconEntry("W3C", "=World Wide Web")]),
        (
            'written, reading\n "new, york", =the "Big" Apple\n',
            [LexiconEntry("new, york", '=the "Big" Apple')],
        ),
        ('written,reading\n"new" york,=the Big Apple\n', None),
    ],
)
def test_csv_as_people_write_it(text: str, expected: list[LexiconEntry] | None) -> None:
    for data in (text.encode(), text.encode("utf-8-sig"), text.encode("utf-16")):
        if expected is None:
            with pytest.raises(LexiconError, match="line 2: it isn't CSV"):
                parse(data, "words.csv")
        else:
            assert list(parse(data, "words.csv").entries) == expected


def test_faults_name_their_lines() -> None:
    text = "written,reading,priority\na,T\n\nb,QQ,\n,T,\nd,T,11\ne,T,x\nf,T,5,6\ng\n" + "h" * 101
    contents = parse((text + ",T\n").encode(), "words.csv")
    assert [entry.written for entry in contents.entries] == ["a"]
    begins = ["line 4: ", "line 5: ", "line 6: ", "line 7: ", "line 8: ", "line 9: ", "line 10: "]
    assert [fault[: len(start)] for fault, start in zip(contents.faults, begins, strict=True)] == (
        begins
    )
    for fault, reason in zip(
        contents.faults,
        ("QQ is no phone", "empty", "11", "'x'", "4 cells", "no reading", "101 characters"),
        strict=True,
    ):
        assert reason in fault
    with pytest.raises(
        LexiconError, match=r"words.csv has 7 entries.*\n  line 4: .*\n.*\n.*\n  and 4"
    ):
        contents.check("words.csv")


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"written": "a"}, "lacks the keys: reading"),
        ({"written": "a", "reading": "T", "accent": 1}, "unknown keys: accent"),
        ({"written": "a", "reading": "T", "language": "fr"}, "language 'fr'"),
        ({"written": "a", "reading": "T", "language": []}, "language"),
        ({"written": ["a"], "reading": "T"}, "can't be"),
        ({"written": "a", "reading": 5}, "no reading"),
        ({"written": "a", "reading": "="}, "no reading"),
        ({"written": "a", "reading": "T", "context": "b"}, "context"),
        ({"written": "a", "reading": "T", "context": [5]}, "context word"),
        ({"written": "a", "reading": "T", "priority": True}, "priority"),
        ({"written": "a\nb", "reading": "T"}, "line break"),
        ({"written": "a", "reading": "=x\ny"}, "line break"),
        ({"written": "\ud800", "reading": "T"}, "half a character"),
        ({"written": " ", "reading": "T"}, "empty"),
        (5, "no object"),
    ],
)
def test_json_is_read_with_suspicion(entry: Any, reason: str) -> None:
    good = {"written": "b", "reading": "T"}
    data = json.dumps({"format": 1, "entries": [good, entry]}).encode()
    (fault,) = parse(data, "x.json").faults
    assert fault.startswith("entry 2: ")
    assert reason in fault
    with pytest.raises(LexiconError, match=r"x\.json, entry 2: "):
        stored(data, "x.json")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"format": 1, "entries": [', "isn't valid JSON"),
        (b'{"format": 2, "entries": []}', "Update vinovits"),
        (b'{"format": 1, "entries": {}}', "isn't a lexicon"),
        (b'{"format": true, "entries": []}', "isn't a lexicon"),
        (b"[" * 100_000, "isn't valid JSON"),
        (b'{"a": "\xff"}', "isn't UTF-8: see line 1"),
    ],
)
def test_broken_json(data: bytes, reason: str) -> None:
    with pytest.raises(LexiconError, match=reason):
        parse(data, "x.json", "json")


CMU = """;;; # CMUdict
!EXCLAMATION-POINT  EH2 K S K L AH0 M EY1 SH AH0 N P OY2 N T
TOMATO  T AH0 M EY1 T OW2
TOMATO(1)  T AH0 M AA1 T OW2
a.m.  EY2 EH1 M
a(2) EY1
McKay M AH0 K EY1 # a name
"""


def test_the_cmu_dictionary() -> None:
    for name in ("cmudict.dict", "cmudict-0.7b"):
        contents = parse(CMU.encode(), name)
        assert contents.faults == ()
        assert contents.skipped == 2
        assert {entry.written: entry.reading for entry in contents.entries} == {
            "!exclamation-point": "EH2 K S K L AH0 M EY1 SH AH0 N P OY2 N T",
            "tomato": "T AH0 M EY1 T OW2",
            "a.m.": "EY2 EH1 M",
            "McKay": "M AH0 K EY1",
        }
    (fault,) = parse(b"A  EY1\nB  XX1 Q\n", "x.dict").faults
    assert fault.startswith("line 2: ")
    assert "no phone" in fault
    (fault,) = parse(b"A  EY1\nB\n", "x.dict").faults
    assert "isn't a word" in fault


def test_user_dictionaries_of_voicevox() -> None:
    word = {"surface": "ＶＯＩＣＥ", "pronunciation": "ボイス", "accent_type": 1, "priority": 7}
    data = {
        "a0": {**word, "part_of_speech": "名詞", "mora_count": 3, "cost": 8600},
        "a1": {"surface": "橋本", "pronunciation": "ハシモト", "accent_type": 0},
        "a2": {"surface": "x", "pronunciation": "ハ", "accent_type": 2},
        "a3": {"surface": "y", "pronunciation": ["ハ"]},
        "a4": {"surface": "z", "pronunciation": "abc"},
        "a5": 5,
        "a6": {"surface": "w", "pronunciation": "ハ", "accent_type": "1"},
    }
    contents = parse(json.dumps(data).encode(), "user_dict.json")
    assert list(contents.entries) == [
        LexiconEntry("VOICE", "ボイス:1", "ja", priority=7),
        LexiconEntry("橋本", "ハシモト:0", "ja"),
    ]
    assert [fault.partition(":")[0] for fault in contents.faults] == [
        f"word '{name}'" for name in ("x", "y", "z", "a5", "w")
    ]


def test_a_list_with_tabs() -> None:
    text = "# names\n重庆\tchóng qìng\n行长\thang2zhang3\n橋\tはし:2\nx\ty\tz\nkey\n"
    contents = parse(text.encode(), "names.txt", "tsv")
    assert [(one.written, one.reading) for one in contents.entries] == [
        ("重庆", "chong2 qing4"),
        ("行长", "hang2 zhang3"),
        ("橋", "ハシ:2"),
    ]
    assert [fault[:8] for fault in contents.faults] == ["line 5: ", "line 6: "]
    assert parse(text.partition("\n")[2].encode(), "names").entries == contents.entries


def test_what_cannot_be_told_must_be_named() -> None:
    with pytest.raises(LexiconError, match="Name its format: csv, json"):
        parse(b"some words\n", "words.txt")
    with pytest.raises(LexiconError, match="columns"):
        parse(b"word,pronunciation\n", "words.csv")
    with pytest.raises(LexiconError, match="no format 'toml'"):
        parse(b"", "words", "toml")
    with pytest.raises(LexiconError, match="64 MB"):
        parse(b" " * ((64 << 20) + 1), "words.csv")


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for kind in ("csv", "json", "cmudict", "voicevox", "tsv", "pls", "auto"):
        with suppress(LexiconError):  # and nothing else
            parse(data, "x", kind)


def test_a_file_that_a_call_names(tmp_path: Path) -> None:
    path = tmp_path / "words.csv"
    path.write_text("written,reading\ntomato,T AH0\n", encoding="utf-8")
    lexicon = read_lexicon(path)
    assert [entry.written for entry in lexicon] == ["tomato"]
    assert read_lexicon(path) is lexicon
    path.write_text("written,reading\na,=b\nb,=a\n", encoding="utf-8")
    with pytest.raises(LexiconError, match="a -> b -> a"):
        read_lexicon(path)
    with pytest.raises(UsageError, match="There is no lexicon"):
        read_lexicon(tmp_path / "none.csv")
    with pytest.raises(UsageError, match="is no file"):
        read_lexicon(tmp_path)
