from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.output.speech import chirp
from vinovits.output.audio_stream import MEDIA_TYPES, AudioStream, Kind, as_mp3
from vinovits.output.wav import UNKNOWN_SIZE, pcm16


def encode(kind: Kind, samples: np.ndarray, from_rate: int, **options: object) -> list[bytes]:
    with AudioStream(kind, from_rate, **options) as stream:
        pieces = [stream.write(samples[at : at + 4000]) for at in range(0, len(samples), 4000)]
        return [*pieces, stream.finish()]


def test_samples_of_a_streamed_wav_are_those_written_and_come_at_once() -> None:
    samples = chirp(2.0, 22050)
    pieces = encode("wav", samples, 22050)
    whole = b"".join(pieces)
    assert len(pieces[0]) == 44 + 8000
    assert struct.unpack("<I", whole[4:8]) == struct.unpack("<I", whole[40:44]) == (UNKNOWN_SIZE,)
    assert struct.unpack("<HHIIHH", whole[20:36]) == (1, 1, 22050, 44100, 2, 16)
    assert whole[44:] == pcm16(samples).tobytes()


@pytest.mark.parametrize(("own", "given"), [(44_100, 24_000), (16_000, 16_000)])
def test_recordings_become_small_mp3s(tmp_path: Path, own: int, given: int) -> None:
    soundfile.write(tmp_path / "a.wav", chirp(1.0, own), own)
    content = as_mp3(tmp_path / "a.wav")
    back, rate = soundfile.read(io.BytesIO(content), dtype="float32")
    assert rate == given
    assert len(back) == given
    assert len(content) < 2 * own / 3
    np.testing.assert_allclose(np.std(back), np.std(chirp(1.0, own)), rtol=0.05)


@pytest.mark.parametrize("kind", ["wav", "flac"])
def test_a_whole_file_has_true_sizes(kind: Kind) -> None:
    samples = chirp(1.0, 22050)
    *before, whole = encode(kind, samples, 22050, whole=True)
    assert not any(before)
    back, rate = soundfile.read(io.BytesIO(whole), dtype="int16")
    assert rate == 22050
    np.testing.assert_array_equal(back, pcm16(samples))


def test_flac_is_whole_in_any_case() -> None:
    samples = chirp(1.0, 22050)
    *before, whole = encode("flac", samples, 22050)
    assert not any(before)
    back, _ = soundfile.read(io.BytesIO(whole), dtype="int16")
    np.testing.assert_array_equal(back, pcm16(samples))


@pytest.mark.parametrize("rate", [8000, 22050, 44100])
@pytest.mark.parametrize("kind", ["mp3", "opus"])
def test_streamed_lossy_formats_come_in_pieces_and_decode_to_the_sound(
    kind: Kind, rate: int
) -> None:
    samples = chirp(3.0, rate)
    pieces = encode(kind, samples, rate)
    assert sum(map(bool, pieces)) > 3
    back, back_rate = soundfile.read(io.BytesIO(b"".join(pieces)), dtype="float32")
    # An MP3 without the table at its start has the encoder's delay and padding.
    assert 3.0 <= len(back) / back_rate + 0.001 <= 3.3
    expected = chirp(3.0, back_rate)
    longest = len(back) - len(expected)
    best = max(
        float(np.corrcoef(back[shift : shift + len(expected)], expected)[0, 1])
        for shift in range(0, max(longest, 1))
    )
    assert best > 0.98


def test_bare_samples_are_resampled_on_demand() -> None:
    samples = chirp(1.0, 22050)
    assert b"".join(encode("pcm", samples, 22050)) == pcm16(samples).tobytes()
    resampled = np.frombuffer(b"".join(encode("pcm", samples, 22050, rate=24000)), "<i2")
    assert len(resampled) == pytest.approx(24000, abs=2)
    expected = pcm16(chirp(1.0, 24000)).astype(float)
    count = min(len(expected), len(resampled))
    assert np.corrcoef(resampled[:count], expected[:count])[0, 1] > 0.99


def test_a_rate_that_a_format_does_not_know_becomes_the_next_one() -> None:
    with AudioStream("opus", 8000, rate=22050) as stream:
        assert stream.rate == 24000


def test_every_format_has_a_media_type() -> None:
    assert set(MEDIA_TYPES) == {"wav", "mp3", "flac", "opus", "aac", "pcm"}
    for kind in MEDIA_TYPES:
        AudioStream(kind, 16000).close()
