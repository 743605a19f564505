"""Zip archives from anywhere."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from vinovits.books.archive import Archive
from vinovits.books.reading import read_book
from vinovits.errors import TextError


@pytest.mark.parametrize(
    ("field", "what"),
    [
        # Offsets in the local header and in the directory: flags (locked), method (WinZip's AES).
        ((6, 8, 1), "locked by a password"),
        ((8, 10, 99), "packed in a way that can't be unpacked here: a.txt"),
    ],
)
def test_what_cannot_be_unpacked_says_why(
    tmp_path: Path, field: tuple[int, int, int], what: str
) -> None:
    path = tmp_path / "book.epub"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "It begins.")
    local, central, value = field
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\3\4") + local] = value
    data[data.index(b"PK\1\2") + central] = value
    path.write_bytes(data)
    with Archive(path) as archive, pytest.raises(TextError, match=what):
        archive.read("a.txt")


def test_no_part_of_a_document_unpacks_to_too_much(tmp_path: Path) -> None:
    path = tmp_path / "bomb.docx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", "<document/>")
        archive.writestr("word/styles.xml", bytes(65 << 20))
    assert path.stat().st_size < 1 << 20
    with pytest.raises(TextError, match="unpacks to too much: word/styles"):
        read_book(path)
