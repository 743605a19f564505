"""WavLM in torch, since training needs gradients through it.

Chen et al. 2021, https://arxiv.org/abs/2110.13900: wav2vec 2.0 whose attention has a bias that
depends on how far apart two frames are, scaled by gates. Synthesis never runs it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vinovits.convert.features.source import Config, Weights
from vinovits.convert.features.wavlm import position_buckets
from vinovits.errors import CheckpointError

_GATES = 4
"""Numbers that are summed up for each of the two gates."""


class _ConvLayer(nn.Module):
    def __init__(self, inputs: int, outputs: int, size: int, stride: int, norm: bool) -> None:
        super().__init__()
        self.conv = nn.Conv1d(inputs, outputs, size, stride, bias=False)
        self.layer_norm = nn.GroupNorm(outputs, outputs) if norm else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return F.gelu(self.layer_norm(self.conv(x)))


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        depth = width // heads
        self.q_proj = nn.Linear(width, width)
        self.k_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)
        self.gru_rel_pos_linear = nn.Linear(depth, 2 * _GATES)
        self.gru_rel_pos_const = nn.Parameter(torch.ones(1, heads, 1, 1))

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        gates = self.gru_rel_pos_linear(self._split(x)).unflatten(-1, (2, _GATES)).sum(-1)
        first, second = torch.sigmoid(gates).chunk(2, dim=-1)
        gate = first * (second * self.gru_rel_pos_const - 1) + 2
        q, k, v = (self._split(proj(x)) for proj in (self.q_proj, self.k_proj, self.v_proj))
        mixed = F.scaled_dot_product_attention(q, k, v, gate * bias)
        out: Tensor = self.out_proj(mixed.transpose(1, 2).flatten(2))
        return out

    def _split(self, x: Tensor) -> Tensor:
        """(B, F, width) -> (B, heads, F, depth)."""
        return x.reshape(*x.shape[:2], self.heads, -1).transpose(1, 2)


class _FeedForward(nn.Module):
    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.intermediate_dense = nn.Linear(width, inner)
        self.output_dense = nn.Linear(inner, width)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.output_dense(F.gelu(self.intermediate_dense(x)))
        return out


class _Layer(nn.Module):
    def __init__(self, width: int, heads: int, inner: int, epsilon: float) -> None:
        super().__init__()
        self.attention = _Attention(width, heads)
        self.layer_norm = nn.LayerNorm(width, epsilon)
        self.feed_forward = _FeedForward(width, inner)
        self.final_layer_norm = nn.LayerNorm(width, epsilon)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        x = self.layer_norm(x + self.attention(x, bias))
        out: Tensor = self.final_layer_norm(x + self.feed_forward(x))
        return out


class _Projection(nn.Module):
    def __init__(self, inputs: int, width: int, epsilon: float) -> None:
        super().__init__()
        self.layer_norm = nn.LayerNorm(inputs, epsilon)
        self.projection = nn.Linear(inputs, width)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.projection(self.layer_norm(x))
        return out


class Wavlm(nn.Module):
    """A released WavLM of the base kind, which isn't trained further."""

    buckets: Tensor

    def __init__(self, folder: Path) -> None:
        """Read a model folder in the layout of transformers.

        Raises:
            CheckpointError: A file is missing or damaged, or asks for another kind of network.
        """
        super().__init__()
        config = Config(folder / "config.json")
        _check_kind(config)
        width, heads = config.number("hidden_size", 768), config.number("num_attention_heads", 12)
        epsilon = config.real("layer_norm_eps", 1e-5)
        widths = config.numbers("conv_dim", (512,) * 7)
        kernels = config.numbers("conv_kernel", (10, 3, 3, 3, 3, 2, 2))
        strides = config.numbers("conv_stride", (5, 2, 2, 2, 2, 2, 2))
        size = config.number("num_conv_pos_embeddings", 128)
        buckets = config.number("num_buckets", 320)
        self.farthest = config.number("max_bucket_distance", 800)
        self.convolutions = nn.ModuleList(
            _ConvLayer(inputs, outputs, kernel, stride, norm=inputs == 1)
            for inputs, outputs, kernel, stride in zip(
                (1, *widths[:-1]), widths, kernels, strides, strict=True
            )
        )
        self.projection = _Projection(widths[-1], width, epsilon)
        self.positions = nn.Conv1d(
            width,
            width,
            size,
            padding=size // 2,
            groups=config.number("num_conv_pos_embedding_groups", 16),
        )
        self.layer_norm = nn.LayerNorm(width, epsilon)
        inner = config.number("intermediate_size", 3072)
        self.layers = nn.ModuleList(
            _Layer(width, heads, inner, epsilon)
            for _ in range(config.number("num_hidden_layers", 12))
        )
        self.biases = nn.Embedding(buckets, heads)
        distances = np.arange(-self.farthest, self.farthest + 1)
        rows = torch.from_numpy(position_buckets(distances, buckets, self.farthest))
        self._load(Weights(folder, "wavlm."))
        self.register_buffer("buckets", rows, persistent=False)
        self.requires_grad_(False).eval()

    def _load(self, weights: Weights) -> None:
        heads = {
            "convolutions": "feature_extractor.conv_layers",
            "projection": "feature_projection",
            "positions": "encoder.pos_conv_embed.conv",
            "layer_norm": "encoder.layer_norm",
            "layers": "encoder.layers",
            "biases": "encoder.layers.0.attention.rel_attn_embed",
        }
        state = {}
        for name, tensor in self.state_dict().items():
            head, _, rest = name.partition(".")
            state[name] = torch.from_numpy(weights.take(f"{heads[head]}.{rest}", *tensor.shape))
        weights.check()
        self.load_state_dict(state)

    def forward(self, wave: Tensor) -> Tensor:
        """All hidden states (B, layers + 1, F, width) of samples (B, N) at WavLM's rate."""
        x = wave.unsqueeze(1)
        for layer in self.convolutions:
            x = layer(x)
        x = self.projection(x.transpose(1, 2))
        steps = x.shape[1]
        # An even kernel gives one frame more than there were.
        places = F.gelu(self.positions(x.transpose(1, 2))[:, :, :steps])
        x = self.layer_norm(x + places.transpose(1, 2))
        order = torch.arange(steps, device=x.device)
        apart = torch.clamp(order - order.unsqueeze(1), -self.farthest, self.farthest)
        bias = self.biases(self.buckets[apart + self.farthest]).permute(2, 0, 1)
        states = [x]
        for layer in self.layers:
            x = layer(x, bias)
            states.append(x)
        return torch.stack(states, dim=1)


def _check_kind(config: Config) -> None:
    odd = [
        what
        for what, is_odd in (
            ("do_stable_layer_norm", config.flag("do_stable_layer_norm", False)),
            ("conv_bias", config.flag("conv_bias", False)),
            ("add_adapter", config.flag("add_adapter", False)),
            ("feat_extract_norm", config.text("feat_extract_norm", "group") != "group"),
            ("hidden_act", config.text("hidden_act", "gelu") != "gelu"),
            ("feat_extract_activation", config.text("feat_extract_activation", "gelu") != "gelu"),
        )
        if is_odd
    ]
    if odd:
        raise CheckpointError(
            f"{config.path} sets {', '.join(odd)} otherwise than WavLM base does; training knows "
            "that kind only. Use wavlm-base-plus."
        )
