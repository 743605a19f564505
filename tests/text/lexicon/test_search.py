"""Which words of a text a lexicon finds, and which entry counts for each."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vinovits.errors import LexiconError
from vinovits.text.front_ends import read
from vinovits.text.lexicon import Lexicon, LexiconEntry
from vinovits.text.lexicon.folding import fold, lower
from vinovits.text.reading import Said
from vinovits.text.script import Manner, Script, plain

ALL = ("zh", "ja", "en")


def found(
    entries: Iterable[LexiconEntry] | Lexicon, text: str | Script, languages: Sequence[str] = ALL
) -> list[tuple[str, str]]:
    """Words of a text with the readings they get."""
    lexicon = entries if isinstance(entries, Lexicon) else Lexicon(*entries)
    script = lexicon.applied(plain(text) if isinstance(text, str) else text, languages)
    return [(script.text[one.start : one.end], one.reading) for one in script.said]


def english(*words: str) -> list[LexiconEntry]:
    """Entries that tell which they are by how often their reading says "B"."""
    return [LexiconEntry(word, "B IY1 " * (n + 1) + "B", "en") for n, word in enumerate(words)]


def words(*arguments: Any) -> list[str]:
    return [word for word, _ in found(*arguments)]


@pytest.mark.parametrize(
    ("written", "text", "expected"),
    [
        ("tomato", "Tomato TOMATO tomatoes automato tomato", ["Tomato", "TOMATO", "tomato"]),
        ("US", "Us in the US, us, AUS, USA and US.", ["US", "US"]),
        ("ai", "MAIL ai a.i. ai-powered (AI) aï ai_x", ["ai", "ai", "AI", "ai"]),
        ("brien", "O'Brien 'Brien'", ["Brien"]),
        ("don", "don't don Don's", ["don", "Don's"]),
        ("new york", "New York, New  York and New\nYork. New\n\nYork", None),
        ("café", "cafe\u0301 CAFÉ ｃａｆé cafe", ["cafe\u0301", "CAFÉ", "ｃａｆé"]),
        ("o'brien", "O’Brien", ["O’Brien"]),
        ("3", "3 13 3.5 1,3 3. 3rd x3", ["3", "3", "3", "3"]),
        ("c++", "C++ and C+", ["C++"]),
        ("→", "a→b", ["→"]),
    ],
)
def test_words_of_letters_are_whole(written: str, text: str, expected: list[str] | None) -> None:
    assert words(english(written), text, ["en"]) == (
        ["New York", "New  York", "New\nYork"] if expected is None else expected
    )


@pytest.mark.parametrize(
    ("written", "text", "expected"),
    [
        ("アイ", "アイスとアイ、マアイ。アイー。ｱｲ", ["アイ", "ｱｲ"]),
        ("ガス", "ｶﾞｽ カ\u3099ス ガスガス", ["ｶﾞｽ", "カ\u3099ス"]),
        ("きし", "きしゃ きしに きしー", ["きし"]),
        ("橋本", "橋本さん、大橋本社", ["橋本", "橋本"]),
        ("人", "人々と人", ["人"]),
    ],
)
def test_japanese_words(written: str, text: str, expected: list[str]) -> None:
    assert words([LexiconEntry(written, "ハシ:1", "ja")], text, ["ja"]) == expected


def test_the_longest_counts_then_the_priority_then_the_lexicon() -> None:
    short = [LexiconEntry("行", "xing2", priority=10)]
    assert found([*short, LexiconEntry("银行", "yin2 hang2", priority=0)], "银行行") == [
        ("银行", "yin2 hang2"),
        ("行", "xing2"),
    ]
    low, high = LexiconEntry("行", "hang2", priority=4), LexiconEntry("行", "xing2", priority=6)
    for order in ((low, high), (high, low)):
        assert found(order, "行") == [("行", "xing2")]
        assert found(Lexicon(order[0]).over(Lexicon(order[1])), "行") == [("行", "xing2")]
    same = replace(high, priority=4)
    assert found(Lexicon(low).over(Lexicon(same)), "行") == [("行", "hang2")]
    assert found(Lexicon(same).over(Lexicon(), Lexicon(low)), "行") == [("行", "xing2")]


def test_a_longer_word_of_a_lexicon_behind_counts_before_a_shorter_one() -> None:
    lexicon = Lexicon(*english("york")).over(Lexicon(*english("new york", "york city")))
    assert words(lexicon, "New York City") == ["New York"]
    assert words(lexicon, "York City") == ["York City"]


def test_capitals_and_contexts_say_more_than_none() -> None:
    entries = english("us", "US")
    assert [reading.count("B") for _, reading in found(entries, "us US Us")] == [2, 3, 2]
    plain_one, in_banks = LexiconEntry("行", "xing2"), LexiconEntry("行", "hang2", "", ("银行",))
    assert found([plain_one, in_banks], "这个银行行不行？不行。") == [
        ("行", "hang2"),
        ("行", "hang2"),
        ("行", "hang2"),
        ("行", "xing2"),
    ]


def test_one_word_of_the_context_in_the_sentence_is_enough() -> None:
    entry = LexiconEntry("lead", "L EH1 D", context=("Pb", "pipe"))
    text = "The lead pipe. Lead on! The lead, PIPES. Is pb lead? Pb is lead."
    assert found([entry], text) == [("lead", "L EH1 D"), ("lead", "L EH1 D")]
    assert words([entry], "Lead in a ｐｉｐｅ.") == ["Lead"]


def test_languages_that_the_voice_lacks_are_passed_over() -> None:
    entries = [LexiconEntry("GitHub", "ギットハブ:0"), LexiconEntry("行", "hang2")]
    assert found(entries, "GitHub 行", ["en"]) == []
    assert found(entries, "GitHub 行", ["zh"]) == [("行", "hang2")]
    assert found(entries, "GitHub 行", ["ja"]) == [("GitHub", "ギットハブ:0")]


def test_of_two_languages_the_one_of_the_place_counts() -> None:
    chinese, japanese = LexiconEntry("東京", "dong1 jing1"), LexiconEntry("東京", "トーキョー:0")
    for entries in ([chinese, japanese], [japanese, chinese]):
        assert found(entries, "我们昨天去了東京。東京に行きました。") == [
            ("東京", "dong1 jing1"),
            ("東京", "トーキョー:0"),
        ]
    assert found([chinese], "東京に行きました。") == []
    github = [LexiconEntry("GitHub", "ギットハブ:0")]
    assert words(github, "GitHubを使う。I use GitHub.") == ["GitHub"]
    assert words(github, "GitHub!") == ["GitHub"]
    both = [*github, LexiconEntry("GitHub", "G IH1 T HH AH2 B")]
    assert found(both, "GitHubを使う人が多い。I use GitHub.") == [
        ("GitHub", "ギットハブ:0"),
        ("GitHub", "G IH1 T HH AH2 B"),
    ]


def test_what_markup_says_is_left_alone() -> None:
    text = "one two three two"
    entries = english("one", "two", "three")
    markup = Said(4, 7, "T UW1", "en", "markup")
    script = replace(plain(text), said=(markup,))
    assert words(entries, script) == ["one", "two", "three", "two"]
    assert Lexicon(*entries).applied(script, ALL).said[1] == markup
    told = replace(plain("a two three"), said=(Said(2, 5, "T UW1", "en", "markup"),))
    assert words([*english("two three"), *english("a two")], told) == ["two"]
    # In a stretch of another language.
    script = replace(plain(text), languages=((0, 7, "ja"),))
    assert words(entries, script) == ["three", "two"]
    # Across the end of something.
    for cut in (
        {"languages": ((0, 5, "en"),)},
        {"manners": ((5, 7, Manner(rate=2.0)),)},
        {"breaks": (5,)},
        {"marks": ((5, "x"),)},
        {"pauses": ((5, 1.0),)},
    ):
        script = replace(plain("new york new york"), **cut)
        assert words(english("new york"), script) == ["new york"]


def test_a_possessive_is_said_too() -> None:
    entries = [
        LexiconEntry("Nguyen", "W IH1 N"),
        LexiconEntry("Marx", "M AA1 R K S"),
        LexiconEntry("Kit", "K IH1 T"),
        LexiconEntry("GitHub", "ギットハブ:0"),
    ]
    assert found(entries, "Nguyen's, Marx’s and Kit'S. Kits' GitHub's です") == [
        ("Nguyen's", "W IH1 N Z"),
        ("Marx’s", "M AA1 R K S IH0 Z"),
        ("Kit'S", "K IH1 T S"),
    ]


def test_front_ends_speak_what_the_lexicon_says() -> None:
    lexicon = Lexicon(LexiconEntry("tomato", "T AH0 M AA1 T OW0"))
    script = lexicon.applied(plain("One ＴＯＭＡＴＯ."), ["en"])
    (sentence,) = read(script, ["en"], "2.3")
    word = sentence.words[1]
    assert (word.reading, word.source) == ("T AH0 M AA1 T OW0", "lexicon")
    assert sentence.text[word.start : word.end] == "ＴＯＭＡＴＯ"


def test_a_reading_that_is_none_is_passed_over_with_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    entries = [LexiconEntry("tomato", "T AX9", "en"), LexiconEntry("potato", "?")]
    with caplog.at_level(logging.WARNING):
        assert (
            found([*entries, *english("one")], "one tomato, one potato, one tomato", ["en"])
            == [("one", "B IY1 B")] * 3
        )
    assert [record.getMessage().count("'tomato'") for record in caplog.records] == [1, 0]
    with pytest.raises(LexiconError, match="AX9 is no phone"):
        Lexicon.of({"tomato": "T AX9"})
    assert [entry.language for entry in Lexicon.of({"tomato": "T AH0", "行": "háng"})] == [
        "en",
        "zh",
    ]


def test_a_hundred_thousand_entries_take_work_that_grows_with_the_text_only() -> None:
    """Counted in calls of functions, since clocks differ."""
    letters = "abcdefghij"
    names = [
        "".join(letters[number // 10**place % 10] for place in range(5))
        for number in range(100_000)
    ]
    lexicon = Lexicon(*(LexiconEntry(name, "B IY1", "en") for name in names))
    text = " ".join(names[::50]) + " and words that aren't there" * 300
    assert len(found(lexicon, text, ["en"])) == 2000

    def calls(text: str) -> int:
        counted = 0

        def count(frame: object, event: str, argument: object) -> None:
            nonlocal counted
            counted += event in ("call", "c_call")

        script = plain(text)
        sys.setprofile(count)
        try:
            lexicon.applied(script, ["en"])
        finally:
            sys.setprofile(None)
        return counted

    once = calls(text)
    assert once < 20 * len(text)
    assert calls(f"{text} {text}") < 2.1 * once


@given(st.text(alphabet=st.sampled_from("aé\u0301ＡＢb’' \n\r\t\u3099ｶﾞカ゛行2²№Ω")))
def test_folding_keeps_places(text: str) -> None:
    seen = fold(text)
    assert len(lower(seen.text)) == len(seen.text)
    before = (0, 0)
    for index in range(len(seen.text)):
        span = seen.span(index, index + 1)
        assert span == before or span[0] == before[1]
        assert seen.text[index] in fold(text[slice(*span)]).text
        before = span
    assert before[1] == len(text)
    assert fold(seen.text).text.split() == seen.text.split()


@given(st.text(), st.lists(st.text(min_size=1, max_size=4), max_size=5))
def test_any_text_and_any_words(text: str, written: list[str]) -> None:
    entries = [LexiconEntry("\u3099", "B IY1")]
    for word in written:
        try:
            entries.append(LexiconEntry(word, "B IY1", "en"))
        except LexiconError:
            continue
    script = Lexicon(*entries).applied(plain(text), ["en"])
    position = 0
    for said in script.said:
        assert position <= said.start < said.end <= len(script.text)
        position = said.end
