"""DeBERTa-v2 and -v3: attention that knows how far apart two tokens are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vinovits.convert.features.builder import GraphBuilder, Node
from vinovits.convert.features.source import Config
from vinovits.errors import CheckpointError

_FARTHEST = 16384
"""Distance between tokens that may have a row of its own; real models have 512."""


def build_deberta(config: Config, graph: GraphBuilder, layers: int) -> Any:
    """DeBERTa (He et al., 2021): (T) ids to (T, width).

    The projections of the table of relative positions don't depend on the text; they are computed
    here, and the graph gathers the rows that its length can reach.
    """
    ops = graph.ops
    width, inner = config.number("hidden_size"), config.number("intermediate_size")
    epsilon = config.real("layer_norm_eps", 1e-7)
    _check(config)
    ids = ops.parameter([-1], np.int64, name="input_ids")
    mask = ops.parameter([-1], np.bool_, name="mask")  # False where padding is.
    words = graph.matrix(
        "embeddings.word_embeddings.weight", config.number("vocab_size"), width, ids
    )
    x = graph.layer_norm(words, "embeddings.LayerNorm", width, epsilon)
    there = ops.unsqueeze(ops.convert(mask, "f32"), graph.ints(1))
    x = embedded = ops.multiply(x, there)
    attention = _Attention(config, graph, ids, mask)
    for index in range(layers):
        at = f"encoder.layer.{index}"
        attended = attention(x, at)
        state = graph.layer_norm(
            ops.add(x, attended), f"{at}.attention.output.LayerNorm", width, epsilon
        )
        wide = graph.linear(state, f"{at}.intermediate.dense", inner, width)
        active = graph.activation(wide, config.text("hidden_act"), config)
        narrow = graph.linear(active, f"{at}.output.dense", width, inner)
        x = graph.layer_norm(ops.add(state, narrow), f"{at}.output.LayerNorm", width, epsilon)
        if index == 0 and config.get("conv_kernel_size"):
            # Padding was zeroed in `embedded`, so that the last token sees what it does without.
            mixed = _convolution(config, graph, embedded)
            x = graph.layer_norm(ops.add(x, mixed), "encoder.conv.LayerNorm", width, epsilon)
        graph.progress(index + 1, layers)
    return graph.finish({"features": x}, [ids, mask], "deberta-v2")


def _check(config: Config) -> None:
    """Refuse the switches that no model in use turns."""
    unknown = {
        "relative_attention": config.flag("relative_attention", False) is not True,
        "position_biased_input": config.flag("position_biased_input", True) is not False,
        "type_vocab_size": config.number("type_vocab_size", 0, least=0) != 0,
        "embedding_size": config.number("embedding_size", config.number("hidden_size"))
        != config.number("hidden_size"),
        "norm_rel_ebd": config.text("norm_rel_ebd", "none") not in ("none", "layer_norm"),
        "pos_att_type": not set(_kinds(config)) <= {"c2p", "p2c"},
    }
    for name, wrong in unknown.items():
        if wrong:
            raise CheckpointError(
                f"{config.path}: {name} is {config.get(name)!r}, which no model that voices use "
                "has; vinovits doesn't know it."
            )


def _kinds(config: Config) -> list[str]:
    """Which of both ways of relative attention there are; config.json has them in two forms."""
    kinds = config.get("pos_att_type") or []
    found = kinds.split("|") if isinstance(kinds, str) else kinds
    if not isinstance(found, list) or not all(isinstance(kind, str) for kind in found):
        raise CheckpointError(f"{config.path}: pos_att_type is {kinds!r}, but should list names.")
    return [kind.strip().lower() for kind in found]


class _Attention:
    """Disentangled attention: content to content, content to position, position to content."""

    def __init__(self, config: Config, graph: GraphBuilder, ids: Node, mask: Node) -> None:
        self._graph, ops = graph, graph.ops
        self._kinds = _kinds(config)
        self._width, self._heads = (
            config.number("hidden_size"),
            config.number("num_attention_heads"),
        )
        self._size = config.number("attention_head_size", self._width // self._heads)
        self._scale = 1 / np.sqrt(self._size * (1 + len(self._kinds)))
        self._shared = config.flag("share_att_key", False)
        buckets = config.number("position_buckets", -1, least=-1)
        reach = config.number("max_relative_positions", -1, least=-1)
        if reach < 1:
            reach = config.number("max_position_embeddings")
        span = buckets if buckets > 0 else reach
        if max(reach, span) > _FARTHEST:
            raise CheckpointError(
                f"{config.path} tells positions apart up to a distance of {max(reach, span)}; "
                f"vinovits does up to {_FARTHEST}."
            )
        table = graph.weights.take("encoder.rel_embeddings.weight", 2 * span, self._width)
        if "layer_norm" in config.text("norm_rel_ebd", "none"):
            table = _layer_norm(config, graph, table)
        self._table = table
        # Every distance from -limit to limit has a row of the table; farther ones the last.
        rows = _rows_of_distances(buckets, reach, span)
        limit = len(rows) // 2
        numbers = ops.constant(rows)
        length = ops.squeeze(ops.shape_of(ids), graph.ints(0))
        zero, one = ops.constant(np.int64(0)), ops.constant(np.int64(1))
        farthest = ops.minimum(ops.subtract(length, one), ops.constant(np.int64(limit)))
        ends = ops.concat(
            [
                ops.unsqueeze(ops.subtract(ops.constant(np.int64(limit)), farthest), graph.ints(0)),
                ops.unsqueeze(ops.add(ops.constant(np.int64(limit)), farthest), graph.ints(0)),
            ],
            0,
        )
        low, high = (
            ops.squeeze(part, graph.ints(0))
            for part in ops.split(ops.gather(numbers, ends, zero), zero, 2).outputs()
        )
        self._reachable = ops.range(low, ops.add(high, one), one, "i64")
        places = ops.range(zero, length, one, "i64")
        distances = ops.subtract(
            ops.unsqueeze(places, graph.ints(1)), ops.unsqueeze(places, graph.ints(0))
        )
        kept = ops.clamp(distances, -limit, limit)
        index = ops.gather(numbers, ops.add(kept, ops.constant(np.int64(limit))), zero)
        self._index = self._per_head(ops.subtract(index, low), length)
        self._turned = self._per_head(
            ops.transpose(ops.subtract(index, low), graph.ints(1, 0)), length
        )
        # Added to the scores: nothing where a token is, more than any score where padding is.
        hidden = ops.subtract(ops.convert(mask, "f32"), ops.constant(np.float32(1)))
        self._hidden = ops.unsqueeze(
            ops.multiply(hidden, ops.constant(np.float32(1e30))), graph.ints(0, 1, 2)
        )

    def _per_head(self, index: Node, length: Node) -> Node:
        """The same (T, T) for every head, as int32."""
        ops, graph = self._graph.ops, self._graph
        size = ops.unsqueeze(length, graph.ints(0))
        shape = ops.concat([graph.ints(1, self._heads), size, size], 0)
        return ops.broadcast(ops.convert(index, "i32"), shape)

    def __call__(self, x: Node, at: str) -> Node:
        """Self-attention of x (T, width) and what it leads into, without the residual."""
        graph, ops = self._graph, self._graph.ops
        at = f"{at}.attention"
        inner = self._heads * self._size
        query, key, value = (
            graph.by_head(
                graph.linear(x, f"{at}.self.{role}_proj", inner, self._width), self._heads
            )
            for role in ("query", "key", "value")
        )
        scores = self._hidden
        scale = ops.constant(np.float32(self._scale))
        if "c2p" in self._kinds:
            keys = self._positions(at, "key")
            by_row = ops.matmul(query, keys, False, True)
            near = ops.gather_elements(by_row, self._index, 3)
            scores = ops.add(scores, ops.multiply(near, scale))
        if "p2c" in self._kinds:
            queries = self._positions(at, "query")
            by_row = ops.matmul(key, queries, False, True)
            near = ops.transpose(
                ops.gather_elements(by_row, self._turned, 3), graph.ints(0, 1, 3, 2)
            )
            scores = ops.add(scores, ops.multiply(near, scale))
        mixed = ops.scaled_dot_product_attention(query, key, value, scores, scale)
        return graph.linear(graph.joined(mixed, inner), f"{at}.output.dense", self._width, inner)

    def _positions(self, at: str, role: str) -> Node:
        """The projected table (1, heads, rows within reach, size of a head)."""
        graph = self._graph
        inner = self._heads * self._size
        name = f"{at}.self.{role}_proj" if self._shared else f"{at}.self.pos_{role}_proj"
        weight = graph.weights.take(f"{name}.weight", inner, self._width)
        projected = self._table @ weight.T + graph.weights.take(f"{name}.bias", inner)
        return graph.by_head(graph.compressed(projected, self._reachable), self._heads)


def _layer_norm(
    config: Config, graph: GraphBuilder, table: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The table of relative positions (rows, width), normalised."""
    epsilon = config.real("layer_norm_eps", 1e-7)
    centred = table.astype(np.float64) - table.mean(axis=1, keepdims=True, dtype=np.float64)
    normal = centred / np.sqrt(np.square(centred).mean(axis=1, keepdims=True) + epsilon)
    weight, bias = (
        graph.weights.take(f"encoder.LayerNorm.{part}", table.shape[1])
        for part in ("weight", "bias")
    )
    scaled: NDArray[np.float32] = (normal * weight + bias).astype(np.float32)
    return scaled


