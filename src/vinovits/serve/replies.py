"""Answers that are sent while they are made, and given up when the caller leaves."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import secrets
from collections.abc import Awaitable
from typing import TypeVar

from starlette.responses import JSONResponse, Response
from starlette.types import Message, Receive, Scope, Send

from vinovits.engine.result import SpokenSentence
from vinovits.output.audio_stream import MEDIA_TYPES
from vinovits.output.timings import sentence_data
from vinovits.serve.errors import api_error
from vinovits.serve.metrics import Metrics
from vinovits.serve.speech import Opening, Order, Piece, Whole
from vinovits.serve.work import Job

T = TypeVar("T")

_log = logging.getLogger(__name__)

TIMING_TYPES = {
    "srt": "application/x-subrip",
    "vtt": "text/vtt",
    "lrc": "text/plain",
    "json": "application/json",
}
"""Media types of subtitles and timings."""


class HungUpError(Exception):
    """The caller has left: no answer can be sent."""


async def while_heard(receive: Receive, work: Awaitable[T]) -> T:
    """Wait for some work, or until the caller leaves, and the work is cancelled.

    Args:
        receive: Of the request, whose body has been read.
        work: What to wait for.

    Raises:
        HungUpError: The caller has left.
    """
    gone = asyncio.ensure_future(_left(receive))
    done = asyncio.ensure_future(work)
    try:
        await asyncio.wait({gone, done}, return_when=asyncio.FIRST_COMPLETED)
        if done.done():
            return done.result()
        raise HungUpError
    finally:
        for task in (gone, done):
            task.cancel()
        await asyncio.gather(gone, done, return_exceptions=True)


def json_reply(whole: Whole) -> Response:
    """All of an answer as JSON, its audio in base64."""
    audio = base64.b64encode(whole.audio).decode("ascii")
    return JSONResponse({**whole.told, "subtitles": whole.subtitles, "audio": audio})


def form_reply(whole: Whole) -> Response:
    """All of an answer as a form: a part `timings`, one for each kind of subtitles, and `audio`."""
    kind = whole.told["format"]
    parts = [
        ("timings", "timings.json", TIMING_TYPES["json"], json.dumps(whole.told).encode("ascii")),
        *(
            (name, f"speech.{name}", f"{TIMING_TYPES[name]}; charset=utf-8", text.encode("utf-8"))
            for name, text in whole.subtitles.items()
        ),
        ("audio", f"speech.{kind}", MEDIA_TYPES[kind], whole.audio),
    ]
    boundary = secrets.token_hex(16)
    body = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{file}"\r\n'
        f"Content-Type: {media}\r\n\r\n".encode("ascii")
        + data
        + b"\r\n"
        for name, file, media, data in parts
    )
    body += f"--{boundary}--\r\n".encode("ascii")
    return Response(body, media_type=f"multipart/form-data; boundary={boundary}")


class SpeechReply(Response):
    """Audio, chunk by chunk, as bytes or as events with pieces of it."""

    def __init__(
        self, job: Job[Piece], order: Order, metrics: Metrics, patience: float, *, events: bool
    ) -> None:
        """Prepare to answer.

        Args:
            job: What makes the audio.
            order: What was asked for.
            metrics: Told of callers who leave.
            patience: Seconds that the caller may take to accept a piece.
            events: Send server-sent events.
        """
        super().__init__()
        self._job, self._order, self._metrics = job, order, metrics
        self._patience, self._events = patience, events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it all; errors before the first sound are raised, and get an answer of their own."""
        try:
            await while_heard(receive, self._send(send))
        except HungUpError:
            self._metrics.hung_up.inc()
            _log.info("The caller has left before the end.")
        finally:
            self._job.stop()

    async def _send(self, send: Send) -> None:
        opening = await self._job.get()
        assert isinstance(opening, Opening)
        await self._out(send, self._start(opening))
        try:
            while (piece := await self._job.get()) is not None:
                if isinstance(piece, SpokenSentence):
                    event = {"type": "speech.audio.sentence", **sentence_data(piece)}
                    await self._body(send, _line(event))
                    continue
                assert isinstance(piece, bytes)
                if piece:
                    await self._body(send, self._event(piece) if self._events else piece)
        except Exception as error:
            told = api_error(error)
            _log.warning("The answer ends early: %s", told)
            if not self._events:
                # Without the end of its last chunk, the caller knows that it isn't whole.
                return
            await self._body(send, _line({"type": "error", **told.body}))
        else:
            if self._events:
                await self._body(send, self._last_event())
        await self._out(send, {"type": "http.response.body", "body": b"", "more_body": False})

    def _start(self, opening: Opening) -> Message:
        media = "text/event-stream" if self._events else MEDIA_TYPES[self._order.kind]
        headers = {
            "content-type": media,
            "cache-control": "no-store",
            "x-seed": str(self._order.seed),
            "x-sampling-rate": str(opening.sampling_rate),
        }
        if opening.ignored:
            headers["x-ignored"] = ", ".join(opening.ignored)
        raw = [(name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()]
        return {"type": "http.response.start", "status": 200, "headers": raw}

    async def _body(self, send: Send, data: bytes) -> None:
        await self._out(send, {"type": "http.response.body", "body": data, "more_body": True})

    async def _out(self, send: Send, message: Message) -> None:
        try:
            async with asyncio.timeout(self._patience):
                await send(message)
        except TimeoutError:
            raise HungUpError from None

    def _event(self, piece: bytes) -> bytes:
        audio = base64.b64encode(piece).decode("ascii")
        return _line({"type": "speech.audio.delta", "audio": audio})

    def _last_event(self) -> bytes:
        count = len(self._order.text)
        usage = {"input_tokens": count, "output_tokens": 0, "total_tokens": count}
        return _line({"type": "speech.audio.done", "usage": usage})


def _line(data: dict[str, object]) -> bytes:
    return b"data: " + json.dumps(data).encode("ascii") + b"\n\n"


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
