"""The two duration predictors: a regression, and a flow that gives different rhythms per noise.

VITS, https://arxiv.org/abs/2106.06103, section 2.2.2 and appendix A.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vinovits.nets.attention import ChannelNorm
from vinovits.nets.config import ModelConfig
from vinovits.nets.spline import rational_quadratic
from vinovits.nets.variants import Variant

_BINS, _BOUND = 10, 5.0
_LAYERS = 3  # of each dilated stack
_SPLINES = 4


class DurationPredictor(nn.Module):
    """Two convolutions that regress the log of the frames per phone."""

    def __init__(self, config: ModelConfig, variant: Variant) -> None:
        super().__init__()
        channels, kernel = variant.duration_channels, config.kernel_size
        self.drop = nn.Dropout(0.5)
        self.cond = nn.Conv1d(config.gin_channels, config.hidden_channels, 1)
        self.conv_1 = nn.Conv1d(config.hidden_channels, channels, kernel, padding=kernel // 2)
        self.norm_1 = ChannelNorm(channels)
        self.conv_2 = nn.Conv1d(channels, channels, kernel, padding=kernel // 2)
        self.norm_2 = ChannelNorm(channels)
        self.proj = nn.Conv1d(channels, 1, 1)

    def forward(self, x: Tensor, mask: Tensor, g: Tensor) -> Tensor:
        """Log frames per phone (B, 1, T) from hidden states x (B, hidden, T)."""
        x = x + self.cond(g)
        x = self.drop(self.norm_1(torch.relu(self.conv_1(x * mask))))
        x = self.drop(self.norm_2(torch.relu(self.conv_2(x * mask))))
        logw: Tensor = self.proj(x * mask) * mask
        return logw


class DilatedStack(nn.Module):
    """Depthwise-separable convolutions with dilations 1, 3, 9."""

    def __init__(self, channels: int, kernel_size: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.drop = nn.Dropout(dropout)
        self.convs_sep = nn.ModuleList()
        self.convs_1x1 = nn.ModuleList()
        self.norms_1 = nn.ModuleList()
        self.norms_2 = nn.ModuleList()
        for i in range(_LAYERS):
            dilation = kernel_size**i
            self.convs_sep.append(
                nn.Conv1d(
                    channels,
                    channels,
                    kernel_size,
                    groups=channels,
                    dilation=dilation,
                    padding=(kernel_size - 1) * dilation // 2,
                )
            )
            self.convs_1x1.append(nn.Conv1d(channels, channels, 1))
            self.norms_1.append(ChannelNorm(channels))
            self.norms_2.append(ChannelNorm(channels))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Map x (B, C, T) under mask (B, 1, T)."""
        for sep, norm_1, pointwise, norm_2 in zip(
            self.convs_sep, self.norms_1, self.convs_1x1, self.norms_2, strict=True
        ):
            y = F.gelu(norm_1(sep(x * mask)))
            x = x + self.drop(F.gelu(norm_2(pointwise(y))))
        return x * mask


class SplineCoupling(nn.Module):
    """The second channel goes through a spline whose knots the first one and the text give."""

    def __init__(self, channels: int, kernel_size: int) -> None:
        super().__init__()
        self.scale = math.sqrt(channels)
        self.pre = nn.Conv1d(1, channels, 1)
        self.convs = DilatedStack(channels, kernel_size)
        self.proj = nn.Conv1d(channels, 3 * _BINS - 1, 1)
        nn.init.zeros_(self.proj.weight)
        nn.init.zeros_(self.proj.bias)  # type: ignore[arg-type]  # a bias is always there

    def forward(
        self, x: Tensor, mask: Tensor, condition: Tensor, reverse: bool
    ) -> tuple[Tensor, Tensor]:
        """Map x (B, 2, T); returns it and the log determinants (B,)."""
        x0, x1 = torch.split(x, 1, dim=1)
        h = self.proj(self.convs(self.pre(x0) + condition, mask)) * mask
        h = h.transpose(1, 2).unsqueeze(1)  # (B, 1, T, 29)
        x1, logdet = rational_quadratic(
            x1,
            h[..., :_BINS] / self.scale,
            h[..., _BINS : 2 * _BINS] / self.scale,
            h[..., 2 * _BINS :],
            _BOUND,
            inverse=reverse,
        )
        return torch.cat([x0, x1], dim=1) * mask, (logdet * mask).sum((1, 2))


