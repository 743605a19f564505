"""Recordings that users give: read in a bounded way, and kept for a while under an id."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vinovits.serve.errors import ApiError

_LONGEST = 60.0
"""Seconds: what the shortest-eared of the models that listen takes."""
_MOST_CHANNELS = 8
_RATES = (4_000, 384_000)
_MOST_KEPT = 16
"""A minute at 48 kHz takes 11 MB."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A recording."""

    samples: npt.NDArray[np.float32]
    """(n,) in [-1, 1], its channels mixed."""
    sampling_rate: int

    @property
    def seconds(self) -> float:
        """Its length."""
        return len(self.samples) / self.sampling_rate


class Prompts:
    """The last recordings of all users, each under an id that nobody can guess."""

    def __init__(self) -> None:
        """Begin with none."""
        self._kept: OrderedDict[str, Prompt] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, prompt: Prompt) -> str:
        """Keep one, and forget the oldest if there are too many; its id."""
        key = secrets.token_urlsafe(12)
        with self._lock:
            self._kept[key] = prompt
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return key

    def get(self, key: str) -> Prompt:
        """The one of this id.

        Raises:
            ApiError: It isn't kept any more.
        """
        with self._lock:
            prompt = self._kept.get(key)
            if prompt is None:
                raise ApiError(
                    400,
                    "The recording isn't kept any more. Upload it again.",
                    "no_such_recording",
                    param="prompt",
                )
            self._kept.move_to_end(key)
            return prompt


def read_prompt(path: Path, name: str) -> Prompt:
    """Read a recording; its header is checked before its samples are read.

    Args:
        path: Where the upload lies.
        name: What the user calls it.

    Raises:
        ApiError: It is no sound that libsndfile reads, too long, empty or not finite.
    """
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            rate, channels = file.samplerate, file.channels
            if not _RATES[0] <= rate <= _RATES[1] or not 1 <= channels <= _MOST_CHANNELS:
                raise _refused(f"{name} has {channels} channels at {rate} Hz.")
            if file.frames > _LONGEST * rate:
                raise _refused(f"{name} is longer than {_LONGEST:g} s.")
            # A header may lie: no more is read than it may be.
            samples = file.read(int(_LONGEST * rate), dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError, ValueError):
        raise _refused(f"{name} is no recording that can be read.") from None
    mixed = samples.mean(axis=1, dtype=np.float32)
    if not len(mixed) or not np.isfinite(mixed).all():
        raise _refused(f"{name} has no sound in it.")
    return Prompt(mixed, rate)


def _refused(what: str) -> ApiError:
    return ApiError(
        400,
        f"{what} Give WAV, FLAC, MP3 or OGG of one voice, up to {_LONGEST:g} s.",
        "bad_recording",
    )
