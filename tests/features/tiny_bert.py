"""A BERT of random numbers, as small as it still has every part."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

WIDTH, INNER, HEADS, LAYERS, LONGEST = 32, 48, 4, 5, 40
LETTERS = "abcdefghij"
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *LETTERS, *(f"##{c}" for c in LETTERS)]


def tiny_weights() -> dict[str, np.ndarray]:
    """Random tensors of a whole BERT under their released names, the unused pooler included."""
    rng = np.random.default_rng(1337)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (len(VOCABULARY), WIDTH),
        "embeddings.position_embeddings.weight": (LONGEST, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
        "pooler.dense.weight": (WIDTH, WIDTH),
        "pooler.dense.bias": (WIDTH,),
    }
    norms = ["embeddings.LayerNorm"]
    for index in range(LAYERS):
        at = f"encoder.layer.{index}"
        square = [f"{at}.attention.self.{role}" for role in ("query", "key", "value")]
        for name in [*square, f"{at}.attention.output.dense"]:
            shapes |= {f"{name}.weight": (WIDTH, WIDTH), f"{name}.bias": (WIDTH,)}
        shapes |= {
            f"{at}.intermediate.dense.weight": (INNER, WIDTH),
            f"{at}.intermediate.dense.bias": (INNER,),
            f"{at}.output.dense.weight": (WIDTH, INNER),
            f"{at}.output.dense.bias": (WIDTH,),
        }
        norms += [f"{at}.attention.output.LayerNorm", f"{at}.output.LayerNorm"]
    weights = {name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}
    for name in norms:
        weights[f"{name}.weight"] = rng.normal(1, 0.1, WIDTH).astype(np.float32)
        weights[f"{name}.bias"] = rng.normal(0, 0.1, WIDTH).astype(np.float32)
    return weights


def write_source(folder: Path, weights: dict[str, np.ndarray] | None = None) -> Path:
    """A folder as Hugging Face has it, its tokenizer set to truncate and pad."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "model_type": "bert",
        "hidden_size": WIDTH,
        "intermediate_size": INNER,
        "num_attention_heads": HEADS,
        "num_hidden_layers": LAYERS,
        "max_position_embeddings": LONGEST,
        "type_vocab_size": 2,
        "vocab_size": len(VOCABULARY),
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-12,
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    save_file(tiny_weights() if weights is None else weights, folder / "model.safetensors")
    vocabulary = {piece: index for index, piece in enumerate(VOCABULARY)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=4)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder
