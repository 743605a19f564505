"""Eager torch as the released code runs it: what our figures are compared with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from vinovits.nets.checkpoint import load_checkpoint
from vinovits.nets.config import ModelConfig
from vinovits.nets.synthesizer import Synthesizer
from vinovits.nets.variants import VARIANTS

_NORMED = ("dec.ups", "dec.resblocks", "in_layers", "res_skip_layers", "cond_layer")


def load_network(folder: Path, family: str, normed: bool = True) -> Synthesizer:
    """The network of a folder with G_0.pth and config.json.

    Args:
        folder: Of a checkpoint.
        family: Its variant.
        normed: With weight norm computed anew in every call, as the released code leaves it in.
    """
    variant = VARIANTS[family]
    config = ModelConfig.from_file(folder / "config.json", variant)
    network = load_checkpoint(folder / "G_0.pth", config, variant)
    network.eval()
    if normed:
        for name, module in network.named_modules():
            # An all-zero weight has no direction to normalise.
            if isinstance(module, (torch.nn.Conv1d, torch.nn.ConvTranspose1d)) and (
                any(part in name for part in _NORMED) and bool(module.weight.any())
            ):
                torch.nn.utils.parametrizations.weight_norm(module)
    return network


def load_features(folder: Path) -> Callable[[list[int]], np.ndarray]:
    """A BERT or Megatron BERT, as `full_size.write_features` writes them, in f32.

    Returns:
        From word pieces without [CLS] and [SEP] to rows (pieces + 2, width). All layers run, as in
        the released code; the third state from the end is kept.
    """
    config = json.loads((folder / "config.json").read_bytes())
    state = torch.load(folder / "pytorch_model.bin", weights_only=True)
    w = {name.removeprefix("bert."): state.pop(name).float() for name in list(state)}
    width, heads = config["hidden_size"], config["num_attention_heads"]
    megatron = config["model_type"] == "megatron-bert"

    def linear(x: torch.Tensor, name: str) -> torch.Tensor:
        return F.linear(x, w[f"{name}.weight"], w[f"{name}.bias"])

    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        return F.layer_norm(x, (width,), w[f"{name}.weight"], w[f"{name}.bias"], 1e-12)

    def attention(x: torch.Tensor, at: str) -> torch.Tensor:
        q, k, v = (
            linear(x, f"{at}.attention.self.{role}").unflatten(2, (heads, -1)).transpose(1, 2)
            for role in ("query", "key", "value")
        )
        shares = torch.softmax(q @ k.transpose(2, 3) / (width // heads) ** 0.5, dim=3)
        return linear((shares @ v).transpose(1, 2).flatten(2), f"{at}.attention.output.dense")

    def feed_forward(x: torch.Tensor, at: str) -> torch.Tensor:
        approximate = "tanh" if megatron else "none"
        inner = F.gelu(linear(x, f"{at}.intermediate.dense"), approximate=approximate)
        return linear(inner, f"{at}.output.dense")

    @torch.inference_mode()
    def features(pieces: list[int]) -> np.ndarray:
        ids = torch.tensor([[2, *pieces, 3]])
        x = w["embeddings.word_embeddings.weight"][ids]
        x = x + w["embeddings.position_embeddings.weight"][: ids.shape[1]]
        x = x + w["embeddings.token_type_embeddings.weight"][0]
        if not megatron:
            x = norm(x, "embeddings.LayerNorm")
        states = [x]
        for index in range(config["num_hidden_layers"]):
            at = f"encoder.layer.{index}"
            if megatron:
                x = x + attention(norm(x, f"{at}.attention.ln"), at)
                x = x + feed_forward(norm(x, f"{at}.ln"), at)
            else:
                x = norm(x + attention(x, at), f"{at}.attention.output.LayerNorm")
                x = norm(x + feed_forward(x, at), f"{at}.output.LayerNorm")
            states.append(x)
        return states[-3][0].numpy()

    return features
