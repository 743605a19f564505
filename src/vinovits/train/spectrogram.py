"""Spectrograms that the posterior encoder reads and the mel loss compares."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

POWER_FLOOR = 1e-6
"""Added to the power before the root, whose gradient is infinite at 0."""
MEL_FLOOR = 1e-5
"""Mel magnitudes below it count as this, so that silence has a logarithm."""


@dataclass(frozen=True, slots=True)
class SpectrogramSizes:
    """Sizes of the linear and the mel spectrogram."""

    sampling_rate: int
    """Samples per second."""
    filter_length: int
    """Samples of a transform."""
    hop_length: int
    """Samples from one frame to the next."""
    win_length: int
    """Samples of the window, at most `filter_length`."""
    mel_channels: int
    """Mel bins."""
    mel_lowest: float = 0.0
    """Where the first mel triangle begins, in Hz."""
    mel_highest: float | None = None
    """Where the last one ends, in Hz; None for half of the sampling rate."""


def linear_spectrogram(wave: Tensor, sizes: SpectrogramSizes) -> Tensor:
    """Magnitudes of the short-time Fourier transform.

    The wave is mirrored at both ends by (filter_length - hop_length) / 2, so that n * hop_length
    samples give n frames.

    Args:
        wave: (B, N) in [-1, 1], N more than that margin.
        sizes: Of the transform.

    Returns:
        (B, filter_length / 2 + 1, N // hop_length).
    """
    margin = (sizes.filter_length - sizes.hop_length) // 2
    padded = F.pad(wave.unsqueeze(1), (margin, margin), mode="reflect").squeeze(1)
    spectrum = torch.stft(
        padded,
        sizes.filter_length,
        sizes.hop_length,
        sizes.win_length,
        torch.hann_window(sizes.win_length, dtype=wave.dtype, device=wave.device),
        center=False,
        return_complex=True,
    )
    return torch.sqrt(spectrum.real.square() + spectrum.imag.square() + POWER_FLOOR)


def log_mel(spectrogram: Tensor, sizes: SpectrogramSizes) -> Tensor:
    """Natural logarithm of the mel magnitudes (B, mel_channels, F) of (B, bins, F)."""
    filters = torch.from_numpy(mel_filters(sizes)).to(spectrogram)
    return torch.log(torch.clamp(filters @ spectrogram, min=MEL_FLOOR))


@lru_cache(maxsize=8)
def mel_filters(sizes: SpectrogramSizes) -> NDArray[np.float32]:
    """Triangles (mel_channels, bins) of equal area, evenly spaced on Slaney's mel scale.

    Slaney 1998, Auditory Toolbox: linear below 1,000 Hz, logarithmic above.
    """
    highest = sizes.sampling_rate / 2 if sizes.mel_highest is None else sizes.mel_highest
    first, last = _to_mel(np.array([sizes.mel_lowest, highest]))
    corners = _to_hertz(np.linspace(first, last, sizes.mel_channels + 2))[:, None]
    frequencies = np.linspace(0, sizes.sampling_rate / 2, sizes.filter_length // 2 + 1)
    widths = np.diff(corners, axis=0)
    rising = (frequencies - corners[:-2]) / widths[:-1]
    falling = (corners[2:] - frequencies) / widths[1:]
    triangles = np.maximum(0, np.minimum(rising, falling))
    return (triangles * 2 / (corners[2:] - corners[:-2])).astype(np.float32)


_KNEE_HERTZ = 1000.0
_HERTZ_PER_MEL = 200 / 3
_KNEE_MEL = _KNEE_HERTZ / _HERTZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27
"""Growth of the logarithm of the frequency per mel, above the knee."""


def _to_mel(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    above = _KNEE_MEL + np.log(np.maximum(hertz, _KNEE_HERTZ) / _KNEE_HERTZ) / _LOG_STEP
    return np.where(hertz < _KNEE_HERTZ, hertz / _HERTZ_PER_MEL, above)


def _to_hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    above = _KNEE_HERTZ * np.exp(_LOG_STEP * (mel - _KNEE_MEL))
    return np.where(mel < _KNEE_MEL, mel * _HERTZ_PER_MEL, above)
