"""Speaking VOICEVOX's queries, in workers."""

from __future__ import annotations

import io
import wave
import zipfile
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from vinovits.engine.settings import SpeakSettings
from vinovits.engine.voice import Voice
from vinovits.output.wav import pcm16
from vinovits.serve.services import Services
from vinovits.serve.voicevox.models import AccentPhrase, AudioQuery
from vinovits.serve.voicevox.query import (
    analysed,
    lengthened,
    query_of,
    speaks_japanese,
    to_be_spoken,
)
from vinovits.serve.voicevox.styles import StyleOf
from vinovits.serve.work import Job

T = TypeVar("T")
Array = npt.NDArray[np.float32]
Task = Callable[[Job[T]], None]

_STRONGEST = 10.0
"""The style's weight at the end of `intonationScale`, as in AivisSpeech."""


def query_work(services: Services, style: StyleOf, text: str) -> Task[AudioQuery]:
    """The work that makes the query for a text."""

    def work(job: Job[AudioQuery]) -> None:
        voice = services.voices.get(style.voice.name)
        found = analysed(voice, text, _settings(voice, style), job.check)
        rate = voice.manifest.sampling_rate
        job.put(query_of(found, rate, has_kana=speaks_japanese(voice)))

    return work


def lengths_work(
    services: Services, style: StyleOf, phrases: list[AccentPhrase]
) -> Task[list[AccentPhrase]]:
    """The work that gives phrases their lengths."""

    def work(job: Job[list[AccentPhrase]]) -> None:
        voice = services.voices.get(style.voice.name)
        lengthened(voice, phrases, _settings(voice, style), job.check)
        job.put(phrases)

    return work


def synthesis_work(services: Services, style: StyleOf, query: AudioQuery) -> Task[bytes]:
    """The work that speaks a query as a WAV."""

    def work(job: Job[bytes]) -> None:
        data = _spoken(services, style, query, job)
        job.put(data, len(data))

    return work


def zip_work(services: Services, style: StyleOf, queries: Sequence[AudioQuery]) -> Task[bytes]:
    """The work that speaks queries as a zip of WAVs: 001.wav, 002.wav …"""

    def work(job: Job[bytes]) -> None:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
            for number, query in enumerate(queries, 1):
                file.writestr(f"{number:03}.wav", _spoken(services, style, query, job))
        data = archive.getvalue()
        job.put(data, len(data))

    return work


def _settings(voice: Voice, style: StyleOf) -> SpeakSettings:
    settings: SpeakSettings = {"seed": 0}
    if speaks_japanese(voice):
        settings["language"] = "ja"
    if style.speaker is not None:
        settings["speaker"] = style.speaker
    if style.style is not None:
        settings["style"] = style.style
    return settings


def _spoken(services: Services, style: StyleOf, query: AudioQuery, job: Job[bytes]) -> bytes:
    voice = services.voices.get(style.voice.name)
    spoken = to_be_spoken(voice, query, _settings(voice, style), job.check)
    settings = spoken.settings
    if style.style is not None and query.intonationScale != 1.0:
        settings["style_weight"] = _bent(query.intonationScale, 1.0, _STRONGEST)
    if query.tempoDynamicsScale is not None:
        own = voice.manifest.defaults.sdp_ratio
        settings["sdp_ratio"] = _bent(query.tempoDynamicsScale, own, 1.0)
    with voice.stream(spoken.text, ahead=False, **settings) as stream:
        parts = []
        for chunk in stream:
            parts.append(chunk.samples)
            job.check()
    services.metrics.spoken(stream.stats)
    return _wav(np.concatenate(parts), voice.manifest.sampling_rate, query)


def _bent(scale: float, middle: float, end: float) -> float:
    """From 0 over `middle` at 1 to `end` at 2."""
    return scale * middle if scale <= 1 else middle + (scale - 1) * (end - middle)


def _wav(samples: Array, sampling_rate: int, query: AudioQuery) -> bytes:
    """A WAV of 16 bit, as the query wants it."""
    rate = query.outputSamplingRate
    before = np.zeros(round(query.prePhonemeLength * sampling_rate), np.float32)
    behind = np.zeros(round(query.postPhonemeLength * sampling_rate), np.float32)
    whole = np.concatenate([before, samples * np.float32(query.volumeScale), behind])
    if rate != sampling_rate:
        import soxr

        whole = soxr.resample(whole, sampling_rate, rate)
    channels = 2 if query.outputStereo else 1
    data = pcm16(np.clip(whole, -1.0, 1.0))
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(np.repeat(data, channels).tobytes())
    return file.getvalue()
