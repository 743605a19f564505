"""Text encoder: phones, tones, language and text features to the prior of each phone."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from vinovits.nets.attention import TransformerEncoder
from vinovits.nets.config import ModelConfig
from vinovits.nets.variants import Variant


class TextEncoder(nn.Module):
    """Embeddings and projected features through a transformer (VITS2, https://arxiv.org/abs/2307.16430)."""

    def __init__(self, config: ModelConfig, variant: Variant) -> None:
        super().__init__()
        hidden = config.hidden_channels
        self.hidden_channels, self.inter_channels = hidden, config.inter_channels
        self.feature_names = tuple(feature.name for feature in variant.features)
        self.emb = nn.Embedding(len(variant.table.symbols), hidden)
        self.tone_emb = nn.Embedding(variant.table.tone_count, hidden)
        self.language_emb = nn.Embedding(len(variant.table.languages), hidden)
        for table in (self.emb, self.tone_emb, self.language_emb):
            nn.init.normal_(table.weight, 0.0, hidden**-0.5)
        for feature in variant.features:
            self.add_module(f"{feature.name}_proj", nn.Conv1d(feature.width, hidden, 1))
        self.encoder = TransformerEncoder(
            hidden,
            config.filter_channels,
            config.n_heads,
            config.n_layers,
            config.kernel_size,
            config.p_dropout,
            config.gin_channels,
        )
        self.proj = nn.Conv1d(hidden, 2 * config.inter_channels, 1)

    def forward(
        self,
        phones: Tensor,
        tones: Tensor,
        languages: Tensor,
        features: Mapping[str, Tensor],
        mask: Tensor,
        g: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Encode one batch of utterances.

        Args:
            phones: Ids (B, T), blanks included.
            tones: Ids with the language's offset (B, T).
            languages: Ids (B, T).
            features: By name, rows of the feature models spread to phones (B, width, T). One that
                is left out counts as projecting to nothing.
            mask: 1 for real phones, 0 for padding (B, 1, T).
            g: Speaker vector (B, gin, 1).

        Returns:
            Hidden states (B, hidden, T), prior mean and log deviation (B, inter, T) each.
        """
        x = self.emb(phones) + self.tone_emb(tones) + self.language_emb(languages)
        for name in self.feature_names:
            if name in features:
                x = x + self.get_submodule(f"{name}_proj")(features[name]).transpose(1, 2)
        x = x * math.sqrt(self.hidden_channels)
        x = self.encoder(x.transpose(1, 2), mask, g)
        m, logs = torch.split(self.proj(x) * mask, self.inter_channels, dim=1)
        return x, m, logs
