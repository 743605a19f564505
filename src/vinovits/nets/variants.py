"""One row of data per released family of models."""

from __future__ import annotations

from dataclasses import dataclass

from vinovits.text.symbols import TABLE_V2, SymbolTable


@dataclass(frozen=True, slots=True)
class FeatureInput:
    """One text feature input of the text encoder."""

    name: str
    """Name of the graph input; the encoder's projection is called `<name>_proj`."""
    width: int
    """Channels of one feature row."""
    language: str
    """Code of the language whose rows are real; other languages get zeros."""
    model: str
    """The feature model that the family was trained with."""


@dataclass(frozen=True, slots=True)
class Variant:
    """What distinguishes one released family; all that differs in size is in config.json."""

    name: str
    versions: tuple[str, ...]
    """What the configs released with it call their version; some name none."""
    table: SymbolTable
    features: tuple[FeatureInput, ...]
    transformer_flow_layers: int
    """Layers in each coupling of the transformer flow where the config doesn't name them."""
    wavenet_flow_layers: int = 4
    """Layers in each coupling of the WaveNet flow (`n_flow_layer`) where the config doesn't."""
    couplings: int = 4
    """Coupling layers of the flow: fixed, whatever `n_flow_layer` says."""
    duration_channels: int = 256
    """Hidden channels of the deterministic duration predictor: fixed in the released code."""


VARIANTS = {
    variant.name: variant
    for variant in (
        Variant(
            name="2.3",
            versions=("2.2", "2.3"),
            table=TABLE_V2,
            features=(
                FeatureInput("bert", 1024, "zh", "chinese-roberta-wwm-ext-large"),
                FeatureInput("ja_bert", 1024, "ja", "deberta-v2-large-japanese-char-wwm"),
                FeatureInput("en_bert", 1024, "en", "deberta-v3-large"),
            ),
            transformer_flow_layers=4,
        ),
    )
}
"""All families by name."""
