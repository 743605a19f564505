"""The flow between the prior and the decoder's latent: mean-only couplings with channel flips.

VITS, https://arxiv.org/abs/2106.06103 (WaveNet couplings); VITS2 (transformer couplings).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vinovits.nets.attention import TransformerEncoder
from vinovits.nets.config import ModelConfig
from vinovits.nets.variants import Variant
from vinovits.nets.wavenet import WaveNet

_KERNEL = 5  # of both kinds, whatever the config's kernel_size says


class Coupling(nn.Module):
    """x1 is shifted by a mean that x0 and the speaker vector give."""

    def __init__(self, config: ModelConfig, variant: Variant) -> None:
        super().__init__()
        hidden = config.hidden_channels
        self.split_at = config.inter_channels // 2
        self.pre = nn.Conv1d(self.split_at, hidden, 1)
        self.enc: nn.Module
        if config.transformer_flow:
            self.enc = TransformerEncoder(config, variant, config.flow_layers, _KERNEL)
        else:
            self.enc = WaveNet(hidden, _KERNEL, config.flow_layers, config.gin_channels)
        self.post = nn.Conv1d(hidden, self.split_at, 1)
        # A new coupling is the identity, so that training starts from a well-behaved flow.
        nn.init.zeros_(self.post.weight)
        nn.init.zeros_(self.post.bias)  # type: ignore[arg-type]  # a bias is always there

    def forward(self, x: Tensor, mask: Tensor, g: Tensor, reverse: bool) -> Tensor:
        """Shift the second half of x (B, C, T), or shift it back where `reverse`."""
        x0, x1 = torch.split(x, self.split_at, dim=1)
        shift = self.post(self.enc(self.pre(x0) * mask, mask, g)) * mask
        return torch.cat([x0, (x1 - shift if reverse else x1 + shift) * mask], dim=1)


class Flip(nn.Module):
    """Reverses the order of the channels, so that every channel gets its turn to be shifted."""

    def forward(self, x: Tensor, mask: Tensor, g: Tensor, reverse: bool) -> Tensor:
        """Flip x (B, C, T); its own inverse."""
        return torch.flip(x, [1])


class Flow(nn.Module):
    """Couplings and flips in turn."""

    def __init__(self, config: ModelConfig, variant: Variant) -> None:
        super().__init__()
        self.flows = nn.ModuleList()
        for _ in range(config.couplings):
            self.flows.append(Coupling(config, variant))
            self.flows.append(Flip())

    def forward(self, x: Tensor, mask: Tensor, g: Tensor, reverse: bool = False) -> Tensor:
        """Map the latent z to z_p, or z_p to z where `reverse`.

        Args:
            x: (B, inter, F).
            mask: 1 for real frames (B, 1, F).
            g: Speaker vector (B, gin, 1).
            reverse: The direction of synthesis.
        """
        for step in reversed(self.flows) if reverse else self.flows:
            x = step(x, mask, g, reverse)
        return x
