"""`vinovits bench` and `vinovits tune`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from vinovits.engine import tuning
from vinovits.engine.tuned import Tuned, this_machine, written
from vinovits.engine.tuning import Try


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the user's config file would be, in a folder that isn't there yet."""
    path = tmp_path / "deep" / "config.toml"
    monkeypatch.setenv("VINOVITS_CONFIG", str(path))
    return path


def test_bench_as_json(run: Run, tiny_voice: Path, config: Path) -> None:
    config.parent.mkdir()
    config.write_text(written(Tuned(threads=1)), encoding="utf-8")
    result = run("bench", "--voice", str(tiny_voice), "--rounds", "2", "--json")
    assert result.exit_code == 0, result.stderr
    data = json.loads(result.stdout)
    assert data["voice"]["voice"] == "tiny"
    assert data["voice"]["graphs"]["encoder"] == ["CPU", "f32"]
    assert data["machine"]["tuned"] == {"threads": 1}
    assert data["machine"]["processors"] >= 1
    assert data["machine"]["versions"]["openvino"]
    assert {device["name"] for device in data["machine"]["devices"]} >= {"CPU"}
    assert data["speed"]["real_time_factor"] > 0
    assert all(value >= 0 for value in data["speed"]["ms_per_second"].values())
    assert data["load"]["cold_s"] > 0 < data["load"]["warm_s"]
    assert data["first_sound_s"] > 0


def test_bench_as_a_table(run: Run, tiny_voice: Path) -> None:
    result = run("bench", "--voice", str(tiny_voice), "--rounds", "1", "--features", "none")
    assert result.exit_code == 0, result.stderr
    rows = [line.split()[0] for line in result.stdout.splitlines() if line.strip()]
    assert {"processor", "CPU", "software", "voice", "loading", "first", "decode"} <= set(rows)
    assert "tuned             nothing" in result.stdout


def test_bench_of_no_voice(run: Run) -> None:
    result = run("bench", "--voice", "nobody")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "There is no voice 'nobody'" in result.stderr


def test_tune_writes_shows_and_resets(
    run: Run, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def tune(voice: str, seconds: float, progress: object) -> tuple[Tuned, list[Try]]:
        asked.append((voice, seconds))
        return Tuned(threads=2, windows=(64, 320)), [
            Try("threads", "8, as it comes", 0.5, False),
            Try("threads", "2", 0.25, True),
            Try("workers", "1", 0.0, True),
        ]

    monkeypatch.setattr(tuning, "tune", tune)
    assert "nothing was tuned" in run("tune", "--show").stderr
    result = run("tune", "--voice", "other", "--seconds", "30")
    assert result.exit_code == 0, result.stderr
    assert asked == [("other", 30.0)]
    assert [line.split()[:2] for line in result.stdout.splitlines()[1:]] == [
        ["threads", "8,"],
        ["threads", "2"],
        ["workers", "1"],
    ]
    assert "0.2500  taken" in result.stdout
    assert f"written to {config}" in result.stderr
    shown = run("tune", "--show")
    assert shown.stdout == config.read_text(encoding="utf-8")
    assert "windows = [64, 320]" in shown.stdout
    assert run("tune", "--reset").exit_code == 0
    assert not config.exists()
    assert "nothing was tuned" in run("tune", "--reset").stderr
    assert run("tune", "--reset", "--show").exit_code == 2


def test_tune_that_fails_keeps_what_was_there(run: Run, config: Path) -> None:
    config.parent.mkdir()
    config.write_text(written(Tuned(threads=3)), encoding="utf-8")
    before = config.read_bytes()
    result = run("tune", "--voice", "nobody", "--seconds", "5")
    assert result.exit_code == 1
    assert "There is no voice 'nobody'" in result.stderr
    assert config.read_bytes() == before
    assert list(config.parent.iterdir()) == [config]


def test_show_tells_what_doesnt_count(run: Run, config: Path) -> None:
    config.parent.mkdir()
    config.write_text("[load]\nthreads = 0\n", encoding="utf-8")
    result = run("tune", "--show")
    assert result.exit_code == 2
    assert "This doesn't count: The entry threads must be" in result.stderr
    text = written(Tuned(threads=1)).replace(this_machine(), "Another chip")
    config.write_text(text, encoding="utf-8")
    assert "It is of another machine" in run("tune", "--show").stderr


@pytest.mark.extra
def test_a_real_tune_of_a_tiny_voice(run: Run, tiny_voice: Path, config: Path) -> None:
    result = run("tune", "--voice", str(tiny_voice), "--seconds", "20")
    assert result.exit_code == 0, result.stderr
    assert "machine = " in config.read_text(encoding="utf-8")
    assert {line.split()[0] for line in result.stdout.splitlines()[1:]} >= {"windows", "workers"}
