"""What the decoder computes in; all other graphs of a voice compute in float32.

Durations are rounded up to whole frames and the flow carries errors on through its couplings, so
that both want float32. The decoder is two thirds of the work, and its rounding noise isn't heard.
"""

from __future__ import annotations

from typing import Literal, get_args

from vinovits.errors import DeviceError, UsageError
from vinovits.graphs import can_compute

Precision = Literal["auto", "f32", "bf16"]

LEAST_SNR = 30.0
"""Decibels between the sound and the noise that bf16 adds, where "auto" still takes bf16."""


def decoder_precision(asked: Precision, device: str, bf16_snr: float) -> str:
    """Choose the precision of the decoder.

    Args:
        asked: "auto" takes bf16 on a CPU that has instructions for it (AMX or AVX-512 BF16), for a
            voice whose noise was measured to be low enough; "f32" and "bf16" are taken as asked.
        device: "cpu", "gpu.1" and so on.
        bf16_snr: Of the voice, in decibels; 0 if not known.

    Returns:
        "f32" or "bf16".

    Raises:
        DeviceError: There is no such device, or bf16 is asked of one without.
        UsageError: An unknown precision.
    """
    if asked not in get_args(Precision):
        raise UsageError(
            f"There is no precision {asked!r}. There are: {', '.join(get_args(Precision))}."
        )
    if asked == "auto":
        quick = device.strip().lower() == "cpu" and can_compute(device, "bf16")
        return "bf16" if quick and bf16_snr >= LEAST_SNR else "f32"
    if not can_compute(device, asked):
        raise DeviceError(
            f"The device {device!r} has no instructions for {asked}. Speak with the precision "
            "auto or f32."
        )
    return asked
