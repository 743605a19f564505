"""The graph `decoder`, written with OpenVINO's operations from the weights of a network.

A trace of the torch module gives the same samples but a slower graph: two fifths of its time went
into moving data between memory layouts. Here every operation between the first and the last
convolution works on the layout that OpenVINO's convolutions like, time before channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from vinovits.nets.decoder import FINAL_SLOPE, SLOPE, ResidualBlock1, ResidualBlock2
from vinovits.nets.synthesizer import Synthesizer
from vinovits.runtime import openvino as ov

Array = npt.NDArray[np.float32]
Node = Any
"""An openvino.Node; openvino has no types."""

_ops: Any = ov.opset13


def decoder_graph(network: Synthesizer) -> ov.Model:
    """The graph `decoder`: z (1, inter, F), speaker (1, gin, 1) and kept (K,) to audio (1, 1, S).

    S are K * hop samples. `kept` are the numbers of those frames, in order and without gaps, that
    go on behind the first up-sampling stage.
    """
    config, decoder = network.config, network.dec
    z = _ops.parameter([1, config.inter_channels, -1], np.float32, name="z")
    speaker = _ops.parameter([1, config.gin_channels, 1], np.float32, name="speaker")
    kept = _ops.parameter([-1], np.int64, name="kept")
    x = _ops.add(_convolution(z, decoder.conv_pre), _convolution(speaker, decoder.cond))
    blocks = list(decoder.resblocks)
    for index, up in enumerate(decoder.ups):
        x = _upsample(_leaky(x, SLOPE), cast(nn.ConvTranspose1d, up))
        active = _leaky(x, SLOPE)
        total = None
        for block in blocks[index * decoder.kernels : (index + 1) * decoder.kernels]:
            total = _add_block(total, x, active, cast(ResidualBlock1 | ResidualBlock2, block))
        x = _ops.multiply(total, _constant(np.full((1, 1, 1), 1 / decoder.kernels)))
        if index == 0:
            x = _ops.gather(x, _samples_of(kept, config.upsample_rates[0]), _ints(2))
    audio = _ops.tanh(_convolution(_leaky(x, FINAL_SLOPE), decoder.conv_post))
    audio.get_output_tensor(0).set_names({"audio"})
    for node, name in ((z, "z"), (speaker, "speaker"), (kept, "kept")):
        node.get_output_tensor(0).set_names({name})
    return ov.Model([audio], [z, speaker, kept], "decoder")


@torch.no_grad()
def bf16_snr(network: Synthesizer) -> float:
    """How far below the sound the noise lies that the decoder makes in bf16, in decibels.

    Measured in torch, on a second or less of random latents: a machine needs no bf16 instructions
    of its own to tell. OpenVINO's bf16 differs from torch's by less than a decibel.
    """
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(1, network.config.inter_channels, 64, generator=generator)
    g = torch.randn(1, network.config.gin_channels, 1, generator=generator)
    exact = network.dec(z, g)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = network.dec(z, g).float()
    # A decoder that gives silence has neither sound nor noise; JSON knows no infinity.
    sound, noise = ((x.square().sum().clamp(min=1e-20)) for x in (exact, rounded - exact))
    return float(10 * torch.log10(sound / noise))


def _add_block(
    total: Node | None, x: Node, active: Node, block: ResidualBlock1 | ResidualBlock2
) -> Node:
    """Add what a residual block makes of x to `total`; `active` is the leaky x.

    Between two of its steps a block needs x for the sum and the leaky x for the convolution. Only
    the latter is written to memory, and x is computed from it: one operation less that waits for
    memory, as both of them fuse with the convolutions around.
    """
    first, *rest = (
        zip(block.convs1, block.convs2, strict=True)
        if isinstance(block, ResidualBlock1)
        else ((conv,) for conv in block.convs)
    )
    y, left = _convolutions(active, first), x
    for step in rest:
        active = _leaky(_ops.add(y, left), SLOPE)
        y, left = _convolutions(active, step), _leaky(active, 1 / SLOPE)
    return _ops.add(y if total is None else _ops.add(total, y), left)


def _convolutions(active: Node, step: Sequence[nn.Module]) -> Node:
    y = _convolution(active, step[0])
    for convolution in step[1:]:
        y = _convolution(_leaky(y, SLOPE), convolution)
    return y


def _upsample(x: Node, source: nn.ConvTranspose1d) -> Node:
    """What the transposed convolution makes of x (1, in, T): (1, out, stride * T).

    Each group of `stride` outputs comes from the same few inputs. It is computed as stride * out
    channels by an ordinary convolution, for which CPUs have better kernels, and then put in a row
    (polyphase decomposition; Shi et al. 2016, https://arxiv.org/abs/1609.05158, call it sub-pixel
    convolution).
    """
    weight = source.weight.detach().numpy()  # (in, out, kernel)
    assert source.bias is not None
    bias = source.bias.detach().numpy()
    inputs, outputs, kernel = weight.shape
    stride, padding = source.stride[0], int(source.padding[0])
    # Output t * stride + phase takes tap k from the input t + (phase + padding - k) / stride.
    first, last = -((kernel - 1 - padding) // stride), (stride - 1 + padding) // stride
    taps = last - first + 1
    # The file holds the taps there are. OpenVINO fills them up and puts them in order when it
    # compiles: tap k stands at k + last * stride - padding, and later inputs come first.
    begin = last * stride - padding
    phases = _ops.pad(
        _constant(weight.transpose(2, 1, 0)),
        _ints(begin, 0, 0),
        _ints(taps * stride - kernel - begin, 0, 0),
        "constant",
        _ops.constant(np.float32(0)),
    )
    phases = _ops.reshape(phases, _ints(taps, stride * outputs, inputs), False)
    phases = _ops.gather(phases, _ints(*reversed(range(taps))), _ints(0))
    phases = _ops.transpose(phases, _ints(1, 2, 0))
    wide = _ops.convolution(x, phases, [1], [-first], [last], [1])
    wide = _ops.add(wide, _constant(np.tile(bias, stride).reshape(1, -1, 1)))
    return _ops.depth_to_space(wide, "blocks_first", stride)


def _samples_of(frames: Node, rate: int) -> Node:
    """Numbers of the samples of frames (K,), at `rate` a frame: (K * rate,)."""
    first = _ops.multiply(_ops.unsqueeze(frames, _ints(1)), _ints(rate))
    return _ops.reshape(_ops.add(first, _ints(*range(rate))), _ints(-1), False)


def _convolution(x: Node, source: nn.Module) -> Node:
    assert isinstance(source, nn.Conv1d)
    assert not isinstance(source.padding, str)
    padding = list(source.padding)
    weight = _constant(source.weight.detach().numpy())
    y = _ops.convolution(x, weight, [1], padding, padding, list(source.dilation))
    if source.bias is None:
        return y
    return _ops.add(y, _constant(source.bias.detach().numpy().reshape(1, -1, 1)))


def _leaky(x: Node, slope: float) -> Node:
    return _ops.prelu(x, _constant(np.array([slope])))


def _constant(values: npt.NDArray[Any]) -> Node:
    return _ops.constant(np.ascontiguousarray(values, np.float32))


def _ints(*values: int) -> Node:
    return _ops.constant(np.array(values, np.int64))
