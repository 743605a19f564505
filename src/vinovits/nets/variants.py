"""One row of data per released family of models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from vinovits.text.symbols import TABLES, SymbolTable


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
    narrowed_to: int | None = None
    """Channels between `<name>_pre_proj` and `<name>_proj`; None: there is no `_pre_proj`."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A vector that colours the whole utterance: its image is added to every phone."""

    input: str
    """Name of the graph input: "emotion" or "style"."""
    kind: str
    """The module that reads it, a key of `conditioning.TEXT_ENCODERS`."""
    width: int
    """Channels of the vector."""
    model: str = ""
    """The feature model that makes the vector; none if vectors come with the checkpoint."""
    heads: int = 1
    """Codebooks; each replaces its part of the vector by the nearest of its rows."""
    rows: int = 0
    """Rows of each codebook."""
    row_width: int = 0
    """Channels of one row; where heads * row_width isn't the width, projections are between."""
    cosine: bool = False
    """Nearest by angle rather than by Euclidean distance."""
    rows_by_number: bool = False
    """A row may be asked for by its number instead of by a vector."""


@dataclass(frozen=True, slots=True)
class Variant:
    """What distinguishes one released family; all that differs in size is in config.json."""

    name: str
    versions: tuple[str, ...]
    """What the configs released with it call their version; some name none."""
    features: tuple[FeatureInput, ...]
    languages: tuple[str, ...]
    """Codes of the languages that it was trained to speak; the table numbers others too."""
    transformer_flow_layers: int
    """Layers in each coupling of the transformer flow where the config doesn't name them."""
    condition: Condition | None = None
    config_keys: tuple[str, ...] = ()
    """Keys of the config's section "model" that only this and later families write."""
    fixed_flow: bool = False
    """Quirk: the released code passes over the flow's keys in the config."""
    absent_rows: str = "zeros"
    """Quirk: what upstream feeds for languages that aren't spoken: "zeros", "uniform" or "normal"
    random rows. Here they are always zeros: the random ones are noise, fresh in every call."""
    couplings: int = 4
    """Coupling layers of the flow: of the transformer flow only where the config names no
    `n_flow_layer`, of the WaveNet flow always."""
    wavenet_flow_layers: int = 4
    """Quirk: layers in each coupling of the WaveNet flow, which `n_flow_layer` means there."""
    speaker_layer: int = 2
    """The speaker vector is added before this layer of every transformer (0 is the first)."""
    duration_channels: int = 256
    """Hidden channels of the deterministic duration predictor: fixed in the released code."""
    parts: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: {
            "voice": ("dec.", "emb_g.", "ref_enc.", "enc_q."),
            "pitch": ("flow.",),
            "style": ("enc_p.",),
            "tempo": ("sdp.", "dp."),
        }
    )
    """What a listener hears of which tensors (prefixes of their names), for merging."""

    extra_symbols: tuple[str, ...] = ()
    """Symbols that a training has added behind those of the family."""

    @property
    def table(self) -> SymbolTable:
        """Its phones, tones and languages."""
        table = TABLES[self.name]
        return replace(table, symbols=(*table.symbols, *self.extra_symbols))

    def grown(self, symbols: object) -> Variant:
        """The family with the symbols of a table that begins with its own; else as it is.

        Args:
            symbols: What a config lists under "symbols"; anything.
        """
        known = self.table.symbols
        if not isinstance(symbols, list) or len(symbols) <= len(known):
            return self
        extra = symbols[len(known) :]
        if tuple(symbols[: len(known)]) != known or not all(type(one) is str for one in extra):
            return self
        return replace(self, extra_symbols=(*self.extra_symbols, *extra))


_ZH = FeatureInput("bert", 1024, "zh", "chinese-roberta-wwm-ext-large")
_JA = FeatureInput("ja_bert", 1024, "ja", "deberta-v2-large-japanese-char-wwm")
_EN = FeatureInput("en_bert", 1024, "en", "deberta-v3-large")
_JA_ONLY = replace(_JA, name="bert")

_CLAP = Condition("emotion", "clap", 512, "clap-htsat-fused", heads=32, rows=64, row_width=32)
_STYLE = Condition("style", "style", 256)

_V1_1 = Variant(
    name="1.1.0",
    versions=("1.1", "1.1.0"),
    features=(_ZH, FeatureInput("ja_bert", 768, "ja", "bert-base-japanese-v3")),
    languages=("zh", "ja"),
    transformer_flow_layers=6,
)
_V2_0 = Variant(
    name="2.0",
    versions=("2.0", "2.0.0", "2.0.1", "2.0.2", "2.0.2-fix"),
    features=(_ZH, replace(_JA, model="deberta-v2-large-japanese"), _EN),
    languages=("zh", "ja", "en"),
    transformer_flow_layers=4,
)
_V2_1 = replace(
    _V2_0,
    name="2.1",
    versions=("2.1",),
    features=(_ZH, _JA, _EN),
    condition=Condition(
        "emotion",
        "speech",
        1024,
        "wav2vec2-large-robust-12-ft-emotion-msp-dim",
        rows=10,
        row_width=1024,
        rows_by_number=True,
    ),
)
_JP_EXTRA = Variant(
    name="jp-extra",
    versions=("2.4",),
    features=(_JA_ONLY,),
    languages=("ja",),
    transformer_flow_layers=6,
    condition=replace(_CLAP, rows=256, row_width=16, cosine=True),
)

VARIANTS = {
    variant.name: variant
    for variant in (
        Variant(
            name="1.0.1",
            versions=("1.0", "1.0.0", "1.0.1"),
            features=(_ZH,),
            languages=("zh",),
            transformer_flow_layers=3,
        ),
        _V1_1,
        replace(_V1_1, name="1.1.1", versions=("1.1.1", "1.1.1-fix")),
        _V2_0,
        _V2_1,
        replace(_V2_1, name="2.2", versions=("2.2",), condition=_CLAP, absent_rows="uniform"),
        replace(
            _V2_1,
            name="2.3",
            versions=("2.2", "2.3"),
            condition=None,
            config_keys=("slm",),
            absent_rows="normal",
        ),
        Variant(
            name="2.4",
            versions=("2.3", "2.4"),
            features=(
                FeatureInput("bert", 2048, "zh", "Erlangshen-MegatronBert-1.3B-Chinese", 1024),
            ),
            languages=("zh",),
            transformer_flow_layers=6,
            condition=_CLAP,
        ),
        _JP_EXTRA,
        replace(_V2_1, name="sbv2", versions=(), condition=_STYLE, fixed_flow=True),
        replace(_JP_EXTRA, name="sbv2-jp-extra", versions=(), condition=_STYLE, fixed_flow=True),
    )
}
"""All families by name, each before those that replaced it."""
