"""AAC as a stream of ADTS frames, by FFmpeg's encoder."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from vinovits.errors import MissingExtraError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
"""Hz that the format knows, of those that matter for speech."""
_BITS_A_SAMPLE = 3
"""Of the bit rate: 66 kbit/s at 22.05 kHz, and no more than the most."""
_MOST_BITS = 128_000


class AacEncoder:
    """Encodes one channel; each frame can be played by itself, so that it may be sent as it is."""

    def __init__(self, file: io.BytesIO, sampling_rate: int) -> None:
        """Begin.

        Args:
            file: Where frames are written as they are made.
            sampling_rate: One of `RATES`, in Hz.

        Raises:
            MissingExtraError: PyAV isn't installed.
        """
        try:
            import av
        except ModuleNotFoundError as error:
            raise MissingExtraError(
                "AAC needs PyAV, which isn't installed. Install it with: "
                "pip install 'vinovits[aac]'"
            ) from error
        self._av = av
        self._rate = sampling_rate
        self._container: Any = av.open(file, mode="w", format="adts")
        self._stream: Any = self._container.add_stream("aac", rate=sampling_rate, layout="mono")
        self._stream.bit_rate = min(_BITS_A_SAMPLE * sampling_rate, _MOST_BITS)
        self._written = 0

    def write(self, samples: NDArray[np.floating]) -> None:
        """Encode samples of shape (n,) in [-1, 1]."""
        import numpy as np

        if not len(samples):
            return
        plane = np.ascontiguousarray(samples, np.float32)[None]
        frame = self._av.AudioFrame.from_ndarray(plane, format="fltp", layout="mono")
        frame.sample_rate = self._rate
        frame.pts = self._written
        self._written += len(samples)
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        """Encode what is held back."""
        self._container.mux(self._stream.encode(None))
        self.close()

    def close(self) -> None:
        """Let go of the encoder, finished or not."""
        if self._container is not None:
            self._container.close()
            self._container = None
