"""Transposed convolutions as plain ones, for which CPUs have better kernels.

A transposed convolution of stride s fills each group of s outputs from the same few inputs. The
groups are computed as s * C channels by one ordinary convolution and then interleaved (polyphase
decomposition; Shi et al. 2016, https://arxiv.org/abs/1609.05158, call it sub-pixel convolution).
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class PolyphaseUpsample(nn.Module):
    """Gives what the transposed convolution gives that it is made from."""

    def __init__(self, source: nn.ConvTranspose1d) -> None:
        """Rearrange the weights.

        Args:
            source: With a bias, one group, dilation 1 and no output padding.
        """
        super().__init__()
        (self.stride,), (kernel,) = source.stride, source.kernel_size
        self.padding, self.channels = int(source.padding[0]), source.out_channels
        self.taps = -(-kernel // self.stride)
        # How much longer the result is than stride * inputs.
        self.extra = kernel - self.stride - 2 * self.padding
        weight = F.pad(source.weight.detach(), (0, self.taps * self.stride - kernel))
        # (in, out, taps, phase); a convolution counts its taps from the oldest input on.
        weight = weight.reshape(*weight.shape[:2], self.taps, self.stride).flip(2)
        weight = weight.permute(1, 3, 0, 2).flatten(0, 1)
        self.weight = nn.Parameter(weight.contiguous())
        assert source.bias is not None
        self.bias = nn.Parameter(source.bias.detach().repeat_interleave(self.stride))

    def forward(self, x: Tensor) -> Tensor:
        """Map x (B, in, T) to (B, out, stride * T + extra)."""
        phases = F.conv1d(x, self.weight, self.bias, padding=self.taps - 1)
        phases = phases.reshape(x.shape[0], self.channels, self.stride, x.shape[2] + self.taps - 1)
        whole = phases.transpose(2, 3).reshape(x.shape[0], self.channels, -1)
        length = self.stride * x.shape[2] + self.extra
        return whole[:, :, self.padding : self.padding + length]
