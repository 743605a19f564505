"""WAV as a stream: to files of any size, and to pipes, whose header can't be corrected afterwards.

The layout is Microsoft's RIFF/WAVE and, above 4 GiB, RF64 (EBU Tech 3306), whose place in the
header is kept free from the start by a `JUNK` chunk, as that paper recommends.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UNKNOWN_SIZE = 0xFFFFFFFF
"""What a size field holds while (or because) the size isn't known; players then read to the end."""
_LARGEST_RIFF = 0xFFFFFFFF
_DS64_BYTES = 28


def pcm16(samples: NDArray[np.floating]) -> NDArray[np.int16]:
    """Samples of a sound card: clipped to [-1, 1] and rounded to 16 bits.

    Loudness is left as the voice gives it. One scale (32767) serves both signs, so that silence
    stays at 0 and a sound and its mirror image get the same values.

    Args:
        samples: Shape (n,), nominal range -1 to 1.

    Returns:
        Shape (n,), little-endian int16, range -32767 to 32767.
    """
    import numpy as np

    rounded: NDArray[np.int16] = np.rint(np.clip(samples, -1.0, 1.0) * 32767.0).astype("<i2")
    return rounded


class RawStream:
    """Signed 16-bit little-endian samples, nothing else."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, samples: NDArray[np.floating]) -> None:
        """Write samples of shape (n,) in [-1, 1] and hand them on at once."""
        self._stream.write(pcm16(samples).tobytes())
        self._stream.flush()

    def finish(self) -> None:
        """Nothing is left to do: raw samples have no header."""


class WavStream:
    """A mono 16-bit WAV written as the samples come."""

    def __init__(self, stream: BinaryIO, sampling_rate: int, *, patch: bool) -> None:
        """Write the header.

        Args:
            stream: Where to write.
            sampling_rate: In Hz.
            patch: Whether the stream can be rewound, so that `finish` puts the true sizes into the
                header. Otherwise they stay `UNKNOWN_SIZE`.
        """
        self._stream = stream
        self._patch = patch
        self._data_bytes = 0
        self._start = stream.tell() if patch else 0
        junk = struct.pack("<4sI28x", b"JUNK", _DS64_BYTES) if patch else b""
        frame = 2
        fmt = struct.pack(
            "<4sIHHIIHH", b"fmt ", 16, 1, 1, sampling_rate, sampling_rate * frame, frame, 8 * frame
        )
        header = struct.pack("<4sI4s", b"RIFF", UNKNOWN_SIZE, b"WAVE") + junk + fmt
        header += struct.pack("<4sI", b"data", UNKNOWN_SIZE)
        self._header_bytes = len(header)
        stream.write(header)

    def write(self, samples: NDArray[np.floating]) -> None:
        """Write samples of shape (n,) in [-1, 1] and hand them on at once."""
        data = pcm16(samples).tobytes()
        self._stream.write(data)
        self._stream.flush()
        self._data_bytes += len(data)

    def finish(self) -> None:
        """Put the sizes into the header, where the stream can be rewound."""
        if not self._patch:
            return
        riff_bytes = self._header_bytes - 8 + self._data_bytes
        if riff_bytes < _LARGEST_RIFF:
            self._overwrite(4, struct.pack("<I", riff_bytes))
            self._overwrite(self._header_bytes - 4, struct.pack("<I", self._data_bytes))
        else:
            ds64 = struct.pack(
                "<4sIQQQI",
                b"ds64",
                _DS64_BYTES,
                riff_bytes,
                self._data_bytes,
                self._data_bytes // 2,
                0,
            )
            self._overwrite(0, b"RF64")
            self._overwrite(12, ds64)
        self._stream.seek(self._start + self._header_bytes + self._data_bytes)
        self._stream.flush()

    def _overwrite(self, offset: int, data: bytes) -> None:
        self._stream.seek(self._start + offset)
        self._stream.write(data)
