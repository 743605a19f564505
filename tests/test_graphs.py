"""Compiled graphs and their cache."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from vinovits import devices, graph_cache
from vinovits.errors import VoiceError
from vinovits.graphs import Graph, StaticGraph, compile_graph, default_cache_dir, recipe


def test_the_cache_follows_xdg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache_dir() == tmp_path / "vinovits" / "graphs"


@pytest.fixture
def graph(tiny_voice: Path, tmp_path: Path) -> Path:
    """A copy of a decoder of its own."""
    for end in ("xml", "bin"):
        shutil.copy(tiny_voice / f"decoder.{end}", tmp_path)
    return tmp_path / "decoder.xml"


def _run(graph: Graph) -> np.ndarray:
    z = np.linspace(-1, 1, 4 * 40, dtype=np.float32).reshape(1, 4, 40)
    kept = np.arange(z.shape[2])
    return graph(z=z, speaker=np.ones((1, 6, 1), np.float32), kept=kept)["audio"]


def test_a_compiled_graph_is_kept_and_taken(
    graph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    first = _run(compile_graph(graph, "cpu", cache))
    (kept,) = cache.iterdir()

    def no_compiling(*_: object) -> None:
        raise AssertionError("compiled again")

    monkeypatch.setattr(devices.core(), "compile_model", no_compiling)
    again = compile_graph(graph, "cpu", cache)
    np.testing.assert_array_equal(_run(again), first)
    assert again.info.precision == "f32"
    assert list(cache.iterdir()) == [kept]


@pytest.mark.parametrize("where", [0, 31, 32, 0.3, 0.5, 0.9, -1])
@pytest.mark.parametrize("cut", [False, True])
def test_a_damaged_cache_is_made_anew(
    graph: Path, tmp_path: Path, where: float, cut: bool, caplog: pytest.LogCaptureFixture
) -> None:
    cache = tmp_path / "cache"
    expected = _run(compile_graph(graph, "cpu", cache))
    (kept,) = cache.iterdir()
    good = kept.read_bytes()
    index = int(where * len(good)) if isinstance(where, float) else where % len(good)
    flipped = good[:index] + bytes([good[index] ^ 1]) + good[index + 1 :]
    kept.write_bytes(good[:index] if cut else flipped)
    np.testing.assert_array_equal(_run(compile_graph(graph, "cpu", cache)), expected)
    assert "is made anew" in caplog.text
    assert kept.read_bytes() != flipped


def test_other_weights_never_speak_from_the_cache(graph: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    before = _run(compile_graph(graph, "cpu", cache))
    weights = np.fromfile(graph.with_suffix(".bin"), np.float32)
    # Whole numbers, such as shapes, look like tiny floats; they stay as they are.
    weights[np.abs(weights) > 1e-3] *= 1.1
    weights.tofile(graph.with_suffix(".bin"))
    after = _run(compile_graph(graph, "cpu", cache))
    assert not np.array_equal(before, after)
    np.testing.assert_array_equal(after, _run(compile_graph(graph, "cpu", None)))


def test_a_graph_that_fails_costs_nothing_else(graph: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    compile_graph(graph, "cpu", cache)
    (cache / "thesis.txt").write_text("years of work")
    before = sorted(path.name for path in cache.iterdir())
    graph.write_text("<net/>")
    with pytest.raises(VoiceError, match=r"decoder\.xml"):
        compile_graph(graph, "cpu", cache)
    assert sorted(path.name for path in cache.iterdir()) == before


def test_a_cache_that_cant_be_written_costs_time_only(
    graph: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    cache = tmp_path / "file" / "cache"
    np.testing.assert_array_equal(
        _run(compile_graph(graph, "cpu", cache)), _run(compile_graph(graph, "cpu", None))
    )
    assert "can't be kept" in caplog.text


def _run_static(graph: Path, cache: Path, length: int) -> np.ndarray:
    z = np.linspace(-1, 1, 4 * length, dtype=np.float32).reshape(1, 4, length)
    static = StaticGraph(recipe(graph, "cpu", cache))
    return static(z=z, speaker=np.ones((1, 6, 1), np.float32), kept=np.arange(length))["audio"]


def test_each_shape_has_a_file_of_its_own(graph: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    expected = [_run_static(graph, cache, length) for length in (40, 41)]
    kept = {path: path.read_bytes() for path in cache.iterdir()}
    assert len(kept) == 2
    compile_graph(graph, "cpu", cache)
    assert len(list(cache.iterdir())) == 3
    for path in kept:
        path.write_bytes(kept[path][:-5] + b"wrong")
        for length, audio in zip((40, 41), expected, strict=True):
            np.testing.assert_array_equal(_run_static(graph, cache, length), audio)
        assert not path.read_bytes().endswith(b"wrong")


@pytest.mark.parametrize("static", [False, True])
def test_a_full_disk_costs_time_only(
    graph: Path,
    tmp_path: Path,
    static: bool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    cache = tmp_path / "cache"

    def full(path: Path, content: bytes) -> None:
        with path.open("wb") as file:
            file.write(content[: len(content) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    audio = _run_static(graph, cache, 40) if static else _run(compile_graph(graph, "cpu", cache))
    np.testing.assert_allclose(audio, _run(compile_graph(graph, "cpu", None)), atol=1e-6)
    assert "No space left on device" in caplog.text
    assert list(cache.iterdir()) == []


def test_a_process_that_is_killed_while_it_writes_leaves_nothing_to_stumble_over(
    graph: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from vinovits.graphs import compile_graph\n"
        "def killed(path, content):\n"
        "    with path.open('wb') as file:\n"
        "        file.write(content[: len(content) // 2])\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "Path.write_bytes = killed\n"
        f"compile_graph(Path({str(graph)!r}), 'cpu', Path({str(cache)!r}))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True)
    assert done.returncode == -signal.SIGKILL
    [part] = cache.iterdir()
    np.testing.assert_array_equal(
        _run(compile_graph(graph, "cpu", cache)), _run(compile_graph(graph, "cpu", None))
    )
    graph_cache.prune(cache)
    assert part.exists()  # somebody may be writing it
    os.utime(part, (1e9, 1e9))
    graph_cache.prune(cache)
    assert not part.exists()
    assert len(list(cache.iterdir())) == 1


@pytest.mark.parametrize("shapes", ["dynamic", "static"])
def test_processes_that_share_an_empty_cache(tiny_voice: Path, tmp_path: Path, shapes: str) -> None:
    script = (
        "import vinovits, hashlib\n"
        f"voice = vinovits.load({str(tiny_voice)!r}, cache_dir={str(tmp_path / 'cache')!r},"
        f" shapes={shapes!r})\n"
        "print(hashlib.sha256(voice.speak('Hello there.').samples.tobytes()).hexdigest())\n"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    outputs = {process.communicate()[0] for process in running}
    assert [process.returncode for process in running] == [0] * 4
    assert len(outputs) == 1


def test_pruning_removes_what_was_used_longest_ago(tmp_path: Path) -> None:
    for age, name in enumerate(("new", "middle", "old")):
        path = tmp_path / f"{name}{graph_cache.SUFFIX}"
        graph_cache.write(path, bytes(100))
        os.utime(path, (1e9 - age, 1e9 - age))
    (tmp_path / "notes.txt").write_bytes(bytes(1000))
    kept = graph_cache.read(tmp_path / f"old{graph_cache.SUFFIX}")
    assert kept is not None
    assert kept.tobytes() == bytes(100)
    graph_cache.prune(tmp_path, limit=300)
    assert {path.stem for path in tmp_path.iterdir()} == {"new", "old", "notes"}
    graph_cache.prune(tmp_path / "missing")


@pytest.mark.parametrize("cached", [False, True])
def test_a_file_that_is_no_graph(tmp_path: Path, cached: bool) -> None:
    (tmp_path / "encoder.xml").write_text("<net/>")
    (tmp_path / "encoder.bin").write_bytes(b"")
    cache = tmp_path / "cache" if cached else None
    with pytest.raises(VoiceError, match=r"encoder\.xml"):
        compile_graph(tmp_path / "encoder.xml", "cpu", cache)


def test_processes_with_fewer_threads_than_processors_share_them(
    graph: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenVINO would pin the threads of each such process to the first processors."""
    monkeypatch.setattr("vinovits.graphs.processors", lambda: 4)
    assert dict(recipe(graph, "cpu", None, threads=2).config)["ENABLE_CPU_PINNING"] == "NO"
    assert "ENABLE_CPU_PINNING" not in dict(recipe(graph, "cpu", None, threads=4).config)
