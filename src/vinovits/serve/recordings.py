"""Recordings that callers send: read in a bounded way, and what a voice makes of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from starlette.datastructures import UploadFile

from vinovits.engine.settings import SpeakSettings
from vinovits.engine.voice import Voice
from vinovits.serve.errors import ApiError
from vinovits.serve.forms import Forms
from vinovits.voices.manifest import VoiceManifest

FIELD = "reference_audio"
"""The field of forms that holds one, named as Bert-VITS2's clients have it."""
LARGEST = 24 << 20
"""Bytes of a form with one: a minute of two channels of 24 bit at 48 kHz, and some."""
_LONGEST = 60.0
"""Seconds: what the shortest-eared of the models that listen takes."""
_MOST_CHANNELS = 8
_RATES = (4_000, 384_000)
_HIGHEST_KEPT = 48_000
"""Hz: no model hears more."""
_BLOCK = 1 << 16
"""Samples of each channel that are decoded at a time: a FLAC of silence has thousands of times what
it weighs."""
_MOST_FORMS = 8
_FORM_SECONDS = 60.0
"""In which a form with one must have come."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording, decoded."""

    samples: npt.NDArray[np.float32]
    """(n,) in [-1, 1], its channels mixed."""
    sampling_rate: int

    @property
    def seconds(self) -> float:
        """Its length."""
        return len(self.samples) / self.sampling_rate


def recording_forms() -> Forms:
    """What takes forms with recordings in."""
    return Forms("recording", _MOST_FORMS, _FORM_SECONDS, LARGEST)


async def uploaded(file: UploadFile) -> Recording:
    """The recording that a form has.

    Raises:
        ApiError: As `read_recording` raises it.
    """
    return await asyncio.to_thread(read_recording, file.file, (file.filename or FIELD)[:80])


def read_recording(file: Path | BinaryIO, name: str) -> Recording:
    """Read a recording; its header is checked before its samples are read.

    Args:
        file: A WAV, FLAC, OGG or MP3 file.
        name: What the caller calls it, for messages.

    Raises:
        ApiError: It is no sound that libsndfile reads, too long, empty or not finite.
    """
    import soundfile
    import soxr

    try:
        with soundfile.SoundFile(file) as sound:
            rate, channels = sound.samplerate, sound.channels
            if not _RATES[0] <= rate <= _RATES[1] or not 1 <= channels <= _MOST_CHANNELS:
                raise _refused(f"{name} has {channels} channels at {rate} Hz.")
            if sound.frames > _LONGEST * rate:
                raise _refused(f"{name} is longer than {_LONGEST:g} s.")
            # A header may lie: no more is read than it may be.
            mixed = np.concatenate(
                [
                    block.mean(axis=1, dtype=np.float32)
                    for block in sound.blocks(
                        _BLOCK, frames=int(_LONGEST * rate), dtype="float32", always_2d=True
                    )
                ]
                or [np.zeros(0, np.float32)]
            )
    except (soundfile.LibsndfileError, OSError, ValueError):
        raise _refused(f"{name} is no recording that can be read.") from None
    if not len(mixed) or not np.isfinite(mixed).all():
        raise _refused(f"{name} has no sound in it.")
    if rate > _HIGHEST_KEPT:
        mixed, rate = soxr.resample(mixed, rate, _HIGHEST_KEPT), _HIGHEST_KEPT
    return Recording(mixed, rate)


def has_use(manifest: VoiceManifest) -> bool:
    """Whether a voice takes its speaker or an emotion from a recording."""
    return manifest.spectrogram is not None or manifest.emotion is not None


def with_recording(voice: Voice, settings: SpeakSettings, recording: Recording) -> SpeakSettings:
    """The settings, with what a recording says: who speaks, or else the emotion.

    Args:
        voice: One that has use for it.
        settings: What they say of that gives way.
        recording: Of the caller.

    Raises:
        UsageError: It is too short or silent.
        VoiceError: The model that listens isn't here, or is broken.
    """
    samples, rate = recording.samples, recording.sampling_rate
    if voice.manifest.spectrogram is not None:
        return {**settings, "speaker": voice.speaker_from(samples, rate)}
    return {**settings, "emotion": voice.emotion_from(samples, rate, seed=settings["seed"])}


def _refused(what: str) -> ApiError:
    return ApiError(
        400,
        f"{what} Give WAV, FLAC, MP3 or OGG of one voice, up to {_LONGEST:g} s.",
        "bad_recording",
        param=FIELD,
    )
