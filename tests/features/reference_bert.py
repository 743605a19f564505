"""BERT in plain numpy, written from the paper: what the graphs are held against."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


def hidden_state(
    weights: Mapping[str, Array], ids: list[int], layers: int, heads: int, epsilon: float
) -> Array:
    """State (T, width) after some layers for ids (T,), in float64 throughout."""

    def get(name: str) -> Array:
        return np.asarray(weights[name], np.float64)

    def linear(x: Array, name: str) -> Array:
        return x @ get(f"{name}.weight").T + get(f"{name}.bias")

    def norm(x: Array, name: str) -> Array:
        centred = x - x.mean(axis=1, keepdims=True)
        deviation = np.sqrt((centred**2).mean(axis=1, keepdims=True) + epsilon)
        return centred / deviation * get(f"{name}.weight") + get(f"{name}.bias")

    x = (
        get("embeddings.word_embeddings.weight")[ids]
        + get("embeddings.position_embeddings.weight")[: len(ids)]
        + get("embeddings.token_type_embeddings.weight")[0]
    )
    x = norm(x, "embeddings.LayerNorm")
    for index in range(layers):
        at = f"encoder.layer.{index}"
        query, key, value = (
            linear(x, f"{at}.attention.self.{role}") for role in ("query", "key", "value")
        )
        size = query.shape[1] // heads
        mixed = np.empty_like(x)
        for head in range(heads):
            part = slice(head * size, (head + 1) * size)
            scores = query[:, part] @ key[:, part].T / math.sqrt(size)
            shares = np.exp(scores - scores.max(axis=1, keepdims=True))
            mixed[:, part] = shares / shares.sum(axis=1, keepdims=True) @ value[:, part]
        x = norm(
            x + linear(mixed, f"{at}.attention.output.dense"), f"{at}.attention.output.LayerNorm"
        )
        wide = linear(x, f"{at}.intermediate.dense")
        active = wide * 0.5 * (1 + _erf(wide / math.sqrt(2)))
        x = norm(x + linear(active, f"{at}.output.dense"), f"{at}.output.LayerNorm")
    return x


_erf = np.vectorize(math.erf, otypes=[np.float64])


def cosines(a: Array, b: Array) -> Array:
    """Cosine of the angle between each two rows."""
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return np.asarray((a * b).sum(axis=1) / lengths)
