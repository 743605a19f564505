"""Markdown pasted in."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.text.markup.scripts import check_places, spoken
from vinovits.text.markup import parse

PAGE = r"""---
title: no
---

# The *first* head #

Some **bold**, `code` and a [li\*nk](http://no.example/link 'no') or [two][ref] &amp; 2 * 3[^1]
go on\
here ![A *cat*](cat.png).

Setext
------

- one
- [x] two
  more

1. first
2. second

> quoted
> text

| a | b \| c |
|---|---|
| d |   |

```python
no = 1
```

<div>block <b>tag</b></div>

inline <i>tag</i> <http://example.com> [pause 1s]

    indented

[ref]: http://no.example
"""


def test_a_page_is_read() -> None:
    script = parse(PAGE, "markdown")
    check_places(script)
    assert [script.text[s:e].strip() for s, e in script.parts()] == [
        "The first head",
        "Some bold, code and a li*nk or two & 2 * 3\ngo on\nhere A cat.",
        "Setext",
        "one",
        "two\nmore",
        "1. first",
        "2. second",
        "quoted\ntext",
        "a, b | c",
        "d,",
        "block tag",
        "inline tag http://example.com [pause 1s]",
        "indented",
    ]
    for word in ("first", "bold", "code", "two", "cat", "more", "quoted", "tag", "indented"):
        index = script.text.index(word)
        assert PAGE[slice(*script.seen.span(index, index + len(word)))] == word
    index = script.text.index("here A")
    assert script.seen.origin(index) == PAGE.index("here ![")


def test_lines_may_end_in_any_way() -> None:
    text = "# Head\r\n\r\nOne\r\ntwo\r\n\r\n- x\r- y"
    script = parse(text, "markdown")
    check_places(script)
    assert script.text.split() == ["Head", "One", "two", "x", "y"]
    assert text[
        slice(*script.seen.span(script.text.index("two"), script.text.index("two") + 3))
    ] == ("two")


def test_sentences_end_where_blocks_do() -> None:
    assert spoken("# One\ntwo\n- three\n- four", markup="markdown") == (
        "One . / two . / three . / four ."
    )


def test_plain_text_stays() -> None:
    text = "Nothing here, 2 * 3 and snake_case_name.\nNot *this [1] either."
    assert parse(text, "markdown").text.strip() == text


@given(st.text(alphabet="ab \n\t#*_`~[]()!<>|-\\&;1.:>\r漢", max_size=60))
@settings(max_examples=100, deadline=None)
def test_anything_is_read_with_its_places(text: str) -> None:
    check_places(parse(text, "markdown"))
    check_places(parse(text, "html"))
