"""Books in the background, over HTTP: a file comes, and a job is made of it."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.requests import ClientDisconnect

from vinovits.books.model import Book, Include
from vinovits.serve.bodies import BookRequest, speak_settings
from vinovits.serve.book_jobs import read_upload, suffix_of
from vinovits.serve.errors import ApiError, late
from vinovits.serve.job_orders import BookJob
from vinovits.serve.job_routes import JobData
from vinovits.serve.services import Services
from vinovits.serve.speech import chosen_seed

PATH = "/api/jobs/book"
_MOST_FIELDS = 40
_MOST_AT_ONCE = 3
"""Books that come or are read at the same time."""
_UPLOAD_SECONDS = 600.0
"""In which a book must have come."""


def _form() -> dict[str, Any]:
    schema = BookRequest.model_json_schema()
    file = {
        "type": "string",
        "format": "binary",
        "description": "An .epub, .docx, .pdf, .html, .md or .txt file.",
    }
    form = {
        "type": "object",
        "required": ["file"],
        "properties": {"file": file, **schema["properties"]},
        "additionalProperties": False,
    }
    return {
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": form,
                    "example": {"file": "novel.epub", "format": "m4b", "seed": 4},
                }
            },
        }
    }


def routes(services: Services) -> APIRouter:
    """The route that takes books."""
    router = APIRouter(tags=["vinovits"])
    reading = _Reading(services)

    @router.post(PATH, status_code=202, openapi_extra=_form())
    async def submit_book(request: Request, response: Response) -> JobData:
        """Have a book spoken in the background, to one file with chapters, cover and tags."""
        await asyncio.to_thread(services.jobs.check_room, services.owner)
        fields, book = await reading.book(request)
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


class _Reading:
    """Takes in books, a few at once, beside the workers that speak."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._busy = 0

    async def book(self, request: Request) -> tuple[BookRequest, Book]:
        """The fields and the book of a request.

        Raises:
            ApiError: It can't be right, comes too slowly, or too many others do.
        """
        if self._busy >= _MOST_AT_ONCE:
            raise ApiError(
                429,
                "Other books are coming in. Try again in a minute.",
                "too_many_uploads",
                headers={"Retry-After": "60"},
            )
        self._busy += 1
        task: asyncio.Task[Book] | None = None
        try:
            form = await self._form(request)
            try:
                file, fields = _parts(form)
                suffix = suffix_of(file.filename or "")
                task = asyncio.create_task(
                    asyncio.to_thread(
                        read_upload,
                        file.file,
                        suffix,
                        self._services.jobs.folder,
                        fields.encoding,
                    )
                )
                seconds = self._services.settings.deadline
                try:
                    return fields, await asyncio.wait_for(asyncio.shield(task), seconds)
                except TimeoutError:
                    raise late(seconds) from None
            finally:
                if task is None or task.done():
                    await form.close()
        finally:
            # A thread can't be ended: until it does so itself, it counts.
            if task is None or task.done():
                self._busy -= 1
            else:
                task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Book]) -> None:
        self._busy -= 1
        if not task.cancelled():
            task.exception()  # nobody waits for it

    async def _form(self, request: Request) -> FormData:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "multipart/form-data":
            raise ApiError(415, "A book comes as multipart/form-data.", "not_a_form")
        try:
            async with asyncio.timeout(_UPLOAD_SECONDS):
                return await request.form(max_files=1, max_fields=_MOST_FIELDS)
        except TimeoutError:
            raise ApiError(408, "The book came too slowly.", "too_slow") from None
        except ClientDisconnect:
            # Either the caller has left, or what came was more than may be.
            most = self._services.settings.max_upload
            raise ApiError(413, f"A book has at most {most} bytes.", "too_large") from None


def _parts(form: FormData) -> tuple[UploadFile, BookRequest]:
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise ApiError(400, "The field 'file' is missing: a book.", "invalid_value", param="file")
    given = {name: value for name, value in form.multi_items() if name != "file" and value != ""}
    try:
        return file, BookRequest.model_validate(given)
    except ValidationError as error:
        faults = [{**one, "loc": ("body", *one["loc"])} for one in error.errors()]
        raise RequestValidationError(faults) from None
