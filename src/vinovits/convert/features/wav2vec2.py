"""wav2vec 2.0 (Baevski et al., 2020): samples of speech in, a row of features per 20 ms out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from vinovits.convert.features.builder import GraphBuilder, Node
from vinovits.convert.features.layers import Sizes, attend, convolve, feed_forward, normalise
from vinovits.convert.features.request import Request
from vinovits.convert.features.source import Config, Weights
from vinovits.errors import CheckpointError
from vinovits.features.manifest import EmotionManifest
from vinovits.manifests import file_sums

_EPSILON = 1e-5
"""Of the normalisations between convolutions, for which config.json has no entry."""

Bias = Callable[[Node, str], Node]
"""From the input (1, F, width) of a layer and its name to what is added to its scores."""


def convert_emotion(config: Config, request: Request, folder: Path) -> EmotionManifest:
    """Write the graph of an emotion regressor (Wagner et al., 2023) into `folder`.

    Input: wave float32 (n). Outputs: hidden (F, width), the last hidden state; features (width),
    its mean; logits, of arousal, dominance and valence where those are the labels.
    """
    from vinovits.convert.compact import write_graph

    sound = Config(request.source / "preprocessor_config.json")
    weights = Weights(request.source, "wav2vec2.")
    if "classifier.out_proj.weight" not in weights:
        raise CheckpointError(
            f"{weights.path} is a wav2vec 2.0 without the head that tells emotions. vinovits makes "
            "features from audeering/wav2vec2-large-robust-12-ft-emotion-msp-dim."
        )
    graph = GraphBuilder(weights, request.precision, request.progress)
    ops = graph.ops
    width = config.number("hidden_size", 768)
    wave = ops.parameter([-1], np.float32, name="wave")
    hidden = ops.squeeze(speech_states(config, graph, wave)[-1], graph.ints(0))
    features = ops.reduce_mean(hidden, graph.ints(0), False)
    dense = graph.linear(ops.unsqueeze(features, graph.ints(0)), "classifier.dense", width, width)
    logits = graph.linear(ops.tanh(dense), "classifier.out_proj", _labels(config), width)
    outputs = {
        "features": features,
        "hidden": hidden,
        "logits": ops.squeeze(logits, graph.ints(0)),
    }
    model = graph.finish(outputs, [wave], "emotion")
    write_graph(model, folder / "model.xml")
    return EmotionManifest(
        name=request.name,
        kind=EmotionManifest.KIND,
        architecture=config.text("model_type"),
        precision=request.precision,
        source=request.origin,
        licence=request.licence,
        files=file_sums(folder),
        width=width,
        sampling_rate=sound.number("sampling_rate"),
        shortest=shortest(config),
        normalise="variance" if sound.flag("do_normalize", True) else "",
    )


def _labels(config: Config) -> int:
    labels = config.get("id2label")
    return len(labels) if isinstance(labels, dict) else config.number("num_labels", 2)


@dataclass(frozen=True, slots=True)
class _Convolution:
    """One of the convolutions that make frames of samples."""

    inputs: int
    outputs: int
    size: int
    stride: int


def _convolutions(config: Config) -> list[_Convolution]:
    widths = config.numbers("conv_dim", (512,) * 7)
    sizes = config.numbers("conv_kernel", (10, 3, 3, 3, 3, 2, 2))
    strides = config.numbers("conv_stride", (5, 2, 2, 2, 2, 2, 2))
    if not len(widths) == len(sizes) == len(strides):
        raise CheckpointError(
            f"{config.path}: conv_dim, conv_kernel and conv_stride aren't of one length."
        )
    channels = pairwise((1, *widths))
    return [
        _Convolution(*ends, size, stride)
        for ends, size, stride in zip(channels, sizes, strides, strict=True)
    ]


def shortest(config: Config) -> int:
    """Samples that make one frame."""
    samples = 1
    for layer in reversed(_convolutions(config)):
        samples = (samples - 1) * layer.stride + layer.size
    return samples


def speech_states(
    config: Config, graph: GraphBuilder, wave: Node, bias: Bias | None = None
) -> list[Node]:
    """All hidden states of a network of the wav2vec 2.0 kind.

    Args:
        config: Of the model.
        graph: Where it is built.
        wave: (n,).
        bias: Makes what is added to the scores of a layer's attention; None for nothing.

    Returns:
        (1, F, width) before the first layer and after each, the last one after the last norm.
    """
    ops = graph.ops
    if config.get("add_adapter") or config.get("adapter_attn_dim") is not None:
        raise CheckpointError(f"{config.path} asks for adapters, which vinovits doesn't know.")
    sizes = Sizes(
        config.number("hidden_size", 768),
        config.number("intermediate_size", 3072),
        config.number("num_attention_heads", 12),
        config.real("layer_norm_eps", 1e-5),
        config.text("hidden_act", "gelu"),
        config,
    )
    is_pre_norm = config.flag("do_stable_layer_norm", False)
    x = _frames(config, graph, wave)
    channels = _convolutions(config)[-1].outputs
    x = graph.layer_norm(x, "feature_projection.layer_norm", channels, sizes.epsilon)
    x = graph.linear(x, "feature_projection.projection", sizes.width, channels)
    x = ops.add(x, _positions(config, graph, x, sizes.width))
    if not is_pre_norm:
        x = normalise(graph, x, "encoder.layer_norm", sizes)
    states = [x]
    layers = config.number("num_hidden_layers", 12)
    for index in range(layers):
        at = f"encoder.layers.{index}"
        names = [f"{at}.attention.{role}_proj" for role in ("q", "k", "v", "out")]
        dense = f"{at}.feed_forward.intermediate_dense", f"{at}.feed_forward.output_dense"
        norms = f"{at}.layer_norm", f"{at}.final_layer_norm"
        if is_pre_norm:
            y = normalise(graph, x, norms[0], sizes)
            x = ops.add(x, attend(graph, y, names, sizes, bias and bias(y, at)))
            y = normalise(graph, x, norms[1], sizes)
            x = ops.add(x, feed_forward(graph, y, *dense, sizes))
        else:
            y = ops.add(x, attend(graph, x, names, sizes, bias and bias(x, at)))
            x = normalise(graph, y, norms[0], sizes)
            y = ops.add(x, feed_forward(graph, x, *dense, sizes))
            x = normalise(graph, y, norms[1], sizes)
        states.append(x)
        graph.progress(index + 1, layers)
    if is_pre_norm:
        states[-1] = normalise(graph, x, "encoder.layer_norm", sizes)
    return states


def _frames(config: Config, graph: GraphBuilder, wave: Node) -> Node:
    """Convolutions over the samples: (n,) to (1, F, channels)."""
    ops = graph.ops
    norm = config.text("feat_extract_norm", "group")
    if norm not in ("group", "layer"):
        raise CheckpointError(
            f"{config.path} asks for the norm {norm!r}; vinovits knows group and layer."
        )
    by_time = graph.ints(0, 2, 1)
    x = ops.unsqueeze(wave, graph.ints(0, 1))
    for index, layer in enumerate(_convolutions(config)):
        at = f"feature_extractor.conv_layers.{index}"
        kernel = (layer.outputs, layer.inputs, layer.size)
        has_bias = config.flag("conv_bias", False)
        x = convolve(graph, x, f"{at}.conv", kernel, [layer.stride], [0], bias=has_bias)
        if norm == "layer":
            x = ops.transpose(x, by_time)
            x = graph.layer_norm(x, f"{at}.layer_norm", layer.outputs, _EPSILON)
            x = ops.transpose(x, by_time)
        elif index == 0:
            # A group for each channel: over the time.
            x = ops.mvn(x, graph.ints(2), True, _EPSILON, "inside_sqrt")
            for operation, part in ((ops.multiply, "weight"), (ops.add, "bias")):
                values = graph.weights.take(f"{at}.layer_norm.{part}", layer.outputs)
                x = operation(x, ops.constant(values[:, None]))
        x = _activate(config, graph, x)
    return ops.transpose(x, by_time)


def _positions(config: Config, graph: GraphBuilder, x: Node, width: int) -> Node:
    """Where a frame is, told by a wide convolution over (1, F, width)."""
    ops = graph.ops
    size = config.number("num_conv_pos_embeddings", 128)
    groups = config.number("num_conv_pos_embedding_groups", 16)
    if width % groups:
        raise CheckpointError(
            f"{config.path}: a width of {width} can't be cut into {groups} groups."
        )
    y = ops.transpose(x, graph.ints(0, 2, 1))
    kernel = (width, width // groups, size)
    y = convolve(graph, y, "encoder.pos_conv_embed.conv", kernel, [1], [size // 2], groups=groups)
    if size % 2 == 0:  # One frame more than there were.
        y = ops.slice(y, graph.ints(0), graph.ints(-1), graph.ints(1), graph.ints(2))
    return ops.transpose(_activate(config, graph, y), graph.ints(0, 2, 1))


def _activate(config: Config, graph: GraphBuilder, x: Node) -> Node:
    return graph.activation(x, config.text("feat_extract_activation", "gelu"), config)
