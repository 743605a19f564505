"""`--speaker` with a recording, for a voice that copies the speaker of one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import Result
from numpy.typing import NDArray

from tests.cli.conftest import Run

RATE = 11025
LOW = np.sin(np.arange(2 * RATE) * 0.05).astype(np.float32) * 0.5
NOISE = np.random.default_rng(0).standard_normal(2 * RATE).astype(np.float32) * 0.2
Say = Callable[..., Result]


@pytest.fixture
def say(run: Run, anyone_voice: Path, graph_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Say:
    """Speaks with the voice; the fixed `--noise` leaves the speaker as all that can change."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(graph_cache))
    common = ("--voice", str(anyone_voice), "--features", "none", "--noise", "0")

    def call(*options: str) -> Result:
        return run("say", "Hello there.", *common, *options)

    return call


def record(name: str, samples: NDArray[np.float32], rate: int = RATE) -> str:
    soundfile.write(name, samples, rate, subtype="FLOAT")
    return name


def said(say: Say, recording: str) -> NDArray[np.float32]:
    result = say("--speaker", recording)
    assert result.exit_code == 0, result.output
    samples, _ = soundfile.read("out.wav", dtype="float32")
    return samples


def test_the_recording_decides_who_speaks(say: Say) -> None:
    low, noise = said(say, record("low.wav", LOW)), said(say, record("noise.wav", NOISE))
    assert low.shape != noise.shape or not np.array_equal(low, noise)
    np.testing.assert_array_equal(said(say, "low.wav"), low)


def test_of_a_stereo_recording_the_mean_is_taken(say: Say) -> None:
    both = np.stack([LOW + NOISE, LOW - NOISE], axis=1)
    np.testing.assert_allclose(
        said(say, record("stereo.wav", both)), said(say, record("low.wav", LOW)), atol=2e-4
    )


def test_a_flac_does_too(say: Say) -> None:
    soundfile.write("low.flac", LOW, RATE)
    assert len(said(say, "low.flac")) > 100


def refused(say: Say, recording: str) -> str:
    result = say("--speaker", recording)
    assert result.exit_code == 2, result.output
    assert not Path("out.wav").exists()
    assert result.stderr.startswith("vinovits: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_a_missing_recording(say: Say) -> None:
    assert "there is no file none.wav" in refused(say, "none.wav")


def test_a_name_where_a_recording_is_needed(say: Say) -> None:
    assert "there is no file ann." in refused(say, "ann")


def test_no_recording_at_all(say: Say) -> None:
    result = say()
    assert result.exit_code == 2
    assert "copies the speaker of a recording: add --speaker recording.wav" in result.stderr
    assert "speaker_from" not in result.stderr


def test_what_is_no_audio(say: Say) -> None:
    Path("text.wav").write_text("I am no audio.")
    Path("empty.wav").touch()
    whole = Path(record("whole.wav", LOW)).read_bytes()
    Path("torn.wav").write_bytes(whole[:20])
    Path("folder").mkdir()
    for name in ("text.wav", "empty.wav", "torn.wav", "folder"):
        assert f"{name} can't be read as audio" in refused(say, name)


@pytest.mark.parametrize("count", [0, 1, 30])
def test_too_short_a_recording(say: Say, count: int) -> None:
    assert "too short" in refused(say, record("short.wav", LOW[:count]))


def test_a_recording_that_isnt_finite(say: Say) -> None:
    assert "finite" in refused(say, record("nan.wav", np.full(RATE, np.nan, np.float32)))


def test_a_silent_recording(say: Say) -> None:
    assert "is silent" in refused(say, record("silent.wav", LOW * 0))


def test_a_recording_that_is_too_long(say: Say) -> None:
    long = np.tile(LOW, 130 * RATE // len(LOW))
    assert "at most 120 s are heard" in refused(say, record("long.wav", long))
