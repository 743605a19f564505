"""For clients of VOICEVOX and AivisSpeech: their HTTP interface, as far as our voices go."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Body, Query, Request
from starlette.responses import JSONResponse, Response

from vinovits import __version__
from vinovits.serve.clips import HUNG_UP, heard
from vinovits.serve.details import ANSWERS, DetailRoute, refuse
from vinovits.serve.numbering import ModelNumbers
from vinovits.serve.services import Services
from vinovits.serve.voicevox.dictionary import add_dictionary
from vinovits.serve.voicevox.kana import KanaError, from_kana
from vinovits.serve.voicevox.models import (
    EXAMPLE_PHRASE,
    EXAMPLE_QUERY,
    AccentPhrase,
    AudioQuery,
    Speaker,
)
from vinovits.serve.voicevox.speech import lengths_work, query_work, synthesis_work, zip_work
from vinovits.serve.voicevox.styles import StyleOf, Styles, speaker_id
from vinovits.serve.work import Job

T = TypeVar("T")

_MOST_QUERIES = 100
_PIXEL = base64.b64encode(
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f"
    b"\x15\xc4\x89\x00\x00\x00\rIDATx\x9cc````\x00\x00\x00\x05\x00\x01\xa5\xf6E@\x00\x00\x00\x00"
    b"IEND\xaeB`\x82"
).decode()
"""A picture of one clear pixel: clients take it for granted that there is one."""

Text = Annotated[str, Query(description="What to say.", examples=["こんにちは"])]
StyleId = Annotated[
    int, Query(description="The number of a style, as `/speakers` has it.", examples=[0])
]
CoreVersion = Annotated[str | None, Query(description="Ignored.")]
Phrases = Annotated[list[AccentPhrase], Body(examples=[[EXAMPLE_PHRASE]])]
SpokenQuery = Annotated[AudioQuery, Body(examples=[EXAMPLE_QUERY])]
Upspeak = Annotated[
    bool, Query(description="Ignored: the voice itself raises its tone at a question mark.")
]


def _example(value: Any, what: str = "Done.") -> dict[int | str, dict[str, Any]]:
    return {
        200: {"description": what, "content": {"application/json": {"example": value}}},
        **ANSWERS,
    }


_KANA: dict[int | str, dict[str, Any]] = {
    **_example([EXAMPLE_PHRASE], "The accent phrases."),
    400: {
        "description": "The reading can't be right.",
        "content": {
            "application/json": {
                "example": {
                    "detail": {
                        "text": "This accent phrase has no accent ('): ハイ.",
                        "error_name": "ACCENT_NOTFOUND",
                        "error_args": {"text": "ハイ"},
                    }
                }
            }
        },
    },
}
_WAV: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The speech, 16 bit.",
        "content": {"audio/wav": {"schema": {"type": "string", "format": "binary"}}},
    },
    **ANSWERS,
}
_ZIP: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "001.wav, 002.wav and so on.",
        "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
    },
    **ANSWERS,
}
_SPEAKERS = [
    {
        "name": "joe",
        "speaker_uuid": "5b0d2d5e-0c6c-5a5c-8f0e-1d0a5f3b2a70",
        "styles": [{"name": "ノーマル", "id": 1234567890, "type": "talk"}],
        "version": __version__,
        "supported_features": {"permitted_synthesis_morphing": "NOTHING"},
    }
]
_FEATURES = {
    "adjust_mora_pitch": False,
    "adjust_phoneme_length": True,
    "adjust_speed_scale": True,
    "adjust_pitch_scale": False,
    "adjust_intonation_scale": False,
    "adjust_volume_scale": True,
    "adjust_pause_length": True,
    "interrogative_upspeak": False,
    "synthesis_morphing": False,
    "sing": False,
    "manage_library": False,
    "return_resource_url": False,
}
_MANIFEST = {
    "manifest_version": "0.13.1",
    "name": "vinovits",
    "brand_name": "vinovits",
    "uuid": "6f0a2d58-6a0e-4d8b-8a5c-3c1f5f3b2a70",
    "url": "",
    "icon": _PIXEL,
    "default_sampling_rate": 44100,
    "frame_rate": 86.1328125,
    "terms_of_service": "Each voice has its own licence: see /api/voices.",
    "update_infos": [],
    "dependency_licenses": [],
    "supported_vvlib_manifest_version": None,
    "supported_features": _FEATURES,
}
_INFO = {
    "policy": "Licence: CC0-1.0",
    "portrait": _PIXEL,
    "style_infos": [{"id": 1234567890, "icon": _PIXEL, "portrait": None, "voice_samples": []}],
}


def routes(services: Services) -> APIRouter:
    """VOICEVOX's paths: of the engine, of queries and of speech."""
    router = APIRouter(tags=["VOICEVOX"], route_class=DetailRoute)
    numbers = ModelNumbers(services.voices, services.settings.voice, services.settings.voices)
    styles = Styles(numbers)
    _add_engine(router, services, styles)
    _add_queries(router, services, styles)
    _add_speech(router, services, styles)
    add_dictionary(router, services)
    return router


