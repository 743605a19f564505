"""Windows cover every frame once, with real context, in few lengths."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import TINY_CONFIG
from tests.engine.helpers import check_windows
from vinovits.engine.windows import GROWTH, SHORT, STEP, Reach, plan_windows, receptive_field, work
from vinovits.nets.config import ModelConfig
from vinovits.nets.decoder import Decoder
from vinovits.nets.variants import VARIANTS

growths = st.lists(st.integers(1, 400), min_size=1, max_size=2).map(sorted)
reaches = st.integers(0, 60).flatmap(
    lambda context: st.integers(0, context).map(lambda late: Reach(context, late))
)
RELEASED = Reach(13, 2)


@given(frames=st.integers(1, 3000), reach=reaches, growth=growths)
def test_windows_cover_all_frames_in_order_with_context(
    frames: int, reach: Reach, growth: Sequence[int]
) -> None:
    check_windows(plan_windows(frames, reach, growth), frames, reach)


@given(frames=st.integers(SHORT[0], 5000), context=st.integers(3, 15), late=st.integers(0, 3))
def test_lengths_repeat(frames: int, context: int, late: int) -> None:
    reach = Reach(context, late)
    for window in plan_windows(frames, reach):
        length, kept = window.stop - window.start, window.kept_to - window.kept_from
        assert length - kept in (0, reach.dropped)
        assert length in SHORT or length % STEP == 0
        assert kept < length or length in SHORT or not reach.dropped
        assert length <= GROWTH[-1]


def test_the_first_window_is_small_and_later_ones_grow() -> None:
    plan = plan_windows(2000, RELEASED)
    assert [w.stop - w.start for w in plan[:5]] == [64, 96, 128, 192, 192]
    assert plan[0].last <= GROWTH[0]
    # Windows are decoded before what came until then is heard, by a decoder of half of real time.
    clock, dry = 0.0, plan[0].last
    for window in plan[1:]:
        clock += 0.48 * work(window)
        assert clock <= dry
        dry += window.last - window.first


@given(frames=st.integers(100, 2000), growth=st.sampled_from([GROWTH, GROWTH[1:]]))
def test_little_is_decoded_twice(frames: int, growth: Sequence[int]) -> None:
    plan = plan_windows(frames, RELEASED, growth)
    decoded = sum(w.kept_to - w.kept_from for w in plan)
    assert decoded <= frames + 2 * RELEASED.late * (len(plan) - 1) + 3 * STEP


def test_the_released_decoder_needs_13_frames_a_side() -> None:
    found = receptive_field([8, 8, 2, 2, 2], [16, 16, 8, 2, 2], "1", [3, 7, 11], [[1, 3, 5]] * 3)
    assert found == RELEASED


decoders = st.fixed_dictionaries(
    {
        "resblock": st.sampled_from(["1", "2"]),
        "kernels": st.lists(st.sampled_from([3, 5, 7, 11]), min_size=1, max_size=2),
        "dilations": st.lists(st.integers(1, 5), min_size=1, max_size=3),
        "ups": st.lists(
            st.sampled_from([(2, 2), (2, 4), (2, 8), (4, 8), (8, 16), (3, 7)]),
            min_size=1,
            max_size=3,
        ),
    }
)


def _decoder(shape: dict[str, Any]) -> tuple[Decoder, Reach, int]:
    tiny_config = copy.deepcopy(TINY_CONFIG)
    hop = int(np.prod([rate for rate, _ in shape["ups"]]))
    tiny_config["data"]["hop_length"] = hop
    tiny_config["model"].update(
        resblock=shape["resblock"],
        resblock_kernel_sizes=shape["kernels"],
        resblock_dilation_sizes=[shape["dilations"]] * len(shape["kernels"]),
        upsample_rates=[rate for rate, _ in shape["ups"]],
        upsample_kernel_sizes=[kernel for _, kernel in shape["ups"]],
        upsample_initial_channel=8,
    )
    config = ModelConfig.from_dict(tiny_config, VARIANTS["2.3"])
    torch.manual_seed(0)
    reach = receptive_field(
        config.upsample_rates,
        config.upsample_kernel_sizes,
        config.resblock,
        config.resblock_kernel_sizes,
        config.resblock_dilation_sizes,
    )
    return Decoder(config).double().eval(), reach, hop


@given(shape=decoders, frames=st.integers(1, 260))
@settings(max_examples=40, deadline=None)
@torch.no_grad()
def test_windows_joined_are_one_pass_for_every_decoder_and_length(
    shape: dict[str, Any], frames: int
) -> None:
    decoder, reach, hop = _decoder(shape)
    z = torch.randn(1, 4, frames, dtype=torch.float64)
    g = torch.randn(1, 6, 1, dtype=torch.float64)
    whole = decoder(z, g)[0, 0]
    rate = shape["ups"][0][0]
    parts = []
    for window in plan_windows(frames, reach, (1, 2 * reach.context + 40)):
        first, last = (rate * (at - window.start) for at in (window.kept_from, window.kept_to))
        kept = slice(first, last)

        def drop(_: torch.nn.Module, inputs: Any, kept: slice = kept) -> Any:
            return (inputs[0][:, :, kept],)

        behind = decoder.ups[1] if len(decoder.ups) > 1 else decoder.conv_post
        with behind.register_forward_pre_hook(drop):
            samples = decoder(z[:, :, window.start : window.stop], g)[0, 0]
        first = (window.first - window.kept_from) * hop
        parts.append(samples[first : first + (window.last - window.first) * hop])
    torch.testing.assert_close(torch.cat(parts), whole, atol=1e-12, rtol=0)


@given(shape=decoders)
@settings(max_examples=40, deadline=None)
def test_a_frame_hears_exactly_its_context(shape: dict[str, Any]) -> None:
    decoder, reach, hop = _decoder(shape)
    # All weights positive and small: no path cancels another, and tanh stays open.
    for parameter in decoder.parameters():
        parameter.data.abs_().mul_(0.3)
    frame = reach.context + 2
    z = torch.rand(1, 4, 2 * reach.context + 5, dtype=torch.float64).requires_grad_()
    g = torch.zeros(1, 6, 1, dtype=torch.float64)
    late: list[torch.Tensor] = []

    def keep(_: torch.nn.Module, inputs: Any) -> None:
        inputs[0].retain_grad()
        late.append(inputs[0])

    behind = decoder.ups[1] if len(decoder.ups) > 1 else decoder.conv_post
    with behind.register_forward_pre_hook(keep):
        decoder(z, g)[0, 0, frame * hop : (frame + 1) * hop].sum().backward()
    for gradient, rate, expected in (
        (z.grad, 1, reach.context),
        (late[0].grad, shape["ups"][0][0], reach.late),
    ):
        assert gradient is not None
        heard = gradient[0].abs().sum(0).nonzero()[:, 0] // rate
        assert max(frame - int(heard.min()), int(heard.max()) - frame) == expected


@pytest.mark.parametrize("frames", [1, 2, STEP])
def test_few_frames_are_one_window(frames: int) -> None:
    assert [(w.start, w.stop) for w in plan_windows(frames, RELEASED)] == [(0, frames)]
