"""Big lists: only lines that have changed are spoken, and nothing else is written."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vinovits.batch.lines import Batch, Line
from vinovits.batch.speakers import VoiceFacts
from vinovits.engine.result import Chunk


class Clicks:
    """A speaker who says nothing that takes time."""

    width = 1

    def __init__(self) -> None:
        self.asked: list[str] = []

    def facts(self, voice: str) -> VoiceFacts:
        return VoiceFacts(f"stamp of {voice}", 8000, 0.0)

    def speak(self, voice: str, text: str, settings: Mapping[str, Any]) -> Future[list[Chunk]]:
        self.asked.append(text)
        made: Future[list[Chunk]] = Future()
        made.set_result([Chunk(np.full(8, 0.1, np.float32), 0, 0, True, None)])
        return made

    def stop(self) -> None:
        pass

    def close(self) -> None:
        pass


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
        assert batch.make(lines, Clicks()).made == 10_000
    before = inodes(tmp_path)
    assert len(before) == 10_000
    changed = lines[::100]
    for line in changed:
        lines[line.number - 1] = replace(line, text=f"No {line.number}.")
    clicks = Clicks()
    with Batch(tmp_path, ".wav") as batch:
        made = batch.make(lines, clicks)
    assert (made.made, made.found, made.failed) == (100, 9_900, {})
    assert clicks.asked == [f"No {line.number}." for line in changed]
    after = inodes(tmp_path)
    written = {name for name, inode in after.items() if before[name] != inode}
    assert written == {f"{line.id}.wav" for line in changed}