def _add_engine(router: APIRouter, services: Services, styles: Styles) -> None:
    @router.get("/version", responses=_example(__version__, "Of vinovits."))
    def version() -> str:
        """The version of the server."""
        return __version__

    @router.get("/core_versions", responses=_example([__version__], "One."))
    def core_versions() -> list[str]:
        """The same, in a list."""
        return [__version__]

    @router.get("/engine_manifest", responses=_example(_MANIFEST, "What there is."))
    def manifest() -> dict[str, Any]:
        """What the server can do of what VOICEVOX can."""
        return _MANIFEST

    devices = {"cpu": True, "cuda": False, "dml": False}

    @router.get("/supported_devices", responses=_example(devices, "As VOICEVOX names them."))
    def supported() -> dict[str, bool]:
        """Devices by VOICEVOX's names, which has none for Intel's GPUs: `/health` tells those."""
        return devices

    @router.get("/speakers", responses=_example(_SPEAKERS, "All of them."))
    def speakers() -> list[Speaker]:
        """The speakers of all voices, and their styles."""
        return styles.speakers()

    @router.get("/singers", responses=_example([], "None."))
    def singers() -> list[Any]:
        """None: voices don't sing."""
        return []

    @router.get("/speaker_info", responses=_example(_INFO, "Of one."))
    def info(
        speaker_uuid: Annotated[str, Query(max_length=60, examples=[_SPEAKERS[0]["speaker_uuid"]])],
        resource_format: Literal["base64", "url"] = "base64",
    ) -> dict[str, Any]:
        """Licence and pictures of a speaker; there are no samples."""
        own = [one for one in styles.all().values() if speaker_id(one) == speaker_uuid]
        if not own:
            raise refuse(404, "There is no speaker with this UUID.")
        return _info(own)

    @router.get("/presets", responses=_example([], "None."))
    def presets() -> list[Any]:
        """None are kept."""
        return []

    @router.post("/initialize_speaker", status_code=204, responses=ANSWERS)
    async def initialize(
        speaker: StyleId,
        request: Request,
        skip_reinit: bool = False,
        core_version: CoreVersion = None,
    ) -> Response:
        """Load the voice of a style."""
        name = (await asyncio.to_thread(styles.get, speaker)).voice.name

        def work(job: Job[str]) -> None:
            services.voices.get(name)
            job.put(name)

        made = await heard(services, request, work)
        return made if isinstance(made, Response) else Response(status_code=204)

    @router.get("/is_initialized_speaker", responses=_example(True, "Whether it is loaded."))
    def is_initialized(speaker: StyleId, core_version: CoreVersion = None) -> bool:
        """Whether the voice of a style is loaded."""
        return styles.get(speaker).voice.name in services.voices.loaded()


def _info(own: list[StyleOf]) -> dict[str, Any]:
    card = own[0].voice.manifest.card
    policy = "\n\n".join(
        part for part in (card.description, f"Licence: {card.licence}", card.use) if part
    )
    pictures: dict[str, Any] = {"icon": _PIXEL, "portrait": None, "voice_samples": []}
    return {
        "policy": policy,
        "portrait": _PIXEL,
        "style_infos": [{"id": one.id, **pictures} for one in own],
    }


