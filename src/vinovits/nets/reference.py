"""Reference encoder: a speaker vector from recorded speech, for models without a speaker table.

Skerry-Ryan et al. 2018, https://arxiv.org/abs/1803.09047.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vinovits.nets.config import ModelConfig

_CHANNELS = (32, 32, 64, 64, 128, 128)


class ReferenceEncoder(nn.Module):
    """Six strided convolutions, then the last state of a GRU."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Conv2d(before, after, 3, stride=2, padding=1)
            for before, after in zip((1, *_CHANNELS), _CHANNELS, strict=False)
        )
        bins = config.spec_channels
        for _ in _CHANNELS:
            bins = (bins - 1) // 2 + 1
        self.gru = nn.GRU(_CHANNELS[-1] * bins, _CHANNELS[-1], batch_first=True)
        self.proj = nn.Linear(_CHANNELS[-1], config.gin_channels)

    def forward(self, spectrogram: Tensor) -> Tensor:
        """Speaker vector (B, gin, 1) from linear magnitudes (B, bins, F)."""
        x = spectrogram.transpose(1, 2).unsqueeze(1)
        for conv in self.convs:
            x = torch.relu(conv(x))
        _, state = self.gru(x.transpose(1, 2).flatten(2))
        vector: Tensor = self.proj(state[0])
        return vector.unsqueeze(-1)