class Affine(nn.Module):
    """A learned shift and scale per channel."""

    def __init__(self) -> None:
        super().__init__()
        self.m = nn.Parameter(torch.zeros(2, 1))
        self.logs = nn.Parameter(torch.zeros(2, 1))

    def forward(
        self, x: Tensor, mask: Tensor, condition: Tensor, reverse: bool
    ) -> tuple[Tensor, Tensor]:
        """Map x (B, 2, T); returns it and the log determinants (B,)."""
        logdet = (self.logs * mask).sum((1, 2))
        if reverse:
            return (x - self.m) * torch.exp(-self.logs) * mask, -logdet
        return (self.m + torch.exp(self.logs) * x) * mask, logdet


class ChannelFlip(nn.Module):
    """Swaps the two channels."""

    def forward(
        self, x: Tensor, mask: Tensor, condition: Tensor, reverse: bool
    ) -> tuple[Tensor, Tensor]:
        """Map x (B, 2, T); returns it and the log determinants (B,), all 0."""
        return torch.flip(x, [1]), x.new_zeros(x.shape[0])


def _flow_steps(channels: int, kernel_size: int) -> nn.ModuleList:
    steps = nn.ModuleList([Affine()])
    for _ in range(_SPLINES):
        steps.append(SplineCoupling(channels, kernel_size))
        steps.append(ChannelFlip())
    return steps


class StochasticDurationPredictor(nn.Module):
    """A flow over durations; `post_*` and the likelihood serve training only."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        # The filter width equals hidden_channels in every released model, whatever was asked for.
        channels, kernel = config.hidden_channels, 3
        self.pre = nn.Conv1d(channels, channels, 1)
        self.proj = nn.Conv1d(channels, channels, 1)
        self.convs = DilatedStack(channels, kernel, dropout=0.5)
        self.cond = nn.Conv1d(config.gin_channels, channels, 1)
        self.flows = _flow_steps(channels, kernel)
        self.post_pre = nn.Conv1d(1, channels, 1)
        self.post_proj = nn.Conv1d(channels, channels, 1)
        self.post_convs = DilatedStack(channels, kernel, dropout=0.5)
        self.post_flows = _flow_steps(channels, kernel)

    def forward(self, x: Tensor, mask: Tensor, g: Tensor, noise: Tensor) -> Tensor:
        """Sample log durations.

        Args:
            x: Hidden states of the text encoder (B, hidden, T).
            mask: (B, 1, T).
            g: Speaker vector (B, gin, 1).
            noise: Normal draw times noise_w (B, 2, T).

        Returns:
            Log frames per phone (B, 1, T).
        """
        condition = self._condition(x, mask, g)
        # The released models never run the first spline (flows[1]) backwards; its flip stays.
        steps: Sequence[nn.Module] = [self.flows[0], *list(self.flows)[2:]]
        z = noise * mask
        for step in reversed(steps):
            z, _ = step(z, mask, condition, True)
        return z[:, :1]

    def nll(self, x: Tensor, mask: Tensor, g: Tensor, frames: Tensor, noise: Tensor) -> Tensor:
        """Negative log likelihood (B,) of integer durations, by variational dequantisation.

        Args:
            x: Hidden states (B, hidden, T).
            mask: (B, 1, T).
            g: Speaker vector (B, gin, 1).
            frames: Frames per phone (B, 1, T).
            noise: Normal draw (B, 2, T).
        """
        condition = self._condition(x, mask, g)
        posterior = self.post_proj(self.post_convs(self.post_pre(frames), mask)) * mask
        z_q = noise * mask
        logdet_q = x.new_zeros(x.shape[0])
        for step in self.post_flows:
            z_q, logdet = step(z_q, mask, condition + posterior, False)
            logdet_q = logdet_q + logdet
        z_u, z1 = torch.split(z_q, 1, dim=1)
        u = torch.sigmoid(z_u) * mask
        logdet_q = logdet_q + ((F.logsigmoid(z_u) + F.logsigmoid(-z_u)) * mask).sum((1, 2))
        log_normal = -0.5 * (math.log(2 * math.pi) + noise**2) * mask
        log_q = log_normal.sum((1, 2)) - logdet_q

        log_w = torch.log(torch.clamp((frames - u) * mask, min=1e-5)) * mask
        logdet_p = -log_w.sum((1, 2))
        z = torch.cat([log_w, z1], dim=1)
        for step in self.flows:
            z, logdet = step(z, mask, condition, False)
            logdet_p = logdet_p + logdet
        nll = (0.5 * (math.log(2 * math.pi) + z**2) * mask).sum((1, 2)) - logdet_p
        return nll + log_q

    def _condition(self, x: Tensor, mask: Tensor, g: Tensor) -> Tensor:
        # Training must not move the text encoder through the durations.
        x = self.pre(x.detach()) + self.cond(g.detach())
        condition: Tensor = self.proj(self.convs(x, mask)) * mask
        return condition
