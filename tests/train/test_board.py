"""What is written for TensorBoard can be read, and a full disk is told."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vinovits.errors import OutputError
from vinovits.train.board import Board

pytest.importorskip("tensorboard")


def read(folder: Path) -> Any:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    return EventAccumulator(str(folder)).Reload()


def test_numbers_sound_and_pictures_are_written(tmp_path: Path) -> None:
    board = Board(tmp_path / "board")
    board.add("train", {"mel": 30.5, "kl": 2.0}, 7)
    pixels = np.zeros((4, 6, 3), np.uint8)
    board.show(0, 7, np.zeros(800, np.float32), 8000, {"mel": pixels, "alignment": pixels})
    board.close()
    found = read(tmp_path / "board")
    [event] = found.Scalars("train/mel")
    assert (event.step, event.value) == (7, 30.5)
    assert found.Tags()["images"] == ["mel/0", "alignment/0"]
    assert found.Tags()["audio"] == ["sample/0"]


def test_a_full_disk_is_told_and_does_not_end_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = Board(tmp_path / "board")
    board.add("train", {"mel": 1.0}, 1)
    total, used, _ = shutil.disk_usage(tmp_path)
    with monkeypatch.context() as full:
        full.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(total, used, 4096))
        with pytest.raises(OutputError, match="disk is full"):
            board.add("train", {"mel": 2.0}, 2)
    board.add("train", {"mel": 3.0}, 3)
    board.close()
    assert [event.step for event in read(tmp_path / "board").Scalars("train/mel")] == [1, 3]
