"""Web pages and pieces of them."""

from __future__ import annotations

import pytest

from tests.text.markup.scripts import check_places, spoken
from vinovits.text.markup import parse

PAGE = """<!DOCTYPE html>
<html lang="en"><head><title>no</title><style>b { c: d }</style></head>
<body onload="if (a > b) c()">
<h1>The <em>first</em> head</h1>
<p>One &amp; two&nbsp;&#8212; na&iuml;ve<br>three.
   And <a href="http://example.com/?a=1&b=2">a link</a></p>
<ul><li>apples<li>pears</ul>
<table><tr><th>a</th> <th>b</th></tr><tr><td>c<td>d</table>
<img src="x.png" alt="A &quot;cat&quot;"><!-- no --><script>if (1 < 2) no()</script>
<ruby>漢字<rp>(</rp><rt>かんじ</rt><rp>)</rp></ruby> [pause 1s] 1 < 2
</body></html>"""


def test_a_page_is_read() -> None:
    script = parse(PAGE, "html")
    check_places(script)
    assert [script.text[s:e].strip() for s, e in script.parts()] == [
        "The first head",
        "One & two — naïve\nthree. And a link",
        *("apples", "pears", "a, b", "c, d"),
        'A "cat" 漢字 [pause 1s] 1 < 2',
    ]
    for word in ("first", "pears", "漢字", "link"):
        index = script.text.index(word)
        assert PAGE[slice(*script.seen.span(index, index + len(word)))] == word
    index = script.text.index("ï")
    assert PAGE[slice(*script.seen.span(index, index + 1))] == "&iuml;"


def test_sentences_end_where_blocks_do() -> None:
    text = "<p>One<p>two <b>th</b>ree<div>four</div>"
    assert spoken(text, markup="html") == "One . / two three . / four ."


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a < b and c > d", "a < b and c > d"),
        ("no tags at all\n\nhere", "no tags at all here"),
        ("<svg>a", "a"),
        ("<a title='x > y'>b</a>", "b"),
        ("AT&T &copy &nonsense; &", "AT&T © &nonsense; &"),
        ("<script>a", "a"),
    ],
)
def test_what_is_no_tag_is_text(text: str, shown: str) -> None:
    assert parse(text, "html").text == shown


@pytest.mark.parametrize("unit", ["<!--", "<a ", "<a b='", "</", "<svg>", "&", "<script>", '<a "'])
@pytest.mark.timeout(20)
def test_a_million_characters_of_broken_tags_are_soon_read(unit: str) -> None:
    parse(unit * (1_000_000 // len(unit)), "html")
