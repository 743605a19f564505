"""For programs written for the servers of Bert-VITS2 and Style-Bert-VITS2; what reads, only."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import psutil
from fastapi import APIRouter, Query, Request
from starlette.datastructures import UploadFile
from starlette.responses import JSONResponse, Response

from vinovits.serve.clips import wav_reply
from vinovits.serve.details import ANSWERS, DetailRoute, fault
from vinovits.serve.forms import Forms, checked, is_form, media_type
from vinovits.serve.numbering import ModelNumbers
from vinovits.serve.recordings import FIELD, Recording, has_use, recording_forms, uploaded
from vinovits.serve.services import Services
from vinovits.serve.upstream_fields import (
    Dialect,
    UpstreamError,
    VoiceQuery,
    clip_of,
    dialect_of,
)
from vinovits.text.japanese.phrases import accent_phrases
from vinovits.voices.store import VoiceInfo

VOICE = "/voice"
_PLAIN_FORM = "application/x-www-form-urlencoded"
_LANGUAGES = {"zh": "ZH", "ja": "JP", "en": "EN"}

_WAV: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The speech, 16 bit. X-Seed has the seed, X-Ignored the fields that nothing "
        "was made of.",
        "content": {"audio/wav": {"schema": {"type": "string", "format": "binary"}}},
    },
    **ANSWERS,
}
_FORM = {
    "requestBody": {
        "description": "Bert-VITS2's clients send the texts as fields of a form, and a recording.",
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "text": {"type": "string"},
                        "style_text": {"type": "string"},
                        FIELD: {"type": "string", "format": "binary"},
                    },
                },
                "example": {"text": "Good morning."},
            }
        },
    }
}
_MODELS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "By number.",
        "content": {
            "application/json": {
                "example": {
                    "0": {
                        "config_path": "model_assets/joe/voice.json",
                        "model_path": "model_assets/joe/decoder.bin",
                        "device": "cpu",
                        "language": "EN",
                        "spk2id": {"joe": 0},
                        "id2spk": {"0": "joe"},
                        "style2id": {"Neutral": 0},
                        "version": "2.3",
                    }
                }
            }
        },
    },
    **ANSWERS,
}
_STATE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "In percent, and bytes.",
        "content": {
            "application/json": {
                "example": {
                    "devices": ["cpu"],
                    "cpu_percent": 12.5,
                    "memory_total": 16777216000,
                    "memory_available": 8388608000,
                    "memory_used": 8388608000,
                    "memory_percent": 50.0,
                    "gpu": [],
                }
            }
        },
    },
    **ANSWERS,
}


def routes(services: Services) -> APIRouter:
    """`/voice`, `/models/info`, `/models/refresh`, `/g2p` and `/status`."""
    numbers = ModelNumbers(services.voices, services.settings.voice, services.settings.voices)
    router = APIRouter(tags=["Bert-VITS2"], route_class=DetailRoute)
    forms = recording_forms()

    @router.get(VOICE, response_class=Response, responses=_WAV)
    async def get_voice(query: Annotated[VoiceQuery, Query()], request: Request) -> Response:
        """Speak a text, as the servers of Bert-VITS2 and Style-Bert-VITS2 do."""
        return await _spoken(services, numbers, query, None, request)

    @router.post(VOICE, response_class=Response, responses=_WAV, openapi_extra=_FORM)
    async def post_voice(query: Annotated[VoiceQuery, Query()], request: Request) -> Response:
        """Speak a text; its fields are in the query, or in a form."""
        query, sent = await _with_form(query, request, forms)
        return await _spoken(services, numbers, query, sent, request)

    @router.get("/models/info", responses=_MODELS)
    def models() -> dict[str, Any]:
        """The voices by number. What are paths elsewhere are names here, of no file."""
        return {
            str(number): _model(info, services.settings.device)
            for number, info in numbers.infos().items()
        }

    @router.post("/models/refresh", responses=_MODELS)
    def refresh() -> dict[str, Any]:
        """The same: voices are looked for at every request."""
        return models()

    @router.post("/g2p", responses=_KANA_WITH_TONES)
    async def kana(text: Annotated[str, Query(examples=["はい。"])]) -> list[tuple[str, int]]:
        """Read a Japanese text: its kana with their tones."""
        services.check_text(text, "text")
        return await services.work.call(lambda: _tones(text))

    @router.get("/status", responses=_STATE)
    def status() -> dict[str, Any]:
        """How busy the machine is."""
        memory = psutil.virtual_memory()
        devices = {
            device.lower()
            for voice in services.voices.loaded().values()
            for graph in voice.graphs().values()
            for device in graph.devices
        }
        return {
            "devices": sorted(devices or {services.settings.device}),
            "cpu_percent": psutil.cpu_percent(),
            "memory_total": memory.total,
            "memory_available": memory.available,
            "memory_used": memory.used,
            "memory_percent": memory.percent,
            "gpu": [],
        }

    return router


_KANA_WITH_TONES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Moras with their tones, 1 for high; marks have 0.",
        "content": {"application/json": {"example": [["ハ", 1], ["イ", 0], [".", 0]]}},
    },
    **ANSWERS,
}


def _tones(text: str) -> list[tuple[str, int]]:
    """Kana with their tones, as Style-Bert-VITS2 shows them."""
    found: list[tuple[str, int]] = []
    for phrase in accent_phrases(text):
        count, accent = len(phrase.moras), phrase.accent
        for number, mora in enumerate(phrase.moras, 1):
            is_high = number == 1 if accent == 1 and count > 1 else 1 < number <= accent
            found.append((mora, int(is_high)))
        if phrase.pause:
            found.append(("?" if phrase.question else ",", 0))
    if found and found[-1][0] == ",":
        found[-1] = (".", 0)
    return found


async def _spoken(
    services: Services,
    numbers: ModelNumbers,
    query: VoiceQuery,
    sent: Recording | None,
    request: Request,
) -> Response:
    voices = numbers.infos()
    named = None if query.model_id is None else voices.get(query.model_id)
    dialect = dialect_of(query, sent is not None, named)
    if query.text is None:
        return fault("query", "text", "Field required")
    services.check_text(query.text, "text")
    try:
        clip = clip_of(query, dialect, _asked(query, dialect, voices))
    except UpstreamError as error:
        return _told(error, dialect)
    if sent is not None:
        if has_use(_by_name(voices)[clip.voice].manifest):
            clip = replace(clip, recording=sent)
        else:
            clip = replace(clip, ignored=(*clip.ignored, FIELD))
    return await wav_reply(services, request, clip)


def _by_name(voices: dict[int, VoiceInfo]) -> dict[str, VoiceInfo]:
    return {info.name: info for info in voices.values()}


def _asked(query: VoiceQuery, dialect: Dialect, voices: dict[int, VoiceInfo]) -> VoiceInfo:
    """The voice that a request is for."""
    if query.model_name is not None and dialect == "style-bert-vits2":
        names = _by_name(voices)
        if query.model_name not in names:
            raise UpstreamError(422, 10, f"There is no model {query.model_name!r:.80}.")
        return names[query.model_name]
    number = 0 if query.model_id is None else query.model_id
    if number not in voices:
        raise UpstreamError(404, 10, f"There is no model with the number {number}.")
    return voices[number]


def _told(error: UpstreamError, dialect: Dialect) -> JSONResponse:
    if dialect == "bert-vits2":
        return JSONResponse({"status": error.number, "detail": str(error)}, error.status)
    field = {10: "model_id", 13: "speaker_name"}.get(error.number, "speaker_id")
    return fault("query", field, str(error))


async def _with_form(
    query: VoiceQuery, request: Request, forms: Forms
) -> tuple[VoiceQuery, Recording | None]:
    """The query with the fields of a form, which go before it, and the recording if one came."""
    is_upload = is_form(request.headers)
    if not is_upload and media_type(request.headers) != _PLAIN_FORM:
        return query, None
    sent = None
    async with forms.taken(request) if is_upload else request.form() as form:
        fields = {name: value for name, value in form.items() if value != ""}
        known = {name: value for name, value in fields.items() if name in VoiceQuery.model_fields}
        query = checked(VoiceQuery, {**query.model_dump(exclude_none=True), **known})
        if isinstance(file := fields.get(FIELD), UploadFile):
            sent = await uploaded(file)
    return query, sent


def _model(info: VoiceInfo, device: str) -> dict[str, Any]:
    manifest = info.manifest
    folder = f"model_assets/{info.name}"
    return {
        "config_path": f"{folder}/voice.json",
        "model_path": f"{folder}/decoder.bin",
        "device": device,
        "language": _LANGUAGES.get(manifest.languages[0], manifest.languages[0]),
        "spk2id": dict(manifest.speakers),
        "id2spk": {str(row): name for name, row in manifest.speakers.items()},
        "style2id": dict(manifest.styles) or {"Neutral": 0},
        "version": manifest.variant,
    }
