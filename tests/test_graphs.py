"""Compiled graphs and their cache."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vinovits.errors import DeviceError, VoiceError
from vinovits.graphs import compile_graph, default_cache_dir, find_device, prune_cache


def test_devices_are_named_in_any_case() -> None:
    assert find_device("cpu") == find_device(" CPU ") == "CPU"
    with pytest.raises(DeviceError, match=r"OpenVINO sees: .*CPU"):
        find_device("tpu")


def test_the_cache_follows_xdg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache_dir() == tmp_path / "vinovits" / "graphs"


def test_pruning_removes_the_oldest_graphs_first(tmp_path: Path) -> None:
    for age, name in enumerate(("new", "middle", "old")):
        path = tmp_path / f"{name}.blob"
        path.write_bytes(bytes(100))
        os.utime(path, (1e9 - age, 1e9 - age))
    (tmp_path / "notes.txt").write_bytes(bytes(1000))
    prune_cache(tmp_path, limit=250)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "middle.blob",
        "new.blob",
        "notes.txt",
    ]
    prune_cache(tmp_path / "missing")


@pytest.mark.parametrize("cached", [False, True])
def test_a_file_that_is_no_graph(tmp_path: Path, cached: bool) -> None:
    (tmp_path / "encoder.xml").write_text("<net/>")
    (tmp_path / "encoder.bin").write_bytes(b"")
    cache = tmp_path / "cache" if cached else None
    with pytest.raises(VoiceError, match=r"encoder\.xml"):
        compile_graph(tmp_path / "encoder.xml", "cpu", cache)
