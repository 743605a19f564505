"""Speaking for the page: sound, timings and subtitles of one take, as events while it is made."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from vinovits.engine.result import SpokenSentence, Stats
from vinovits.engine.settings import SpeakSettings
from vinovits.engine.voice import Voice
from vinovits.output.audio_stream import AudioStream
from vinovits.output.timings import JsonTimings, timings_format
from vinovits.page.prompts import Prompts
from vinovits.serve.bodies import Name, SpeakFields
from vinovits.serve.errors import ApiError, api_error
from vinovits.serve.recordings import Recording, with_recording
from vinovits.serve.replies import HungUpError, while_heard
from vinovits.serve.services import Services
from vinovits.serve.speech import order
from vinovits.serve.work import Job

SUBTITLES = ("srt", "vtt", "lrc")
_TURN = re.compile(r"\[[^\[\]\n]+\]\s*<(?:zh|jp|ja|en)>", re.IGNORECASE)
"""The start of a speaker's turn, as in `[Ann]<zh>`."""
_BARS = re.compile(r"\[[^\[\]\n]*\]|\|")
"""Bars, and the brackets in which they mean something else."""

_SSML = re.compile(r"\s*\ufeff?\s*<(?:speak|\?xml|!--)")

Event = dict[str, Any]


class TakeRequest(SpeakFields):
    """What the form of the page asks for."""

    text: str
    voice: Name
    mixed: bool = Field(False, description="The text must be turns, such as [Ann]<zh>.")
    cut: Literal["voice", "paragraph", "sentence"] = "voice"
    paragraph_pause: float = Field(0.0, ge=0, le=10, allow_inf_nan=False)
    prompt: Name | None = Field(None, description="Id of a recording that was uploaded.")


@dataclass(frozen=True, slots=True)
class Take:
    """What a worker speaks."""

    voice: str
    text: str
    settings: SpeakSettings
    recording: Recording | None


def routes(services: Services, prompts: Prompts) -> APIRouter:
    """The route that the page speaks by; it is none of the interface for programs."""
    router = APIRouter(prefix="/page", include_in_schema=False)

    @router.post("/speak", response_class=Response)
    async def speak(body: TakeRequest) -> TakeReply:
        services.check_text(body.text, "text")
        if body.mixed and not _TURN.search(body.text):
            raise ApiError(
                400,
                "In mixed text, a turn begins with a speaker and a language, such as [Ann]<en>, "
                "and there is none. Choose another language of the text, or write them.",
                "no_turns",
                param="text",
            )
        text = paused(body.text, body.cut, body.pause or 0.0, body.paragraph_pause)
        fields = body.model_copy(update={} if body.cut == "sentence" else {"pause": None})
        wanted = services.taken(order(fields, body.voice, text, "wav"), "text")
        recording = None if body.prompt is None else prompts.get(body.prompt)
        take = Take(wanted.voice, wanted.text, wanted.settings, recording)
        return TakeReply(services.work.submit(_spoken(services, take)), services)

    return router


def paused(text: str, cut: str, sentence_pause: float, paragraph_pause: float) -> str:
    """The text with the page's pauses as markup.

    As on upstream's page, a bar parts sentences, and the pause behind a paragraph is never shorter
    than that between sentences.

    Args:
        text: Lines are paragraphs.
        cut: "paragraph" and "sentence" put a pause behind each line; "voice" doesn't.
        sentence_pause: Seconds.
        paragraph_pause: Seconds.
    """
    if _SSML.match(text):  # it says itself where it pauses
        return text
    text = _BARS.sub(lambda found: "[break]" if found[0] == "|" else found[0], text)
    if cut == "voice":
        return text
    seconds = max(paragraph_pause, sentence_pause if cut == "sentence" else 0.0)
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    return (f" [pause {seconds:g}s]\n" if seconds else "\n").join(lines)


def _spoken(services: Services, take: Take) -> Callable[[Job[Event]], None]:
    """The work of a take."""

    def work(job: Job[Event]) -> None:
        voice = services.voices.get(take.voice)
        settings = take.settings
        if take.recording is not None:
            settings = with_recording(voice, settings, take.recording)
        rate = voice.manifest.sampling_rate
        sentences: list[SpokenSentence] = []
        with (
            voice.stream(take.text, **settings) as stream,
            AudioStream("pcm", rate) as audio,
        ):
            start = {"type": "start", "sampling_rate": rate, "seed": settings["seed"]}
            for chunk in stream:
                if start:
                    job.put(start)
                    start = {}
                if chunk.spoken is not None:
                    sentences.append(chunk.spoken)
                    job.put({"type": "sentence", **_data(chunk.spoken)})
                _put_audio(job, audio.write(chunk.samples))
            _put_audio(job, audio.finish())
        services.metrics.spoken(stream.stats)
        job.put(_last(voice, sentences, stream.stats))

    return work


def _put_audio(job: Job[Event], data: bytes) -> None:
    if data:
        job.put({"type": "audio", "pcm": base64.b64encode(data).decode("ascii")}, len(data))


def _data(sentence: SpokenSentence) -> Event:
    data: Event = json.loads(JsonTimings().sentence(sentence))
    return data


def _last(voice: Voice, sentences: Sequence[SpokenSentence], stats: Stats) -> Event:
    subtitles = {}
    for name in SUBTITLES:
        form = timings_format(Path(f"a.{name}"))
        head = form.head(voice.manifest.name, voice.manifest.sampling_rate)
        cues = "".join(form.sentence(sentence) for sentence in sentences)
        subtitles[name] = head + cues + form.tail(stats.audio_seconds)
    return {
        "type": "done",
        "seconds": stats.audio_seconds,
        "real_time_factor": stats.real_time_factor,
        "first_chunk_seconds": stats.first_chunk_seconds,
        "subtitles": subtitles,
    }


class TakeReply(Response):
    """Server-sent events; what goes wrong before the first sound is an answer of its own."""

    def __init__(self, job: Job[Event], services: Services) -> None:
        """Answer with what the job makes."""
        super().__init__()
        self._job, self._services = job, services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it all, or stop the work when the browser leaves."""
        try:
            await while_heard(receive, self._send(send))
        except HungUpError:
            self._services.metrics.hung_up.inc()
        finally:
            self._job.stop()

    async def _send(self, send: Send) -> None:
        event = await self._job.get()
        headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        try:
            while event is not None:
                await send(_line(event))
                event = await self._job.get()
        except Exception as error:  # the answer has begun: whatever it is, the page must be told
            await send(_line({"type": "error", **api_error(error).body}))
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _line(event: Event) -> Message:
    data = b"data: " + json.dumps(event).encode("ascii") + b"\n\n"
    return {"type": "http.response.body", "body": data, "more_body": True}
