"""HiFi-GAN decoder: latent frames to samples (https://arxiv.org/abs/2010.05646)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vinovits.nets.config import ModelConfig

SLOPE = 0.1
"""Of every leaky ReLU but the last."""

FINAL_SLOPE = 0.01
"""Of the last one: the released models use torch's default there."""


def _conv(channels: int, kernel_size: int, dilation: int) -> nn.Conv1d:
    padding = (kernel_size - 1) * dilation // 2
    return nn.Conv1d(channels, channels, kernel_size, dilation=dilation, padding=padding)


class ResidualBlock1(nn.Module):
    """Per dilation: a dilated and a plain convolution, then the residual sum."""

    def __init__(self, channels: int, kernel_size: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(_conv(channels, kernel_size, d) for d in dilations)
        self.convs2 = nn.ModuleList(_conv(channels, kernel_size, 1) for _ in dilations)

    def forward(self, x: Tensor) -> Tensor:
        """Map x (B, C, T)."""
        for conv1, conv2 in zip(self.convs1, self.convs2, strict=True):
            y = conv1(F.leaky_relu(x, SLOPE))
            x = x + conv2(F.leaky_relu(y, SLOPE))
        return x


class ResidualBlock2(nn.Module):
    """Per dilation: one dilated convolution, then the residual sum."""

    def __init__(self, channels: int, kernel_size: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.convs = nn.ModuleList(_conv(channels, kernel_size, d) for d in dilations)

    def forward(self, x: Tensor) -> Tensor:
        """Map x (B, C, T)."""
        for conv in self.convs:
            x = x + conv(F.leaky_relu(x, SLOPE))
        return x


class Decoder(nn.Module):
    """Transposed convolutions, each followed by the mean of several residual blocks."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        block = ResidualBlock1 if config.resblock == "1" else ResidualBlock2
        channels = config.upsample_initial_channel
        self.conv_pre = nn.Conv1d(config.inter_channels, channels, 7, padding=3)
        self.cond = nn.Conv1d(config.gin_channels, channels, 1)
        self.kernels = len(config.resblock_kernel_sizes)
        self.ups = nn.ModuleList()
        self.resblocks = nn.ModuleList()
        for rate, kernel in zip(config.upsample_rates, config.upsample_kernel_sizes, strict=True):
            self.ups.append(
                nn.ConvTranspose1d(
                    channels, channels // 2, kernel, rate, padding=(kernel - rate) // 2
                )
            )
            channels //= 2
            for size, dilations in zip(
                config.resblock_kernel_sizes, config.resblock_dilation_sizes, strict=True
            ):
                self.resblocks.append(block(channels, size, dilations))
        self.conv_post = nn.Conv1d(channels, 1, 7, padding=3, bias=False)

    def forward(self, z: Tensor, g: Tensor) -> Tensor:
        """Samples (B, 1, F * hop_length) in [-1, 1] from z (B, inter, F) and g (B, gin, 1)."""
        x = self.conv_pre(z) + self.cond(g)
        for i, up in enumerate(self.ups):
            x = up(F.leaky_relu(x, SLOPE))
            blocks = list(self.resblocks)[i * self.kernels : (i + 1) * self.kernels]
            total = blocks[0](x)
            for block in blocks[1:]:
                total = total + block(x)
            x = total / self.kernels
        return torch.tanh(self.conv_post(F.leaky_relu(x, FINAL_SLOPE)))
