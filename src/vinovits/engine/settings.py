"""The settings of one call, checked."""

from __future__ import annotations

import numbers
from dataclasses import dataclass

from vinovits.errors import UsageError
from vinovits.voices.manifest import RANGES, Defaults


@dataclass(frozen=True, slots=True)
class Settings:
    """How to speak."""

    seed: int
    """From it and the sentence's number all noise is drawn."""
    speed: float
    """1 is the voice's own; 2 is twice as fast."""
    sdp_ratio: float
    """Share of the stochastic duration predictor, 0 to 1: rhythm from even to lively."""
    noise: float
    """Deviation of the prior sample: 0 is flat and stable, 1 is lively."""
    noise_w: float
    """Deviation of the stochastic durations."""
    pause: float
    """Seconds of silence between sentences."""


def check_settings(
    defaults: Defaults,
    seed: int,
    speed: float | None,
    sdp_ratio: float | None,
    noise: float | None,
    noise_w: float | None,
    pause: float | None,
) -> Settings:
    """Fill settings that are None from the voice's defaults, and check all.

    Raises:
        UsageError: A value is no number, not finite, or outside of its range.
    """
    if isinstance(seed, bool) or not isinstance(seed, numbers.Integral) or not 0 <= seed < 2**64:
        raise UsageError(f"The seed must be a whole number from 0 to 2**64 - 1, not {seed!r}.")
    return Settings(
        seed=int(seed),
        speed=_check("speed", speed, defaults.speed),
        sdp_ratio=_check("sdp_ratio", sdp_ratio, defaults.sdp_ratio),
        noise=_check("noise", noise, defaults.noise),
        noise_w=_check("noise_w", noise_w, defaults.noise_w),
        pause=_check("pause", pause, defaults.pause),
    )


def _check(name: str, value: float | None, default: float) -> float:
    if value is None:
        return default
    low, high = RANGES[name]
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not number or not low <= value <= high:  # NaN is in no range
        raise UsageError(f"The setting {name} must be from {low:g} to {high:g}, not {value!r}.")
    return float(value)
