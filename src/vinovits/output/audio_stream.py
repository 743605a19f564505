"""Audio as bytes that are handed on while it is made: what a server sends."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from vinovits.output.aac import RATES, AacEncoder
from vinovits.output.audio_file import FORMATS, AudioFormat, Encoder, file_rate
from vinovits.output.wav import RawStream, WavStream

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Kind = Literal["wav", "mp3", "flac", "opus", "aac", "pcm"]
"""Formats by the names that HTTP interfaces have for them; "pcm" is bare 16-bit samples, "aac" a
stream of ADTS frames."""

MEDIA_TYPES: dict[Kind, str] = {
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "flac": "audio/flac",
    "opus": "audio/ogg; codecs=opus",
    "aac": "audio/aac",
    "pcm": "audio/pcm",
}
_RAW = AudioFormat("RAW", "PCM_16", is_lossless=True)
_AAC = AudioFormat("ADTS", "AAC", RATES)
_SYNC = b"\xff\xe0"
"""The bits that are set at the start of each MP3 frame."""
_SIDE_INFO = slice(4, 21)
"""What tells an MP3 frame's contents: all zero in one that holds a place only."""


class AudioStream:
    """An encoder whose bytes are taken as they come.

    A FLAC is given whole at its end: its header holds its length, and libsndfile doesn't read one
    without. A context manager: leaving it lets go of the encoder.
    """

    def __init__(
        self, kind: Kind, sampling_rate: int, *, rate: int | None = None, whole: bool = False
    ) -> None:
        """Begin.

        Args:
            kind: The format.
            sampling_rate: Of the samples to come, in Hz.
            rate: What to resample to, or the next that the format knows; None: as they come.
            whole: Give all bytes at the end, with headers that hold the true sizes.

        Raises:
            MissingExtraError: The format is "aac", and PyAV isn't installed.
        """
        own = {"pcm": _RAW, "aac": _AAC}
        audio = own[kind] if kind in own else FORMATS[f".{kind}"]
        self.rate = file_rate(audio, rate or sampling_rate)
        """Of the audio, in Hz."""
        self._resampler: Any = None
        if self.rate != sampling_rate:
            import soxr

            self._resampler = soxr.ResampleStream(sampling_rate, self.rate, 1, dtype="float32")
        self._whole = whole or kind == "flac"
        self._buffer = io.BytesIO() if self._whole else _Forwards()
        self._writer: RawStream | WavStream | Encoder | AacEncoder
        if kind == "pcm":
            self._writer = RawStream(self._buffer)
        elif kind == "aac":
            self._writer = AacEncoder(self._buffer, self.rate)
        elif kind == "wav":
            self._writer = WavStream(self._buffer, self.rate, patch=self._whole)
        else:
            self._writer = Encoder(self._buffer, audio, self.rate, streamed=not self._whole)

    def write(self, samples: NDArray[np.floating]) -> bytes:
        """Encode samples of shape (n,) in [-1, 1]; the bytes that are ready may be none."""
        if self._resampler is not None:
            import numpy as np

            samples = self._resampler.resample_chunk(np.asarray(samples, np.float32))
        self._writer.write(samples)
        return b"" if self._whole else self._taken()

    def finish(self) -> bytes:
        """Encode what is held back, and give the rest."""
        if self._resampler is not None:
            import numpy as np

            self._writer.write(self._resampler.resample_chunk(np.zeros(0, np.float32), last=True))
        self._writer.finish()
        return self._taken()

    def close(self) -> None:
        """Let go of the encoder, finished or not."""
        if isinstance(self._writer, Encoder | AacEncoder):
            self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _taken(self) -> bytes:
        if isinstance(self._buffer, _Forwards):
            return self._buffer.take()
        return self._buffer.getvalue()


def as_mp3(path: Path, highest: int = 24_000) -> bytes:
    """A recording of one channel, small enough to be sent in a page.

    Args:
        path: A file that libsndfile reads.
        highest: Sampling rate in Hz above which none is given.
    """
    import soundfile

    samples, rate = soundfile.read(path, dtype="float32")
    with AudioStream("mp3", rate, rate=min(rate, highest), whole=True) as audio:
        audio.write(samples)
        return audio.finish()


class _Forwards(io.BytesIO):
    """A file that is given away as it grows: nothing that has been written is changed again.

    libsndfile begins an MP3 with an empty frame, and in the end puts a table there. Players take a
    table that stays empty for sound, so the frame is left out.
    """

    def __init__(self) -> None:
        super().__init__()
        self._ready = bytearray()
        self._at = self._end = 0

    def write(self, data: Any) -> int:
        piece = bytes(data)
        new = piece[max(0, self._end - self._at) :]
        holds_a_place = (
            not self._end
            and len(piece) >= _SIDE_INFO.stop
            and piece[0] == _SYNC[0]
            and piece[1] & _SYNC[1] == _SYNC[1]
            and not any(piece[_SIDE_INFO])
        )
        if not holds_a_place:
            self._ready += new
        self._at += len(piece)
        self._end = max(self._end, self._at)
        return len(piece)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = (0, self._at, self._end)[whence] + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def take(self) -> bytes:
        """What was written since the last call."""
        piece = bytes(self._ready)
        self._ready.clear()
        return piece
