"""What goes wrong, as answers: one form, that of OpenAI's interface."""

from __future__ import annotations

import errno
import logging
import math
import sqlite3
from collections.abc import Mapping
from typing import Any, Literal

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from vinovits.errors import (
    DeviceError,
    LexiconError,
    MissingExtraError,
    MissingModelError,
    OutputError,
    TextError,
    UsageError,
    VinovitsError,
)

_log = logging.getLogger(__name__)

Type = Literal[
    "invalid_request_error", "authentication_error", "permission_error", "rate_limit_error",
    "server_error",
]  # fmt: skip

_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "not_json"}
_MOST_FAULTS = 5
"""Told in one answer."""


class ErrorDetail(BaseModel):
    """What went wrong."""

    message: str
    type: Type
    param: str | None = None
    """The field that is wrong."""
    code: str | None = None


class ErrorBody(BaseModel):
    """The body of every answer that isn't one."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "error": {
                        "message": "There is no voice 'jo'. Did you mean 'joe'? There are: joe.",
                        "type": "invalid_request_error",
                        "param": "voice",
                        "code": "voice_not_found",
                    }
                }
            ]
        }
    )

    error: ErrorDetail


class ApiError(VinovitsError):
    """A request that gets no answer, and why."""

    def __init__(
        self,
        status: int,
        message: str,
        code: str,
        *,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Say what went wrong.

        Args:
            status: The HTTP status.
            message: A sentence for the caller.
            code: For programs.
            param: The field that is wrong.
            headers: To be sent besides.
        """
        super().__init__(message)
        self.status, self.code, self.param = status, code, param
        self.headers = dict(headers or {})

    @property
    def body(self) -> dict[str, Any]:
        """The answer's JSON."""
        detail = ErrorDetail(
            message=str(self), type=_type(self.status), param=self.param, code=self.code
        )
        return ErrorBody(error=detail).model_dump()

    def response(self) -> JSONResponse:
        """The answer."""
        return JSONResponse(self.body, self.status, self.headers)


def busy(seconds: float) -> ApiError:
    """The queue is full, for about this long."""
    wait = str(max(1, math.ceil(seconds)))
    return ApiError(
        429,
        f"The server has as much to do as it takes on. Try again in {wait} s.",
        "queue_full",
        headers={"Retry-After": wait},
    )


def draining() -> ApiError:
    """The server is about to end."""
    return ApiError(
        503, "The server is shutting down.", "shutting_down", headers={"Retry-After": "5"}
    )


def late(seconds: float) -> ApiError:
    """A request has met its deadline."""
    return ApiError(504, f"This took longer than the {seconds:g} s that it may.", "deadline")


def disk_full() -> ApiError:
    """There is no room for what was asked for."""
    return ApiError(507, "The server's disk is full.", "disk_full", headers={"Retry-After": "60"})


def api_error(error: Exception) -> ApiError:
    """What to answer to an error met while a request was worked on.

    What isn't the caller's fault is logged, and its message, which may name files of this machine,
    is kept from the caller.
    """
    match error:
        case ApiError():
            return error
        case DeviceError():
            pass
        case TextError():
            return ApiError(400, str(error), "text_not_speakable", param="input")
        case MissingExtraError():
            return ApiError(501, str(error), "not_installed")
        case MissingModelError():
            _log.error("%s", error)
            how = f": run `{error.command}` there" if error.command else ""
            return ApiError(
                501,
                f"The voice needs the model {error.model!r}, which the server doesn't have{how}.",
                "model_missing",
            )
        case UsageError():
            return ApiError(400, str(error), "invalid_value")
        case RequestValidationError():
            return _invalid(error)
        case HTTPException():
            code = _CODES.get(error.status_code, "invalid_request")
            return ApiError(error.status_code, f"{error.detail}.", code, headers=error.headers)
    if _is_disk_full(error):
        _log.error("The disk is full: %s", error)
        return disk_full()
    if isinstance(error, MemoryError):
        _log.error("There is no memory left for this.", exc_info=error)
        return ApiError(
            503,
            "The server has no memory left for this.",
            "out_of_memory",
            headers={"Retry-After": "10"},
        )
    if isinstance(error, VinovitsError):
        _log.error("%s", error)
    else:
        _log.error("This failed unexpectedly.", exc_info=error)
    return ApiError(500, "The server couldn't do this; its log says why.", _server_code(error))


def lexicon_error(error: LexiconError) -> ApiError:
    """A lexicon of the caller's that can't be right."""
    return ApiError(400, str(error), "invalid_lexicon", param="lexicon")


def _is_disk_full(error: BaseException | None) -> bool:
    """Whether it, or what it came from, is the system's word that the disk is full."""
    match error:
        case None:
            return False
        case sqlite3.OperationalError(sqlite_errorcode=sqlite3.SQLITE_FULL):
            return True
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return True
    return _is_disk_full(error.__cause__)


def _server_code(error: Exception) -> str:
    match error:
        case DeviceError():
            return "device_failed"
        case OutputError():
            return "encoding_failed"
    return "internal_error"


def _type(status: int) -> Type:
    known: dict[int, Type] = {
        401: "authentication_error",
        403: "permission_error",
        429: "rate_limit_error",
    }
    return known.get(status, "invalid_request_error" if status < 500 else "server_error")


def _invalid(error: RequestValidationError) -> ApiError:
    """Name the fields and what they should be; what was sent may be long, or no text at all."""
    faults = error.errors()
    if faults and faults[0]["type"] == "json_invalid":
        return ApiError(400, "The body isn't JSON.", "invalid_json")
    told = []
    for fault in faults[:_MOST_FAULTS]:
        name = _field(fault)
        if fault["type"] == "extra_forbidden":
            told.append(f"There is no field {name!r:.80}.")
        elif fault["type"] == "missing":
            told.append(f"The field {name!r:.80} is missing.")
        else:
            told.append(f"{name:.80}: {fault['msg']}.")
    message = " ".join(told).encode("utf-8", "replace").decode("utf-8")
    param = _field(faults[0])[:80].encode("utf-8", "replace").decode("utf-8") if faults else None
    return ApiError(400, message, "invalid_value", param=param)


def _field(fault: Mapping[str, Any]) -> str:
    names = [str(part) for part in fault["loc"][1:]]
    return ".".join(names) or "body"