def _rows_of_distances(buckets: int, reach: int, span: int) -> NDArray[np.int64]:
    """Which row of the table stands for a distance between two tokens.

    Up to half of the buckets a distance has a row of its own, beyond that rows stand for ranges
    that widen by a constant factor up to `reach`.

    Args:
        buckets: `position_buckets`, or less than 1 for a row per distance.
        reach: `max_relative_positions`.
        span: Half of the table's rows.

    Returns:
        (2 * limit + 1) row numbers for the distances -limit to limit; beyond them nothing changes.
    """
    # Bounds are where float32 rounds them: computed as torch does, not more exactly.
    import torch

    limit = 2 * reach
    distances = torch.arange(-limit, limit + 1)
    if buckets > 0:
        middle = buckets // 2
        near = (distances < middle) & (distances > -middle)
        sizes = torch.where(near, torch.tensor(middle - 1), distances.abs())
        growth = torch.log(torch.tensor((reach - 1) / middle))
        steps = torch.ceil(torch.log(sizes / middle) / growth * (middle - 1)) + middle
        distances = torch.where(sizes <= middle, distances, steps * distances.sign()).long()
    rows: NDArray[np.int64] = (distances + span).clamp(0, 2 * span - 1).numpy()
    return rows


def _convolution(config: Config, graph: GraphBuilder, x: Node) -> Node:
    """The convolution over x (T, width) and its activation: (T, width)."""
    ops = graph.ops
    width, kernel = config.number("hidden_size"), config.number("conv_kernel_size")
    groups = config.number("conv_groups", 1)
    if kernel % 2 == 0 or groups != 1:
        raise CheckpointError(
            f"{config.path} asks for a convolution of width {kernel} in {groups} groups; vinovits "
            "knows odd widths in one group."
        )
    weight = graph.weights.take("encoder.conv.conv.weight", width, width, kernel)
    bias = graph.vector("encoder.conv.conv.bias", width)
    line = ops.unsqueeze(ops.transpose(x, graph.ints(1, 0)), graph.ints(0))
    pad = [(kernel - 1) // 2]
    rows = graph.compressed(weight.reshape(width, width * kernel))
    filters = ops.reshape(rows, graph.ints(width, width, kernel), False)
    done = ops.convolution(line, filters, [1], pad, pad, [1])
    turned = ops.transpose(ops.squeeze(done, graph.ints(0)), graph.ints(1, 0))
    return graph.activation(ops.add(turned, bias), config.text("conv_act", "tanh"), config)
