"""The user's config file: what it says, where it lies, and that nothing in it stops speech."""

from __future__ import annotations

from pathlib import Path

import pytest

import vinovits
from vinovits.engine.tuned import Tuned, config_file, parse, read_tuned, this_machine, written
from vinovits.errors import UsageError


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the user's config file is, or would be."""
    path = tmp_path / "own" / "config.toml"
    path.parent.mkdir()
    monkeypatch.setenv("VINOVITS_CONFIG", str(path))
    return path


def test_the_file_follows_xdg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("VINOVITS_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert config_file() == tmp_path / "vinovits" / "config.toml"


@pytest.mark.parametrize(
    "tuned",
    [
        Tuned(),
        Tuned(threads=3),
        Tuned(threads=1, precision="f32", windows=(64, 256), workers=2),
    ],
)
def test_what_is_written_is_read(config: Path, tuned: Tuned) -> None:
    config.write_text(written(tuned), encoding="utf-8")
    assert read_tuned() == tuned


def test_no_file_is_nothing_tuned(config: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert read_tuned() == Tuned()
    assert not caplog.text


def test_a_file_of_another_machine_doesnt_count(
    config: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = written(Tuned(threads=3))
    config.write_text(text.replace(this_machine(), "Another chip"), encoding="utf-8")
    assert read_tuned() == Tuned()
    assert not caplog.text  # it is nobody's fault


def test_a_file_without_a_machine_counts_everywhere(config: Path) -> None:
    config.write_text("[load]\nthreads = 3\n", encoding="utf-8")
    assert read_tuned() == Tuned(threads=3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[load\n", "isn't TOML"),
        ("threads = 3\n", "'threads'; what it may have is a table"),
        ("load = 3\n", "no table"),
        ("[load]\nthread = 3\n", "no entry 'thread'"),
        ("[load]\nthreads = 0\n", "entry threads must be"),
        ("[load]\nthreads = true\n", "entry threads must be"),
        ('[load]\nprecision = "int4"\n', "no precision 'int4'"),
        ("[load]\nprecision = [1]\n", "no precision"),
        ("[load]\nwindows = [64]\n", "entry windows must be two numbers"),
        ("[load]\nwindows = [192, 64]\n", "entry windows must be two numbers"),
        ("[load]\nwindows = [1, 64]\n", "entry windows must be two numbers"),
        ("[load]\nworkers = 0.5\n", "number of workers must be"),
    ],
)
def test_a_broken_file_is_told_and_doesnt_count(
    config: Path, text: str, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(UsageError, match=message):
        parse(text)
    config.write_text(text, encoding="utf-8")
    assert read_tuned() == Tuned()
    assert str(config) in caplog.text
    assert "vinovits tune" in caplog.text


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", None])
def test_a_file_that_cant_be_read_doesnt_count(
    config: Path, content: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    if content is None:
        config.mkdir()
    else:
        config.write_bytes(content)
    assert read_tuned() == Tuned()
    assert "can't be read" in caplog.text


def test_a_voice_takes_what_was_tuned_and_arguments_go_before(
    config: Path, tiny_voice: Path, graph_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VINOVITS_THREADS", raising=False)
    config.write_text(
        written(Tuned(threads=1, precision="f32", windows=(32, 96))), encoding="utf-8"
    )
    voice = vinovits.load(tiny_voice, cache_dir=graph_cache)
    assert voice.stages.growth == (32, 96)
    assert _threads(voice) == 1
    assert voice.graphs()["decoder"].precision == "f32"
    assert _threads(vinovits.load(tiny_voice, threads=2, cache_dir=graph_cache)) == 2
    monkeypatch.setenv("VINOVITS_THREADS", "2")
    assert _threads(vinovits.load(tiny_voice, cache_dir=graph_cache)) == 2
    text = "A sentence that is long enough for windows, one behind the other."
    plain = vinovits.load(tiny_voice, precision="f32", cache_dir=graph_cache)
    assert plain.speak(text).samples.shape == voice.speak(text).samples.shape


def test_a_broken_file_stops_no_speech(
    config: Path, tiny_voice: Path, graph_cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config.write_text("[load]\nthreads = -5\n", encoding="utf-8")
    assert vinovits.load(tiny_voice, cache_dir=graph_cache).speak("Hello.").seconds > 0
    assert "doesn't count" in caplog.text


def _threads(voice: vinovits.Voice) -> int:
    graph = voice.stages.graphs["encoder"]
    found: int = graph._compiled.get_property("INFERENCE_NUM_THREADS")
    return found
