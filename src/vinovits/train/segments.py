"""Segments at random places: the decoder learns from some frames of an utterance at a time."""

from __future__ import annotations

import torch
from torch import Tensor


def segment_starts(uniform: Tensor, lengths: Tensor, size: int) -> Tensor:
    """First frames (B,) of segments that lie within their items where these are long enough.

    Args:
        uniform: Draw from [0, 1), (B,).
        lengths: Frames of each item (B,).
        size: Frames of a segment.
    """
    return (uniform * torch.clamp(lengths - size + 1, min=0)).long()


def cut(x: Tensor, starts: Tensor, size: int) -> Tensor:
    """Segments (B, C, size) of x (B, C, L) from `starts` (B,) on, all within L."""
    places = starts.unsqueeze(1) + torch.arange(size, device=x.device)
    return torch.gather(x, 2, places.unsqueeze(1).expand(-1, x.shape[1], -1))
