"""Recordings are read in blocks, whatever their format, and parts of them exactly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.prepare.material import write
from vinovits.errors import DataError
from vinovits.prepare.recording import blocks, identify, spans


def tone(seconds: float, rate: int) -> np.ndarray:
    return (0.3 * np.sin(np.arange(int(seconds * rate)) * 0.05)).astype(np.float32)


def test_channels_are_averaged_and_blocks_are_the_whole(tmp_path: Path) -> None:
    left = tone(20, 8000)
    write(tmp_path / "a.wav", np.stack([left, 0 * left], axis=1), 8000, "FLOAT")
    found, stream = blocks(tmp_path / "a.wav")
    parts = list(stream)
    assert (found.sampling_rate, found.channels) == (8000, 2)
    assert len(parts) > 1
    np.testing.assert_allclose(np.concatenate(parts), left / 2, atol=1e-7)


def test_parts_are_those_of_the_recording(tmp_path: Path) -> None:
    whole = tone(40, 8000)
    write(tmp_path / "a.wav", whole, 8000, "FLOAT")
    wanted = [(0, 10), (5, 90_000), (80_000, 200_000), (310_000, 999_999), (500_000, 500_010)]
    found = list(spans(tmp_path / "a.wav", wanted))
    for samples, (start, end) in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(samples, whole[start:end])


def test_96_khz_floats_beyond_full_scale(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", 4 * tone(1, 96_000), 96_000, "FLOAT")
    found, stream = blocks(tmp_path / "a.wav")
    assert found.sampling_rate == 96_000
    assert max(float(block.max()) for block in stream) == pytest.approx(1.2, abs=0.01)


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").write_bytes(b"")
    with pytest.raises(DataError, match="is empty: it has no bytes"):
        identify(tmp_path / "empty.wav")
    with pytest.raises(DataError, match="can't be read: no such file"):
        identify(tmp_path / "gone.wav")
    (tmp_path / "noise.mp3").write_bytes(b"this is not a sound file" * 100)
    with pytest.raises(DataError, match="can't be read as audio"):
        blocks(tmp_path / "noise.mp3")
    write(tmp_path / "nan.wav", np.array([0, np.nan, 0], np.float32), 8000, "FLOAT")
    with pytest.raises(DataError, match="NaN or infinite"):
        list(blocks(tmp_path / "nan.wav")[1])


def test_what_pyav_says_is_told_without_numbers_and_paths(tmp_path: Path) -> None:
    pytest.importorskip("av")
    (tmp_path / "a.wav").write_bytes(bytes(range(256)) * 16)
    with pytest.raises(DataError) as caught:
        blocks(tmp_path / "a.wav")
    assert str(caught.value).startswith("The file can't be read as audio: invalid data found")
    assert "Errno" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_pyav_reads_what_libsndfile_does_not(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    samples = tone(3, 16_000)
    with av.open(str(tmp_path / "a.m4a"), "w") as container:
        stream = container.add_stream("aac", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        frame.sample_rate = 16_000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    found, parts = blocks(tmp_path / "a.m4a")
    whole = np.concatenate(list(parts))
    assert found.sampling_rate == 16_000
    assert abs(len(whole) - len(samples)) < 3000
    middle = whole[len(whole) // 4 : -len(whole) // 4]
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.3 / np.sqrt(2), rel=0.05)
