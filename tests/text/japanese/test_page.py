"""The table in docs/japanese.md says what the code reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from vinovits.text.japanese import read

PAGE = Path(__file__).parents[3] / "docs" / "japanese.md"
TABLE = PAGE.read_text("utf-8").partition("<!-- readings -->")[2].partition("<!-- end")[0]
ROWS = [
    tuple(cell.strip() for cell in line.strip("|").split("|"))
    for line in TABLE.strip().splitlines()[2:]
]


@pytest.mark.parametrize(("written", "said"), ROWS)
def test_the_page_says_what_is_read(written: str, said: str) -> None:
    pytest.importorskip("pyopenjtalk")
    words = [word for sentence in read(written) for word in sentence.words]
    added = words[-1].start == words[-1].end
    assert " ".join(word.reading or word.text for word in words[: -1 if added else None]) == said
