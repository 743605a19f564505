"""The app: every part is given to `create_app`, which puts them together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import JSONResponse

from vinovits import __version__
from vinovits.errors import VinovitsError
from vinovits.places import own as own_folder
from vinovits.serve import (
    book_routes,
    job_routes,
    lexicon_routes,
    openai,
    own,
    recordings,
    socket,
    state,
    upstream,
)
from vinovits.serve.description import describe
from vinovits.serve.errors import ErrorBody, api_error
from vinovits.serve.gate import Gate, Recorder
from vinovits.serve.jobs import Jobs
from vinovits.serve.keys import Keys
from vinovits.serve.limits import Limits
from vinovits.serve.metrics import Metrics
from vinovits.serve.services import Services
from vinovits.serve.settings import ServeSettings
from vinovits.serve.speech import Speech
from vinovits.serve.trainings import Trainings
from vinovits.serve.voices import ServedVoices
from vinovits.serve.voicevox import routes as voicevox
from vinovits.serve.work import Work

_log = logging.getLogger(__name__)

_FAILURES: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorBody, "description": "The request can't be right, or not now (429)."},
    "5XX": {"model": ErrorBody, "description": "The server couldn't, or is shutting down (503)."},
}


class Page(Protocol):
    """A page for browsers."""

    uploads: tuple[str, ...]
    """Paths that take files."""

    def add(self, app: FastAPI, services: Services) -> None:
        """Put it into the app, behind all other routes."""


def create_app(settings: ServeSettings, voices: ServedVoices, page: Page | None = None) -> FastAPI:
    """Make the app.

    Its state has `services`, for those who run it.

    Args:
        settings: How to serve.
        voices: Where voices come from.
        page: Adds the page for browsers (`vinovits.page`); None: there is none.

    Raises:
        UsageError: The file of keys can't be read.
    """
    keys = None if settings.api_key_file is None else Keys(settings.api_key_file)
    metrics = Metrics()
    work = Work(settings.workers, settings.max_queue, settings.deadline, metrics)
    folder = settings.jobs or own_folder("jobs")
    limits = Limits(folder / "used.json")
    jobs = Jobs(
        folder,
        voices,
        metrics,
        workers=settings.job_workers,
        most=settings.max_jobs,
        most_each=settings.max_key_jobs,
        most_text=settings.max_job_text,
        days=settings.job_days,
        busy=lambda: work.waiting > 0,
    )
    speech, trainings = Speech(voices, metrics), Trainings(settings.train_dir)
    services = Services(settings, voices, work, speech, metrics, jobs, limits, trainings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(jobs.open)
        first = asyncio.create_task(_load_first(services))
        try:
            yield
        finally:
            limits.save()
            await asyncio.to_thread(jobs.close)
            await asyncio.to_thread(work.close)
            await asyncio.to_thread(services.trainings.close)
            first.cancel()

    app = FastAPI(
        title="vinovits",
        version=__version__,
        lifespan=lifespan,
        # The pages for reading the interface would be fetched from elsewhere.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses=_FAILURES,
        middleware=[
            Middleware(Recorder, metrics=metrics),
            Middleware(
                Gate,
                keys=keys,
                hosts={settings.host, *settings.allowed_hosts},
                origins=settings.allowed_origins,
                most_bytes=settings.max_body,
                # A character may take six bytes of JSON.
                most_by_path={
                    "/api/jobs": max(settings.max_body, 6 * settings.max_job_text + 65536)
                },
                uploads={
                    **dict.fromkeys((own.SPEAK, upstream.VOICE), recordings.LARGEST),
                    **dict.fromkeys(
                        (book_routes.PATH, *(() if page is None else page.uploads)),
                        settings.max_upload,
                    ),
                },
            ),
        ],
    )
    app.state.services = services
    for part in (
        openai,
        own,
        book_routes,
        job_routes,
        lexicon_routes,
        socket,
        state,
        upstream,
        voicevox,
    ):
        app.include_router(part.routes(services))
    for kind in (RequestValidationError, HTTPException, VinovitsError):
        app.add_exception_handler(kind, _answer)
    describe(app)
    if page is not None:
        page.add(app, services)
    return app


async def _answer(request: Request, error: Exception) -> JSONResponse:
    told = api_error(error)
    if told.code == "text_not_speakable" and not request.url.path.startswith("/v1/"):
        told.param = "file" if request.url.path == book_routes.PATH else "text"
    return told.response()


async def _load_first(services: Services) -> None:
    """Load the voice that speaks where none is named, so that the first request finds it there."""
    name = services.settings.voice
    try:
        await asyncio.to_thread(services.voices.get, name)
    except VinovitsError as error:
        services.failed = str(error)
        _log.error("The voice %s can't be loaded: %s", name, error)
    except Exception:
        services.failed = "unexpected"
        _log.exception("The voice %s can't be loaded.", name)
    else:
        services.ready = True
        _log.info("The voice %s is loaded.", name)
