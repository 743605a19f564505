"""BERT, and Megatron's variant of it that normalises before each part of a layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from vinovits.convert.features.builder import GraphBuilder, Node
from vinovits.convert.features.source import Config
from vinovits.errors import CheckpointError


def build_bert(config: Config, graph: GraphBuilder, layers: int) -> Any:
    """BERT (Devlin et al., 2019): (T) ids to (T, width)."""
    parts = _Parts(config, graph)
    x = graph.layer_norm(parts.embedded, "embeddings.LayerNorm", parts.width, parts.epsilon)
    for index in range(layers):
        at = f"encoder.layer.{index}"
        x = parts.norm(graph.ops.add(x, parts.attention(x, at)), f"{at}.attention.output.LayerNorm")
        x = parts.norm(graph.ops.add(x, parts.feed_forward(x, at)), f"{at}.output.LayerNorm")
        graph.progress(index + 1, layers)
    return graph.finish({"features": x}, [parts.ids, parts.mask], "bert")


def build_megatron(config: Config, graph: GraphBuilder, layers: int) -> Any:
    """Megatron's BERT (Shoeybi et al., 2019): (T) ids to (T, width).

    States between layers are the plain sum of what the layers add; the norm that follows the last
    layer belongs to the last state alone.
    """
    parts = _Parts(config, graph)
    x = parts.embedded
    for index in range(layers):
        at = f"encoder.layer.{index}"
        x = graph.ops.add(x, parts.attention(parts.norm(x, f"{at}.attention.ln"), at))
        x = graph.ops.add(x, parts.feed_forward(parts.norm(x, f"{at}.ln"), at))
        graph.progress(index + 1, layers)
    if layers == config.number("num_hidden_layers"):
        x = parts.norm(x, "encoder.ln")
    return graph.finish({"features": x}, [parts.ids, parts.mask], "megatron-bert")


class _Parts:
    """What both have in common."""

    def __init__(self, config: Config, graph: GraphBuilder) -> None:
        self._config, self._graph, ops = config, graph, graph.ops
        self.width, self._inner = config.number("hidden_size"), config.number("intermediate_size")
        self._heads, self.epsilon = (
            config.number("num_attention_heads"),
            config.real("layer_norm_eps"),
        )
        if self.width % self._heads:
            raise CheckpointError(
                f"{config.path}: a width of {self.width} can't be cut into {self._heads} heads."
            )
        if config.text("position_embedding_type", "absolute") != "absolute":
            raise CheckpointError(
                f"{config.path} asks for relative positions; vinovits knows absolute ones."
            )
        self.ids = ops.parameter([-1], np.int64, name="input_ids")
        self.mask = ops.parameter([-1], np.bool_, name="mask")  # False where padding is.
        words = graph.matrix(
            "embeddings.word_embeddings.weight", config.number("vocab_size"), self.width, self.ids
        )
        # A text is always the first segment, so that its row is a part of every position.
        positions = (
            graph.weights.take(
                "embeddings.position_embeddings.weight",
                config.number("max_position_embeddings"),
                self.width,
            )
            + graph.weights.take(
                "embeddings.token_type_embeddings.weight",
                config.number("type_vocab_size"),
                self.width,
            )[0]
        )
        there = ops.slice(
            ops.constant(positions),
            graph.ints(0),
            ops.shape_of(self.ids),
            graph.ints(1),
            graph.ints(0),
        )
        self.embedded = ops.add(words, there)
        self._seen = ops.unsqueeze(self.mask, graph.ints(0, 1, 2))

    def norm(self, x: Node, name: str) -> Node:
        """Layer normalisation of x (T, width)."""
        return self._graph.layer_norm(x, name, self.width, self.epsilon)

    def attention(self, x: Node, at: str) -> Node:
        """Self-attention of x (T, width) and what it leads into, without the residual."""
        graph, width = self._graph, self.width
        query, key, value = (
            graph.by_head(graph.linear(x, f"{at}.attention.self.{role}", width, width), self._heads)
            for role in ("query", "key", "value")
        )
        mixed = graph.ops.scaled_dot_product_attention(query, key, value, self._seen)
        return graph.linear(
            graph.joined(mixed, width), f"{at}.attention.output.dense", width, width
        )

    def feed_forward(self, x: Node, at: str) -> Node:
        """The two layers between which x (T, width) is wide, without the residual."""
        graph, config = self._graph, self._config
        wide = graph.linear(x, f"{at}.intermediate.dense", self._inner, self.width)
        active = graph.activation(wide, config.text("hidden_act"), config)
        return graph.linear(active, f"{at}.output.dense", self.width, self._inner)
