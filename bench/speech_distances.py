"""How far apart two renditions of a sentence are: speaker, pitch, mel cepstra.

Speaker similarity is the cosine of resemblyzer's embeddings (GE2E, https://arxiv.org/abs/1710.10467).
Mel-cepstral distortion (Kubichek 1993) and pitch are compared along the path that dynamic time
warping finds between the mel cepstra.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from speech_metrics import RATE

from vinovits.prepare.voice_print import HINT, VoicePrints, weights_file
from vinovits.train.spectrogram import SpectrogramSizes, linear_spectrogram, log_mel

SIZES = SpectrogramSizes(RATE, 1024, 160, 640, 80)
CEPSTRA = 13
LOWEST, HIGHEST = 80.0, 500.0
"""Of the pitch, in Hz."""
VOICED = 0.5
"""Least normalised autocorrelation of a voiced frame."""


class Voiceprint:
    """The mean embedding of a speaker's clips."""

    def __init__(self, waves: list[NDArray[np.float32]]) -> None:
        """Listen to clips (n,) at 16 kHz."""
        weights = weights_file()
        if weights is None:
            raise SystemExit(f"The package resemblyzer is needed: `{HINT}`.")
        self._encode = VoicePrints(weights)
        mean = np.mean([self._encode(wave) for wave in waves], axis=0)
        self._mean = mean / np.linalg.norm(mean)

    def likeness(self, wave: NDArray[np.float32]) -> float:
        """Cosine between a clip (n,) at 16 kHz and the speaker."""
        return float(self._encode(wave) @ self._mean)


def compared(aim: NDArray[np.float32], found: NDArray[np.float32]) -> dict[str, float | None]:
    """Distances of a rendition from the one that is aimed at, both (n,) at 16 kHz.

    Returns:
        `cepstral_distortion` in dB; `pitch_correlation`, and `pitch_semitones`, the root of the
        mean squared difference, over the steps of the path where both are voiced: None where
        there are fewer than ten.
    """
    one, other = cepstra(aim), cepstra(found)
    rows, columns = path_of(one, other)
    apart = np.sqrt(2 * ((one[rows] - other[columns]) ** 2).sum(1))
    pitch, own = pitch_of(aim)[rows], pitch_of(found)[columns]
    both = (pitch > 0) & (own > 0)
    correlation = semitones = None
    if both.sum() >= 10:
        first, second = 12 * np.log2(pitch[both]), 12 * np.log2(own[both])
        correlation = float(np.corrcoef(first, second)[0, 1])
        semitones = float(np.sqrt(np.mean((first - second) ** 2)))
    return {
        "cepstral_distortion": float(10 / np.log(10) * apart.mean()),
        "pitch_correlation": correlation,
        "pitch_semitones": semitones,
    }


def cepstra(wave: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mel cepstra 1 to 13 (F, 13) of samples (n,): the shape of the spectrum without loudness."""
    samples = torch.from_numpy(np.ascontiguousarray(wave)).unsqueeze(0)
    mel = log_mel(linear_spectrogram(samples, SIZES), SIZES)[0].numpy().astype(np.float64)
    bands = len(mel)
    angles = np.pi / bands * (np.arange(bands) + 0.5)
    basis = np.cos(np.outer(np.arange(1, CEPSTRA + 1), angles)) * np.sqrt(2 / bands)
    # So scaled that the logarithm of the magnitudes is the sum of c_k cos(k angle).
    return (basis @ mel).T / np.sqrt(bands / 2)


def path_of(
    one: NDArray[np.float64], other: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Frames of both (n,) along the cheapest path through (F, C) and (G, C)."""
    costs = np.sqrt(((one[:, None] - other[None]) ** 2).sum(2))
    sums = np.full((len(one) + 1, len(other) + 1), np.inf)
    sums[0, 0] = 0
    for row in range(len(one)):
        before = np.minimum(sums[row, :-1], sums[row, 1:])
        for column in range(len(other)):
            best = min(before[column], sums[row + 1, column])
            sums[row + 1, column + 1] = costs[row, column] + best
    row, column = len(one), len(other)
    rows, columns = [], []
    while row and column:
        rows.append(row - 1)
        columns.append(column - 1)
        steps = (sums[row - 1, column - 1], sums[row - 1, column], sums[row, column - 1])
        way = int(np.argmin(steps))
        row, column = row - (way < 2), column - (way != 1)
    return np.array(rows[::-1]), np.array(columns[::-1])


def pitch_of(wave: NDArray[np.float32]) -> NDArray[np.float64]:
    """Pitch (F,) in Hz of samples (n,), 0 where unvoiced, at the frames of `cepstra`.

    The peak of the autocorrelation, normalised by that of the window (Boersma 1993).
    """
    size, hop = SIZES.filter_length, SIZES.hop_length
    margin = (size - hop) // 2
    padded = np.pad(wave.astype(np.float64), margin, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    window = np.hanning(size)

    def correlation(x: NDArray[np.float64]) -> NDArray[np.float64]:
        spectrum = np.fft.rfft(x, 2 * size, axis=-1)
        found: NDArray[np.float64] = np.fft.irfft(np.abs(spectrum) ** 2, axis=-1)[..., :size]
        return found / np.maximum(found[..., :1], 1e-9)

    loud = np.sqrt((frames**2).mean(1))
    found = correlation((frames - frames.mean(1, keepdims=True)) * window) / correlation(window)
    shortest, longest = int(RATE / HIGHEST), int(RATE / LOWEST)
    lags = np.arange(shortest, longest + 1)
    # Of equally good peaks the one of the shortest period: the others are its multiples.
    rated = found[:, lags] - 0.05 * np.log2(lags / shortest)
    best = rated.argmax(1)
    strength = found[np.arange(len(found)), lags[best]]
    voiced = (strength > VOICED) & (loud > 0.03 * loud.max())
    return np.where(voiced, RATE / lags[best], 0.0)
