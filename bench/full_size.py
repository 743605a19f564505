"""Voices and feature models of the released sizes with random weights: speed doesn't ask for more.

Durations are set so that a sentence lasts about as long as a person takes for it.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import torch

from vinovits.nets.config import ModelConfig
from vinovits.nets.synthesizer import Synthesizer
from vinovits.nets.variants import VARIANTS

MODEL = {
    "inter_channels": 192,
    "hidden_channels": 192,
    "filter_channels": 768,
    "n_heads": 2,
    "n_layers": 6,
    "kernel_size": 3,
    "p_dropout": 0.1,
    "resblock": "1",
    "resblock_kernel_sizes": [3, 7, 11],
    "resblock_dilation_sizes": [[1, 3, 5], [1, 3, 5], [1, 3, 5]],
    "upsample_rates": [8, 8, 2, 2, 2],
    "upsample_initial_channel": 512,
    "upsample_kernel_sizes": [16, 16, 8, 2, 2],
    "n_layers_q": 3,
    "use_spectral_norm": False,
    "gin_channels": 512,
}
"""Of the configs released with 2.3 and 2.4."""
DATA = {
    "sampling_rate": 44100,
    "filter_length": 2048,
    "hop_length": 512,
    "win_length": 2048,
    "n_mel_channels": 128,
    "n_speakers": 4,
    "spk2id": {f"speaker{number}": number for number in range(4)},
}
FRAMES_PER_STEP = 3.2
"""Phones and blanks: about 13 phones a second."""

MEGATRON = {
    "model_type": "megatron-bert",
    "vocab_size": 21248,
    "hidden_size": 2048,
    "num_hidden_layers": 24,
    "num_attention_heads": 8,
    "hidden_act": "gelu_new",
    "intermediate_size": 8192,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
}
"""Erlangshen-MegatronBert-1.3B."""
BERT = MEGATRON | {
    "model_type": "bert",
    "vocab_size": 21128,
    "hidden_size": 1024,
    "num_attention_heads": 16,
    "hidden_act": "gelu",
    "intermediate_size": 4096,
}
"""chinese-roberta-wwm-ext-large."""
FEATURES = {"2.3": ("chinese-roberta-wwm-ext-large", BERT), "2.4": ("", MEGATRON)}


def write_checkpoint(family: str, folder: Path) -> None:
    """Write G_0.pth and config.json of a voice of a family, "2.3" or "2.4"."""
    variant = VARIANTS[family]
    config = {"model": MODEL, "data": DATA, "version": variant.versions[0]}
    torch.manual_seed(0)
    network = Synthesizer(ModelConfig.from_dict(config, variant), variant, posterior=False)
    with torch.no_grad():
        for coupling in network.flow.flows:
            if hasattr(coupling, "post"):  # it begins as the identity, which is no work for caches
                coupling.post.weight.normal_(0, 0.02)
        network.dp.proj.weight.mul_(0.05)
        network.dp.proj.bias.fill_(math.log(FRAMES_PER_STEP - 0.5))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    state = {"model": network.state_dict(), "iteration": 1, "learning_rate": 2e-4}
    torch.save({**state, "optimizer": None}, folder / "G_0.pth")


def write_features(folder: Path, config: dict[str, Any]) -> None:
    """Write a model folder of random weights in f16, as large as the real one.

    Args:
        folder: To be made.
        config: `MEGATRON`, `BERT`, or one of them with fewer layers.
    """
    megatron = config["model_type"] == "megatron-bert"
    width, inner = config["hidden_size"], config["intermediate_size"]
    generator = torch.Generator().manual_seed(0)

    def noise(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator).mul_(0.02).half()

    state = {
        "bert.embeddings.word_embeddings.weight": noise(config["vocab_size"], width),
        "bert.embeddings.position_embeddings.weight": noise(512, width),
        "bert.embeddings.token_type_embeddings.weight": noise(2, width),
    }
    norms = ["bert.encoder.ln" if megatron else "bert.embeddings.LayerNorm"]
    for index in range(config["num_hidden_layers"]):
        at = f"bert.encoder.layer.{index}"
        for name, outputs, inputs in (
            *((f"attention.self.{role}", width, width) for role in ("query", "key", "value")),
            ("attention.output.dense", width, width),
            ("intermediate.dense", inner, width),
            ("output.dense", width, inner),
        ):
            state[f"{at}.{name}.weight"] = noise(outputs, inputs)
            state[f"{at}.{name}.bias"] = noise(outputs)
        names = ("attention.ln", "ln")
        if not megatron:
            names = ("attention.output.LayerNorm", "output.LayerNorm")
        norms += [f"{at}.{name}" for name in names]
    for name in norms:
        state[f"{name}.weight"] = 1 + noise(width)
        state[f"{name}.bias"] = noise(width)
    folder.mkdir(parents=True)
    torch.save(state, folder / "pytorch_model.bin")
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    hanzi = [chr(0x4E00 + index) for index in range(21128 - 5)]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *hanzi]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
