"""Records what transformers makes of a tiny CLAP of random numbers: see tests/golden/features/clap.

Run by hand, with transformers 4.46 installed, from the root of the repository:
python -m tests.features.record_clap FOLDER, where FOLDER has a RoBERTa tokenizer of 420 tokens.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

from tests.features.sounds import sound

GOLDEN = Path(__file__).parent.parent / "golden" / "features" / "clap"
RATE = 48000
CLIPS = {"short": (1.7, 3), "long": (13.1, 5)}
"""Seconds, and seed of the sound and of the crops."""
TEXTS = ("Happy", "", "a calm and gentle voice, almost whispering", "Wut! 怒り <pad> angry")
EVERY = 25
"""Frames between those of a spectrogram that are kept."""


@torch.no_grad()
def main() -> None:
    from transformers import AutoTokenizer, ClapConfig, ClapFeatureExtractor, ClapModel

    torch.manual_seed(1)
    config = ClapConfig(
        text_config={
            **{"vocab_size": 420, "hidden_size": 32, "intermediate_size": 48},
            **{"num_attention_heads": 4, "num_hidden_layers": 2, "max_position_embeddings": 50},
        },
        audio_config={
            **{"depths": [2, 1, 2], "num_attention_heads": [2, 2, 4], "hidden_size": 32},
            **{"patch_embeds_hidden_size": 8, "enable_fusion": True, "enable_patch_fusion": True},
        },
        projection_dim=40,
    )
    model = ClapModel(config).eval()
    for name, tensor in model.state_dict().items():
        if not tensor.is_floating_point():
            continue
        big = 20.0 if name.startswith("audio_model.audio_encoder.batch_norm.running") else 0.2
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5).mul_(big * big)
        elif "norm" in name.lower() and name.endswith("weight"):
            tensor.normal_(1, 0.2)
        elif tensor.ndim < 2 or name.endswith("bias_table"):
            tensor.normal_(0, big)
        else:
            tensor.normal_(0, 1.3 / tensor[0].numel() ** 0.5)
        tensor.copy_(tensor.half())  # As it is stored.
    GOLDEN.mkdir(parents=True, exist_ok=True)
    config.save_pretrained(GOLDEN)
    extractor = ClapFeatureExtractor(frequency_min=50, truncation="fusion")
    extractor.save_pretrained(GOLDEN)
    tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
    tokenizer.save_pretrained(GOLDEN)
    halves = {
        name: tensor.half()
        for name, tensor in model.state_dict().items()
        if tensor.is_floating_point()
    }
    torch.save(halves, GOLDEN / "pytorch_model.bin")

    kept: dict[str, np.ndarray] = {}

    def keep(case: str, pooled: torch.Tensor, projection: torch.nn.Module) -> None:
        projected = projection(pooled)
        kept[f"{case}.pooled"] = pooled.numpy()
        kept[f"{case}.projected"] = projected.numpy()
        kept[f"{case}.embedding"] = (projected / projected.norm(dim=-1, keepdim=True)).numpy()

    for case, (seconds, seed) in CLIPS.items():
        np.random.seed(seed)
        heard = extractor(sound(seconds, RATE, seed), sampling_rate=RATE, return_tensors="pt")
        kept[f"{case}.mel"] = heard["input_features"][0, :, ::EVERY].numpy()
        keep(case, model.audio_model(**heard).pooler_output, model.audio_projection)
    for index, text in enumerate(TEXTS):
        tokens = tokenizer(text, return_tensors="pt")
        kept[f"text{index}.input_ids"] = tokens.input_ids.numpy()
        keep(f"text{index}", model.text_model(**tokens).pooler_output, model.text_projection)
    np.savez_compressed(GOLDEN / "cases.npz", **kept)


if __name__ == "__main__":
    main()
