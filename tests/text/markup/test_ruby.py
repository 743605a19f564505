"""Ruby: what stands beside a base is read in its place, where it is a reading."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.text.markup.scripts import check_places, sentences
from vinovits.text.markup import Markup, parse

KINDS: tuple[Markup, ...] = ("html", "markdown")


def told(text: str, markup: Markup) -> tuple[str, list[tuple[str, str, str]]]:
    """The text that is left, and what of it has which reading."""
    script = parse(text, markup)
    check_places(script)
    assert {one.source for one in script.said} <= {"markup"}
    said = [(script.text[one.start : one.end], one.language, one.reading) for one in script.said]
    return script.text.strip(), said


@pytest.mark.parametrize("markup", KINDS)
@pytest.mark.parametrize(
    ("ruby", "base", "said"),
    [
        ("<ruby>漢字<rt>かんじ</rt></ruby>", "漢字", [("漢字", "ja", "カンジ")]),
        ("<ruby>漢字<rt>かんじ</ruby>", "漢字", [("漢字", "ja", "カンジ")]),
        (
            "<ruby>漢字<rp>(</rp><rt>かんじ</rt><rp>)</rp></ruby>",
            "漢字",
            [("漢字", "ja", "カンジ")],
        ),
        ("<ruby>漢字<rp>(<rt>かんじ<rp>)</ruby>", "漢字", [("漢字", "ja", "カンジ")]),
        ("<ruby><rb>漢字</rb><rt>かんじ</rt></ruby>", "漢字", [("漢字", "ja", "カンジ")]),
        ("<RUBY class='a > b'>橋<RT lang=ja>ハシ:2</RT></RUBY >", "橋", [("橋", "ja", "ハシ:2")]),
        # Several pairs are one word, however they are written.
        ("<ruby>漢<rt>かん</rt>字<rt>じ</rt></ruby>", "漢字", [("漢字", "ja", "カンジ")]),
        ("<ruby><rb>漢<rb>字<rt>かん<rt>じ</ruby>", "漢字", [("漢字", "ja", "カンジ")]),
        ("<ruby><rb>漢</rb><rb>字</rb><rt>かんじ</rt></ruby>", "漢字", [("漢字", "ja", "カンジ")]),
        (
            "<ruby>\n 漢\n <rt>かん</rt>\n 字\n <rt>じ</rt>\n</ruby>",
            "漢字",
            [("漢字", "ja", "カンジ")],
        ),
        ("<ruby>行<rt>háng</rt>长<rt>zhǎng</rt></ruby>", "行长", [("行长", "zh", "hang2 zhang3")]),
        ("<ruby>行<rt>hang2</rt></ruby>", "行", [("行", "zh", "hang2")]),
        (
            "<ruby>食<rt>た</rt>べ<rt></rt>物<rt>もの</rt></ruby>",
            "食べ物",
            [("食", "ja", "タ"), ("物", "ja", "モノ")],
        ),
        (
            "<ruby>橋<rt>ハシ:2</rt>本<rt>モト</rt></ruby>",
            "橋本",
            [("橋", "ja", "ハシ:2"), ("本", "ja", "モト")],
        ),
        ("<ruby>a &amp; <b>b</b><rt>/eɪ/</rt></ruby>", "a & b", [("a & b", "en", "EY1")]),
        ("<ruby>é<rt>&#12363;</rt></ruby>", "é", [("é", "ja", "カ")]),
        # The second of two readings is that of another side.
        ("<ruby>東京<rt>とうきょう<rt>Tokyo</ruby>", "東京", [("東京", "ja", "トウキョウ")]),
        (
            "<ruby>東京<rt>とうきょう</rt><rtc>Tokyo</rtc></ruby>",
            "東京",
            [("東京", "ja", "トウキョウ")],
        ),
        # What is no reading isn't read at all.
        ("<ruby>漢字<rt>Chinese characters</rt></ruby>", "漢字", []),
        ("<ruby>漢字<rt>・・</rt></ruby>", "漢字", []),
        ("<ruby>漢字<rt></rt></ruby>", "漢字", []),
        ("<ruby>漢字</ruby>", "漢字", []),
        ("<ruby>漢字<rt>/☃/</rt></ruby>", "漢字", []),
        ("<ruby><rt>かんじ</rt></ruby>", "", []),
    ],
)
def test_what_stands_beside_a_base_is_its_reading(
    ruby: str, base: str, said: list[tuple[str, str, str]], markup: Markup
) -> None:
    assert told(ruby, markup) == (base, said)
    if base:
        assert told(f"これは{ruby}です。", markup) == (f"これは{base}です。", said)


@pytest.mark.parametrize("markup", KINDS)
def test_several_rubies_keep_their_places(markup: Markup) -> None:
    text = (
        "<ruby>今日<rt>きょう</rt></ruby>は[<ruby>橋<rt>はし</rt></ruby>](x)の"
        "<ruby>上<rt>うえ</rt></ruby>。"
    )
    script = parse(text, markup)
    for one in script.said:
        span = script.seen.span(one.start, one.end)
        assert text[slice(*span)] == script.text[one.start : one.end]
    assert [one.reading for one in script.said] == ["キョウ", "ハシ", "ウエ"]


@pytest.mark.parametrize("markup", KINDS)
def test_ruby_is_spoken(markup: Markup) -> None:
    [sentence] = sentences("<ruby>本気<rt>マジ</rt></ruby>で。", "ja", markup=markup)
    assert sentence.words[0].reading == "マジ"
    assert sentence.words[0].source == "markup"
    assert [word.text for word in sentence.words] == ["本気", "で", "."]


@given(
    st.lists(
        st.sampled_from(
            [
                "<ruby>",
                "</ruby>",
                "<rt>",
                "</rt>",
                "<rb>",
                "<rp>",
                "漢",
                "か",
                "a",
                "`",
                "*",
                "(",
                "<b>",
            ]
        )
    )
)
def test_any_order_of_tags_is_read(parts: list[str]) -> None:
    for markup in KINDS:
        check_places(parse("".join(parts), markup))


@pytest.mark.parametrize("unit", ["<ruby>", "<ruby>漢<rt>か</rt></ruby>", "<rt>", "<ruby><rb>"])
@pytest.mark.parametrize("end", ["", "</ruby>"])
@pytest.mark.timeout(30)
def test_many_tags_are_soon_read(unit: str, end: str) -> None:
    parse(unit * (300_000 // len(unit)) + end, "html")
    parse("x " + unit * (30_000 // len(unit)) + end, "markdown")
