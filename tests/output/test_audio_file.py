from __future__ import annotations

import resource
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.output.speech import chirp
from vinovits.errors import OutputError, UsageError
from vinovits.output.audio_file import FORMATS, AudioFile, audio_format, file_rate

LOSSLESS = [extension for extension, audio in FORMATS.items() if audio.is_lossless]
LOSSY = [extension for extension, audio in FORMATS.items() if not audio.is_lossless]


def write(path: Path, samples: np.ndarray, rate: int, piece: int = 1000) -> None:
    with AudioFile(path, audio_format(path), rate) as file:
        for start in range(0, len(samples), piece):
            file.write(samples[start : start + piece])
        file.finish()


@pytest.mark.parametrize("rate", [22050, 44100])
@pytest.mark.parametrize("extension", LOSSLESS)
def test_lossless_formats_give_every_sample_back(tmp_path: Path, extension: str, rate: int) -> None:
    samples = chirp(1.5, rate)
    write(tmp_path / f"a{extension}", samples, rate, piece=777)
    back, back_rate = soundfile.read(tmp_path / f"a{extension}", dtype="int16")
    assert back_rate == rate
    np.testing.assert_array_equal(back, np.rint(samples * 32767).astype(np.int16))


@pytest.mark.parametrize("rate", [22050, 44100, 40000])
@pytest.mark.parametrize("extension", LOSSY)
def test_lossy_formats_give_the_same_sound_back(tmp_path: Path, extension: str, rate: int) -> None:
    samples = chirp(3.0, rate)
    path = tmp_path / f"a{extension}"
    write(path, samples, rate)
    back, back_rate = soundfile.read(path, dtype="float32")
    assert back_rate == file_rate(FORMATS[extension], rate)
    # Encoders work in frames and may add the rest of one.
    assert len(back) / back_rate == pytest.approx(3.0, abs=0.03)
    expected = chirp(3.0, back_rate)
    count = min(len(back), len(expected))
    best = max(
        float(np.corrcoef(back[shift:count], expected[: count - shift])[0, 1])
        for shift in range(0, 60)
    )
    assert best > 0.98


def test_loud_samples_are_clipped_and_quiet_ones_kept(tmp_path: Path) -> None:
    samples = np.array([0.0, 0.25, 1.0, 1.7, -1.0, -9.0], np.float32)
    write(tmp_path / "a.wav", samples, 8000)
    back, _ = soundfile.read(tmp_path / "a.wav", dtype="int16")
    assert back.tolist() == [0, 8192, 32767, 32767, -32767, -32767]


def test_the_extension_may_be_in_capitals(tmp_path: Path) -> None:
    assert audio_format(tmp_path / "A.FLAC") is FORMATS[".flac"]


@pytest.mark.parametrize("name", ["a.xyz", "a", "a.wav.txt", ".wav"])
def test_unknown_extensions_are_refused_with_those_known(name: str) -> None:
    with pytest.raises(UsageError, match=r"\.wav, \.flac, \.ogg, \.opus, \.mp3"):
        audio_format(Path(name))


@pytest.fixture
def small_files() -> Iterator[int]:
    """No file may grow above 30,000 bytes: what a full disk does, without filling one."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, before[1]))
    yield 30_000
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file sizes are POSIX")
@pytest.mark.usefixtures("small_files")
@pytest.mark.parametrize("extension", FORMATS)
def test_a_full_disk_is_told(tmp_path: Path, extension: str) -> None:
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 22050 * 20).astype(np.float32)
    with pytest.raises(OutputError, match=r"/a\..* can't be written"):
        write(tmp_path / f"a{extension}", noise, 22050)


@pytest.mark.parametrize("extension", FORMATS)
def test_a_disk_that_gets_full_with_the_last_bytes_is_told(tmp_path: Path, extension: str) -> None:
    """By itself, libsndfile says nothing of a write that fails while it closes a file."""
    path = tmp_path / f"a{extension}"
    samples = chirp(2.0, 22050)
    write(path, samples, 22050)
    size = path.stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size - 10, before[1]))
    try:
        with pytest.raises(OutputError, match="can't be written"):
            write(path, samples, 22050)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class FailingSound:
    """In place of `soundfile.SoundFile`: fails where it is told to."""

    def __init__(self, where: str, error: Exception) -> None:
        self._where, self._error = where, error

    def __call__(self, *arguments: object, **options: object) -> FailingSound:
        self._fail("open")
        return self

    def write(self, data: np.ndarray) -> None:
        self._fail("write")

    def close(self) -> None:
        self._fail("close")

    def _fail(self, place: str) -> None:
        if place == self._where:
            raise self._error


@pytest.mark.parametrize("error", [soundfile.SoundFileError("no"), MemoryError(), OSError("gone")])
@pytest.mark.parametrize("where", ["open", "write", "close"])
def test_a_failed_encoder_leaves_no_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, error: Exception
) -> None:
    monkeypatch.setattr(soundfile, "SoundFile", FailingSound(where, error))
    # The error is kept, and with it all that its traceback refers to.
    with pytest.raises((OutputError, MemoryError)) as caught:
        write(tmp_path / "a.flac", np.zeros(100, np.float32), 8000)
    running = [thread.name for thread in threading.enumerate()]
    assert not [name for name in running if name.startswith("vinovits-audio-file")]
    assert caught.value is not None
