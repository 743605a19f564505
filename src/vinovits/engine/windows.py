"""Which frames the decoder sees at a time: windows with real context, so that cuts don't show.

A HiFi-GAN frame's samples depend on a few frames on each side only. A window that holds them gives
the very samples that one pass over everything gives. Most of these neighbours are for the first
up-sampling stage, which is a fifth of the work: behind it the decoder drops those that the later
stages don't ask for.

Windows come in few lengths, as every new one costs a device time and memory to prepare its kernels,
and one that would reach beyond the frames slides back instead of being padded: zeros outside are
not what the decoder sees inside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

GROWTH = (64, 192)
"""Longest first and later window, context included: an early sound, then throughput. Between them
windows grow by half, so that each is decoded before what came until then has been heard. Longer
windows than these gain nothing, but each length costs OpenVINO tens of megabytes."""

FIXED = (64, 160)
"""Lengths of first and later windows on a device that compiles each. Of those there are, these
decode least twice of usual sentences: 13 % of English and 10 % of Chinese ones."""

STEP = 32
"""Windows that drop frames have multiples of this many."""

SHORT = (32, 48, 64)
"""Lengths of windows that drop none, for sentences that are hardly longer than the context."""

_LATE_SHARE = 0.8
"""Of the decoder's work, what lies behind the frames that are dropped."""

_EACH = 4
"""What a window costs besides, in frames."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How far the decoder listens."""

    context: int
    """Frames on each side that a frame's samples depend on."""
    late: int
    """The same, behind the first up-sampling stage."""

    @property
    def dropped(self) -> int:
        """Frames that a window loses behind the first stage, at both ends together."""
        return 2 * (self.context - self.late)


@dataclass(frozen=True, slots=True)
class Window:
    """What is decoded in one go."""

    start: int
    stop: int
    """Frames start:stop go in."""
    kept_from: int
    kept_to: int
    """Those of them that go on behind the first up-sampling stage."""
    first: int
    last: int
    """Those whose samples are the sound."""


def plan_windows(
    frames: int,
    reach: Reach,
    growth: Sequence[int] = GROWTH,
    lengths: Sequence[int] | None = None,
) -> list[Window]:
    """Cover `frames` frames by windows, the first small, later ones large.

    Args:
        frames: How many there are, at least 1.
        reach: Of the decoder.
        growth: Longest first window, where the first sound is waited for, and longest later one;
            those between grow, unless there are `lengths`.
        lengths: All that windows that drop frames may have, from short to long, on a device that
            compiles each (see `fixed_lengths`); None for the multiples of `STEP`.

    Returns:
        Windows whose first:last follow each other without gap from 0 to `frames`. Their lengths
        are of `SHORT`, or multiples of `STEP`, unless there are fewer frames than any of these; or
        else of `lengths`, or the first of `SHORT` for sentences below these.
        All that drop frames drop as many. Of the plans there are it is the one in which the least
        is decoded twice.
    """
    if lengths is None:
        least = _least(reach)
        plans = [
            *_whole_plans(frames, reach, SHORT),
            *_dropping_plans(frames, reach, growth, range(least, frames + 1, STEP), STEP),
        ]
    elif frames < lengths[0]:
        plans = list(_whole_plans(frames, reach, SHORT[:1]))
    else:
        fitting = [length for length in lengths if length <= frames]
        plans = list(_dropping_plans(frames, reach, growth, fitting))
    if not plans:
        return [Window(0, frames, 0, frames, 0, frames)]
    return min(plans, key=lambda plan: sum(map(work, plan)))


def fixed_lengths(reach: Reach) -> tuple[int, ...]:
    """`FIXED`, or longer ones for a decoder that listens so far that these were all context."""
    return tuple(sorted({max(length, _least(reach)) for length in FIXED}))


def _least(reach: Reach) -> int:
    """The shortest window that is worth dropping frames of."""
    return round_up(max(2 * reach.context + STEP, 3 * reach.context), STEP)


def _whole_plans(frames: int, reach: Reach, lengths: Sequence[int]) -> Iterator[list[Window]]:
    """Windows of one length that drop nothing."""
    for length in lengths:
        if not 2 * reach.context < length <= frames:
            continue
        plan: list[Window] = []
        done = 0
        while done < frames:
            start = min(max(done - reach.context, 0), frames - length)
            last = frames if start + length == frames else start + length - reach.context
            plan.append(Window(start, start + length, start, start + length, done, last))
            done = last
        yield plan


def _dropping_plans(
    frames: int,
    reach: Reach,
    growth: Sequence[int],
    lengths: Sequence[int],
    step: int | None = None,
) -> Iterator[list[Window]]:
    """A first window, later ones of one length and a last one, which all drop as many frames.

    Args:
        frames: How many there are.
        reach: Of the decoder.
        growth: As `plan_windows` takes it.
        lengths: Of any window, from short to long; none above `frames`.
        step: Between these, where windows grow from the first to the later ones; None where those
            are next.
    """
    if not lengths:
        return
    least = lengths[0]
    limits = [round_up(length, STEP) for length in growth]
    firsts = [length for length in lengths if length <= max(limits[0], least)]
    laters = [length for length in lengths if length <= max(limits[-1], least)]
    if len(growth) > 1 and firsts:
        firsts = firsts[-1:]
    for first, later in product(firsts, laters):
        plan: list[Window] = []
        done, most = 0, first
        while done < frames:
            length = most
            enough = frames - done + reach.dropped + reach.late
            if done and enough <= most:  # the last one, and as short as it may be
                length = next((one for one in lengths if one >= enough), lengths[-1])
            plan.append(_dropping(frames, reach, done, length))
            done = plan[-1].last
            grown = later if step is None or len(growth) == 1 else most + max(most // 2, step)
            most = min(later, grown // STEP * STEP)
        yield plan


def _dropping(frames: int, reach: Reach, done: int, length: int) -> Window:
    """The window whose sound begins at frame `done`, dropping frames."""
    start = min(max(done - reach.context, 0), frames - length)
    # At an end of the sentence nothing may be dropped: all is dropped at the other.
    lead = min(reach.dropped // 2, done - reach.late - start) if done else 0
    if done and frames - done <= length - reach.dropped - reach.late:
        start, lead = frames - length, reach.dropped
    kept = start + lead, start + lead + length - reach.dropped
    last = frames if kept[1] == frames else kept[1] - reach.late
    return Window(start, start + length, *kept, done, last)


def work(window: Window) -> float:
    """What it costs to decode a window, in frames that are decoded once."""
    early, late = window.stop - window.start, window.kept_to - window.kept_from
    return _EACH + (1 - _LATE_SHARE) * early + _LATE_SHARE * late


def round_up(value: int, step: int) -> int:
    """The smallest multiple of `step` that is not below `value`."""
    return -(-value // step) * step


def receptive_field(
    upsample_rates: Sequence[int],
    upsample_kernel_sizes: Sequence[int],
    resblock: str,
    resblock_kernel_sizes: Sequence[int],
    resblock_dilation_sizes: Sequence[Sequence[int]],
) -> Reach:
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
    late = 0
    for rate, kernel in reversed(list(zip(upsample_rates, upsample_kernel_sizes, strict=True))):
        late = max(-(low // rate), high // rate)  # the first stage's is the last to be set
        low, high = low - reach, high + reach
        padding = (kernel - rate) // 2
        low, high = -((kernel - 1 - padding - low) // rate), (high + padding) // rate
    low, high = low - 3, high + 3  # the first convolution, kernel 7
    return Reach(max(-low, high), late)
