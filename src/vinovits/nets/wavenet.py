"""Gated convolutions (WaveNet, https://arxiv.org/abs/1609.03499), as in WaveGlow and VITS."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class WaveNet(nn.Module):
    """Residual stack of gated convolutions with dilation 1, conditioned on the speaker vector."""

    def __init__(self, channels: int, kernel_size: int, layers: int, gin_channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.cond_layer = nn.Conv1d(gin_channels, 2 * channels * layers, 1)
        self.in_layers = nn.ModuleList(
            nn.Conv1d(channels, 2 * channels, kernel_size, padding=(kernel_size - 1) // 2)
            for _ in range(layers)
        )
        # The last layer has nothing behind it to hand a residual to.
        self.res_skip_layers = nn.ModuleList(
            nn.Conv1d(channels, 2 * channels if i < layers - 1 else channels, 1)
            for i in range(layers)
        )

    def forward(self, x: Tensor, mask: Tensor, g: Tensor) -> Tensor:
        """Map x (B, C, T) under mask (B, 1, T) for the speaker vector g (B, gin, 1)."""
        size = self.channels
        conditions = torch.split(self.cond_layer(g), 2 * size, dim=1)
        output = torch.zeros_like(x)
        for conv, res_skip, condition in zip(
            self.in_layers, self.res_skip_layers, conditions, strict=True
        ):
            gates = conv(x) + condition
            activated = torch.tanh(gates[:, :size]) * torch.sigmoid(gates[:, size:])
            out = res_skip(activated)
            if out.shape[1] == size:
                output = output + out
            else:
                x = (x + out[:, :size]) * mask
                output = output + out[:, size:]
        return output * mask
