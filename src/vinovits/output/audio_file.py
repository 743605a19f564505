"""Audio files, written as the samples come, in the format that the name's extension stands for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from vinovits.errors import OutputError, UsageError
from vinovits.output.atomic import write_error
from vinovits.output.wav import WavStream, pcm16

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """How libsndfile names a format, and which sampling rates it takes."""

    container: str
    subtype: str
    rates: tuple[int, ...] = ()
    """Rates in Hz in rising order that the format knows; none means any."""
    is_lossless: bool = False


_MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
_OPUS_RATES = (8000, 12000, 16000, 24000, 48000)
FORMATS = {
    ".wav": AudioFormat("WAV", "PCM_16", is_lossless=True),
    ".flac": AudioFormat("FLAC", "PCM_16", is_lossless=True),
    ".ogg": AudioFormat("OGG", "VORBIS"),
    ".opus": AudioFormat("OGG", "OPUS", _OPUS_RATES),
    ".mp3": AudioFormat("MP3", "MPEG_LAYER_III", _MP3_RATES),
}
"""Formats by the extension of the file, in lower case."""
_ONE_BIT_RATE: dict[str, Any] = {"bitrate_mode": "CONSTANT", "compression_level": 0.5}
_BLOCK = 16384
"""Samples per call of the encoder: libvorbis keeps a whole call on its stack."""


def audio_format(path: Path) -> AudioFormat:
    """The format that a file name asks for.

    Args:
        path: A path whose extension, in any case, is one of `FORMATS`.

    Returns:
        The format.

    Raises:
        UsageError: The extension is missing or unknown.
    """
    known = FORMATS.get(path.suffix.lower())
    if known is None:
        names = ", ".join(FORMATS)
        given = f"the extension {path.suffix}" if path.suffix else "no extension"
        raise UsageError(
            f"{path} has {given}, so its format isn't known. Use one of {names}, or `-` for "
            "standard output."
        )
    return known


def file_rate(audio: AudioFormat, sampling_rate: int) -> int:
    """The rate of a file in Hz: the voice's own, else the next higher one, else the highest."""
    if not audio.rates or sampling_rate in audio.rates:
        return sampling_rate
    return next((rate for rate in audio.rates if rate > sampling_rate), audio.rates[-1])


