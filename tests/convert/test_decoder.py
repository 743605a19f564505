"""The decoder's graph gives what the torch module gives, whatever its sizes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

import vinovits
from vinovits.convert.decoder import bf16_snr, decoder_graph
from vinovits.errors import CheckpointError
from vinovits.nets.config import ModelConfig
from vinovits.nets.decoder import Decoder
from vinovits.nets.synthesizer import Synthesizer
from vinovits.nets.variants import VARIANTS


def config_with(tiny_config: dict, **sizes: object) -> ModelConfig:
    return replace(ModelConfig.from_dict(tiny_config, VARIANTS["2.3"]), **sizes)


def network_with(config: ModelConfig) -> Synthesizer:
    """A network whose decoder has weights large enough that every layer shows."""
    network = Synthesizer(config, VARIANTS["2.3"]).eval()
    generator = torch.Generator().manual_seed(1)
    for module in network.dec.modules():
        if isinstance(module, nn.Conv1d | nn.ConvTranspose1d):
            width = module.weight[0].numel() ** -0.5
            nn.init.normal_(module.weight, std=width, generator=generator)
            if module.bias is not None:
                nn.init.normal_(module.bias, std=0.3, generator=generator)
    assert isinstance(network.dec, Decoder)
    return network


kernels = st.tuples(st.integers(1, 6), st.integers(0, 4)).map(lambda p: (p[0], p[0] + 2 * p[1]))


@given(
    ups=st.lists(kernels, min_size=1, max_size=3),
    resblock=st.sampled_from("12"),
    blocks=st.lists(
        st.tuples(st.sampled_from((1, 3, 5)), st.lists(st.integers(1, 3), min_size=1, max_size=3)),
        min_size=1,
        max_size=3,
    ),
    frames=st.integers(1, 9),
    dropped=st.tuples(st.integers(0, 8), st.integers(0, 8)),
)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@torch.no_grad()
def test_same_samples_for_every_shape(
    tiny_config: dict,
    ups: list[tuple[int, int]],
    resblock: str,
    blocks: list[tuple[int, list[int]]],
    frames: int,
    dropped: tuple[int, int],
) -> None:
    first = min(dropped[0], frames - 1)
    last = max(first + 1, frames - dropped[1])
    rates = tuple(rate for rate, _ in ups)
    config = config_with(
        tiny_config,
        hop_length=int(np.prod(rates)),
        upsample_rates=rates,
        upsample_kernel_sizes=tuple(kernel for _, kernel in ups),
        upsample_initial_channel=16,
        resblock=resblock,
        resblock_kernel_sizes=tuple(kernel for kernel, _ in blocks),
        resblock_dilation_sizes=tuple(tuple(dilations) for _, dilations in blocks),
    )
    torch.manual_seed(0)
    network = network_with(config)
    z = torch.randn(1, config.inter_channels, frames)
    g = torch.randn(1, config.gin_channels, 1)

    def drop(_: nn.Module, inputs: Any) -> Any:
        return (inputs[0][:, :, first * rates[0] : last * rates[0]],)

    behind = network.dec.ups[1] if len(rates) > 1 else network.dec.conv_post
    with behind.register_forward_pre_hook(drop):
        expected = network.dec(z, g).numpy()
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = ov.Core().compile_model(decoder_graph(network), "CPU", exact)
    kept = np.arange(first, last)
    found = compiled({"z": z.numpy(), "speaker": g.numpy(), "kept": kept})["audio"]
    assert found.shape == (1, 1, (last - first) * config.hop_length)
    # What is subtracted on the way is larger than a single sample may be in the end.
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max() + 1e-6


@pytest.mark.parametrize("kernel", [7, 1])
def test_kernel_that_makes_no_whole_frames_is_refused(
    tiny_config: dict,
    kernel: int,
) -> None:
    rates = tiny_config["model"]["upsample_rates"]
    tiny_config["model"]["upsample_kernel_sizes"] = [kernel] * len(rates)
    with pytest.raises(CheckpointError, match=f"with a kernel of {kernel}"):
        ModelConfig.from_dict(tiny_config, VARIANTS["2.3"])


@torch.no_grad()
def test_silence_has_no_noise_to_be_measured(tiny_config: dict) -> None:
    network = network_with(config_with(tiny_config))
    assert 20 < bf16_snr(network) < 80
    network.dec.conv_post.weight.zero_()
    assert bf16_snr(network) == 0


def test_nothing_is_moved_between_layouts_on_the_way() -> None:
    """What costs a fifth and more where it creeps in: the graph as OpenVINO executes it."""
    path = Path(vinovits.__file__).parent / "data" / "voices" / "joe" / "decoder.xml"
    profiled = {"INFERENCE_PRECISION_HINT": "f32", "PERF_COUNT": True}
    request = ov.Core().compile_model(path, "CPU", profiled).create_infer_request()
    z, speaker = np.ones((1, 192, 64), np.float32), np.ones((1, 256, 1), np.float32)
    request.infer({"z": z, "speaker": speaker, "kept": np.arange(11, 53)})
    executed = ov.ProfilingInfo.Status.EXECUTED
    ran = [one for one in request.profiling_info if one.status == executed]
    convolutions = [one.exec_type for one in ran if one.node_type == "Convolution"]
    if not all("brgconv" in kind for kind in convolutions):
        pytest.skip("Layouts are those of CPUs with AVX2 or more.")
    assert len(convolutions) > 20
    slow = [one.node_name for one in ran if one.exec_type.startswith("ref")]
    # Numbers of frames may be counted slowly; samples may not.
    assert all("i64" in one.exec_type for one in ran if one.node_name in slow)
    assert not [one for one in ran if one.exec_type.endswith("f64")]
    # In at z and the speaker, and around the frames that are dropped.
    assert sum(one.node_type == "Reorder" for one in ran) <= 4
