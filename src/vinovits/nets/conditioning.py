"""Text encoders that also read a vector which colours the whole utterance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vinovits.nets.config import ModelConfig
from vinovits.nets.text_encoder import TextEncoder
from vinovits.nets.variants import Condition, Variant

_WIDE, _INNER = 1028, 512  # of the network before the codebooks, as in every released model


def _nearest(x: Tensor, rows: Tensor, cosine: bool = False) -> Tensor:
    """Numbers (...) of the rows (..., N, width) that are nearest to x (..., 1, width)."""
    closeness = (x @ rows.transpose(-1, -2)).squeeze(-2)
    if not cosine:  # -|x - row|^2 but for |x|^2, which all rows share
        closeness = 2 * closeness - (rows**2).sum(-1)
    return closeness.argmax(-1)


class StyleTextEncoder(TextEncoder):
    """The vector is a style that came with the checkpoint; it is projected."""

    def __init__(self, config: ModelConfig, variant: Variant) -> None:
        super().__init__(config, variant)
        assert variant.condition is not None
        self.style_proj = nn.Linear(variant.condition.width, config.hidden_channels)

    def condition(self, given: Mapping[str, Tensor]) -> Tensor:
        """Image (B, hidden) of given["style"] (B, width)."""
        image: Tensor = self.style_proj(given["style"])
        return image


class SpeechTextEncoder(TextEncoder):
    """The vector is an emotion of recorded speech, replaced by the nearest of a few rows.

    Released checkpoints don't hold the rows: their code draws them anew in every process. Here
    they come from a fixed seed, so that a voice sounds the same every day; `emo_codebook` may be
    replaced by others.
    """

    emo_codebook: Tensor
    """(rows, width)."""

    def __init__(self, config: ModelConfig, variant: Variant) -> None:
        super().__init__(config, variant)
        condition = variant.condition
        assert condition is not None
        self.emo_proj = nn.Linear(condition.width, condition.row_width)
        self.emo_q_proj = nn.Linear(condition.row_width, config.hidden_channels)
        bound = (6 / (condition.rows * condition.row_width)) ** 0.5
        with torch.device("cpu"):
            rows = torch.rand(
                condition.rows, condition.row_width, generator=torch.Generator().manual_seed(0)
            )
        self.register_buffer("emo_codebook", (2 * rows - 1) * bound, persistent=False)

    def condition(self, given: Mapping[str, Tensor]) -> Tensor:
        """Image (B, hidden) of row given["emotion_row"] (B,), or of the row nearest to
        given["emotion"] (B, width) where that number is below 0.
        """
        nearest = _nearest(self.emo_proj(given["emotion"]).unsqueeze(1), self.emo_codebook)
        row = torch.where(given["emotion_row"] < 0, nearest, given["emotion_row"])
        image: Tensor = self.emo_q_proj(self.emo_codebook[row])
        return image


class _GatedUnit(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.c_fc1 = nn.Linear(_WIDE, _INNER, bias=False)
        self.c_fc2 = nn.Linear(_WIDE, _INNER, bias=False)
        self.c_proj = nn.Linear(_INNER, _WIDE, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gated: Tensor = self.c_proj(F.silu(self.c_fc1(x)) * self.c_fc2(x))
        return gated


class _ResidualUnit(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(_WIDE)
        self.mlp = _GatedUnit()

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.mlp(self.norm(x))
        return out


class CodebookDraws(NamedTuple):
    """What is random where a codebook learns."""

    uniform: Tensor
    """From (0, 1), (heads, B, rows): the rows are picked by chance, the near ones more often."""
    replacements: Tensor
    """Items of the batch (heads, rows) that rows become which are hardly ever picked."""


_STALE = 2.0
"""Below so many picks, as a moving average, a row is replaced."""
_SMOOTHING = 1e-5
_COMMITMENT = 0.1


class _Codebook(nn.Module):
    """The rows `embed` (heads, rows, row_width); the other tensors serve training only."""

    embed: Tensor
    cluster_size: Tensor
    embed_avg: Tensor

    def __init__(self, condition: Condition) -> None:
        super().__init__()
        rows = torch.randn(condition.heads, condition.rows, condition.row_width)
        if condition.cosine:
            rows = F.normalize(rows, dim=-1)
        self.register_buffer("initted", torch.ones(1))
        self.register_buffer("cluster_size", torch.zeros(condition.heads, condition.rows))
        self.register_buffer("embed_avg", rows.clone())
        self.register_buffer("embed", rows)
        self.cosine = condition.cosine

    @torch.no_grad()
    def pick(self, x: Tensor, uniform: Tensor) -> Tensor:
        """Numbers (heads, B) of rows for x (heads, B, row_width), by the Gumbel-max trick."""
        score = x @ self.embed.transpose(1, 2) if self.cosine else -torch.cdist(x, self.embed)
        return (score - torch.log(-torch.log(uniform))).argmax(-1)

    @torch.no_grad()
    def follow(self, x: Tensor, codes: Tensor, replacements: Tensor, decay: float) -> None:
        """Move the rows towards the means of what picked them.

        Args:
            x: (heads, B, row_width).
            codes: Rows that were picked (heads, B).
            replacements: As in `CodebookDraws`.
            decay: Share of the past in the moving averages.
        """
        picks = F.one_hot(codes, self.embed.shape[1]).to(x)  # (heads, B, rows)
        self.cluster_size.lerp_(picks.sum(1), 1 - decay)
        self.embed_avg.lerp_(picks.transpose(1, 2) @ x, 1 - decay)
        total = self.cluster_size.sum(-1, keepdim=True)
        smooth = (self.cluster_size + _SMOOTHING) / (total + self.embed.shape[1] * _SMOOTHING)
        means = self.embed_avg / (smooth * total).unsqueeze(-1)
        self.embed.copy_(F.normalize(means, dim=-1) if self.cosine else means)
        stale = self.cluster_size < _STALE
        heads = torch.arange(len(x), device=x.device).unsqueeze(1)
        fresh = x[heads, replacements]
        self.embed.copy_(torch.where(stale.unsqueeze(-1), fresh, self.embed))
        self.embed_avg.copy_(torch.where(stale.unsqueeze(-1), fresh * _STALE, self.embed_avg))
        self.cluster_size.masked_fill_(stale, _STALE)


class Quantiser(nn.Module):
    """Each head's part of a vector becomes the nearest row of its codebook.

    Vector quantisation: van den Oord et al. 2017, https://arxiv.org/abs/1711.00937.
    """

    def __init__(self, condition: Condition) -> None:
        super().__init__()
        inner = condition.heads * condition.row_width
        self.heads, self.cosine = condition.heads, condition.cosine
        plain = inner == condition.width
        self.project_in = nn.Identity() if plain else nn.Linear(condition.width, inner)
        self._codebook = _Codebook(condition)
        self.project_out = nn.Identity() if plain else nn.Linear(inner, condition.width)

    def codes(self, x: Tensor) -> Tensor:
        """Number of the nearest row for each head (B, heads), for x (B, width)."""
        parts = self.project_in(x).unflatten(1, (self.heads, 1, -1))  # (B, heads, 1, row_width)
        return _nearest(parts, self._codebook.embed, self.cosine)

    def forward(self, x: Tensor) -> Tensor:
        """Quantise x (B, width)."""
        heads = torch.arange(self.heads, device=x.device)
        picked = self._codebook.embed[heads, self.codes(x)]
        out: Tensor = self.project_out(picked.flatten(1))
        return out

    def learn(self, x: Tensor, draws: CodebookDraws, decay: float) -> tuple[Tensor, Tensor]:
        """Quantise x (B, width) and move the codebook, which learns by averages, not gradients.

        The gradient of the rows that were picked goes to what picked them.

        Args:
            x: (B, width).
            draws: Noise.
            decay: Share of the past in the moving averages.

        Returns:
            (B, width), and the commitment: how far x is from the rows that it picked.
        """
        parts = self.project_in(x).unflatten(1, (self.heads, -1)).transpose(0, 1)
        if self.cosine:
            parts = F.normalize(parts, dim=-1)
        codes = self._codebook.pick(parts, draws.uniform)
        heads = torch.arange(self.heads, device=x.device).unsqueeze(1)
        picked = self._codebook.embed[heads, codes]
        self._codebook.follow(parts.detach(), codes, draws.replacements, decay)
        commitment = _COMMITMENT * F.mse_loss(parts, picked)
        passed = parts + (picked - parts).detach()
        out: Tensor = self.project_out(passed.transpose(0, 1).flatten(1))
        return out, commitment


class ClapTextEncoder(TextEncoder):
    """The vector is CLAP's of a text or a sound (https://arxiv.org/abs/2211.06687), quantised."""

    def __init__(self, config: ModelConfig, variant: Variant) -> None:
        super().__init__(config, variant)
        assert variant.condition is not None
        width = variant.condition.width
        self.in_feature_net = nn.Sequential(
            nn.Linear(width, _WIDE, bias=False),
            nn.GELU(),
            nn.LayerNorm(_WIDE),
            _ResidualUnit(),
            nn.Linear(_WIDE, width, bias=False),
        )
        self.emo_vq = Quantiser(variant.condition)
        self.out_feature_net = nn.Linear(width, config.hidden_channels)

    def condition(self, given: Mapping[str, Tensor]) -> Tensor:
        """Image (B, hidden) of given["emotion"] (B, width)."""
        image: Tensor = self.out_feature_net(self.emo_vq(self.in_feature_net(given["emotion"])))
        return image

    def learn(self, emotion: Tensor, draws: CodebookDraws, decay: float) -> tuple[Tensor, Tensor]:
        """Image (B, hidden) of `emotion` (B, width) and the commitment (see `Quantiser.learn`)."""
        quantised, commitment = self.emo_vq.learn(self.in_feature_net(emotion), draws, decay)
        return self.out_feature_net(quantised), commitment


TEXT_ENCODERS = {
    "style": StyleTextEncoder,
    "speech": SpeechTextEncoder,
    "clap": ClapTextEncoder,
}
"""By `Condition.kind`."""


def build_text_encoder(config: ModelConfig, variant: Variant) -> TextEncoder:
    """The text encoder of a family, with random weights."""
    if variant.condition is None:
        return TextEncoder(config, variant)
    return TEXT_ENCODERS[variant.condition.kind](config, variant)
