"""The stages between text and samples, each one function from arrays to arrays.

Shapes as in the papers: T phones with blanks, F frames, C latent channels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vinovits.engine.shapes import padded_frames, padded_steps
from vinovits.engine.windows import GROWTH, Reach, Window, fixed_lengths, plan_windows
from vinovits.features.bert import spread_rows
from vinovits.graphs import Runnable
from vinovits.text.sequence import PhoneSequence

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Encoded:
    """The prior and the durations of a sentence."""

    m_p: Array
    """Mean (1, C, T)."""
    logs_p: Array
    """Log deviation (1, C, T)."""
    logw_sdp: Array
    """Log frames by the stochastic predictor (1, 1, T)."""
    logw_dp: Array
    """Log frames by the deterministic predictor (1, 1, T)."""


def spread_features(rows: Array, word2ph: tuple[int, ...], width: int) -> Array:
    """Repeat each row of a feature model for the phones of its piece.

    Args:
        rows: (pieces, channels), [CLS] and [SEP] included.
        word2ph: Steps per piece, summing to T.
        width: Channels of the result; those beyond the rows' own are 0.

    Returns:
        (1, width, T).
    """
    spread = np.zeros((1, width, sum(word2ph)), np.float32)
    spread[0, : rows.shape[1]] = spread_rows(rows, word2ph)
    return spread


def encode(
    graph: Runnable,
    sequence: PhoneSequence,
    features: dict[str, Array],
    conditions: dict[str, npt.NDArray[Any]],
    speaker: Array,
    noise: Array,
) -> Encoded:
    """Run the text encoder and both duration predictors.

    Args:
        graph: The graph `encoder`.
        sequence: The sentence.
        features: By input name (1, width, T).
        conditions: By input name, what holds for the whole utterance: (1, width) or (1,).
        speaker: (1, gin, 1).
        noise: Normal draw times noise_w (1, 2, T).
    """
    steps = len(sequence.phones)
    padded = padded_steps(steps, graph.static)
    out = graph(
        phones=_pad(sequence.phones[None], padded),
        tones=_pad(sequence.tones[None], padded),
        languages=_pad(sequence.languages[None], padded),
        mask=_pad(np.ones((1, 1, steps), np.float32), padded),
        speaker=speaker,
        noise=_pad(noise, padded),
        **{name: _pad(array, padded) for name, array in features.items()},
        **conditions,
    )
    return Encoded(**{name: array[:, :, :steps] for name, array in out.items()})


def mix_durations(logw_sdp: Array, logw_dp: Array, sdp_ratio: float) -> Array:
    """Log frames (1, 1, T): the mix is made on logarithms, as released models do."""
    ratio = np.float32(sdp_ratio)
    return logw_sdp * ratio + logw_dp * (np.float32(1) - ratio)


def frames_per_phone(
    logw: Array, length_scale: float | npt.NDArray[np.floating]
) -> npt.NDArray[np.int64]:
    """Frames of every phone, at least one in all.

    Args:
        logw: Log frames (1, 1, T).
        length_scale: What they are stretched by, all or each (T,).

    Returns:
        (1, 1, T).
    """
    scale: Array = np.asarray(length_scale, np.float32)
    frames: npt.NDArray[np.int64] = np.ceil(np.exp(logw) * scale).astype(np.int64)
    if frames.sum() < 1:
        frames[..., -1] = 1
    return frames


def expand(
    m_p: Array, logs_p: Array, frames: npt.NDArray[np.int64], noise: Array, scale: float
) -> Array:
    """Sample the prior of every frame.

    Args:
        m_p: Mean per phone (1, C, T).
        logs_p: Log deviation per phone (1, C, T).
        frames: Frames per phone (1, 1, T).
        noise: Normal draw (1, C, F).
        scale: The setting `noise`.

    Returns:
        z_p (1, C, F).
    """
    repeats = frames[0, 0]
    deviation = np.repeat(np.exp(logs_p), repeats, axis=2)
    z_p: Array = np.repeat(m_p, repeats, axis=2) + noise * deviation * np.float32(scale)
    return z_p


def flow(graph: Runnable, z_p: Array, speaker: Array) -> Array:
    """Run the graph `flow` on z_p (1, C, F); returns z (1, C, F)."""
    frames = z_p.shape[2]
    padded = padded_frames(frames, graph.static)
    mask = _pad(np.ones((1, 1, frames), np.float32), padded)
    z = graph(z_p=_pad(z_p, padded), mask=mask, speaker=speaker)["z"]
    return np.ascontiguousarray(z[:, :, :frames])


def windows_of(
    graph: Runnable, frames: int, reach: Reach, growth: Sequence[int] = GROWTH
) -> list[Window]:
    """The windows in which `decode` runs the graph `decoder`; arguments as there."""
    lengths = fixed_lengths(reach) if graph.static else None
    return plan_windows(frames, reach, growth, lengths)


def decode(
    graph: Runnable,
    z: Array,
    speaker: Array,
    reach: Reach,
    hop_length: int,
    growth: Sequence[int] = GROWTH,
) -> Iterator[Array]:
    """Run the graph `decoder` window by window.

    Args:
        graph: The graph `decoder`.
        z: (1, C, F).
        speaker: (1, gin, 1).
        reach: How far that listens.
        hop_length: Samples per frame.
        growth: Of the windows, as `plan_windows` takes it.

    Yields:
        Samples (n,) that follow each other, F * hop_length in all.
    """
    for window in windows_of(graph, z.shape[2], reach, growth):
        part = np.ascontiguousarray(z[:, :, window.start : window.stop])
        kept = np.arange(window.kept_from - window.start, window.kept_to - window.start)
        samples = graph(z=part, speaker=speaker, kept=kept)["audio"][0, 0]
        first = (window.first - window.kept_from) * hop_length
        yield samples[first : first + (window.last - window.first) * hop_length]


def _pad(array: npt.NDArray[np.generic], length: int) -> npt.NDArray[np.generic]:
    """Zeros behind the last axis up to `length`."""
    missing = length - array.shape[-1]
    return np.pad(array, [(0, 0)] * (array.ndim - 1) + [(0, missing)])