def _add_queries(router: APIRouter, services: Services, styles: Styles) -> None:
    async def made(request: Request, style: StyleOf, work: Callable[[Job[T]], None]) -> T:
        services.note(style.voice.name)
        found = await heard(services, request, work)
        if isinstance(found, Response):
            raise refuse(HUNG_UP, "The caller has left.")
        return found

    @router.post("/audio_query", responses=_example(EXAMPLE_QUERY, "To be sent back."))
    async def query(
        text: Text,
        speaker: StyleId,
        request: Request,
        core_version: CoreVersion = None,
        enable_katakana_english: bool = True,
    ) -> AudioQuery:
        """Read a text: its accent phrases with their moras, to be changed and sent back."""
        services.check_text(text, "text")
        style = await asyncio.to_thread(styles.get, speaker)
        return await made(request, style, query_work(services, style, text))

    @router.post("/accent_phrases", responses=_KANA)
    async def phrases(
        text: Text,
        speaker: StyleId,
        request: Request,
        is_kana: bool = False,
        core_version: CoreVersion = None,
        enable_katakana_english: bool = True,
    ) -> Any:
        """Read a text, or a reading in VOICEVOX's notation, by accent phrases."""
        services.check_text(text, "text")
        style = await asyncio.to_thread(styles.get, speaker)
        if not is_kana:
            return (await made(request, style, query_work(services, style, text))).accent_phrases
        try:
            found = from_kana(text)
        except KanaError as error:
            return _kana_refused(error)
        return await made(request, style, lengths_work(services, style, found))

    @router.post("/validate_kana", responses={**_KANA, **_example(True, "It is right.")})
    def validate(text: Text) -> Any:
        """Whether a reading is in VOICEVOX's notation."""
        services.check_text(text, "text")
        try:
            from_kana(text)
        except KanaError as error:
            return _kana_refused(error)
        return True

    async def lengths(
        body: Phrases, speaker: StyleId, request: Request, core_version: CoreVersion = None
    ) -> list[AccentPhrase]:
        """Give changed accent phrases the lengths that the voice makes of them."""
        services.check_text("".join(phrase.kana for phrase in body), "body")
        style = await asyncio.to_thread(styles.get, speaker)
        if not body:
            return []
        return await made(request, style, lengths_work(services, style, body))

    answer = _example([EXAMPLE_PHRASE], "The same with lengths.")
    router.post("/mora_data", responses=answer)(lengths)
    router.post("/mora_length", responses=answer)(lengths)

    @router.post("/mora_pitch", responses=_example([EXAMPLE_PHRASE], "The same."))
    def pitches(
        body: Phrases, speaker: StyleId, core_version: CoreVersion = None
    ) -> list[AccentPhrase]:
        """The same phrases: voices make their pitch themselves, and it is told nowhere."""
        styles.get(speaker)
        return body


def _add_speech(router: APIRouter, services: Services, styles: Styles) -> None:
    async def speech(
        body: SpokenQuery,
        speaker: StyleId,
        request: Request,
        enable_interrogative_upspeak: Upspeak = True,
        core_version: CoreVersion = None,
    ) -> Response:
        """Speak a query; a caller who leaves ends the work."""
        style = await _checked(services, styles, speaker, [body])
        made = await heard(services, request, synthesis_work(services, style, body))
        if isinstance(made, Response):
            return made
        headers = {"X-Ignored": "pitchScale"} if body.pitchScale else {}
        return Response(made, media_type="audio/wav", headers=headers)

    router.post("/synthesis", response_class=Response, responses=_WAV)(speech)
    router.post("/cancellable_synthesis", response_class=Response, responses=_WAV)(speech)

    @router.post("/multi_synthesis", response_class=Response, responses=_ZIP)
    async def several(
        body: Annotated[
            list[AudioQuery],
            Body(min_length=1, max_length=_MOST_QUERIES, examples=[[EXAMPLE_QUERY]]),
        ],
        speaker: StyleId,
        request: Request,
        core_version: CoreVersion = None,
    ) -> Response:
        """Speak queries, and answer with a zip of files."""
        style = await _checked(services, styles, speaker, body)
        made = await heard(services, request, zip_work(services, style, body))
        return made if isinstance(made, Response) else Response(made, media_type="application/zip")


async def _checked(
    services: Services, styles: Styles, speaker: int, queries: list[AudioQuery]
) -> StyleOf:
    said = [query.text or query.kana or "" for query in queries]
    moras = [phrase.kana for query in queries for phrase in query.accent_phrases]
    services.check_text("".join(said), "body")
    services.check_text("".join(moras), "body")
    style = await asyncio.to_thread(styles.get, speaker)
    services.note(style.voice.name)
    return style


def _kana_refused(error: KanaError) -> JSONResponse:
    detail = {"text": str(error), "error_name": error.name, "error_args": error.arguments}
    return JSONResponse({"detail": detail}, 400)
