"""The released models that voices listen to, told by their sizes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vinovits.convert.features.g2pw import is_g2pw
from vinovits.convert.features.source import Config


@dataclass(frozen=True, slots=True)
class Known:
    """A released model."""

    name: str
    """As voices and the catalogue call it."""
    architecture: str
    """`model_type` of its config.json."""
    width: int
    """`hidden_size`."""
    layers: int
    """`num_hidden_layers`."""
    vocabulary: int
    """`vocab_size`; 0 if it reads no text."""
    ends: tuple[int, int] | None = None
    """Ids around a text where the released code doesn't take those of [CLS] and [SEP]."""


KNOWN = (
    Known("chinese-roberta-wwm-ext-large", "bert", 1024, 24, 21128),
    Known("Erlangshen-MegatronBert-1.3B-Chinese", "megatron-bert", 2048, 24, 21248),
    # Bert-VITS2 2.0 puts 2 and 3 around a text, which are [SEP] and [UNK] here.
    Known("deberta-v2-large-japanese", "deberta-v2", 1024, 24, 32000, ends=(2, 3)),
    Known("deberta-v2-large-japanese-char-wwm", "deberta-v2", 1024, 24, 22012),
    Known("deberta-v3-large", "deberta-v2", 1024, 24, 128100),
    Known("bert-base-japanese-v3", "bert", 768, 12, 32768),
    Known("wav2vec2-large-robust-12-ft-emotion-msp-dim", "wav2vec2", 1024, 12, 0),
    Known("wavlm-base-plus", "wavlm", 768, 12, 0),
)
_CLAP, _G2PW = "clap-htsat-fused", "g2pW"
"""Released in one size only."""


def find_known(config: Config, name: str = "") -> Known | None:
    """The released model that a config.json is of.

    Args:
        config: Of the model.
        name: What the user calls it, which also tells a model of other sizes.
    """
    kind = config.text("model_type")
    for known in KNOWN:
        if known.architecture != kind:
            continue
        sizes = config.get("hidden_size"), config.get("num_hidden_layers")
        texts = known.vocabulary in (0, config.get("vocab_size"))
        if known.name == name or (sizes == (known.width, known.layers) and texts):
            return known
    return None


def usual_name(source: Path) -> str:
    """What voices call the model of a folder; the folder's own name if it isn't a known one.

    Raises:
        CheckpointError: The folder has no config.json.
    """
    if is_g2pw(source):
        return _G2PW
    config = Config(source / "config.json")
    if config.text("model_type") == "clap":
        return _CLAP
    folder = source.resolve().name
    known = find_known(config, folder)
    return folder if known is None else known.name
