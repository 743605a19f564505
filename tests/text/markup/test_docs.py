"""What the page on markup says is so."""

from __future__ import annotations

import re
from pathlib import Path

from tests.text.markup.scripts import spoken

PAGE = (Path(__file__).parents[3] / "docs" / "markup.md").read_text(encoding="utf-8")


def test_examples_are_spoken_as_the_page_says() -> None:
    table = PAGE.partition("<!-- examples -->")[2].partition("<!-- end examples -->")[0]
    rows = re.findall(r"^\| `(.+)` \| (.+) \|$", table, re.MULTILINE)
    assert len(rows) == 10
    for written, said in rows:
        assert spoken(written.replace(r"\|", "|")) == said
