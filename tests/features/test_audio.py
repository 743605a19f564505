from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.features.sounds import sound
from vinovits.errors import UsageError, VinovitsError
from vinovits.features.audio import SHORTEST, check_prompt, fingerprint, read_audio, resample

TONE = sound(0.5, 16000, 1)


@pytest.mark.parametrize(
    ("name", "subtype", "error"),
    [
        ("a.wav", "PCM_U8", 1 / 100),
        ("a.wav", "PCM_16", 1e-4),
        ("a.wav", "PCM_24", 1e-6),
        ("a.wav", "DOUBLE", 0),
        ("a.wav", "ULAW", 1 / 20),
        ("a.flac", "PCM_16", 1e-4),
    ],
)
def test_files_of_any_width_are_read(tmp_path: Path, name: str, subtype: str, error: float) -> None:
    soundfile.write(tmp_path / name, TONE, 16000, subtype)
    samples, rate = read_audio(tmp_path / name)
    assert (rate, samples.dtype) == (16000, np.float32)
    np.testing.assert_allclose(samples, TONE, atol=error)


def test_channels_are_averaged(tmp_path: Path) -> None:
    stereo = np.stack([TONE, -0.5 * TONE, 0 * TONE], axis=1)
    soundfile.write(tmp_path / "a.wav", stereo, 44100, "FLOAT")
    samples, rate = read_audio(tmp_path / "a.wav")
    assert rate == 44100
    np.testing.assert_allclose(samples, TONE / 6, atol=1e-6)


def test_long_files_are_read_whole_and_endless_ones_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.wav"
    wave = np.tile(TONE, 30)
    soundfile.write(path, wave, 16000, "PCM_U8")
    assert len(read_audio(path)[0]) == len(wave)  # several blocks
    monkeypatch.setattr("vinovits.features.audio.LONGEST", 14.0)
    with pytest.raises(UsageError, match="longer than an hour"):
        read_audio(path)


def test_what_is_no_sound_file(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nothing.wav"):
        with pytest.raises(UsageError, match=r"isn't there, or is no ordinary file"):
            read_audio(path)
    for content in (b"", b"RIFF", b"\0" * 5000, b"<!DOCTYPE html>" * 50):
        (tmp_path / "a.wav").write_bytes(content)
        with pytest.raises(UsageError, match=r"a\.wav can't be read as audio"):
            read_audio(tmp_path / "a.wav")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.wav")
    with pytest.raises(UsageError, match="no ordinary file"):
        read_audio(tmp_path / "a.wav")


@settings(max_examples=150)
@given(st.data())
def test_damaged_files_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.wav"
    name = data.draw(st.sampled_from(["a.wav", "a.flac", "a.ogg"]))
    if not (path.parent / name).exists():
        soundfile.write(path.parent / name, TONE, 16000)
    content = bytearray((path.parent / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, min(len(content) - 1, 200)))] = data.draw(
            st.integers(0, 255)
        )
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        samples, rate = read_audio(path)
    except VinovitsError:
        return
    assert samples.ndim == 1
    assert rate > 0


def test_a_header_that_lies_about_its_length(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", TONE, 16000, "PCM_16")
    content = bytearray((tmp_path / "a.wav").read_bytes())
    content[40:44] = struct.pack("<I", 0xFFFFFFF0)
    (tmp_path / "a.wav").write_bytes(content)
    assert len(read_audio(tmp_path / "a.wav")[0]) == len(TONE)


@pytest.mark.parametrize(
    ("samples", "rate", "message"),
    [
        (np.zeros(16000, np.float32), 16000, "is silent"),
        (np.full(16000, 5e-5, np.float32), 16000, "is silent"),
        (TONE[:160], 16000, "is 10 ms long, too short"),
        (TONE[:0], 16000, "is 0 ms long, too short"),
        (np.where(TONE > 0.2, np.nan, TONE), 16000, "NaN or infinite"),
        (np.where(TONE > 0.2, np.inf, TONE), 16000, "NaN or infinite"),
        (TONE[:, None], 16000, r"one channel .* not float32 of the shape \(8000, 1\)"),
        (np.full(16000, "a"), 16000, "one channel of numbers"),
        ((TONE * 32767).astype(np.int16), 16000, "not int16. Divide"),
        (TONE * 32768, 16000, r"samples up to \d+, but they should be in \[-1, 1\]"),
        (TONE, 0, "whole number from 1000 to 768000 Hz, not 0"),
        (TONE, 16000.5, "whole number"),
        (TONE, True, "whole number"),
        (TONE, "16k", "whole number .* not '16k'"),
        (np.tile(TONE, 121), 16000, "is 60.5 s long, but at most 60 s are heard"),
    ],
)
def test_what_can_not_be_a_prompt(samples: np.ndarray, rate: int, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_prompt(samples, rate, 60.0)


def test_what_can_be_a_prompt() -> None:
    shortest = TONE[: int(SHORTEST * 16000)].astype(np.float64)
    checked = check_prompt(shortest[::-1], 16000)
    assert checked.dtype == np.float32
    np.testing.assert_array_equal(checked, shortest[::-1])
    assert check_prompt(TONE, np.int64(16000)) is TONE


def test_prompts_are_told_apart_by_samples_and_rate() -> None:
    prints = {
        fingerprint(TONE, 16000),
        fingerprint(TONE.copy(), 16000),
        fingerprint(TONE, 16001),
        fingerprint(TONE[:-1], 16000),
    }
    assert len(prints) == 3


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000, 96000])
def test_resampling_keeps_pitch_level_and_length(rate: int) -> None:
    t = np.arange(rate) / rate
    tone = (0.5 * np.sin(2 * np.pi * 440 * t)).astype(np.float32)
    heard = resample(tone, rate, 16000)
    assert (len(heard), heard.dtype) == (16000, np.float32)
    wanted = 0.5 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    np.testing.assert_allclose(heard[500:-500], wanted[500:-500], atol=1e-4)


def test_resampling_lets_no_high_tone_through() -> None:
    t = np.arange(48000) / 48000
    high = np.sin(2 * np.pi * 10000 * t).astype(np.float32)
    assert np.abs(resample(high, 48000, 16000)[500:-500]).max() < 1e-4
    assert resample(high, 48000, 48000) is high


def test_too_few_samples_for_a_frame() -> None:
    with pytest.raises(UsageError, match="4000 samples long at 8000 Hz, but the model needs 4001"):
        resample(TONE, 16000, 8000, 4001)
