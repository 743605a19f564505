"""The linear spectrogram of recorded speech, as the reference encoder was trained on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vinovits.errors import UsageError
from vinovits.features.audio import SILENCE
from vinovits.voices.manifest import VoiceManifest

Array = npt.NDArray[np.float32]

LONGEST = 120.0
"""Seconds of reference speech: a speaker is known by then, and memory grows with them."""


def linear_spectrogram(samples: Array, sampling_rate: int, manifest: VoiceManifest) -> Array:
    """Magnitudes of the short-time Fourier transform, as in training.

    The wave is mirrored at both ends by (filter_length - hop) / 2, a periodic Hann window is
    used, and 1e-6 is added before the root so that silence has a gradient.

    Args:
        samples: (n,) in [-1, 1].
        sampling_rate: Of the samples; they are resampled to the voice's.
        manifest: Of a voice with a graph `reference`.

    Returns:
        (1, filter_length / 2 + 1, F).

    Raises:
        UsageError: The samples aren't one channel of finite numbers, are too few or too many, or
            silent.
    """
    import soxr

    sizes = manifest.spectrogram
    assert sizes is not None
    if samples.ndim != 1 or not np.isfinite(samples).all():
        raise UsageError("Reference speech is one channel of finite samples, of the shape (n,).")
    if len(samples) > LONGEST * sampling_rate:
        raise UsageError(
            f"The reference speech is {len(samples) / sampling_rate:.0f} s long; at most "
            f"{LONGEST:.0f} s are heard. Cut out some seconds of one person."
        )
    wave = soxr.resample(samples.astype(np.float64), sampling_rate, manifest.sampling_rate)
    size, hop, win = sizes.filter_length, manifest.hop_length, sizes.win_length
    padding = (size - hop) // 2
    if len(wave) <= padding:
        raise UsageError("The reference speech is too short; use some seconds of one person.")
    wave = np.pad(wave, padding, mode="reflect")
    window = np.zeros(size)
    offset = (size - win) // 2
    window[offset : offset + win] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(win) / win)
    if len(wave) < size:
        raise UsageError("The reference speech is too short; use some seconds of one person.")
    if np.abs(samples).max() < SILENCE:
        raise UsageError("The reference speech is silent; use some seconds of one person.")
    pieces = np.lib.stride_tricks.sliding_window_view(wave, size)[::hop]
    spectrum = np.fft.rfft(pieces * window, axis=1)
    magnitude = np.sqrt(spectrum.real**2 + spectrum.imag**2 + 1e-6)
    return np.ascontiguousarray(magnitude.T[None]).astype(np.float32)
