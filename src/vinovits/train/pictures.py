"""Small PNG pictures of spectrograms and alignments, by nothing but zlib."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

_STOPS = np.array(
    [(10, 12, 40), (60, 20, 110), (160, 45, 110), (235, 110, 60), (252, 240, 180)], np.float32
)
"""From quiet to loud, evenly spaced."""


def heat_map(values: Array, low: float, high: float, scale: int = 2) -> NDArray[np.uint8]:
    """Colours (rows * scale, columns * scale, 3) of values (rows, columns), the first row lowest.

    Args:
        values: Any.
        low: What is darkest.
        high: What is brightest, above `low`.
        scale: Pixels for each value, both ways.
    """
    places = np.clip((values - low) / (high - low), 0, 1)[::-1] * (len(_STOPS) - 1)
    below = np.minimum(places.astype(int), len(_STOPS) - 2)
    share = (places - below)[..., None]
    colours = _STOPS[below] * (1 - share) + _STOPS[below + 1] * share
    return np.kron(colours.astype(np.uint8), np.ones((scale, scale, 1), np.uint8))


def png(pixels: NDArray[np.uint8]) -> bytes:
    """A PNG file of colours (height, width, 3)."""
    height, width, _ = pixels.shape
    # Each row is preceded by the number of its filter, none.
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 6)), (b"IEND", b""))
    content = b"\x89PNG\r\n\x1a\n"
    for kind, data in parts:
        content += struct.pack(">I", len(data)) + kind + data
        content += struct.pack(">I", zlib.crc32(kind + data))
    return content
