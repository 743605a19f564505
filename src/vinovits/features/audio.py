"""Audio prompts: read from a file, checked, and resampled to what a model listens to."""

from __future__ import annotations

import hashlib
import numbers
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vinovits.errors import UsageError

if TYPE_CHECKING:
    from soundfile import SoundFile

Samples = NDArray[np.float32]

SHORTEST, LONGEST = 0.1, 3600.0
"""Seconds of a prompt. Below, there is nothing to hear a mood in; above, it is no prompt."""
RATES = (1000, 768_000)
"""The least and the greatest sampling rate in Hz."""
SILENCE, FULL_SCALE = 1e-4, 100.0
"""The peak of a prompt is above the one, -80 dB, and not above the other: samples that were never
divided by the full scale of their whole numbers are far beyond it."""
_BLOCK = 1 << 16


def read_audio(path: Path) -> tuple[Samples, int]:
    """Read a sound file as one channel.

    Args:
        path: A file that libsndfile reads (WAV, FLAC, OGG, MP3 and more) with any rate, width of
            samples and number of channels; channels are averaged.

    Returns:
        Samples (n,), in [-1, 1] for files of whole numbers, and their rate in Hz.

    Raises:
        UsageError: There is no such file, it is no sound file, it is damaged, or longer than an
            hour.
    """
    if not path.is_file():  # Reading a pipe or a device may never end.
        raise UsageError(f"The audio prompt {path} isn't there, or is no ordinary file.")
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            return _read(file, path), int(file.samplerate)
    except (OSError, RuntimeError) as error:
        raise UsageError(
            f"The audio prompt {path} can't be read as audio: {error} Name a sound file, such as "
            "a .wav or .flac."
        ) from error


def _read(file: SoundFile, path: Path) -> Samples:
    """All of a file in blocks, so that its channels are never in memory at once."""
    longest = int(LONGEST * file.samplerate)
    mono: list[Any] = []
    length = 0
    # Headers may claim any length: what was read is counted.
    for block in file.blocks(_BLOCK, dtype="float32", always_2d=True):
        length += len(block)
        if length > longest:
            raise UsageError(f"The audio prompt {path} is longer than an hour. Cut a part out.")
        mono.append(block.mean(axis=1))
    samples: Samples = np.concatenate(mono) if mono else np.zeros(0, np.float32)
    return samples


def check_prompt(samples: Samples, sampling_rate: int, longest: float = LONGEST) -> Samples:
    """Refuse what can't be a prompt.

    Args:
        samples: (n,) finite floating-point numbers in [-1, 1], not all below `SILENCE`.
        sampling_rate: In Hz, within `RATES`.
        longest: Seconds that the model takes.

    Returns:
        The samples as float32, side by side in memory.

    Raises:
        UsageError: They aren't one channel of such numbers, or are too short or too long, or the
            rate is impossible.
    """
    low, high = RATES
    is_number = isinstance(sampling_rate, numbers.Integral) and not isinstance(sampling_rate, bool)
    if not is_number or not low <= sampling_rate <= high:
        raise UsageError(
            f"The sampling rate of an audio prompt is a whole number from {low} to {high} Hz, "
            f"not {sampling_rate!r:.60}."
        )
    samples = np.asarray(samples)
    if samples.ndim != 1 or samples.dtype.kind not in "fiu":
        raise UsageError(
            "An audio prompt is one channel of numbers, of the shape (n,), not "
            f"{samples.dtype} of the shape {samples.shape}. Average the channels."
        )
    if samples.dtype.kind != "f":
        raise UsageError(
            f"The samples of an audio prompt are floating-point numbers in [-1, 1], not "
            f"{samples.dtype}. Divide them by their full scale."
        )
    seconds = len(samples) / sampling_rate
    if seconds < SHORTEST:
        raise UsageError(
            f"The audio prompt is {seconds * 1000:.0f} ms long, too short to hear a mood in. Use "
            "some seconds of speech."
        )
    if seconds > longest:
        raise UsageError(
            f"The audio prompt is {seconds:.1f} s long, but at most {longest:.0f} s are heard. "
            "Cut out a part in which the mood is clear."
        )
    if not np.isfinite(samples.sum(dtype=np.float64)):
        raise UsageError("The audio prompt holds NaN or infinite samples. Record it anew.")
    peak = max(-float(samples.min()), float(samples.max()))
    if peak < SILENCE:
        raise UsageError("The audio prompt is silent. Use a recording of speech.")
    if peak > FULL_SCALE:
        raise UsageError(
            f"The audio prompt has samples up to {peak:.0f}, but they should be in [-1, 1]. Divide "
            "them by their full scale."
        )
    return np.ascontiguousarray(samples, np.float32)


def fingerprint(samples: Samples, sampling_rate: int) -> bytes:
    """What two prompts have in common if and only if they are the same."""
    return hashlib.sha256(samples.data).digest() + int(sampling_rate).to_bytes(8)


def resample(samples: Samples, sampling_rate: int, wanted: int, shortest: int = 1) -> Samples:
    """Resample by soxr in its high quality, linear in phase.

    Args:
        samples: (n,).
        sampling_rate: Of the samples, in Hz.
        wanted: In Hz.
        shortest: Samples at that rate that a model needs for one frame.

    Returns:
        (round(n * wanted / sampling_rate),), the same array if the rates are equal.

    Raises:
        UsageError: These are fewer than `shortest`.
    """
    if sampling_rate != wanted:
        import soxr

        samples = soxr.resample(samples, sampling_rate, wanted)
    if len(samples) < shortest:
        raise UsageError(
            f"The audio prompt is {len(samples)} samples long at {wanted} Hz, but the model needs "
            f"{shortest} for one frame. Use some seconds of speech."
        )
    return samples
