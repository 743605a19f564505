"""Posterior encoder: spectrogram to latent, for training (VITS, https://arxiv.org/abs/2106.06103)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vinovits.nets.config import ModelConfig
from vinovits.nets.wavenet import WaveNet


class PosteriorEncoder(nn.Module):
    """A WaveNet of 16 layers over spectrogram frames."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.pre = nn.Conv1d(config.spec_channels, config.hidden_channels, 1)
        self.enc = WaveNet(config.hidden_channels, 5, 16, config.gin_channels)
        self.proj = nn.Conv1d(config.hidden_channels, 2 * config.inter_channels, 1)

    def forward(
        self, spectrogram: Tensor, mask: Tensor, g: Tensor, noise: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Sample the latent of recorded speech.

        Args:
            spectrogram: Linear magnitudes (B, spec_channels, F).
            mask: (B, 1, F).
            g: Speaker vector (B, gin, 1).
            noise: Normal draw (B, inter, F).

        Returns:
            z, its mean and its log deviation, (B, inter, F) each.
        """
        x = self.enc(self.pre(spectrogram) * mask, mask, g)
        m, logs = torch.chunk(self.proj(x) * mask, 2, dim=1)
        return (m + noise * torch.exp(logs)) * mask, m, logs
