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
            inner = feature.narrowed_to or feature.width
            self.add_module(f"{feature.name}_proj", nn.Conv1d(inner, hidden, 1))
            if feature.narrowed_to is not None:
                self.add_module(f"{feature.name}_pre_proj", nn.Conv1d(feature.width, inner, 1))
        self.encoder = TransformerEncoder(config, variant, config.n_layers, config.kernel_size)
        self.proj = nn.Conv1d(hidden, 2 * config.inter_channels, 1)

    def forward(
        self,
        phones: Tensor,
        tones: Tensor,
        languages: Tensor,
        features: Mapping[str, Tensor],
        conditions: Mapping[str, Tensor],
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
            conditions: By name, what the method `condition` reads.
            mask: 1 for real phones, 0 for padding (B, 1, T).
            g: Speaker vector (B, gin, 1).

        Returns:
            Hidden states (B, hidden, T), prior mean and log deviation (B, inter, T) each.
        """
        x = self.emb(phones) + self.tone_emb(tones) + self.language_emb(languages)
        for name in self.feature_names:
            if name in features:
                x = x + self.project(name, features[name]).transpose(1, 2)
        image = self.condition(conditions)
        if image is not None:
            x = x + image.unsqueeze(1)
        x = x * math.sqrt(self.hidden_channels)
        x = self.encoder(x.transpose(1, 2), mask, g)
        m, logs = torch.split(self.proj(x) * mask, self.inter_channels, dim=1)
        return x, m, logs

    def project(self, name: str, rows: Tensor) -> Tensor:
        """Project feature rows (B, width, T) to (B, hidden, T)."""
        for module in (f"{name}_pre_proj", f"{name}_proj"):
            if hasattr(self, module):
                rows = self.get_submodule(module)(rows)
        return rows

    def condition(self, given: Mapping[str, Tensor]) -> Tensor | None:
        """What is added to every phone (B, hidden), in the families that take such a vector."""
        return None
