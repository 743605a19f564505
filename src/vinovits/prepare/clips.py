"""From a part of a recording to a clip on the disk, and what is measured on the way."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vinovits.prepare.quality import Mos, clipped
from vinovits.prepare.recording import Samples
from vinovits.prepare.speech import RATE
from vinovits.prepare.voice_print import VoicePrints

CEILING = 10 ** (-1 / 20)
"""The greatest sample of a clip, -1 dB."""
MARGIN = 0.05
"""Seconds around a clip that are resampled with it: its ends are as they are in the recording."""
_FADE = 0.005
"""Seconds in which a clip begins and ends: a cut through noise would click."""
_OUTLINE = 80
"""Numbers of the picture of a wave."""
_SEGMENTS = 32
_BAND_EDGES = (0, 500, 1000, 2000, 6000)
"""Hz. Which parts of time and frequency two copies of one recording have in common."""


@dataclass(frozen=True, slots=True)
class Measures:
    """What is known of the sound of a clip."""

    seconds: float
    peak: float
    """The greatest sample of the recording within the clip, without its sign, before levelling."""
    clipped: float
    """The share of samples in flat tops."""
    gain: float
    """dB by which it was raised."""
    lowered: float
    """dB by which it alone was lowered to stay below the ceiling."""
    mos: dict[str, float] = field(default_factory=dict)
    """DNSMOS; empty if it wasn't measured."""
    voice: list[float] = field(default_factory=list)
    """The speaker's embedding; empty if it wasn't made."""
    likeness: list[float] = field(default_factory=list)
    """A unit vector that copies of one recording share."""
    outline: list[int] = field(default_factory=list)
    """0 to 99: the height of the wave, for a picture."""


@dataclass(frozen=True, slots=True)
class Ears:
    """What clips are judged by."""

    mos: Mos | None = None
    prints: VoicePrints | None = None


def make_clip(
    samples: Samples, before: int, behind: int, rates: tuple[int, int], gain: float, ears: Ears
) -> tuple[bytes, Measures]:
    """Resample, level and measure a clip.

    Args:
        samples: (n,) of the recording: the clip and a margin.
        before: How many of them are in front of the clip.
        behind: How many are behind it.
        rates: That of the recording and that of the clip, in Hz.
        gain: dB by which the session is raised.
        ears: What judges it.

    Returns:
        A FLAC file of 16 bits, and the measures.
    """
    import soundfile
    import soxr

    rate, wanted = rates
    samples = samples - np.mean(samples, dtype=np.float32)  # an offset is nothing to learn
    own = samples[before : len(samples) - behind]
    peak = float(np.abs(own).max()) if len(own) else 0.0
    heard = soxr.resample(samples, rate, wanted, quality="VHQ") if rate != wanted else samples
    first = round(before * wanted / rate)
    made = heard[first : first + max(1, round(len(own) * wanted / rate))] * 10 ** (gain / 20)
    top = float(np.abs(made).max()) if len(made) else 0.0
    lowered = min(1.0, CEILING / top) if top else 1.0
    made = _faded((made * lowered).astype(np.float32), wanted)
    buffer = io.BytesIO()
    soundfile.write(buffer, made, wanted, format="FLAC", subtype="PCM_16")
    narrow = soxr.resample(made, wanted, RATE, quality="HQ") if wanted != RATE else made
    measures = Measures(
        seconds=len(made) / wanted,
        peak=peak,
        clipped=clipped(own),
        gain=gain,
        lowered=max(0.0, -20 * float(np.log10(lowered))),
        mos=ears.mos(narrow) if ears.mos is not None and len(narrow) else {},
        voice=_short(ears.prints(narrow)) if ears.prints is not None and len(narrow) else [],
        likeness=_short(likeness(narrow)),
        outline=_outline(made),
    )
    return buffer.getvalue(), measures


def likeness(samples: Samples) -> NDArray[np.float32]:
    """What copies of one recording share, whatever their loudness and format: (128,), length 1.

    Logarithms of the power in 32 parts of the time and 4 bands.

    Args:
        samples: (n,) at 16 kHz.
    """
    size = max(256, len(samples) // _SEGMENTS)
    padded = np.pad(samples, (0, max(0, size * _SEGMENTS - len(samples))))[: size * _SEGMENTS]
    power = np.abs(np.fft.rfft(padded.reshape(_SEGMENTS, size), axis=1)) ** 2
    edges = [round(edge * size / RATE) for edge in _BAND_EDGES]
    bands = np.stack(
        [power[:, low : max(high, low + 1)].mean(axis=1) for low, high in pairwise(edges)], 1
    )
    logs = np.log(bands + 1e-6 * bands.max() + 1e-12)
    flat = (logs - logs.mean(axis=0)).ravel()
    unit: NDArray[np.float32] = (flat / max(float(np.linalg.norm(flat)), 1e-9)).astype(np.float32)
    return unit


def _faded(samples: Samples, rate: int) -> Samples:
    count = min(int(_FADE * rate), len(samples) // 2)
    if count:
        ramp = np.linspace(0, 1, count, dtype=np.float32)
        samples[:count] *= ramp
        samples[-count:] *= ramp[::-1]
    return samples


def _outline(samples: Samples) -> list[int]:
    parts = np.array_split(np.abs(samples), _OUTLINE)
    return [min(99, int(100 * float(part.max()))) if len(part) else 0 for part in parts]


def _short(values: Any) -> list[float]:
    return [round(float(value), 4) for value in values]
