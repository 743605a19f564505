"""Our own interface: speech with its timings, readings, voices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from vinovits.errors import LexiconError
from vinovits.output.readings import reading_data
from vinovits.serve.bodies import ReadRequest, SpeakRequest
from vinovits.serve.errors import ApiError, lexicon_error
from vinovits.serve.openai import AUDIO
from vinovits.serve.replies import HungUpError, SpeechReply, while_heard
from vinovits.serve.services import Services
from vinovits.serve.speech import order
from vinovits.voices.store import VoiceInfo

_SPOKEN: dict[int | str, dict[str, Any]] = {
    200: {
        "description": f"{AUDIO[200]['description']} Or JSON: the audio in base64, timings, "
        "subtitles and the seed.",
        "content": {**AUDIO[200]["content"], "application/json": {"schema": {"type": "object"}}},
    }
}


def routes(services: Services) -> APIRouter:
    """The routes below /api."""
    router = APIRouter(prefix="/api", tags=["vinovits"])

    @router.post("/speak", response_class=Response, responses=_SPOKEN)
    async def speak(body: SpeakRequest, request: Request) -> Response:
        """Speak a text: audio while it is made, or JSON with timings when all is made."""
        if body.subtitles and body.reply != "json":
            raise ApiError(
                400,
                'Subtitles come with "reply": "json" only.',
                "invalid_value",
                param="subtitles",
            )
        name = body.voice or services.settings.voice
        wanted = services.taken(order(body, name, body.text, body.format), "text")
        patience = services.settings.deadline
        if body.reply == "audio":
            job = services.work.submit(services.speech.streamed(wanted))
            return SpeechReply(job, wanted, services.metrics, patience, events=False)
        whole = services.work.submit(services.speech.whole(wanted, body.subtitles))
        try:
            return JSONResponse(await while_heard(request.receive, whole.get()))
        except HungUpError:
            services.metrics.hung_up.inc()
            return Response(status_code=499)
        finally:
            whole.stop()

    @router.post("/read")
    async def read(body: ReadRequest) -> dict[str, Any]:
        """Show how a text is read: its words with readings and phones."""
        services.check_text(body.text, "text")
        name = body.voice or services.settings.voice
        services.note(name)
        return await services.work.call(_reading(services, name, body))

    @router.get("/voices")
    def voices() -> dict[str, Any]:
        """The voices, and what each takes."""
        loaded = services.voices.loaded()
        return {
            "voices": [_voice(info, info.name in loaded) for info in services.voices.infos()],
            "default": services.settings.voice,
        }

    return router


def _reading(services: Services, name: str, body: ReadRequest) -> Callable[[], dict[str, Any]]:
    def read() -> dict[str, Any]:
        voice = services.voices.get(name)
        try:
            sentences = voice.read(
                body.text,
                language=body.language,
                reading=body.reading,
                markup=body.markup,
                lexicon=body.lexicon,
            )
        except LexiconError as error:
            if body.lexicon is None:
                raise
            raise lexicon_error(error) from None
        return {"voice": name, "sentences": [reading_data(sentence) for sentence in sentences]}

    return read


def _voice(info: VoiceInfo, loaded: bool) -> dict[str, Any]:
    manifest = info.manifest
    emotion = manifest.emotion
    return {
        "name": info.name,
        "family": manifest.variant,
        "languages": list(manifest.languages),
        "sampling_rate": manifest.sampling_rate,
        "speakers": list(manifest.speakers),
        "styles": list(manifest.styles),
        "emotion": None if emotion is None else {"kind": emotion.kind, "count": emotion.rows},
        "defaults": asdict(manifest.defaults),
        "card": asdict(manifest.card),
        "loaded": loaded,
    }
