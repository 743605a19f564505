"""Sounds by formula: the same samples on every machine, so that none need to be stored."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def sound(seconds: float, sampling_rate: int, seed: int) -> NDArray[np.float32]:
    """Gliding tones that swell and fade, as 8-bit samples in [-1, 1]: (n,)."""
    t = np.arange(round(seconds * sampling_rate)) / sampling_rate
    wave = sum(
        np.sin(2 * np.pi * (hz * t + glide * np.sin(rate * t))) * (1 + np.cos(rate * t * seed))
        for hz, glide, rate in (
            (110 + 7 * seed, 9, 1.3),
            (523.5, 5 * seed, 2.1),
            (2917, 61, 0.7 + seed / 10),
            (7000, 900, 0.31),
        )
    )
    return (np.round(wave * 15) / 128).astype(np.float32)
