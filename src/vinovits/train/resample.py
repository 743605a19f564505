"""Resampling that gradients pass through: WavLM hears generated speech at its own rate."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

_ZEROS = 6
"""Zero crossings of the sinc on each side."""
_ROLLOFF = 0.99
"""Where the low pass cuts, of the lower of the two Nyquist frequencies."""


def resample(wave: Tensor, before: int, after: int) -> Tensor:
    """Resample by a sinc under a Hann window.

    Smith, Digital Audio Resampling, https://ccrma.stanford.edu/~jos/resample/.

    Args:
        wave: (B, N).
        before: Its sampling rate, in Hz.
        after: The sampling rate of the result, in Hz.

    Returns:
        (B, ceil(N * after / before)).
    """
    if before == after:
        return wave
    divisor = math.gcd(before, after)
    before, after = before // divisor, after // divisor
    kernels, margin = _kernels(before, after)
    padded = F.pad(wave.unsqueeze(1), (margin, margin + before))
    phases = F.conv1d(padded, kernels.to(wave), stride=before)
    return phases.transpose(1, 2).flatten(1)[:, : -(-wave.shape[1] * after // before)]


@lru_cache(maxsize=8)
def _kernels(before: int, after: int) -> tuple[Tensor, int]:
    """One filter for each phase (after, 1, taps), and the taps ahead of a phase's first sample."""
    cutoff = min(before, after) * _ROLLOFF
    margin = math.ceil(_ZEROS * before / cutoff)
    taps = torch.arange(-margin, margin + before, dtype=torch.float64) / before
    # Phases and taps in float32, as in torchaudio, with which the released models were trained.
    phases = torch.arange(after, dtype=torch.float32).unsqueeze(1) / after
    times = torch.clamp((taps - phases) * cutoff, -_ZEROS, _ZEROS)
    window = torch.cos(times * math.pi / (2 * _ZEROS)) ** 2
    kernels = torch.sinc(times) * window * cutoff / before
    return kernels.float().unsqueeze(1), margin
