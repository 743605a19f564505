"""Errors as FastAPI's own servers send them: for clients that were written for others' servers."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from vinovits.errors import LanguageError, TextError, UsageError
from vinovits.serve.errors import ApiError, api_error

_LONGEST_INPUT = 80
"""Characters of what was sent that are shown again."""


class Detail(BaseModel):
    """What went wrong, in a sentence."""

    detail: str


class Fault(BaseModel):
    """A field that can't be right."""

    loc: list[str | int]
    """Where it was: "query" or "body", and the field's name."""
    msg: str
    type: str


class Faults(BaseModel):
    """Fields that can't be right."""

    detail: list[Fault]


ANSWERS: dict[int | str, dict[str, Any]] = {
    422: {
        "model": Faults,
        "description": "A field can't be right.",
        "content": {
            "application/json": {
                "example": {
                    "detail": [
                        {"loc": ["query", "text"], "msg": "Field required", "type": "missing"}
                    ]
                }
            }
        },
    },
    "4XX": {
        "model": Detail,
        "description": "The request can't be right, or not now (429).",
        "content": {
            "application/json": {
                "example": {"detail": "Nothing in the text can be spoken."},
            }
        },
    },
    "5XX": {
        "model": Detail,
        "description": "The server couldn't, or is shutting down (503).",
        "content": {
            "application/json": {"example": {"detail": "The server is shutting down."}},
        },
    },
}
"""For the description of routes."""


def fault(where: str, field: str, message: str) -> JSONResponse:
    """Say that a field can't be right, as FastAPI says it.

    Args:
        where: "query" or "body".
        field: Its name.
        message: A sentence.
    """
    one = {"loc": [where, field], "msg": message, "type": "value_error"}
    return JSONResponse({"detail": [one]}, 422)


class DetailRoute(APIRoute):
    """A route whose errors have FastAPI's form: `{"detail": …}`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with its errors answered."""
        handler = super().get_route_handler()

        async def told(request: Request) -> Response:
            try:
                return await handler(request)
            except RequestValidationError as error:
                return JSONResponse({"detail": [_shown(one) for one in error.errors()]}, 422)
            except Exception as error:
                return detail_of(error)

        return told


def detail_of(error: Exception) -> JSONResponse:
    """The answer to an error met while a request was worked on."""
    if isinstance(error, HTTPException):
        return JSONResponse({"detail": error.detail}, error.status_code, error.headers)
    known = api_error(error)
    status = known.status
    if isinstance(error, TextError | UsageError) and not isinstance(error, LanguageError):
        status = 422 if status == 400 else status
    return JSONResponse({"detail": str(known)}, status, known.headers)


def refuse(status: int, message: str) -> ApiError:
    """An error for those routes.

    Args:
        status: The HTTP status.
        message: A sentence.
    """
    return ApiError(status, message, "invalid_value")


def _shown(one: Mapping[str, Any]) -> dict[str, Any]:
    """A fault without what pydantic adds for people who debug, and cut where it is long."""
    told = {"loc": [_text(part) for part in one["loc"]], "msg": _text(one["msg"])}
    if isinstance(given := one.get("input"), str | int | float | bool):
        told["input"] = _text(str(given))[:_LONGEST_INPUT]
    return {**told, "type": one["type"]}


def _text(value: Any) -> Any:
    """What JSON can hold: a text from a broken encoding may have half characters."""
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else value
