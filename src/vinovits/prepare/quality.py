"""How clean a clip sounds: clipping, and DNSMOS without the packages that come with it.

Reddy, Gopal, Cutler: DNSMOS P.835, https://arxiv.org/abs/2110.01763.
"""

from __future__ import annotations

import importlib.util
import threading
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from vinovits.devices import core
from vinovits.errors import MissingExtraError
from vinovits.prepare.recording import Samples
from vinovits.prepare.speech import EXTRA, RATE

_WINDOW = int(9.01 * RATE)
_MOST_WINDOWS = 3
_SIG = (-0.08397278, 1.22083953, 0.0052439)
_BAK = (-0.13166888, 1.60915514, -0.39604546)
_OVRL = (-0.06766283, 1.11546468, 0.04602535)
"""Polynomials of the published scores, highest power first."""

_FLAT = 4
"""Samples of one value, side by side at a peak, that no microphone gives."""
_LOUD = 0.25
"""Flat tops below it are digital silence or soft hum in coarse steps."""


class Mos:
    """DNSMOS P.835 by the network in the package `speechmos`. Any number of threads may use it.

    Raises:
        MissingExtraError: The package isn't installed.
    """

    def __init__(self) -> None:
        path = package_file("speechmos", "dnsmos_models/sig_bak_ovr.onnx")
        if path is None:
            raise MissingExtraError(
                "Measuring noise needs speechmos, which isn't installed. Install it with: "
                f"{EXTRA}, or do without: --no-mos"
            )
        self._compiled = core().compile_model(str(path), "CPU", {"INFERENCE_NUM_THREADS": 1})
        self._own = threading.local()

    def __call__(self, samples: Samples) -> dict[str, float]:
        """Scores from 1 to 5 of samples (n,), n > 0, at 16 kHz.

        What is shorter than 9.01 s is repeated until it fills them. Of what is longer, three
        windows from the beginning to the end count at the most, where speechmos takes one each
        second. Chips that compute in bf16 do so here: that moves scores by about 0.01.

        Returns:
            "ovrl", "sig" (the speech alone) and "bak" (what is behind it).
        """
        samples = np.clip(samples, -1, 1)
        if len(samples) < _WINDOW:
            samples = np.tile(samples, -(-_WINDOW // len(samples)))[:_WINDOW]
        spare = len(samples) - _WINDOW
        count = min(_MOST_WINDOWS, 1 + spare // RATE)
        starts = [round(spare * index / max(count - 1, 1)) // RATE * RATE for index in range(count)]
        rows = [self._run(samples[start : start + _WINDOW][None]) for start in starts]
        sig, bak, ovrl = np.array(rows).T
        return {
            "ovrl": float(np.polyval(_OVRL, ovrl).mean()),
            "sig": float(np.polyval(_SIG, sig).mean()),
            "bak": float(np.polyval(_BAK, bak).mean()),
        }

    def _run(self, window: Samples) -> Any:
        if not hasattr(self._own, "request"):
            self._own.request = self._compiled.create_infer_request()
        found = self._own.request.infer([np.ascontiguousarray(window, np.float32)])
        return next(iter(found.values()))[0].copy()


def clipped(samples: Samples) -> float:
    """The share of samples (n,) that were cut off by a recorder, in flat tops.

    A flat top is four samples of one value or more, at 0.97 of the clip's greatest or above; soft
    clips have none.
    """
    if not len(samples):
        return 0.0
    loud = np.abs(samples)
    peak = float(loud.max())
    if peak < _LOUD:
        return 0.0
    candidates = np.flatnonzero((np.diff(samples) == 0) & (loud[1:] >= 0.97 * peak))
    if len(candidates) < _FLAT - 1:
        return 0.0
    groups = np.split(candidates, np.flatnonzero(np.diff(candidates) > 1) + 1)
    flat = sum(len(group) + 1 for group in groups if len(group) >= _FLAT - 1)
    return flat / len(samples)


@cache
def package_file(package: str, inner: str) -> Path | None:
    """A file of an installed package, which isn't imported; None where it isn't there."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        return None
    path = Path(found.submodule_search_locations[0]) / inner
    return path if path.is_file() else None
