from __future__ import annotations

import io
import struct
import wave
from typing import BinaryIO

import numpy as np
import pytest
import soundfile

from vinovits.output.wav import RawStream, WavStream, pcm16


class Unseekable(io.RawIOBase):
    """A pipe: it takes bytes and refuses all else."""

    def __init__(self) -> None:
        self.data = b""

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:
        self.data += bytes(data)
        return len(data)


def speech(stream: BinaryIO, *, patch: bool) -> np.ndarray:
    samples = np.linspace(-1, 1, 5000, dtype=np.float32)
    wav = WavStream(stream, 22050, patch=patch)
    for part in np.array_split(samples, 7):
        wav.write(part)
    wav.finish()
    return samples


def test_a_file_has_true_sizes_and_python_reads_it() -> None:
    stream = io.BytesIO()
    samples = speech(stream, patch=True)
    data = stream.getvalue()
    assert struct.unpack_from("<I", data, 4)[0] == len(data) - 8
    stream.seek(0)
    with wave.open(stream) as reader:
        assert reader.getparams()[:4] == (1, 2, 22050, 5000)
        assert reader.readframes(9999) == pcm16(samples).tobytes()


def test_a_file_that_begins_in_the_middle_of_another_is_patched_in_its_place() -> None:
    stream = io.BytesIO(b"before")
    stream.seek(6)
    speech(stream, patch=True)
    data = stream.getvalue()
    assert data.startswith(b"beforeRIFF")
    assert stream.tell() == len(data)
    with wave.open(io.BytesIO(data[6:])) as reader:
        assert reader.getnframes() == 5000


def test_a_pipe_gets_44_bytes_of_header_and_readers_read_to_the_end() -> None:
    pipe = Unseekable()
    samples = speech(pipe, patch=False)
    assert pipe.data[36:44] == b"data\xff\xff\xff\xff"
    assert pipe.data[44:] == pcm16(samples).tobytes()
    back, rate = soundfile.read(io.BytesIO(pipe.data), dtype="int16")
    assert rate == 22050
    np.testing.assert_array_equal(back, pcm16(samples))
    with wave.open(io.BytesIO(pipe.data)) as reader:
        assert len(reader.readframes(9999)) == 10_000


def test_raw_samples_have_no_header() -> None:
    stream = io.BytesIO()
    raw = RawStream(stream)
    raw.write(np.array([0.5, -0.5], np.float32))
    raw.finish()
    assert stream.getvalue() == struct.pack("<2h", 16384, -16384)


class Sparse(io.BytesIO):
    """Keeps the first bytes and counts the rest, so that 4 GiB need no disk."""

    def __init__(self) -> None:
        super().__init__()
        self.place = 0

    def write(self, data: bytes) -> int:
        if self.place < 4096:
            super().seek(self.place)
            super().write(data[: 4096 - self.place])
        self.place += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        self.place = offset
        return offset

    def tell(self) -> int:
        return self.place


@pytest.mark.extra
def test_above_4_gib_the_file_becomes_rf64() -> None:
    stream = Sparse()
    wav = WavStream(stream, 44100, patch=True)
    block = np.zeros(1 << 24, np.float32)
    blocks = 130
    for _ in range(blocks):
        wav.write(block)
    wav.finish()
    data_bytes = blocks * len(block) * 2
    assert data_bytes > 1 << 32
    header = stream.getvalue()[:80]
    assert header[:12] == b"RF64\xff\xff\xff\xffWAVE"
    kind, size, riff, data, count, entries = struct.unpack_from("<4sIQQQI", header, 12)
    assert (kind, size, entries) == (b"ds64", 28, 0)
    assert (riff, data, count) == (72 + data_bytes, data_bytes, data_bytes // 2)
    assert header[72:80] == b"data\xff\xff\xff\xff"
    # libsndfile takes the header for what it says, and notes that the samples aren't there.
    assert "RF64" in soundfile.info(io.BytesIO(header)).extra_info


def test_rounding_is_symmetric_and_stays_in_range() -> None:
    samples = np.random.default_rng(1).uniform(-1.2, 1.2, 10_000)
    np.testing.assert_array_equal(pcm16(samples), -pcm16(-samples))
    assert pcm16(samples).min() == -32767
    assert pcm16(np.zeros(3)).tolist() == [0, 0, 0]
