"""The interface of OpenAI's, as far as it speaks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from vinovits.output.audio_stream import MEDIA_TYPES
from vinovits.serve.bodies import SpeechRequest, VoiceId
from vinovits.serve.errors import ApiError
from vinovits.serve.replies import SpeechReply
from vinovits.serve.services import Services
from vinovits.serve.speech import Order, order

MODEL = "vinovits"
_MODELS = frozenset({MODEL, "tts-1", "tts-1-hd", "gpt-4o-mini-tts"})
"""Clients have the names of OpenAI's built in."""
PCM_RATE = 24000
"""Of OpenAI's bare samples, whose rate no header tells: clients take it for granted."""

AUDIO: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The speech. X-Seed has the seed, X-Sampling-Rate the rate in Hz.",
        "content": {
            media.partition(";")[0]: {"schema": {"type": "string", "format": "binary"}}
            for media in MEDIA_TYPES.values()
        },
    }
}


def routes(services: Services) -> APIRouter:
    """The routes below /v1."""
    router = APIRouter(prefix="/v1", tags=["OpenAI"])

    @router.post("/audio/speech", response_class=Response, responses=AUDIO)
    async def speech(body: SpeechRequest) -> SpeechReply:
        """Speak a text; the audio is sent while it is made."""
        wanted = services.taken(_order(body), "input")
        job = services.work.submit(services.speech.streamed(wanted))
        return SpeechReply(
            job,
            wanted,
            services.metrics,
            services.settings.deadline,
            events=body.stream_format == "sse",
        )

    @router.get("/models")
    def models() -> dict[str, Any]:
        """The models: one, which has many voices."""
        return {"object": "list", "data": [_model(MODEL)]}

    @router.get("/models/{name}")
    def model(name: str) -> dict[str, Any]:
        """A model."""
        _check_model(name)
        return _model(name)

    @router.get("/audio/voices")
    def voices() -> dict[str, Any]:
        """What the field `voice` takes: voices, and their speakers where there are several."""
        ids = []
        for info in services.voices.infos():
            ids.append(info.name)
            if len(info.manifest.speakers) > 1:
                ids += [f"{info.name}/{speaker}" for speaker in info.manifest.speakers]
        return {"object": "list", "voices": [{"id": one, "name": one} for one in ids]}

    return router


def _order(body: SpeechRequest) -> Order:
    _check_model(body.model)
    named = body.voice.id if isinstance(body.voice, VoiceId) else body.voice
    voice, slash, speaker = named.partition("/")
    changes: dict[str, Any] = {}
    if slash:
        if body.speaker is not None:
            raise ApiError(
                400,
                "Name the speaker either in the field voice or in speaker.",
                "invalid_value",
                param="speaker",
            )
        changes["speaker"] = speaker
    if body.response_format == "pcm" and body.sample_rate is None:
        changes["sample_rate"] = PCM_RATE
    fields = body.model_copy(update=changes)
    if body.timings and body.stream_format != "sse":
        raise ApiError(
            400,
            'Timings come with "stream_format": "sse", or by /api/speak with "reply": "json".',
            "invalid_value",
            param="timings",
        )
    wanted = order(fields, voice, body.input, body.response_format, body.instructions)
    return replace(wanted, timings=body.timings)


def _check_model(name: str) -> None:
    if name not in _MODELS:
        raise ApiError(
            404,
            f"There is no model {name[:60]!r}. There is: {MODEL}.",
            "model_not_found",
            param="model",
        )


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": MODEL}
