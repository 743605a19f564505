from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from tests.output.speech import chirp, sentences
from vinovits.errors import MissingExtraError, OutputError, UsageError
from vinovits.output.plot import check_plot, mel_spectrogram, plot_speech

TEXT = "A short $ sentence with 中文. And another one [x]."


def draw(path: Path, seconds: float = 4.0) -> np.ndarray:
    from matplotlib.image import imread

    plot_speech(path, chirp(seconds, 22050), 22050, sentences(TEXT), title="joe $x$")
    return np.asarray(imread(path))


def test_a_picture_is_drawn_without_a_display_or_a_warning(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        image = draw(tmp_path / "a.png")
    height, width = image.shape[:2]
    assert height > 400
    assert width > 800
    assert image[..., :3].std() > 0.1
    assert "matplotlib.pyplot" not in sys.modules


def test_long_speech_gives_a_picture_of_bounded_size(tmp_path: Path) -> None:
    assert draw(tmp_path / "a.png", 60.0).shape[1] < 6000


@pytest.mark.parametrize("rate", [8000, 22050, 44100])
def test_a_tone_is_where_its_pitch_is(rate: int) -> None:
    time = np.arange(rate) / rate
    decibels, step = mel_spectrogram(np.sin(2 * np.pi * 1000 * time).astype(np.float32), rate)
    top = 2595 * np.log10(1 + rate / 2 / 700)
    band = 2595 * np.log10(1 + 1000 / 700) / top * (decibels.shape[0] + 1) - 1
    middle = decibels[:, decibels.shape[1] // 2]
    assert abs(int(middle.argmax()) - band) < 1.5
    assert decibels.shape[1] * step == pytest.approx(1.0, abs=0.02)
    assert np.isfinite(decibels).all()


def test_silence_and_a_single_sample_can_be_drawn(tmp_path: Path) -> None:
    plot_speech(tmp_path / "a.png", np.zeros(2000, np.float32), 22050, [])
    plot_speech(tmp_path / "b.png", np.ones(1, np.float32), 22050, [])
    with pytest.raises(OutputError, match="no audio"):
        plot_speech(tmp_path / "c.png", np.zeros(0, np.float32), 22050, [])


def test_other_pictures_and_a_missing_library_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"Name it a\.png"):
        check_plot(Path("a.jpg"))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'vinovits\[plot\]'"):
        check_plot(Path("a.png"))
