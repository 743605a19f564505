"""Style vectors: how strongly an utterance leans from a voice's mean towards a style."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]


def blend_style(mean: Array, style: Array, weight: float) -> Array:
    """The style vector of an utterance, as Style-Bert-VITS2 has it: mean + (style - mean) * weight.

    Args:
        mean: (width,), row 0 of a voice's styles.npy.
        style: (width,), another row, or the speaker embedding of a reference recording.
        weight: 0 is the mean and 1 the style; beyond them it is extrapolated.

    Returns:
        (width,).
    """
    return mean + (style - mean) * np.float32(weight)
