"""Text encoder: phones, tones, language and text features to the prior of each phone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vinovits.nets.attention import TransformerEncoder
from vinovits.nets.config import ModelConfig
from vinovits.nets.variants import Variant


class TextInputs(NamedTuple):
    """What is said, as numbers."""

    phones: Tensor
    """Ids (B, T), blanks included."""
    tones: Tensor
    """Ids with the language's offset (B, T)."""
    languages: Tensor
    """Ids (B, T)."""
    features: Mapping[str, Tensor]
    """By name, rows of the feature models spread to phones (B, width, T). One that is left out
    counts as projecting to nothing."""
    conditions: Mapping[str, Tensor]
    """By name, what colours the whole utterance: "style" or "emotion" (B, width), and "emotion_row"
    (B,) where the family numbers its emotions."""


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
        self, text: TextInputs, mask: Tensor, g: Tensor, image: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Encode one batch of utterances.

        Args:
            text: What is said.
            mask: 1 for real phones, 0 for padding (B, 1, T).
            g: Speaker vector (B, gin, 1).
            image: What is added to every phone (B, hidden); None for what `condition` gives.

        Returns:
            Hidden states (B, hidden, T), prior mean and log deviation (B, inter, T) each.
        """
        x = self.emb(text.phones) + self.tone_emb(text.tones)
        x = x + self.language_emb(text.languages)
        for name in self.feature_names:
            if name in text.features:
                x = x + self.project(name, text.features[name]).transpose(1, 2)
        if image is None:
            image = self.condition(text.conditions)
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
