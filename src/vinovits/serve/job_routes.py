"""Long texts in the background, over HTTP."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel
from starlette.responses import FileResponse

from vinovits.output.audio_stream import MEDIA_TYPES
from vinovits.serve.bodies import JobRequest, speak_settings
from vinovits.serve.job_orders import JobKind, SpeakJob
from vinovits.serve.jobs import SubtitleKind
from vinovits.serve.replies import TIMING_TYPES
from vinovits.serve.services import Services
from vinovits.serve.speech import chosen_seed

_AUDIO_TYPES: dict[JobKind, str] = {
    "m4b": "audio/mp4",
    "mp3": MEDIA_TYPES["mp3"],
    "opus": MEDIA_TYPES["opus"],
    "flac": MEDIA_TYPES["flac"],
    "wav": MEDIA_TYPES["wav"],
}


class ChapterData(BaseModel):
    """A chapter of a book."""

    title: str
    start: float | None
    """Seconds; null until the job is done."""
    end: float | None


class JobData(BaseModel):
    """A job, as it is now."""

    id: str
    title: str
    state: str
    """"queued", "running", "done", "failed" or "cancelled"."""
    done: int
    """Parts of the text."""
    total: int
    seconds: float
    """Audio made."""
    error: str
    """Why it has failed."""
    created: float
    """Seconds since 1970."""
    changed: float
    voice: str
    format: JobKind
    characters: int
    settings: dict[str, Any]
    chapters: list[ChapterData]
    """Of a book."""
    notes: list[str]
    """Of a book: what was guessed, and what couldn't be read."""


class JobList(BaseModel):
    """All jobs of a key."""

    jobs: list[JobData]


def routes(services: Services) -> APIRouter:
    """The routes below /api/jobs."""
    router = APIRouter(prefix="/api/jobs", tags=["vinovits"])
    jobs = services.jobs

    @router.post("", status_code=202)
    async def submit(body: JobRequest, response: Response) -> JobData:
        """Have a long text spoken in the background; it goes on after a restart of the server."""
        voice = body.voice or services.settings.voice
        services.note(voice)
        asked = SpeakJob(
            body.text,
            voice,
            speak_settings(body, chosen_seed(body)),
            body.format,
            body.title,
            body.paragraph_pause,
            services.owner,
        )
        if len(body.text) <= services.settings.max_job_text:
            services.charge(len(body.text))
        job = await services.work.call(lambda: jobs.submit(asked))
        response.headers["Location"] = f"/api/jobs/{job.id}"
        return JobData(**job.as_data())

    @router.get("")
    def all_jobs() -> JobList:
        """The jobs of the key, the newest first."""
        return JobList(jobs=[JobData(**job.as_data()) for job in jobs.list(services.owner)])

    @router.get("/{id}")
    def job(id: str) -> JobData:
        """How far a job is."""
        return JobData(**jobs.get(id, services.owner).as_data())

    @router.post("/{id}/cancel")
    def cancel(id: str) -> JobData:
        """Stop a job; what is done of it is kept."""
        return JobData(**jobs.cancel(id, services.owner).as_data())

    @router.post("/{id}/resume")
    def resume(id: str) -> JobData:
        """Go on with a job that has failed or was cancelled."""
        return JobData(**jobs.resume(id, services.owner).as_data())

    @router.delete("/{id}", status_code=204)
    def remove(id: str) -> None:
        """Stop a job, and delete all there is of it."""
        jobs.remove(id, services.owner)

    @router.get("/{id}/audio", response_class=FileResponse, responses=_AUDIO)
    def audio(id: str) -> FileResponse:
        """The audio of a job that is done."""
        kind = jobs.get(id, services.owner).format
        path = jobs.result(id, owner=services.owner)
        return FileResponse(path, media_type=_AUDIO_TYPES[kind], filename=f"speech.{kind}")

    @router.get("/{id}/timings/{kind}", response_class=FileResponse, responses=_TIMINGS)
    def timings(id: str, kind: SubtitleKind) -> FileResponse:
        """Subtitles of a job that is done, or with `json` all its timings."""
        path = jobs.result(id, kind, services.owner)
        return FileResponse(path, media_type=TIMING_TYPES[kind], filename=f"speech.{kind}")

    return router


_AUDIO: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The speech.",
        "content": {
            media.partition(";")[0]: {"schema": {"type": "string", "format": "binary"}}
            for media in _AUDIO_TYPES.values()
        },
    }
}
_TIMINGS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Subtitles or timings.",
        "content": {
            media: {"schema": {"type": "string" if media != "application/json" else "object"}}
            for media in TIMING_TYPES.values()
        },
    }
}
