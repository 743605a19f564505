"""Polyphase upsampling is the transposed convolution it stands for."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from vinovits.convert.upsample import PolyphaseUpsample


@given(
    stride=st.integers(1, 9),
    kernel=st.integers(1, 20),
    padding=st.integers(0, 6),
    channels=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    length=st.integers(1, 12),
)
@settings(max_examples=200, deadline=None)
@torch.no_grad()
def test_same_samples_for_every_shape(
    stride: int, kernel: int, padding: int, channels: tuple[int, int], length: int
) -> None:
    if stride * (length - 1) + kernel - 2 * padding < 1:
        return  # torch refuses to make nothing
    up = nn.ConvTranspose1d(*channels, kernel, stride, padding).double()
    x = torch.randn(2, channels[0], length, dtype=torch.float64)
    torch.testing.assert_close(PolyphaseUpsample(up)(x), up(x), atol=1e-12, rtol=0)
