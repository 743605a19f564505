"""How long what goes into the graphs is made: lengths that repeat, so that little is prepared anew.

That is a policy of the device. A CPU takes dynamic shapes: a new length costs it about as much as a
short sentence. A GPU takes seconds to compile for a new shape, gives wrong results for some dynamic
ones, and an NPU knows fixed shapes only; they get few lengths, the buckets below.

The buckets are chosen from the sentences that are spoken. Of 60 English ones, the middle nine
tenths have 53 to 139 steps (phones and the blanks between them), of 62 Chinese ones 46 to 247, none
more than 269; each step lasts 3.2 frames on average. Padding to these buckets adds 18 % to their
steps, and to their frames 20 % (English) and 14 % (Chinese).
"""

from __future__ import annotations

from typing import Literal

from vinovits.engine.windows import SHORT, Reach, fixed_lengths, round_up

ShapePolicy = Literal["auto", "dynamic", "static"]
"""Of graphs: "auto" is dynamic on the CPU and static elsewhere."""

PHONE_STEP = 64
"""The graph `encoder` sees multiples of this many steps, the rest masked."""

FRAME_STEP = 64
"""Likewise for frames and the graph `flow`."""

PHONE_BUCKETS = (64, 96, 128, 192, 288)
"""Steps that the graph `encoder` sees where shapes are static. A longer sentence gets a shape of
its own, a multiple of `PHONE_STEP`."""

FRAME_BUCKETS = (192, 256, 384, 512, 640, 896)
"""Likewise for frames and the graph `flow`."""


def is_static(policy: ShapePolicy, device: str) -> bool:
    """Whether a graph gets static shapes on a device, given by OpenVINO's name."""
    return policy == "static" or (policy == "auto" and device != "CPU")


def padded_steps(steps: int, static: bool) -> int:
    """How many steps the graph `encoder` sees of a sentence of `steps`."""
    return _padded(steps, PHONE_STEP, PHONE_BUCKETS if static else ())


def padded_frames(frames: int, static: bool) -> int:
    """How many frames the graph `flow` sees of a sentence of `frames`."""
    return _padded(frames, FRAME_STEP, FRAME_BUCKETS if static else ())


def usual_lengths(graph: str, reach: Reach) -> list[dict[str, int]]:
    """What a static graph is asked for again and again, the most usual in front.

    Args:
        graph: "encoder", "flow" or "decoder"; others have no usual lengths.
        reach: Of the decoder.

    Returns:
        Lengths as `StaticGraph.prepare` takes them.
    """
    if graph == "decoder":
        windows = [
            {"z": length, "kept": length - reach.dropped, "": length}
            for length in fixed_lengths(reach)
        ]
        short = SHORT[0]
        if short > 2 * reach.context:
            windows.append({"z": short, "kept": short, "": short})
        return windows
    buckets = {"encoder": PHONE_BUCKETS, "flow": FRAME_BUCKETS}.get(graph, ())
    middle = len(buckets) // 2
    order = sorted(buckets, key=lambda length: abs(buckets.index(length) - middle))
    return [{"": length} for length in order]


def _padded(length: int, step: int, buckets: tuple[int, ...]) -> int:
    return next((bucket for bucket in buckets if bucket >= length), round_up(length, step))
