"""Big lists: only lines that have changed are spoken, and nothing else is written."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from vinovits.batch.lines import Batch, Line
from vinovits.errors import OutputError

from .fakes import Listed


def inodes(folder: Path) -> dict[str, int]:
    return {one.name: one.inode() for one in os.scandir(folder) if one.name.endswith(".wav")}


@pytest.mark.extra
def test_a_hundred_changed_lines_of_ten_thousand_make_a_hundred_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whether it is on the disk after a power cut can't be seen here, and takes most of the time.
    monkeypatch.setattr("vinovits.batch.lines.os.fsync", lambda descriptor: None)
    lines = [Line(n, f"line-{n:05}", f"Yes {n}.", "tiny", {}) for n in range(1, 10_001)]
    with Batch(tmp_path, ".wav") as batch:
        assert batch.make(lines, Listed(1)).made == 10_000
    before = inodes(tmp_path)
    assert len(before) == 10_000
    changed = lines[::100]
    for line in changed:
        lines[line.number - 1] = replace(line, text=f"No {line.number}.")
    speakers = Listed(1)
    with Batch(tmp_path, ".wav") as batch:
        made = batch.make(lines, speakers)
    assert (made.made, made.found, made.failed) == (100, 9_900, {})
    assert speakers.asked == [f"No {line.number}." for line in changed]
    after = inodes(tmp_path)
    written = {name for name, inode in after.items() if before[name] != inode}
    assert written == {f"{line.id}.wav" for line in changed}


def test_a_manifest_that_cant_be_read_leaves_the_folder_free(tmp_path: Path) -> None:
    (tmp_path / "manifest.jsonl").write_bytes(b"\xff\xfe")
    for _ in range(2):  # the second would find the folder in use
        with pytest.raises(OutputError, match=r"manifest\.jsonl can't be read"):
            Batch(tmp_path, ".wav")
    (tmp_path / "manifest.jsonl").unlink()
    with Batch(tmp_path, ".wav") as batch:
        assert batch.make([Line(1, "one", "One.", "tiny", {})], Listed(1)).made == 1
