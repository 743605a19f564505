"""The judges of training: of waves, of rhythm, and of what WavLM hears.

Names of the tensors are those of the checkpoints D_*.pth, DUR_*.pth and WD_*.pth.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from vinovits.nets.attention import ChannelNorm
from vinovits.nets.decoder import SLOPE

PERIODS = (2, 3, 5, 7, 11)


class Judgement(NamedTuple):
    """Of one discriminator."""

    logits: Tensor
    """(B, n): near 1 for what it takes as recorded, near 0 else."""
    maps: list[Tensor]
    """What its layers gave, the logits last."""


class ScaleDiscriminator(nn.Module):
    """Strided convolutions over samples (MelGAN, https://arxiv.org/abs/1910.06711)."""

    def __init__(self, width: float = 1.0) -> None:
        """Build it with that share of the released channels, a power of two."""
        super().__init__()
        # (inputs, outputs, kernel, stride, groups)
        layers = (
            (1, 16, 15, 1, 1),
            (16, 64, 41, 4, 4),
            (64, 256, 41, 4, 16),
            (256, 1024, 41, 4, 64),
            (1024, 1024, 41, 4, 256),
            (1024, 1024, 5, 1, 1),
        )
        self.convs = nn.ModuleList(
            weight_norm(
                nn.Conv1d(
                    _scaled(a, width) if a > 1 else 1,
                    _scaled(b, width),
                    size,
                    stride,
                    size // 2,
                    groups=_scaled(groups, width),
                )
            )
            for a, b, size, stride, groups in layers
        )
        self.conv_post = weight_norm(nn.Conv1d(_scaled(1024, width), 1, 3, padding=1))

    def forward(self, wave: Tensor) -> Judgement:
        """Judge (B, 1, N)."""
        return _judge(wave, self.convs, self.conv_post)


class PeriodDiscriminator(nn.Module):
    """Convolutions over every p-th sample (HiFi-GAN, https://arxiv.org/abs/2010.05646)."""

    def __init__(self, period: int, width: float = 1.0) -> None:
        """Build it with that share of the released channels, a power of two."""
        super().__init__()
        self.period = period
        channels = (1, *(_scaled(size, width) for size in (32, 128, 512, 1024, 1024)))
        strides = (3, 3, 3, 3, 1)
        self.convs = nn.ModuleList(
            weight_norm(nn.Conv2d(a, b, (5, 1), (stride, 1), padding=(2, 0)))
            for (a, b), stride in zip(pairwise(channels), strides, strict=True)
        )
        self.conv_post = weight_norm(nn.Conv2d(channels[-1], 1, (3, 1), padding=(1, 0)))

    def forward(self, wave: Tensor) -> Judgement:
        """Judge (B, 1, N); the end is mirrored up to a multiple of the period."""
        wave = F.pad(wave, (0, -wave.shape[2] % self.period), mode="reflect")
        columns = wave.reshape(*wave.shape[:2], -1, self.period)
        return _judge(columns, self.convs, self.conv_post)


def _scaled(size: int, width: float) -> int:
    return max(1, int(size * width))


def _judge(x: Tensor, convs: nn.ModuleList, last: nn.Module) -> Judgement:
    maps = []
    for conv in convs:
        x = F.leaky_relu(conv(x), SLOPE)
        maps.append(x)
    x = last(x)
    maps.append(x)
    return Judgement(x.flatten(1), maps)


class WaveDiscriminators(nn.Module):
    """One for the samples as they are and one for each period."""

    def __init__(self, width: float = 1.0) -> None:
        """Build them.

        Args:
            width: Share of the released channels, a power of two from 1/16 to 1. The released ones
                cost more than all else in a step; narrow ones see less, and fit no D_*.pth.
        """
        super().__init__()
        self.discriminators = nn.ModuleList(
            [
                ScaleDiscriminator(width),
                *(PeriodDiscriminator(period, width) for period in PERIODS),
            ]
        )

    def forward(self, wave: Tensor) -> list[Judgement]:
        """Judge (B, 1, N)."""
        return [discriminator(wave) for discriminator in self.discriminators]


class DurationDiscriminator(nn.Module):
    """Judges the rhythm of a text (VITS2, https://arxiv.org/abs/2307.16430, section 2.1)."""

    def __init__(self, channels: int, gin_channels: int) -> None:
        super().__init__()
        self.drop = nn.Dropout(0.1)
        self.conv_1 = nn.Conv1d(channels, channels, 3, padding=1)
        self.norm_1 = ChannelNorm(channels)
        self.conv_2 = nn.Conv1d(channels, channels, 3, padding=1)
        self.norm_2 = ChannelNorm(channels)
        self.dur_proj = nn.Conv1d(1, channels, 1)
        self.LSTM = nn.LSTM(2 * channels, channels, batch_first=True, bidirectional=True)
        self.cond = nn.Conv1d(gin_channels, channels, 1)
        self.output_layer = nn.Sequential(nn.Linear(2 * channels, 1), nn.Sigmoid())

    def forward(self, x: Tensor, mask: Tensor, g: Tensor, logw: Tensor) -> Tensor:
        """Judge one rhythm.

        Args:
            x: Hidden states of the text encoder (B, channels, T); no gradient goes there.
            mask: (B, 1, T).
            g: Speaker vector (B, gin, 1); no gradient goes there.
            logw: Log frames per phone (B, 1, T).

        Returns:
            (B, T, 1): near 1 for what it takes as recorded, near 0 else.
        """
        x = x.detach() + self.cond(g.detach())
        x = self.drop(self.norm_1(torch.relu(self.conv_1(x * mask))))
        x = self.drop(self.norm_2(torch.relu(self.conv_2(x * mask))))
        x = torch.cat([x, self.dur_proj(logw)], dim=1)
        x, _ = self.LSTM(x.transpose(1, 2))
        judged: Tensor = self.output_layer(x)
        return judged


class WavlmDiscriminator(nn.Module):
    """Judges speech by all hidden states of WavLM (StyleTTS 2, https://arxiv.org/abs/2306.07691)."""

    def __init__(self, width: int, states: int, channels: int) -> None:
        """Build it for that many hidden states of that width."""
        super().__init__()
        widths = (channels, 2 * channels, 4 * channels, 4 * channels)
        self.pre = weight_norm(nn.Conv1d(width * states, channels, 1))
        self.convs = nn.ModuleList(
            weight_norm(nn.Conv1d(a, b, 5, padding=2)) for a, b in pairwise(widths)
        )
        self.conv_post = weight_norm(nn.Conv1d(widths[-1], 1, 3, padding=1))

    def forward(self, states: Tensor) -> Tensor:
        """Judge hidden states (B, states, F, width): (B, F)."""
        x = self.pre(states.transpose(2, 3).flatten(1, 2))
        for conv in self.convs:
            x = F.leaky_relu(conv(x), SLOPE)
        judged: Tensor = self.conv_post(x)
        return judged.flatten(1)
