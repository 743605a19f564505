"""`vinovits many`: a file for each line, by the tiny voice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import soundfile

import vinovits
from tests.cli.conftest import Run


@pytest.fixture
def speak(run: Run, tiny_voice: Path, graph_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Calls the command with the tiny voice and lines of a file."""
    monkeypatch.setattr("vinovits.engine.voice.default_cache_dir", lambda: graph_cache)

    def call(lines: list[str], *options: str, name: str = "lines.txt") -> Any:
        Path(name).write_text("\n".join(lines), encoding="utf-8")
        return run("many", name, "out", "--voice", str(tiny_voice), *options)

    return call


def _names() -> list[str]:
    return sorted(path.name for path in Path("out").iterdir())


@pytest.mark.parametrize("workers", ["1", "2"])
def test_each_line_gets_a_file(speak: Any, tiny_voice: Path, workers: str) -> None:
    lines = ["One.", "", "Two, and a little more.\r", "   ", "Three."]
    result = speak(lines, "--workers", workers)
    assert (result.exit_code, result.stdout) == (0, "")
    assert _names() == ["0001.wav", "0003.wav", "0005.wav"]
    assert result.stderr.startswith("3 files, ")
    voice = vinovits.load(tiny_voice)
    for name, text in (("0001", "One."), ("0003", "Two, and a little more.")):
        samples, rate = soundfile.read(f"out/{name}.wav")
        assert rate == 8000
        assert len(samples) == len(voice.speak(text).samples)


def test_it_goes_on_where_it_was_stopped(speak: Any) -> None:
    speak(["One.", "Two."])
    Path("out/0001.wav").write_bytes(b"kept")
    result = speak(["One.", "Two.", "Three."])
    assert result.exit_code == 0
    assert result.stderr.splitlines()[0] == "2 were there already and were passed over."
    assert result.stderr.splitlines()[1].startswith("1 files, ")
    assert Path("out/0001.wav").read_bytes() == b"kept"
    again = speak(["One.", "Two.", "Three."])
    assert again.exit_code == 0
    assert again.stderr == "3 were there already and were passed over.\n"
    assert speak(["One.", "Two.", "Three."], "--overwrite").exit_code == 0
    assert Path("out/0001.wav").read_bytes()[:4] == b"RIFF"


@pytest.mark.parametrize("workers", ["1", "3"])
def test_lines_that_fail_are_told_at_the_end(speak: Any, workers: str) -> None:
    result = speak(["One.", "你好", "[wrong tag", "Four."], "--workers", workers)
    assert result.exit_code == 1
    assert {"0001.wav", "0004.wav"} <= set(_names())
    assert "0002.wav" not in _names()
    told = result.stderr.splitlines()
    assert any(line.startswith("  line 2: ") and "Chinese" in line for line in told)
    assert not list(Path("out").glob(".*"))


def test_entries_of_jsonl_have_names_and_settings(speak: Any) -> None:
    entries = [
        {"text": "One."},
        {"text": "One.", "name": "slow one", "speed": 0.5},
        {"text": "One.", "speaker": "bob", "seed": 7},
    ]
    result = speak([json.dumps(entry) for entry in entries], "-t", "flac", name="lines.jsonl")
    assert (result.exit_code, _names()) == (0, ["0001.flac", "0003.flac", "slow one.flac"])
    assert soundfile.info("out/slow one.flac").frames > soundfile.info("out/0001.flac").frames


def test_wrong_entries_are_told_and_stop_no_other(speak: Any) -> None:
    lines = [
        '{"text": "One."}',
        "not JSON",
        '"a text"',
        '{"text": 5}',
        '{"text": "Two.", "name": "../two"}',
        '{"text": "Two.", "name": ".hidden"}',
        '{"text": "Two.", "loudness": 3}',
        '{"text": "Two.", "speed": "fast"}',
        '{"text": "Two.", "speaker": ["ann"]}',
        '{"text": "Two.", "markup": {}}',
        '{"text": "Two.", "emotion": []}',
        '{"text": "Two.", "style": []}',
        '{"text": "Two.", "language": []}',
        '{"text": "Two.", "name": "A"}',
        '{"text": "Two.", "name": "a"}',
    ]
    result = speak(lines, name="lines.jsonl")
    assert result.exit_code == 1
    assert _names() == ["0001.wav", "A.wav"]
    told = [line.split(":")[0] for line in result.stderr.splitlines() if "  line " in line]
    assert told == [f"  line {number}" for number in (*range(2, 14), 15)]
    assert "There is no setting 'loudness'" in result.stderr
    assert "is that of line 14" in result.stderr


def test_wrong_use(speak: Any, run: Run) -> None:
    assert run("many", "missing.txt", "out").exit_code == 2
    assert "each line is to be a text" in speak(["", "  "]).stderr
    assert speak(["One."], "--workers", "0").exit_code == 2
    assert speak(["One."], "--voice", "nobody").exit_code == 2
    Path("file").touch()
    Path("lines.txt").write_text("One.")
    assert "is a file" in run("many", "lines.txt", "file").stderr


def test_quiet(speak: Any) -> None:
    assert speak(["One."], "--quiet").stderr == ""


@pytest.mark.parametrize("way", ["option", "variable"])
def test_threads_bound_openvino_and_other_pools(
    tiny_voice: Path, graph_cache: Path, tmp_path: Path, way: str
) -> None:
    script = (
        "import os, sys\n"
        "import vinovits\n"
        "from vinovits.cli.main import cli\n"
        "load, voices = vinovits.load, []\n"
        "def noted(*a, **k):\n"
        f"    voices.append(load(*a, cache_dir={str(graph_cache)!r}, **k))\n"
        "    return voices[-1]\n"
        "vinovits.load = noted\n"
        "cli(sys.argv[1:], standalone_mode=False)\n"
        "graph = voices[0].stages.graphs['encoder']\n"
        "print(graph._compiled.get_property('INFERENCE_NUM_THREADS'))\n"
        "print(os.environ['OPENBLAS_NUM_THREADS'], os.environ['RAYON_NUM_THREADS'])\n"
    )
    unset = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS", "VINOVITS_THREADS")
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    options = ["--threads", "1"] if way == "option" else []
    if way == "variable":
        environment["VINOVITS_THREADS"] = "1"
    done = subprocess.run(
        [sys.executable, "-c", script, "say", "One.", "--voice", str(tiny_voice), *options],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
    )
    assert done.stdout.split() == ["1", "1", "1"], done.stderr


def test_a_wrong_variable_is_wrong_use(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VINOVITS_THREADS", "all")
    result = run("say", "One.")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "VINOVITS_THREADS must be a whole number from 1 to 1024, not 'all'" in result.stderr
    assert run("say", "--help").exit_code == 0
