"""The log mel spectrogram that CLAP listens to, and how clips of any length become its input."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

_FLOOR = 1e-10
"""Power below which everything is as silent: -100 dB."""
_FRAMES = 512
"""Frames that are transformed at once."""


@dataclass(frozen=True)
class LogMel:
    """Mel bins in decibels, spaced evenly on the HTK scale, triangles of height 1."""

    sampling_rate: int
    """Of the samples, in Hz."""
    fft_size: int
    """Samples of a frame."""
    hop_length: int
    """Samples from one frame to the next."""
    bins: int
    """Numbers of a frame."""
    lowest_hz: float
    """Where the first triangle begins."""
    highest_hz: float
    """Where the last triangle ends."""

    @cached_property
    def filters(self) -> NDArray[np.float64]:
        """Weights of each frequency in each bin, (fft_size / 2 + 1, bins)."""
        low, high = (2595 * np.log10(1 + hz / 700) for hz in (self.lowest_hz, self.highest_hz))
        corners = 700 * (10 ** (np.linspace(low, high, self.bins + 2) / 2595) - 1)
        frequencies = np.linspace(0, self.sampling_rate // 2, self.fft_size // 2 + 1)[:, None]
        rising = (frequencies - corners[:-2]) / np.diff(corners)[:-1]
        falling = (corners[2:] - frequencies) / np.diff(corners)[1:]
        return np.maximum(0, np.minimum(rising, falling))

    def __call__(self, samples: Array) -> Array:
        """Transform samples, mirrored at both ends so that frames are centred.

        Args:
            samples: (n,), more than fft_size / 2 of them.

        Returns:
            (n // hop_length + 1, bins) in dB, -100 and above.
        """
        padded = np.pad(samples, self.fft_size // 2, mode="reflect")
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(self.fft_size) / self.fft_size)
        frames = np.lib.stride_tricks.sliding_window_view(padded, self.fft_size)[:: self.hop_length]
        mel = np.empty((len(frames), self.bins), np.float32)
        for start in range(0, len(frames), _FRAMES):
            spectrum = np.fft.rfft(frames[start : start + _FRAMES] * window, axis=1)
            power = (spectrum.real**2 + spectrum.imag**2) @ self.filters
            mel[start : start + _FRAMES] = 10 * np.log10(np.maximum(power, _FLOOR))
        return mel


def fill(samples: Array, length: int) -> Array:
    """Repeat a clip as often as it fits into `length` as a whole; zeros follow.

    Args:
        samples: (n,), 1 <= n <= length.
        length: Samples of the result.
    """
    repeated = np.tile(samples, length // len(samples))
    return np.pad(repeated, (0, length - len(repeated)))


def crop_starts(frames: int, crop: int, seed: int) -> NDArray[np.int64]:
    """Where three crops of a long spectrogram start: at random, one in each third.

    The draws are those of NumPy's legacy generator, as models that were trained on such crops
    drew them.

    Args:
        frames: Of the spectrogram, more than `crop`.
        crop: Frames of a crop.
        seed: Any whole number from 0; its lower 32 bits count.

    Returns:
        (3,) frame numbers, 0 to frames - crop.
    """
    rng = np.random.RandomState(seed % 2**32)
    thirds = np.array_split(np.arange(frames - crop + 1), 3)
    # With two places to start from, the last third is empty.
    return np.array([rng.choice(third) if len(third) else 0 for third in thirds], np.int64)


def shrink(mel: Array, frames: int) -> Array:
    """Shrink a spectrogram in time by linear interpolation between the two nearest frames.

    Args:
        mel: (m, bins).
        frames: Of the result; its frames are centred on equal parts of the original.

    Returns:
        (frames, bins).
    """
    # Places in float32, as torch has them: for long clips they are off by a hundredth of a frame.
    half = np.float32(0.5)
    scale = np.float32(len(mel) / frames)
    places = np.maximum((np.arange(frames, dtype=np.float32) + half) * scale - half, np.float32(0))
    before = np.minimum(places.astype(np.int64), len(mel) - 1)
    after = np.minimum(before + 1, len(mel) - 1)
    share = (places - before.astype(np.float32))[:, None]
    shrunk: Array = mel[before] * (1 - share) + mel[after] * share
    return shrunk


def fused(samples: Array, mel: LogMel, length: int, seed: int = 0) -> Array:
    """Four spectrograms of one size from a clip of any length.

    A clip that fits is repeated and padded, and its spectrogram stands there four times. Of a
    longer one, the first is the whole, shrunk, and three are crops, as in "Large-scale contrastive
    language-audio pretraining with feature fusion" (Wu et al., 2023).

    Args:
        samples: (n,) at the rate of `mel`, one or more.
        mel: The spectrogram.
        length: Samples that fit, a multiple of its hop length.
        seed: For the crops.

    Returns:
        (4, length / hop_length + 1, bins).
    """
    crop = length // mel.hop_length + 1
    whole = mel(fill(samples, length) if len(samples) <= length else samples)
    if len(whole) == crop:
        return np.stack([whole] * 4)
    starts = crop_starts(len(whole), crop, seed)
    return np.stack([shrink(whole, crop), *(whole[start : start + crop] for start in starts)])
