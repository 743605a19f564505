"""Prompt models of random numbers, small inside and as wide as voices take them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from vinovits.convert.features import convert_features

GOLDEN = Path(__file__).parent.parent / "golden" / "features"
CLAP_MODEL = "clap-htsat-fused"
SPEECH_MODEL = "wav2vec2-large-robust-12-ft-emotion-msp-dim"


def write_clap(models: Path) -> Path:
    """The recorded CLAP with projections to 512 numbers, as the feature folder that voices name."""
    import torch

    source = Path(shutil.copytree(GOLDEN / "clap", models / "clap-source"))
    config = json.loads((source / "config.json").read_bytes())
    (source / "config.json").write_text(json.dumps({**config, "projection_dim": 512}), "utf-8")
    weights = torch.load(source / "pytorch_model.bin", weights_only=True)
    torch.manual_seed(1)
    for name, tensor in weights.items():
        if "projection.linear" in name:
            shape = [512 if size == 40 else size for size in tensor.shape]
            weights[name] = torch.randn(shape, dtype=torch.float16) / 5
    return _convert(source, weights, models / CLAP_MODEL)


def write_speech_emotion(models: Path) -> Path:
    """The recorded wav2vec 2.0 with one layer of 1024, as the feature folder that voices name."""
    import torch

    source = Path(shutil.copytree(GOLDEN / "wav2vec2", models / "wav2vec2-source"))
    config = json.loads((source / "config.json").read_bytes())
    wider = {"hidden_size": 1024, "num_hidden_layers": 1, "num_conv_pos_embeddings": 4}
    (source / "config.json").write_text(json.dumps({**config, **wider}), "utf-8")
    weights = torch.load(source / "pytorch_model.bin", weights_only=True)
    torch.manual_seed(2)
    for name, tensor in list(weights.items()):
        shape = [{32: 1024, 128: 4}.get(size, size) for size in tensor.shape]
        if name.endswith("conv.weight_v"):
            shape[1] = 1024 // config["num_conv_pos_embedding_groups"]
        if ".layers.1." in name or ".layers.2." in name:
            del weights[name]
        elif shape != list(tensor.shape):
            weights[name] = torch.randn(shape) / 8
    return _convert(source, weights, models / SPEECH_MODEL)


def _convert(source: Path, weights: dict[str, object], out: Path) -> Path:
    import torch

    torch.save(weights, source / "pytorch_model.bin")
    convert_features(source, out, precision="f32")
    shutil.rmtree(source)
    return out
