"""Which frames the decoder sees at a time: windows with real context, so that cuts don't show.

A HiFi-GAN frame's samples depend on a few frames on each side only. A window that holds them gives
the very samples that one pass over everything gives. Lengths are multiples of one step, as every
new length costs a device time to prepare its kernels, and a window that would reach beyond the
frames slides back instead of being padded: zeros outside are not what the decoder sees inside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

STEP = 32
"""Window lengths are multiples of this many frames."""

GROWTH = (64, 192)
"""Longest first and later window, context included: an early sound, then throughput. The first is
spoken for longer than the next takes to decode, on a device that is well above real time. Longer
windows than these gain nothing, but each step costs OpenVINO tens of megabytes."""


@dataclass(frozen=True, slots=True)
class Window:
    """Frames start:stop are decoded; the samples of first:last are kept."""

    start: int
    stop: int
    first: int
    last: int


def plan_windows(frames: int, context: int, growth: Sequence[int] = GROWTH) -> Iterator[Window]:
    """Cover `frames` frames by windows, the first small, later ones large.

    Args:
        frames: How many there are, at least 1.
        context: Frames on each side that a frame's samples depend on.
        growth: Longest first, second, ... and last window; lengths that leave nothing between two
            contexts are raised.

    Yields:
        Windows whose first:last follow each other without gap from 0 to `frames`. Their lengths
        are multiples of `STEP`, unless there are fewer frames than the shortest such window has.
        Those of the last size share the rest evenly, as little as may be decoded twice.
    """
    shortest = round_up(2 * context + 1, STEP)
    if frames <= shortest:
        yield Window(0, frames, 0, frames)
        return
    step, done = 0, 0
    while done < frames:
        start = max(done - context, 0)
        rest = frames - start
        length = max(round_up(growth[min(step, len(growth) - 1)], STEP), shortest)
        if step >= len(growth) - 1 or rest <= length:
            # Neighbours share two contexts, which are decoded twice.
            parts = max(1, -(-(rest - 2 * context) // (length - 2 * context)))
            length = round_up(-(-(rest + 2 * context * (parts - 1)) // parts), STEP)
        length = max(min(length, frames // STEP * STEP), shortest)
        if start + length >= frames:
            yield Window(frames - length, frames, done, frames)
            return
        last = start + length - context
        yield Window(start, start + length, done, last)
        step, done = step + 1, last


def round_up(value: int, step: int) -> int:
    """The smallest multiple of `step` that is not below `value`."""
    return -(-value // step) * step


def receptive_field(
    upsample_rates: Sequence[int],
    upsample_kernel_sizes: Sequence[int],
    resblock: str,
    resblock_kernel_sizes: Sequence[int],
    resblock_dilation_sizes: Sequence[Sequence[int]],
) -> int:
    """Frames on each side that one frame's samples depend on, for a HiFi-GAN decoder.

    The interval of one frame's samples is followed backwards through every layer: a convolution of
    kernel k and dilation d widens it by (k - 1) d / 2 a side; a transposed one of stride s, kernel
    k and padding p maps output o to inputs (o + p - k + 1) / s rounded up to (o + p) / s rounded
    down.

    Args:
        upsample_rates: Strides of the transposed convolutions.
        upsample_kernel_sizes: Their kernels.
        resblock: "1" (each dilated convolution is followed by a plain one) or "2".
        resblock_kernel_sizes: Kernels of the residual blocks.
        resblock_dilation_sizes: Dilations of each.
    """
    hop = 1
    for rate in upsample_rates:
        hop *= rate
    reach = max(
        sum((kernel - 1) * dilation // 2 for dilation in dilations)
        + (len(dilations) * ((kernel - 1) // 2) if resblock == "1" else 0)
        for kernel, dilations in zip(resblock_kernel_sizes, resblock_dilation_sizes, strict=True)
    )
    low, high = 0, hop - 1
    low, high = low - 3, high + 3  # the last convolution, kernel 7
    for rate, kernel in reversed(list(zip(upsample_rates, upsample_kernel_sizes, strict=True))):
        low, high = low - reach, high + reach
        padding = (kernel - rate) // 2
        low, high = -((kernel - 1 - padding - low) // rate), (high + padding) // rate
    low, high = low - 3, high + 3  # the first convolution, kernel 7
    return max(-low, high)
