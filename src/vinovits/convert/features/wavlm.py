"""WavLM (Chen et al., 2022): wav2vec 2.0 whose attention knows how far two frames lie apart."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vinovits.convert.features.builder import GraphBuilder, Node
from vinovits.convert.features.request import Request
from vinovits.convert.features.source import Config, Weights
from vinovits.convert.features.wav2vec2 import shortest, speech_states
from vinovits.errors import CheckpointError
from vinovits.features.manifest import WavlmManifest
from vinovits.manifests import file_sums

_GATES = 4
"""Numbers that are summed up for each of the two gates."""


def convert_wavlm(config: Config, request: Request, folder: Path) -> WavlmManifest:
    """Write the graph of a WavLM into `folder`.

    Input: wave float32 (n). Output: hidden_states (layers + 1, F, width).
    """
    from vinovits.convert.compact import write_graph

    sound = Config(request.source / "preprocessor_config.json")
    weights = Weights(request.source, "wavlm.")
    graph = GraphBuilder(weights, request.precision, request.progress)
    wave = graph.ops.parameter([-1], np.float32, name="wave")
    states = speech_states(config, graph, wave, _RelativePositions(config, graph))
    model = graph.finish({"hidden_states": graph.ops.concat(states, 0)}, [wave], "wavlm")
    write_graph(model, folder / "model.xml")
    return WavlmManifest(
        name=request.name,
        kind=WavlmManifest.KIND,
        architecture=config.text("model_type"),
        precision=request.precision,
        source=request.origin,
        licence=request.licence,
        files=file_sums(folder),
        width=config.number("hidden_size", 768),
        states=len(states),
        sampling_rate=sound.number("sampling_rate"),
        shortest=shortest(config),
    )


class _RelativePositions:
    """Gated relative position biases. The table lives in the first layer and serves all."""

    def __init__(self, config: Config, graph: GraphBuilder) -> None:
        self._graph = graph
        self._width = config.number("hidden_size", 768)
        self._heads = config.number("num_attention_heads", 12)
        buckets = config.number("num_buckets", 320)
        farthest = config.number("max_bucket_distance", 800)
        if not 1 <= buckets // 4 < farthest:
            raise CheckpointError(
                f"{config.path}: {buckets} buckets don't cover distances up to {farthest}."
            )
        self._table = graph.weights.take(
            "encoder.layers.0.attention.rel_attn_embed.weight", buckets, self._heads
        )[position_buckets(np.arange(-farthest, farthest + 1), buckets, farthest)]
        self._farthest = farthest
        self._shared: Node | None = None

    def __call__(self, x: Node, at: str) -> Node:
        """What is added to the scores of the layer `at`, whose input is x (1, F, width)."""
        graph, ops, heads = self._graph, self._graph.ops, self._heads
        depth = self._width // heads
        at = f"{at}.attention"
        weight = graph.weights.take(f"{at}.gru_rel_pos_linear.weight", 2 * _GATES, depth)
        bias = graph.weights.take(f"{at}.gru_rel_pos_linear.bias", 2 * _GATES)
        split = ops.reshape(x, graph.ints(0, 0, heads, depth), True)
        by_head = ops.transpose(split, graph.ints(0, 2, 1, 3))
        # The linear layer's outputs are only ever summed up, and so are its weights.
        gates = ops.sigmoid(
            ops.add(
                ops.matmul(
                    by_head,
                    ops.constant(weight.reshape(2, _GATES, depth).sum(axis=1)),
                    False,
                    True,
                ),
                ops.constant(bias.reshape(2, _GATES).sum(axis=1)),
            )
        )
        first, second = ops.split(gates, ops.constant(3), 2).outputs()
        scale = graph.vector(f"{at}.gru_rel_pos_const", 1, heads, 1, 1)
        one, two = ops.constant(np.float32(1)), ops.constant(np.float32(2))
        inner = ops.subtract(ops.multiply(second, scale), one)
        gate = ops.add(ops.multiply(first, inner), two)
        return ops.multiply(gate, self._biases(x))

    def _biases(self, x: Node) -> Node:
        """By distance, before the gate of a layer: (1, heads, F, F)."""
        if self._shared is None:
            graph, ops = self._graph, self._graph.ops
            frames = ops.gather(ops.shape_of(x), ops.constant(1), ops.constant(0))
            places = ops.range(ops.constant(0), frames, ops.constant(1), "i64")
            apart = ops.subtract(
                ops.unsqueeze(places, graph.ints(0)), ops.unsqueeze(places, graph.ints(1))
            )
            near = ops.clamp(apart, -self._farthest, self._farthest)
            rows = ops.add(near, graph.ints(self._farthest))
            # Heads first, so that what is gathered needs no transposition.
            table = ops.constant(np.ascontiguousarray(self._table.T))
            self._shared = ops.unsqueeze(ops.gather(table, rows, ops.constant(1)), graph.ints(0))
        return self._shared


def position_buckets(
    distances: NDArray[np.int64], buckets: int, farthest: int
) -> NDArray[np.int64]:
    """Which bias stands for a distance: near ones have their own, far ones share.

    Half of the buckets are for frames behind, half for those ahead. Half of each is for distances
    one by one, the rest grows with the logarithm.

    Args:
        distances: Of the frame that is looked at from that which looks.
        buckets: Rows of the table, 4 or more.
        farthest: From this distance on there is one bucket, more than buckets / 4.

    Returns:
        Rows, of the shape of `distances`.
    """
    half = buckets // 2
    exact = half // 2
    away = np.abs(distances)
    # In float32 as the model was trained, since a rounding may lead to the next bucket.
    ratio = np.log(np.maximum(away, exact).astype(np.float32) / np.float32(exact))
    share = ratio / np.float32(math.log(farthest / exact)) * np.float32(half - exact)
    far = np.minimum((np.float32(exact) + share).astype(np.int64), half - 1)
    rows: NDArray[np.int64] = np.where(away < exact, away, far) + (distances > 0) * half
    return rows
