"""Books in the background, over HTTP: a file comes, and a job is made of it."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request, Response

from vinovits.books.model import Include
from vinovits.serve.bodies import BookRequest, speak_settings
from vinovits.serve.book_jobs import read_upload, suffix_of
from vinovits.serve.errors import ApiError
from vinovits.serve.forms import Forms, fields_of, form_body
from vinovits.serve.job_orders import BookJob
from vinovits.serve.job_routes import JobData
from vinovits.serve.services import Services
from vinovits.serve.speech import chosen_seed

PATH = "/api/jobs/book"
_MOST_AT_ONCE = 3
"""Books that come or are read at the same time."""
_UPLOAD_SECONDS = 600.0
"""In which a book must have come."""
_FILE = "file"
_BODY = {
    "requestBody": {
        "required": True,
        "content": form_body(
            BookRequest,
            _FILE,
            "An .epub, .docx, .pdf, .html, .md or .txt file.",
            {"file": "novel.epub", "format": "m4b", "seed": 4},
            needed=True,
        ),
    }
}


def routes(services: Services) -> APIRouter:
    """The route that takes books."""
    router = APIRouter(tags=["vinovits"])
    forms = Forms("book", _MOST_AT_ONCE, _UPLOAD_SECONDS, services.settings.max_upload)

    @router.post(PATH, status_code=202, openapi_extra=_BODY)
    async def submit_book(request: Request, response: Response) -> JobData:
        """Have a book spoken in the background, to one file with chapters, cover and tags."""
        await asyncio.to_thread(services.jobs.check_room, services.owner)
        async with forms.taken(request) as form:
            fields, file = fields_of(form, BookRequest, _FILE)
            if file is None:
                raise ApiError(
                    400, f"The field {_FILE!r} is missing: a book.", "invalid_value", param=_FILE
                )
            suffix = suffix_of(file.filename or "")
            book = await asyncio.to_thread(
                read_upload,
                file.file,
                suffix,
                services.jobs.folder,
                fields.encoding,
                services.settings.deadline,
            )
        voice = fields.voice or services.settings.voice
        services.note(voice)
        asked = BookJob(
            book,
            Include(fields.notes, fields.tables, fields.code, fields.captions),
            voice,
            speak_settings(fields, chosen_seed(fields)),
            fields.format,
            fields.title,
            fields.author,
            fields.paragraph_pause,
            fields.gaps,
            services.owner,
        )
        if asked.characters <= services.settings.max_job_text:
            services.charge(asked.characters)
        job = await services.work.call(lambda: services.jobs.submit(asked))
        response.headers["Location"] = f"/api/jobs/{job.id}"
        return JobData(**job.as_data())

    return router
