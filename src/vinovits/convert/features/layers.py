"""Layers of the networks that listen: attention, feed-forward, convolution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vinovits.convert.features.builder import GraphBuilder, Node
from vinovits.convert.features.source import Config
from vinovits.errors import CheckpointError


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sizes of a layer."""

    width: int
    inner: int
    """Width between the two matrices of the feed-forward network."""
    heads: int
    epsilon: float
    """Of the layer normalisation."""
    activation: str
    """Of the feed-forward network, by its name in config.json."""
    config: Config
    """Named in errors."""

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise CheckpointError(
                f"{self.config.path}: a width of {self.width} can't be cut into {self.heads} heads."
            )


def attend(
    graph: GraphBuilder, x: Node, names: Sequence[str], sizes: Sizes, bias: Node | None = None
) -> Node:
    """Multi-head attention of a sequence to itself (Vaswani et al., 2017).

    Args:
        graph: Where it is built.
        x: (B, T, width).
        names: Of the linear layers that make queries, keys, values, and the output.
        sizes: Of the layer.
        bias: Added to the scaled scores, or bool and false where nothing is seen; broadcast to
            (B, heads, T, T).

    Returns:
        (B, T, width).
    """
    ops, width, heads = graph.ops, sizes.width, sizes.heads
    *inputs, output = names
    parts = []
    for name in inputs:
        rows = graph.linear(x, name, width, width)
        # Zeros keep the batch and the length.
        split = ops.reshape(rows, graph.ints(0, 0, heads, width // heads), True)
        parts.append(ops.transpose(split, graph.ints(0, 2, 1, 3)))
    mixed = ops.scaled_dot_product_attention(*parts, bias)
    joined = ops.reshape(
        ops.transpose(mixed, graph.ints(0, 2, 1, 3)), graph.ints(0, 0, width), True
    )
    return graph.linear(joined, output, width, width)


def feed_forward(graph: GraphBuilder, x: Node, wide: str, narrow: str, sizes: Sizes) -> Node:
    """Two linear layers of these names with an activation between: (B, T, width) to the same."""
    opened = graph.linear(x, wide, sizes.inner, sizes.width)
    active = graph.activation(opened, sizes.activation, sizes.config)
    return graph.linear(active, narrow, sizes.width, sizes.inner)


def normalise(graph: GraphBuilder, x: Node, name: str, sizes: Sizes) -> Node:
    """Layer normalisation of (B, T, width)."""
    return graph.layer_norm(x, name, sizes.width, sizes.epsilon)


def convolve(
    graph: GraphBuilder,
    x: Node,
    name: str,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    *,
    groups: int = 1,
    bias: bool = True,
) -> Node:
    """Convolution of x (B, inputs, *sizes) with the weight and bias of this name.

    Weights are stored in f16 where matrices are in int8: they are few.

    Args:
        graph: Where it is built.
        x: Its input.
        name: Of the layer.
        kernel: Shape of the weight, (outputs, inputs / groups, *sizes).
        stride: One number for each axis of `sizes`.
        padding: Zeros at both ends of each.
        groups: Parts of the channels that don't mix.
        bias: Is there one?

    Returns:
        (B, outputs, *sizes).
    """
    ops = graph.ops
    weight = graph.weights.take(f"{name}.weight", *kernel)
    if groups > 1:
        weight = weight.reshape(groups, kernel[0] // groups, *kernel[1:])
    if graph.precision == "f32":
        stored = ops.constant(weight)
    else:
        stored = ops.convert(ops.constant(weight.astype(np.float16)), "f32")
    convolution = ops.convolution if groups == 1 else ops.group_convolution
    ahead = list(padding)
    y = convolution(x, stored, list(stride), ahead, ahead, [1] * len(ahead))
    if not bias:
        return y
    shape = (1, kernel[0], *(1 for _ in stride))
    return ops.add(y, ops.constant(graph.weights.take(f"{name}.bias", kernel[0]).reshape(shape)))


def bert_attention(at: str) -> list[str]:
    """Names of the linear layers of an attention below `at`, as BERT has them."""
    return [*(f"{at}.self.{role}" for role in ("query", "key", "value")), f"{at}.output.dense"]
