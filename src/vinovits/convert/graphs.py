"""The stages of the network as OpenVINO graphs with named inputs and dynamic lengths."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.jit._trace import TracerWarning

from vinovits.nets.synthesizer import Synthesizer
from vinovits.nets.text_encoder import TextInputs
from vinovits.nets.variants import Variant
from vinovits.runtime import openvino as ov

_PHONES, _FRAMES = 13, 40  # lengths of the traced example; the graphs take any

_WHOLE_NUMBERS = ("phones", "tones", "languages", "emotion_row")


class _Encoder(nn.Module):
    def __init__(
        self, network: Synthesizer, features: Sequence[str], conditions: Sequence[str]
    ) -> None:
        super().__init__()
        self.network, self.features, self.conditions = network, features, conditions

    def forward(
        self,
        phones: Tensor,
        tones: Tensor,
        languages: Tensor,
        mask: Tensor,
        speaker: Tensor,
        noise: Tensor,
        *others: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        count = len(self.features)
        features = dict(zip(self.features, others[:count], strict=True))
        conditions = dict(zip(self.conditions, others[count:], strict=True))
        text = TextInputs(phones, tones, languages, features, conditions)
        return self.network.encode(text, mask, speaker, noise)


class _Flow(nn.Module):
    def __init__(self, network: Synthesizer) -> None:
        super().__init__()
        self.flow = network.flow

    def forward(self, z_p: Tensor, mask: Tensor, speaker: Tensor) -> Tensor:
        z: Tensor = self.flow(z_p, mask, speaker, reverse=True)
        return z


def used_features(network: Synthesizer) -> list[str]:
    """Names of the feature inputs that have an effect: projections that are all 0 don't."""
    used = []
    for name in network.enc_p.feature_names:
        projection = network.enc_p.get_submodule(f"{name}_proj")
        if any(bool(parameter.any()) for parameter in projection.parameters()):
            used.append(name)
    return used


def condition_shapes(variant: Variant) -> dict[str, list[int]]:
    """The inputs of the graph `encoder` that colour the whole utterance, and their shapes."""
    condition = variant.condition
    if condition is None:
        return {}
    shapes = {condition.input: [1, condition.width]}
    if condition.rows_by_number:
        shapes["emotion_row"] = [1]
    return shapes


def encoder_graph(network: Synthesizer, features: Sequence[str]) -> ov.Model:
    """The graph `encoder`.

    Inputs: phones, tones, languages int64 (1, T); mask (1, 1, T); speaker (1, gin, 1); noise
    (1, 2, T), already times noise_w; one (1, width, T) for each of `features`; `style` or
    `emotion` (1, width) in the families that take one, and `emotion_row` int64 (1,) in those that
    number their emotions: below 0, the vector counts.
    Outputs: m_p, logs_p (1, inter, T); logw_sdp, logw_dp (1, 1, T).
    """
    widths = {feature.name: feature.width for feature in network.variant.features}
    shapes: dict[str, list[int]] = {
        "phones": [1, -1],
        "tones": [1, -1],
        "languages": [1, -1],
        "mask": [1, 1, -1],
        "speaker": [1, network.config.gin_channels, 1],
        "noise": [1, 2, -1],
        **{name: [1, widths[name], -1] for name in features},
    }
    conditions = condition_shapes(network.variant)
    return _convert(
        _Encoder(network, features, list(conditions)),
        shapes | conditions,
        _PHONES,
        ["m_p", "logs_p", "logw_sdp", "logw_dp"],
    )


def flow_graph(network: Synthesizer) -> ov.Model:
    """The graph `flow`: z_p (1, inter, F), mask (1, 1, F), speaker (1, gin, 1) to z."""
    config = network.config
    shapes = {
        "z_p": [1, config.inter_channels, -1],
        "mask": [1, 1, -1],
        "speaker": [1, config.gin_channels, 1],
    }
    return _convert(_Flow(network), shapes, _FRAMES, ["z"])


def reference_graph(network: Synthesizer) -> ov.Model:
    """The graph `reference`: spectrogram (1, bins, F) to speaker (1, gin, 1)."""
    shapes = {"spectrogram": [1, network.config.spec_channels, -1]}
    return _convert(network.ref_enc, shapes, 4 * _FRAMES, ["speaker"])


def _convert(
    module: nn.Module, shapes: dict[str, list[int]], length: int, outputs: Sequence[str]
) -> ov.Model:
    example: list[Any] = []
    for name, shape in shapes.items():
        size = [length if extent == -1 else extent for extent in shape]
        if name in _WHOLE_NUMBERS:
            example.append(torch.zeros(size, dtype=torch.int64))
        else:
            example.append(torch.ones(size) if name == "mask" else torch.randn(size))
    with warnings.catch_warnings(), torch.no_grad():
        # The tracer warns of every shape that becomes a constant; the ones here are sizes of
        # weights. That no length is frozen is proven by running other lengths.
        warnings.filterwarnings("ignore", category=TracerWarning)
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        # Torch would run its trace several times to check it; `compare_stages` checks the graph.
        trace: Any = torch.jit.trace
        traced = trace(module, tuple(example), check_trace=False)
        graph = ov.convert_model(traced, example_input=tuple(example))
    for port, name in zip(graph.inputs, shapes, strict=True):
        port.get_tensor().set_names({name})
    for port, name in zip(graph.outputs, outputs, strict=True):
        port.get_tensor().set_names({name})
    graph.reshape({name: ov.PartialShape(shape) for name, shape in shapes.items()})
    return graph
