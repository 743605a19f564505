"""Speakers between those that a voice has: the weighted mean of their vectors."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from vinovits.errors import UsageError

Array = npt.NDArray[np.float32]

MOST_MIXED = 16
"""Speakers in one mix."""


def mixed(
    weights: Mapping[str, float] | Mapping[int, float], vector: Callable[[str | int], Array]
) -> Array:
    """The weighted mean of speakers.

    Args:
        weights: By name or number of a speaker; not below 0, and above 0 in all. Only their
            proportions count.
        vector: Gives the vector (1, gin, 1) of a speaker.

    Returns:
        (1, gin, 1).

    Raises:
        UsageError: There are too many, a weight can't be right, or there is no such speaker.
    """
    if len(weights) > MOST_MIXED:
        raise UsageError(f"At most {MOST_MIXED} speakers are mixed, not {len(weights)}.")
    for name, weight in weights.items():
        right = isinstance(weight, numbers.Real) and not isinstance(weight, bool)
        if not right or not 0 <= weight < math.inf:  # NaN is in no range
            raise UsageError(
                f"The weight of the speaker {name!r:.60} must be a number from 0 on, not "
                f"{weight!r:.40}."
            )
    total = math.fsum(weights.values())
    if not 0 < total < math.inf:
        raise UsageError("A mix of speakers needs at least one with a weight above 0.")
    parts = np.stack([(weight / total) * vector(name) for name, weight in weights.items()])
    mean: Array = parts.sum(axis=0, dtype=np.float64).astype(np.float32)
    return mean
