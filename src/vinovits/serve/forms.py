"""Forms with a file: taken in within bounds, a few at once, and read into fields."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.requests import ClientDisconnect
from starlette.routing import Match
from starlette.types import Scope

from vinovits.serve.errors import ApiError

M = TypeVar("M", bound=BaseModel)

MULTIPART = "multipart/form-data"
_MOST_FIELDS = 40


class FormRoute(APIRoute):
    """A route for forms, beside one of the same path for JSON, which it stands before."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether this is a form for this path."""
        if scope["type"] != "http" or not is_form(Headers(scope=scope)):
            return Match.NONE, {}
        return super().matches(scope)


class Forms:
    """Takes forms in; their files lie on the disk until they are used."""

    def __init__(self, what: str, most_at_once: int, seconds: float, most_bytes: int) -> None:
        """Take nothing in yet.

        Args:
            what: What the file is, such as "book".
            most_at_once: Forms that come, or whose files are used, at the same time.
            seconds: In which a form must have come.
            most_bytes: As the gate counts them.
        """
        self._what, self._most_at_once = what, most_at_once
        self._seconds, self._most_bytes = seconds, most_bytes
        self._busy = 0

    @asynccontextmanager
    async def taken(self, request: Request) -> AsyncIterator[FormData]:
        """The form of a request; its file is gone at the end of the block.

        Raises:
            ApiError: It can't be right, comes too slowly, or too many others do.
        """
        if self._busy >= self._most_at_once:
            raise ApiError(
                429,
                f"Other {self._what}s are coming in. Try again in a minute.",
                "too_many_uploads",
                headers={"Retry-After": "60"},
            )
        self._busy += 1
        try:
            form = await self._received(request)
            try:
                yield form
            finally:
                await form.close()
        finally:
            self._busy -= 1

    async def _received(self, request: Request) -> FormData:
        if not is_form(request.headers):
            raise ApiError(415, f"A {self._what} comes as {MULTIPART}.", "not_a_form")
        try:
            async with asyncio.timeout(self._seconds):
                return await request.form(max_files=1, max_fields=_MOST_FIELDS)
        except TimeoutError:
            raise ApiError(408, f"The {self._what} came too slowly.", "too_slow") from None
        except ClientDisconnect:
            # Either the caller has left, or what came was more than may be.
            raise ApiError(
                413, f"A {self._what} has at most {self._most_bytes} bytes.", "too_large"
            ) from None


def is_form(headers: Headers) -> bool:
    """Whether the body is a form that may hold files."""
    return media_type(headers) == MULTIPART


def media_type(headers: Headers) -> str:
    """What a body is, without what is said of it behind; "" where nobody tells."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def fields_of(form: FormData, model: type[M], file: str) -> tuple[M, UploadFile | None]:
    """What a form says, and its file.

    Args:
        form: Of a request.
        model: Its fields beside the file; those that are empty weren't given.
        file: Name of the field that is the file.

    Raises:
        RequestValidationError: A field can't be right.
    """
    given: dict[str, Any] = {}
    for name in form:
        values = [value for value in form.getlist(name) if value != ""]
        if name != file and values:
            given[name] = values[0] if len(values) == 1 else values
    fields = checked(model, given)
    sent = form.get(file) or None
    if isinstance(sent, str):
        fault = {"type": "value_error", "loc": ("body", file), "msg": "This is a file"}
        raise RequestValidationError([fault])
    return fields, sent


def checked(model: type[M], given: Mapping[str, Any]) -> M:
    """Fields of a form as a model has them.

    Args:
        model: Of the fields.
        given: By name, as the form has them.

    Raises:
        RequestValidationError: One can't be right.
    """
    try:
        return model.model_validate(given)
    except ValidationError as error:
        faults = [{**one, "loc": ("body", *one["loc"])} for one in error.errors()]
        raise RequestValidationError(faults) from None


def form_body(
    model: type[BaseModel], file: str, what: str, example: dict[str, Any], *, needed: bool = False
) -> Any:
    """The description of a form, for a route.

    Args:
        model: Its fields beside the file.
        file: Name of the field that is the file.
        what: What the file is.
        example: Of all fields.
        needed: Whether the file must be there.
    """
    schema = model.model_json_schema()
    sent = {"type": "string", "format": "binary", "description": what}
    return {
        MULTIPART: {
            "schema": {
                "type": "object",
                "properties": {file: sent, **schema["properties"]},
                "required": [*([file] if needed else []), *schema.get("required", [])],
                "additionalProperties": False,
            },
            "example": example,
        }
    }
