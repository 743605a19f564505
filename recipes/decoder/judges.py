"""Narrow discriminators that a CPU can afford.

Those of periods are HiFi-GAN's (https://arxiv.org/abs/2010.05646), with the samples of each phase
as items of the batch: the same numbers by 1-D convolutions, which are faster on a CPU. Those of
spectra read real and imaginary parts (EnCodec, https://arxiv.org/abs/2210.13438).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from vinovits.nets.decoder import SLOPE
from vinovits.nets.discriminators import Judgement

QUIET = 1e-3
"""Magnitudes below it aren't raised further."""


class PeriodJudge(nn.Module):
    """Convolutions over every p-th sample."""

    def __init__(self, period: int, channels: Sequence[int]) -> None:
        super().__init__()
        self.period = period
        steps = (3,) * (len(channels) - 2) + (1,)
        self.convs = nn.ModuleList(
            weight_norm(nn.Conv1d(a, b, 5, step, padding=2))
            for (a, b), step in zip(pairwise(channels), steps, strict=True)
        )
        self.last = weight_norm(nn.Conv1d(channels[-1], 1, 3, padding=1))

    def forward(self, wave: Tensor) -> Judgement:
        """Judge (B, 1, N)."""
        wave = F.pad(wave, (0, -wave.shape[2] % self.period), mode="reflect")
        phases = wave.unflatten(2, (-1, self.period)).permute(0, 3, 1, 2).flatten(0, 1)
        return _judged(phases, self.convs, self.last)


class SpectrumJudge(nn.Module):
    """Convolutions over the short-time Fourier transform, its magnitudes to the power 0.3.

    Without the power, what is loud hides the noise between harmonics and above them.
    """

    def __init__(self, size: int, channels: int) -> None:
        super().__init__()
        self.size = size
        self.register_buffer("window", torch.hann_window(size), persistent=False)
        layers = [nn.Conv2d(2, channels, (3, 9), padding=(1, 4))]
        for dilation in (1, 2, 4):
            layers.append(
                nn.Conv2d(
                    channels,
                    channels,
                    (3, 9),
                    stride=(1, 2),
                    padding=(dilation, 4),
                    dilation=(dilation, 1),
                )
            )
        layers.append(nn.Conv2d(channels, channels, 3, padding=1))
        self.convs = nn.ModuleList(weight_norm(layer) for layer in layers)
        self.last = weight_norm(nn.Conv2d(channels, 1, 3, padding=1))

    def forward(self, wave: Tensor) -> Judgement:
        """Judge (B, 1, N)."""
        spectrum = torch.stft(
            wave.squeeze(1).float(),
            self.size,
            self.size // 4,
            window=self.window,
            normalized=True,
            return_complex=True,
        )
        spectrum = spectrum * (spectrum.real**2 + spectrum.imag**2 + QUIET**2) ** -0.35
        parts = torch.stack([spectrum.real, spectrum.imag], dim=1).transpose(2, 3)
        return _judged(parts, self.convs, self.last)


def _judged(x: Tensor, convs: nn.ModuleList, last: nn.Module) -> Judgement:
    maps = []
    for conv in convs:
        x = F.leaky_relu(conv(x), SLOPE)
        maps.append(x)
    x = last(x)
    return Judgement(x.flatten(1).float(), maps)


class Judges(nn.Module):
    """All of them."""

    def __init__(
        self,
        periods: Sequence[int],
        judge_channels: Sequence[int],
        transforms: Sequence[int],
        spectrum_channels: int,
    ) -> None:
        super().__init__()
        self.all = nn.ModuleList(
            [PeriodJudge(period, judge_channels) for period in periods]
            + [SpectrumJudge(size, spectrum_channels) for size in transforms]
        )

    def forward(self, wave: Tensor) -> list[Judgement]:
        """Judge (B, 1, N)."""
        return [judge(wave) for judge in self.all]
