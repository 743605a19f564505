"""Books that are read in a process of their own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from vinovits.books import apart
from vinovits.errors import TextError


def test_a_book_comes_back_whole(tmp_path: Path) -> None:
    path = tmp_path / "story.md"
    path.write_text("# A story\n\n## One\n\nIt begins.\n\n## Two\n\nIt ends.\n", encoding="utf-8")
    book = apart.read_apart(path, None, 60)
    assert [chapter.title for chapter in book.chapters] == ["One", "Two"]


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("import os; os.kill(os.getpid(), 9)", "is broken, or needs more memory"),
        ("raise MemoryError", "is broken, or needs more memory"),
        ("{}['spine']", r"in a way that wasn't foreseen \(KeyError\)\.$"),
        ("open('/no/such/file')", r"in a way that wasn't foreseen \(FileNotFoundError\)\.$"),
        ("import sys; sys.exit('at /no/such/file')", r"in a way that wasn't foreseen\.$"),
    ],
)
def test_a_reader_that_ends_badly_says_how(
    end: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apart, "_COMMAND", (sys.executable, "-c", end))
    with pytest.raises(TextError, match=rf"^story\.md .*{said}"):
        apart.read_apart(tmp_path / "story.md", None, 60)