class AudioFile:
    """An audio file to write to; whoever writes calls `finish` when all samples are in.

    A context manager: leaving it closes the file, finished or not.
    """

    def __init__(
        self, part: Path, audio: AudioFormat, sampling_rate: int, *, name: Path | None = None
    ) -> None:
        """Open the file.

        Args:
            part: The file to fill, usually a temporary one. What was in it is lost.
            audio: From `audio_format`.
            sampling_rate: Of the samples, in Hz.
            name: What to call the file in messages.

        Raises:
            OutputError: The file can't be opened.
        """
        self._name = name or part
        with self._errors_named():
            self._file = part.open("wb")
        try:
            self._writer: WavStream | Encoder
            with self._errors_named():
                if audio.container == "WAV":
                    self._writer = WavStream(self._file, sampling_rate, patch=True)
                else:
                    self._writer = Encoder(self._file, audio, sampling_rate)
        except BaseException:
            self._file.close()
            raise

    def write(self, samples: NDArray[np.floating]) -> None:
        """Write samples of shape (n,), mono, in [-1, 1].

        Raises:
            OutputError: The disk is full or gone.
        """
        with self._errors_named():
            self._writer.write(samples)

    def finish(self) -> None:
        """Write what is still held back, and the sizes that are known only now.

        Raises:
            OutputError: The disk is full or gone.
        """
        with self._errors_named():
            self._writer.finish()
            self._file.flush()

    def close(self) -> None:
        """Close the file, finished or not; an unfinished one is no valid audio."""
        if isinstance(self._writer, Encoder):
            self._writer.close()
        with suppress(OSError):  # `finish` has flushed; an unfinished file is thrown away
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @contextmanager
    def _errors_named(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise write_error(self._name, error) from error


class Encoder:
    """libsndfile over a file of ours.

    libsndfile's own files lose the error of the last write, so that a full disk gives a truncated
    file and no error. Its calls run on a thread of their own because signal handlers run on the
    main thread: an exception that Ctrl-C raises inside a call back from C would be printed and
    lost.
    """

    def __init__(
        self, file: BinaryIO, audio: AudioFormat, sampling_rate: int, *, streamed: bool = False
    ) -> None:
        """Open the sound file.

        Args:
            file: Where to write.
            audio: Any format but WAV, which `WavStream` writes.
            sampling_rate: Of the samples, in Hz; they are resampled if the format asks for it.
            streamed: Whether what is written at the end can't stand at the beginning: an MP3 has
                one bit rate then, from which players know its length.
        """
        self._file = _KeepsError(file)
        self._is_lossless = audio.is_lossless
        self._streamed = streamed
        rate = file_rate(audio, sampling_rate)
        self._resampler: Any = None
        if rate != sampling_rate:
            import soxr

            self._resampler = soxr.ResampleStream(sampling_rate, rate, 1, dtype="float32")
        self._thread = ThreadPoolExecutor(1, "vinovits-audio-file")
        try:
            self._sound: Any = self._on_thread(self._open, audio, rate)
        except BaseException:
            self._thread.shutdown()  # nobody gets an encoder to close
            raise

    def write(self, samples: NDArray[np.floating]) -> None:
        """Encode samples of shape (n,) in [-1, 1]."""
        import numpy as np

        if self._resampler is not None:
            samples = self._resampler.resample_chunk(np.asarray(samples, np.float32))
        self._encode(samples)

    def finish(self) -> None:
        """Encode what is still held back, and end the file."""
        if self._resampler is not None:
            import numpy as np

            self._encode(self._resampler.resample_chunk(np.zeros(0, np.float32), last=True))
        self._on_thread(self._sound.close)

    def close(self) -> None:
        """Let go of the encoder, finished or not."""
        # After an error the file is thrown away: what closing it says doesn't matter any more.
        self._thread.submit(self._sound.close)
        self._thread.shutdown()

    def _open(self, audio: AudioFormat, rate: int) -> Any:
        import soundfile

        return soundfile.SoundFile(
            self._file,
            "w",
            rate,
            1,
            audio.subtype,
            format=audio.container,
            **(_ONE_BIT_RATE if self._streamed and audio.container == "MP3" else {}),
        )

    def _encode(self, samples: NDArray[np.floating]) -> None:
        import numpy as np

        data: NDArray[Any] = (
            pcm16(samples) if self._is_lossless else np.clip(samples, -1.0, 1.0).astype(np.float32)
        )
        for start in range(0, len(data), _BLOCK):
            self._on_thread(self._sound.write, data[start : start + _BLOCK])

    def _on_thread(self, call: Callable[..., Any], *arguments: Any) -> Any:
        import soundfile

        try:
            result = self._thread.submit(call, *arguments).result()
        except (soundfile.SoundFileError, AssertionError) as error:
            # soundfile asserts that all samples were taken; the reason is the error that our file
            # met.
            if self._file.error is not None:
                raise self._file.error from error
            raise OutputError(f"The audio can't be encoded: {error}") from error
        if self._file.error is not None:
            raise self._file.error
        return result


class _KeepsError:
    """A file for calls from C, which can't take an exception: it is kept until someone looks."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        if self.error is not None:
            return 0
        try:
            return self._file.write(data)
        except OSError as error:
            self.error = error
            return 0

    def read(self, count: int = -1) -> bytes:
        return b""  # libsndfile reads only files that it opens for reading

    def seek(self, offset: int, whence: int = 0) -> int:
        try:
            return self._file.seek(offset, whence)
        except OSError as error:  # seeking flushes
            self.error = error
            return -1

    def tell(self) -> int:
        return self._file.tell()
