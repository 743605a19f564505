"""Long texts are cut where nothing is lost and no markup is torn."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from vinovits.batch.units import cut
from vinovits.errors import TextError

PIECES = st.sampled_from(
    [
        "Hello there. ",
        "It is 3.14! ",
        "\n",
        "\n\n",
        "* * *",
        "“What?” ",
        "word ",
        "。",
        "[",
        "\u2029",
    ]
)


@hypothesis_settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, max_size=60), st.sampled_from([20, 60, 1000]))
def test_all_that_can_be_heard_is_in_one_part(pieces: list[str], longest: int) -> None:
    text = "".join(pieces)
    parts = cut(text, "off", longest)
    behind = 0
    for part in parts:
        assert text[part.start : part.start + len(part.text)] == part.text
        assert part.start >= behind
        assert any(character.isalnum() for character in part.text)
        assert not any(character.isalnum() for character in text[behind : part.start])
        behind = part.start + len(part.text)
    assert not any(character.isalnum() for character in text[behind:])


def test_paragraphs_are_parts_and_long_ones_are_cut_between_sentences() -> None:
    long = " ".join(f"This is sentence number {number}." for number in range(100))
    parts = cut(f"One.\n\n* * *\n\n{long}\n\nTwo.")
    texts = [part.text for part in parts]
    assert texts[0] == "One.\n\n* * *"
    assert texts[-1] == "Two."
    assert all(text.endswith(".") and len(text) <= 1000 for text in texts[1:-1])
    assert " ".join(texts[1:-1]) == long
    lengths = [len(text) for text in texts[1:-1]]
    assert max(lengths) < 2 * min(lengths)
    assert [part.ends_paragraph for part in parts] == [
        True,
        *[False] * (len(parts) - 3),
        True,
        True,
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[slow]One.\n\nTwo.[/slow]\n\nThree.", ["[slow]One.\n\nTwo.[/slow]", "Three."]),
        ("[slow]One.[/slow]\n\nTwo.", ["[slow]One.[/slow]", "Two."]),
        ("One [pause 2s] two.\n\n[tomato|T OW1] three.", None),
        ("[spell]ab\n\ncd[/spell]\n\nThree.", ["[spell]ab\n\ncd[/spell]\n\nThree."]),
        ("[Ann]<en>Hello.\n\n[Bob]<en>Hi.", ["[Ann]<en>Hello.", "[Bob]<en>Hi."]),
        (
            "<speak><p>One.</p>\n\n<p>Two.</p></speak>",
            ["<speak><p>One.</p>\n\n<p>Two.</p></speak>"],
        ),
        ("...\n\n* * *", []),
        ("", []),
    ],
)
def test_no_markup_is_torn(text: str, expected: list[str] | None) -> None:
    assert [part.text for part in cut(text)] == (
        text.split("\n\n") if expected is None else expected
    )


def test_wrong_markup_is_told() -> None:
    with pytest.raises(TextError, match="slow"):
        cut("One.\n\n[slow]Two.")
