"""Monotonic alignment search: which symbol each frame of recorded speech belongs to.

Glow-TTS, https://arxiv.org/abs/2005.11129, section 3.2; with noise, VITS2,
https://arxiv.org/abs/2307.16430, section 2.2.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def log_likelihood(z_p: Tensor, m_p: Tensor, logs_p: Tensor) -> Tensor:
    """How likely each frame is under the prior of each symbol.

    Args:
        z_p: Latent frames behind the flow (B, C, F).
        m_p: Prior means (B, C, T).
        logs_p: Logarithms of the prior deviations (B, C, T).

    Returns:
        (B, F, T).
    """
    precision = torch.exp(-2 * logs_p)
    constant = (-0.5 * math.log(2 * math.pi) - logs_p).sum(1, keepdim=True)
    squares = -0.5 * (z_p.square().transpose(1, 2) @ precision)
    products = z_p.transpose(1, 2) @ (m_p * precision)
    return constant + squares + products - 0.5 * (m_p.square() * precision).sum(1, keepdim=True)


def add_noise(scores: Tensor, noise: Tensor, scale: float) -> Tensor:
    """Blur the scores early in training, so that the search doesn't settle on its first guess.

    Args:
        scores: (B, F, T).
        noise: Normal draw of the same shape.
        scale: Deviation of the noise, as a share of that of all scores, padding included.
    """
    return scores + scores.std() * noise * scale


def noise_scale(step: int) -> float:
    """Share of `add_noise` at a step of training: falls from 0.01 to 0 within 5,000 steps."""
    return max(0.01 - 2e-6 * step, 0.0)


@torch.no_grad()
def search(scores: Tensor, frames: Tensor, symbols: Tensor) -> Tensor:
    """The path of the highest sum from the first frame and symbol to the last of both.

    With each frame the path stays at its symbol or goes on to the next. Of two equal paths it is
    the one that changed later.

    Args:
        scores: (B, F, T).
        frames: Frames of each item (B,).
        symbols: Symbols of each item (B,), not more than its frames.

    Returns:
        (B, F, T): 1 where a frame belongs to a symbol, else 0.

    Raises:
        ValueError: A count is less than 1 or more than there is room for.
    """
    # The compiled loop checks no bounds.
    for counts, room in ((frames, scores.shape[1]), (symbols, scores.shape[2])):
        if len(counts) != len(scores) or not bool(((counts >= 1) & (counts <= room)).all()):
            raise ValueError(f"Counts {counts.tolist()} don't fit scores {tuple(scores.shape)}.")
    table = np.ascontiguousarray(scores.detach().cpu().numpy()).copy()
    path = np.zeros_like(table)
    _search_batch(table, path, frames.cpu().numpy(), symbols.cpu().numpy())
    return torch.from_numpy(path).to(scores)


def _search_items(
    table: NDArray[Any], path: NDArray[Any], frames: NDArray[Any], symbols: NDArray[Any]
) -> None:
    """Turn the scores `table` (B, F, T) into sums of the best paths, and mark one in `path`.

    Cells that no path from the first to the last cell passes keep their scores.
    """
    for item in range(len(table)):
        sums = table[item]
        length, width = frames[item], symbols[item]
        for frame in range(1, length):
            # Behind this symbol there would be too few frames left for those that follow.
            first = max(0, width - length + frame)
            for symbol in range(first, min(width, frame + 1)):
                if symbol == 0:
                    best = sums[frame - 1, 0]
                elif symbol == frame:
                    best = sums[frame - 1, symbol - 1]
                else:
                    best = max(sums[frame - 1, symbol], sums[frame - 1, symbol - 1])
                sums[frame, symbol] += best
        symbol = width - 1
        for frame in range(length - 1, -1, -1):
            path[item, frame, symbol] = 1
            if frame == 0 or symbol == 0:
                continue
            if symbol == frame or sums[frame - 1, symbol - 1] > sums[frame - 1, symbol]:
                symbol -= 1


_search_batch: Callable[[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]], None] = (
    numba.njit(nogil=True, cache=True)(_search_items)
)
