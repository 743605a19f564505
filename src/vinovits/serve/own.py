"""Our own interface: speech with its timings, readings, voices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from vinovits.errors import LexiconError
from vinovits.output.readings import reading_data
from vinovits.serve.bodies import ReadRequest, SpeakForm, SpeakRequest
from vinovits.serve.clips import heard
from vinovits.serve.errors import ApiError, lexicon_error
from vinovits.serve.forms import MULTIPART, FormRoute, fields_of, form_body
from vinovits.serve.openai import AUDIO
from vinovits.serve.recordings import FIELD, Recording, recording_forms, uploaded
from vinovits.serve.replies import SpeechReply, form_reply, json_reply
from vinovits.serve.services import Services
from vinovits.serve.speech import order
from vinovits.voices.store import VoiceInfo

SPEAK = "/api/speak"
_SPOKEN: dict[int | str, dict[str, Any]] = {
    200: {
        "description": f"{AUDIO[200]['description']} Or JSON: the audio in base64, timings, "
        "subtitles and the seed. Or a form with the parts timings (JSON), srt, vtt, lrc and audio.",
        "content": {
            **AUDIO[200]["content"],
            "application/json": {"schema": {"type": "object"}},
            MULTIPART: {"schema": {"type": "string", "format": "binary"}},
        },
    }
}
_FORM = {
    "requestBody": {
        "content": form_body(
            SpeakForm,
            FIELD,
            "A recording from which the voice takes an emotion, or its speaker, if it can: WAV, "
            "FLAC, OGG or MP3.",
            {"text": "The train leaves at 9:45.", FIELD: "glad.wav"},
        )
    }
}


def routes(services: Services) -> APIRouter:
    """The routes below /api."""
    router = APIRouter(tags=["vinovits"])
    forms = recording_forms()

    async def speak_form(request: Request) -> Response:
        """Speak a text like a recording."""
        async with forms.taken(request) as form:
            body, sent = fields_of(form, SpeakForm, FIELD)
            recording = None if sent is None else await uploaded(sent)
        return await spoken(body, recording, request)

    router.add_api_route(
        SPEAK, speak_form, methods=["POST"], include_in_schema=False, route_class_override=FormRoute
    )

    @router.post(SPEAK, response_class=Response, responses=_SPOKEN, openapi_extra=_FORM)
    async def speak(body: SpeakRequest, request: Request) -> Response:
        """Speak a text: audio while it is made, or all with its timings when it is made."""
        return await spoken(body, None, request)

    async def spoken(body: SpeakRequest, recording: Recording | None, request: Request) -> Response:
        if body.subtitles and body.reply == "audio":
            raise ApiError(
                400,
                'Subtitles come with "reply": "json" or "multipart" only.',
                "invalid_value",
                param="subtitles",
            )
        name = body.voice or services.settings.voice
        asked = replace(order(body, name, body.text, body.format), recording=recording)
        wanted = services.taken(asked, "text")
        if body.reply == "audio":
            job = services.work.submit(services.speech.streamed(wanted))
            patience = services.settings.deadline
            return SpeechReply(job, wanted, services.metrics, patience, events=False)
        made = await heard(services, request, services.speech.whole(wanted, body.subtitles))
        if isinstance(made, Response):
            return made
        return json_reply(made) if body.reply == "json" else form_reply(made)

    @router.post("/api/read")
    async def read(body: ReadRequest) -> dict[str, Any]:
        """Show how a text is read: its words with readings and phones."""
        services.check_text(body.text, "text")
        name = body.voice or services.settings.voice
        services.note(name)
        return await services.work.call(_reading(services, name, body))

    @router.get("/api/voices")
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
