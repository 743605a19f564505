"""Transformer encoder with relative positions, as used by the text encoder and the flow.

Relative attention: Shaw et al. 2018, https://arxiv.org/abs/1803.02155, with a window as in
Glow-TTS, https://arxiv.org/abs/2005.11129.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vinovits.nets.config import ModelConfig
from vinovits.nets.variants import Variant


class ChannelNorm(nn.Module):
    """Layer norm over the channels of (B, C, T)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each time step of x (B, C, T)."""
        x = F.layer_norm(x.transpose(1, 2), (self.gamma.shape[0],), self.gamma, self.beta, 1e-5)
        return x.transpose(1, 2)


class RelativeAttention(nn.Module):
    """Multi-head self-attention whose keys and values know offsets of up to `window` steps."""

    def __init__(self, channels: int, heads: int, dropout: float, window: int = 4) -> None:
        super().__init__()
        self.heads, self.width, self.window = heads, channels // heads, window
        self.conv_q = nn.Conv1d(channels, channels, 1)
        self.conv_k = nn.Conv1d(channels, channels, 1)
        self.conv_v = nn.Conv1d(channels, channels, 1)
        self.conv_o = nn.Conv1d(channels, channels, 1)
        self.drop = nn.Dropout(dropout)
        std = self.width**-0.5
        self.emb_rel_k = nn.Parameter(torch.empty(1, 2 * window + 1, self.width))
        self.emb_rel_v = nn.Parameter(torch.empty(1, 2 * window + 1, self.width))
        for relative in (self.emb_rel_k, self.emb_rel_v):
            nn.init.normal_(relative, std=std)
        for conv in (self.conv_q, self.conv_k, self.conv_v):
            nn.init.xavier_uniform_(conv.weight)

    def forward(self, x: Tensor, pair_mask: Tensor) -> Tensor:
        """Attend within x (B, C, T); pair_mask (B, 1, T, T) is 0 where a pair may not be seen."""
        batch, channels, steps = x.shape
        q = self._split(self.conv_q(x)) * self.width**-0.5
        k = self._split(self.conv_k(x))
        v = self._split(self.conv_v(x))
        scores = q @ k.transpose(2, 3)
        scores = scores + _offsets_to_positions(q @ self.emb_rel_k.transpose(1, 2))
        scores = scores.masked_fill(pair_mask == 0, -1e4)
        weights = self.drop(torch.softmax(scores, dim=-1))
        out = weights @ v + _positions_to_offsets(weights, self.window) @ self.emb_rel_v
        mixed: Tensor = self.conv_o(out.transpose(2, 3).reshape(batch, channels, steps))
        return mixed

    def _split(self, x: Tensor) -> Tensor:
        """(B, C, T) -> (B, heads, T, width)."""
        return x.reshape(x.shape[0], self.heads, self.width, x.shape[2]).transpose(2, 3)


def _offsets_to_positions(x: Tensor) -> Tensor:
    """Spread scores per offset (B, H, T, 2w+1) to (B, H, T, T), 0 outside of the window.

    A row of length T + 2w + 1 read back with length T + 2w is shifted right by its own number,
    which puts offset j - i under column j + w. Only tensor shapes are used, never Python numbers,
    so that a traced graph works for every T; memory stays at T * T.
    """
    batch, heads, steps, offsets = x.shape
    row = steps + offsets
    x = torch.cat([x, x.new_zeros(batch, heads, steps, steps)], dim=3).reshape(batch, heads, -1)
    x = x[:, :, : steps * (row - 1)].reshape(batch, heads, steps, row - 1)
    return x[:, :, :, offsets // 2 : offsets // 2 + steps]


def _positions_to_offsets(x: Tensor, window: int) -> Tensor:
    """The reverse of `_offsets_to_positions`: (B, H, T, T) -> (B, H, T, 2w+1)."""
    batch, heads, steps, _ = x.shape
    row = steps + 2 * window
    x = F.pad(x, (window, window)).reshape(batch, heads, -1)
    x = torch.cat([x, x.new_zeros(batch, heads, steps)], dim=2)
    return x.reshape(batch, heads, steps, row + 1)[:, :, :, : 2 * window + 1]


class FeedForward(nn.Module):
    """Two convolutions of the same length with a ReLU between."""

    def __init__(self, channels: int, hidden: int, kernel_size: int, dropout: float) -> None:
        super().__init__()
        # An even kernel pads one step less on the left, as the released models do.
        self.padding = ((kernel_size - 1) // 2, kernel_size // 2)
        self.conv_1 = nn.Conv1d(channels, hidden, kernel_size)
        self.conv_2 = nn.Conv1d(hidden, channels, kernel_size)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Map x (B, C, T) under mask (B, 1, T)."""
        x = torch.relu(self.conv_1(F.pad(x * mask, self.padding)))
        x = self.conv_2(F.pad(self.drop(x) * mask, self.padding))
        return x * mask


class TransformerEncoder(nn.Module):
    """Post-norm transformer; the speaker vector is added once, before one of its layers."""

    def __init__(
        self, config: ModelConfig, variant: Variant, layers: int, kernel_size: int
    ) -> None:
        super().__init__()
        self.speaker_layer = variant.speaker_layer
        channels, hidden = config.hidden_channels, config.filter_channels
        heads, dropout = config.n_heads, config.p_dropout
        self.spk_emb_linear = nn.Linear(config.gin_channels, channels)
        self.drop = nn.Dropout(dropout)
        self.attn_layers = nn.ModuleList(
            RelativeAttention(channels, heads, dropout) for _ in range(layers)
        )
        self.norm_layers_1 = nn.ModuleList(ChannelNorm(channels) for _ in range(layers))
        self.ffn_layers = nn.ModuleList(
            FeedForward(channels, hidden, kernel_size, dropout) for _ in range(layers)
        )
        self.norm_layers_2 = nn.ModuleList(ChannelNorm(channels) for _ in range(layers))

    def forward(self, x: Tensor, mask: Tensor, g: Tensor) -> Tensor:
        """Encode x (B, C, T) under mask (B, 1, T) for the speaker vector g (B, gin, 1)."""
        pair_mask = mask.unsqueeze(2) * mask.unsqueeze(3)
        x = x * mask
        layers = zip(
            self.attn_layers, self.norm_layers_1, self.ffn_layers, self.norm_layers_2, strict=True
        )
        for i, (attention, norm_1, feed_forward, norm_2) in enumerate(layers):
            if i == self.speaker_layer:
                speaker = self.spk_emb_linear(g.transpose(1, 2)).transpose(1, 2)
                x = (x + speaker) * mask
            x = norm_1(x + self.drop(attention(x, pair_mask)))
            x = norm_2(x + self.drop(feed_forward(x, mask)))
        return x * mask
