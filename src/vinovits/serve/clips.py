"""Whole recordings for one request: what older clients expect, who read a file to its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from starlette.requests import Request
from starlette.responses import Response

from vinovits.engine.settings import SpeakSettings
from vinovits.errors import LanguageError, TextError
from vinovits.output.audio_stream import AudioStream
from vinovits.serve.recordings import Recording, with_recording
from vinovits.serve.replies import HungUpError, while_heard
from vinovits.serve.services import Services
from vinovits.serve.work import Job

T = TypeVar("T")

HUNG_UP = 499
"""The status of an answer that nobody waits for."""


@dataclass(frozen=True, slots=True)
class Clip:
    """What to speak, line by line."""

    voice: str
    lines: Sequence[str]
    """Spoken one by one, and joined."""
    settings: SpeakSettings
    between: float = 0.0
    """Seconds of silence between lines."""
    recording: Recording | None = None
    """For voices that take their speaker or an emotion from one."""
    ignored: tuple[str, ...] = ()
    """Fields of the request that nothing is made of."""


async def heard(
    services: Services, request: Request, task: Callable[[Job[T]], None]
) -> T | Response:
    """Do some work in a worker, and wait for the one thing that it makes.

    Args:
        services: Of the server.
        request: Whose body has been read.
        task: Puts one thing.

    Returns:
        That thing; an empty answer if the caller has left meanwhile.

    Raises:
        ApiError: The queue is full, the server about to end, or the deadline over.
        Exception: What the work met.
    """
    job = services.work.submit(task)
    try:
        made = await while_heard(request.receive, job.get())
    except HungUpError:
        services.metrics.hung_up.inc()
        return Response(status_code=HUNG_UP)
    finally:
        job.stop()
    assert made is not None
    return made


def wav_work(services: Services, clip: Clip) -> Callable[[Job[bytes]], None]:
    """The work that makes a WAV, 16 bit, with true sizes in its header."""

    def work(job: Job[bytes]) -> None:
        voice = services.voices.get(clip.voice)
        settings = clip.settings
        if clip.recording is not None:
            settings = with_recording(voice, settings, clip.recording)
        rate = voice.manifest.sampling_rate
        gap = np.zeros(round(clip.between * rate), np.float32)
        unspoken: TextError | None = None
        any_spoken = False
        with AudioStream("wav", rate, whole=True) as audio:
            for line in clip.lines:
                try:
                    stream = voice.stream(line, ahead=False, **settings)
                except LanguageError:
                    raise
                except TextError as error:
                    unspoken = unspoken or error
                    continue
                if any_spoken:
                    audio.write(gap)
                any_spoken = True
                with stream:
                    for chunk in stream:
                        audio.write(chunk.samples)
                        job.check()
                services.metrics.spoken(stream.stats)
            if unspoken is not None and not any_spoken:
                raise unspoken
            data = audio.finish()
        job.put(data, len(data))

    return work


async def wav_reply(services: Services, request: Request, clip: Clip) -> Response:
    """Speak, and answer with a whole WAV.

    Args:
        services: Of the server.
        request: Whose body has been read.
        clip: What to speak.
    """
    services.note(clip.voice)
    made = await heard(services, request, wav_work(services, clip))
    if isinstance(made, Response):
        return made
    headers = {"X-Seed": str(clip.settings["seed"])}
    if clip.ignored:
        headers["X-Ignored"] = ", ".join(clip.ignored)
    return Response(made, media_type="audio/wav", headers=headers)
