"""The server's log: lines for people, or JSON objects; each tells of which request it is."""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from vinovits.serve.keys import Grant

_KEY = re.compile(r"vv-[A-Za-z0-9_-]{16,}")
FIELDS = "fields"
"""Attribute of a log record: a dict of what is told beside the message."""


@dataclass(slots=True)
class RequestRecord:
    """What is known of the request that is being answered."""

    id: str
    key: str | None = None
    """Name of the API key."""
    voice: str | None = None
    grant: Grant | None = None
    """What the owner of the key may do."""
    charged: int | None = None
    """Characters that were counted; None: no text yet."""


request: ContextVar[RequestRecord | None] = ContextVar("vinovits_request", default=None)
"""Worker threads have it too, as they run in a copy of the request's context."""


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        parts = [self.formatTime(record, "%H:%M:%S"), record.levelname.lower(), _message(record)]
        parts += [f"{name}={value}" for name, value in _fields(record).items()]
        line = " ".join(parts)
        return hidden(
            f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line
        )


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        entry: dict[str, Any] = {
            "time": f"{stamp}.{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
            **_fields(record),
        }
        if record.exc_info:
            entry["traceback"] = hidden(self.formatException(record.exc_info))
        return json.dumps(entry, default=str)


@contextmanager
def logging_to_stderr(as_json: bool) -> Iterator[None]:
    """Send what vinovits and uvicorn log to standard error, while the block lasts."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if as_json else _Lines())
    before = []
    for name, level in (("vinovits", logging.INFO), ("uvicorn", logging.WARNING)):
        logger = logging.getLogger(name)
        before.append((logger, logger.handlers, logger.level, logger.propagate))
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)
    try:
        yield
    finally:
        for logger, handlers, level, propagate in before:
            logger.handlers, logger.propagate = handlers, propagate
            logger.setLevel(level)


def _message(record: logging.LogRecord) -> str:
    # What callers send must not make lines of its own, nor command a terminal.
    return "".join(c if c.isprintable() else " " for c in hidden(record.getMessage()))


def hidden(text: str) -> str:
    """A text without API keys, wherever callers may have put them."""
    return _KEY.sub("vv-***", text)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    fields: dict[str, Any] = dict(getattr(record, FIELDS, {}))
    if (current := request.get()) is not None:
        fields["request"] = current.id
    return {
        name: hidden(value) if isinstance(value, str) else value for name, value in fields.items()
    }
