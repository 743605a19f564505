"""Styles and emotions from the command line, down to the sound."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from tests.cli.conftest import Run
from tests.engine.test_conditions import save_checkpoint
from tests.features.sounds import sound
from tests.features.wide_models import write_clap
from vinovits.convert.voice import convert_checkpoint

SPEECH = sound(1.3, 22050, 3)


@pytest.fixture(scope="module")
def voices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tiny voices of two families, and a CLAP that gives as many numbers as they take."""
    folder = tmp_path_factory.mktemp("voices")
    styles = {"style2id": {"Neutral": 0, "Glad": 1, "Sad": 2}, "num_styles": 3}
    for family, data in (("2.2", {}), ("sbv2", styles)):
        source = save_checkpoint(folder / f"{family}-source", family, **data)
        convert_checkpoint(source, None, folder / family, languages=["en"])
    (folder / "models").mkdir()
    write_clap(folder / "models")
    return folder


@pytest.fixture
def said(run: Run, voices: Path, graph_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The samples of a voice with some options, or its error."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(graph_cache))
    monkeypatch.setenv("XDG_DATA_HOME", str(graph_cache / "nothing"))
    monkeypatch.setenv("VINOVITS_FEATURES", str(voices / "models"))

    def call(family: str, *options: str) -> NDArray[np.float32] | str:
        voice = str(voices / family)
        result = run("say", "Hello there.", "--voice", voice, "--features", "none", *options)
        if result.exit_code:
            return f"{result.exit_code}: {result.stderr}"
        samples: NDArray[np.float32] = soundfile.read("out.wav", dtype="float32")[0]
        return samples

    return call


def differ(*sounds: NDArray[np.float32]) -> bool:
    return len({sound.tobytes() for sound in sounds}) == len(sounds)


def test_styles_with_a_weight(said: Any) -> None:
    plain, glad = said("sbv2"), said("sbv2", "--style", "Glad")
    more = said("sbv2", "--style", "Glad", "--style-weight", "5")
    none = said("sbv2", "--style", "Glad", "--style-weight", "0")
    assert differ(plain, glad, more)
    np.testing.assert_array_equal(none, plain)
    assert "2: vinovits: The voice 'sbv2' has no style 'Mad'" in said("sbv2", "--style", "Mad")
    assert "takes no emotion" in said("sbv2", "--emotion-text", "glad")


def test_emotions_by_description_and_recording(said: Any) -> None:
    soundfile.write("mood.wav", SPEECH, 22050, "FLOAT")
    soundfile.write("long.flac", np.tile(SPEECH, 10), 22050)
    calm, other = (said("2.2", "--emotion-text", text) for text in ("calm", "an angry mob!"))
    heard, long = (said("2.2", "--emotion-audio", name) for name in ("mood.wav", "long.flac"))
    assert differ(said("2.2"), calm, other, heard)
    assert isinstance(long, np.ndarray)
    np.testing.assert_array_equal(said("2.2", "--emotion-text", "calm"), calm)
    assert "2: vinovits: The text prompt has" in said("2.2", "--emotion-text", "!" * 99)
    assert "a description or a vector" in said("2.2", "--emotion-number", "1")
    assert "has no styles" in said("2.2", "--style", "Glad")


def test_emotions_by_number(run: Run, calls: list[dict[str, Any]]) -> None:
    run("say", "Hello.", "--emotion-number", "3")
    run("say", "Hello.", "--emotion-number", "0")
    assert [call["emotion"] for call in calls[1::2]] == [3, 0]
    assert run("say", "Hello.", "--emotion-number", "-1").exit_code == 2


def test_recordings_that_do_not_do(said: Any) -> None:
    soundfile.write("silent.wav", np.zeros(16000), 16000)
    soundfile.write("short.wav", SPEECH[:100], 22050)
    Path("page.wav").write_text("<!DOCTYPE html>", "utf-8")
    for name, message in (
        ("silent.wav", "is silent"),
        ("short.wav", "5 ms long, too short"),
        ("page.wav", "can't be read as audio"),
        ("nothing.wav", "isn't there"),
    ):
        error = said("2.2", "--emotion-audio", name)
        assert error.startswith("2: vinovits: The audio prompt"), error
        assert message in error
        assert not Path("out.wav").exists()


def test_a_model_that_is_missing(said: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VINOVITS_FEATURES", "")
    assert "models pull clap-htsat-fused" in said("2.2", "--emotion-text", "calm")


def test_one_prompt_at_a_time(said: Any) -> None:
    error = said("2.2", "--emotion-text", "calm", "--emotion-audio", "mood.wav")
    assert "2: vinovits: Give one of --emotion-text, --emotion-audio" in error
    assert "is empty. Name a file" in said("2.2", "--emotion-audio", "")


def test_info_shows_styles_and_emotions(run: Run, voices: Path) -> None:
    shown = {family: run("info", str(voices / family)).stdout for family in ("2.2", "sbv2")}
    assert "Neutral, Glad, Sad" in shown["sbv2"]
    assert "a description or a recording, heard by clap-htsat-fused" in shown["2.2"]
    assert "emotion" not in shown["sbv2"]
    assert "styles" not in shown["2.2"]
