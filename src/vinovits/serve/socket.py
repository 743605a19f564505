"""Speech over a WebSocket: text in pieces, as a language model writes it, and audio out."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, WebSocket
from fastapi.exceptions import RequestValidationError
from pydantic import Field, TypeAdapter, ValidationError
from starlette.websockets import WebSocketDisconnect, WebSocketState

from vinovits.batch.spoken import moved
from vinovits.engine.result import SpokenSentence
from vinovits.engine.voice import Voice
from vinovits.errors import VinovitsError
from vinovits.output.audio_stream import AudioStream
from vinovits.output.timings import sentence_data
from vinovits.serve.bodies import Name, SpeakFields, Strict
from vinovits.serve.errors import ApiError, api_error, busy
from vinovits.serve.gate import PROTOCOL
from vinovits.serve.services import Services
from vinovits.serve.speech import Piece, Sound, chosen_seed, order
from vinovits.serve.work import Job
from vinovits.text.pieces import Pieces

T = TypeVar("T")

_MOST_SESSIONS = 64
_AGAIN_SECONDS = 0.1
"""Between tries to get into a full queue."""
LONGEST_MESSAGE = 256 << 10
"""Bytes of a message."""


class Start(SpeakFields):
    """The first message: who speaks, and how. What isn't given is the voice's own."""

    type: Literal["start"]
    voice: Name | None = None
    format: Literal["pcm", "wav", "mp3", "opus"] = "pcm"


class Text(Strict):
    """A piece of the text, of any length."""

    type: Literal["text"]
    text: str


class Flush(Strict):
    """Speak all there is, although no sentence may end here."""

    type: Literal["flush"]


class Cancel(Strict):
    """Stop speaking, and forget what wasn't spoken."""

    type: Literal["cancel"]


class End(Strict):
    """No more text comes: speak the rest, and close."""

    type: Literal["end"]


_Message = Annotated[Start | Text | Flush | Cancel | End, Field(discriminator="type")]
_MESSAGES: TypeAdapter[Start | Text | Flush | Cancel | End] = TypeAdapter(_Message)


def routes(services: Services) -> APIRouter:
    """The route /ws/speak."""
    router = APIRouter(tags=["vinovits"])
    sessions: set[_Session] = set()

    @router.websocket("/ws/speak")
    async def speak(socket: WebSocket) -> None:
        """Speak sentences as soon as they are whole."""
        offered = socket.scope.get("subprotocols", ())
        await socket.accept(PROTOCOL if PROTOCOL in offered else None)
        session = _Session(services, socket)
        if len(sessions) >= _MOST_SESSIONS:
            await session.fail(busy(1.0), 1013)
            return
        sessions.add(session)
        try:
            await session.run()
        finally:
            sessions.discard(session)

    return router


class _Session:
    """One connection."""

    def __init__(self, services: Services, socket: WebSocket) -> None:
        self._services, self._socket = services, socket
        self._start: Start | None = None
        self._pieces = Pieces()
        self._waiting: deque[tuple[int, str]] = deque()
        """Sentences to be spoken, and where each begins in all of the text."""
        self._changed = asyncio.Event()
        self._ending = False
        self._job: Job[Piece] | None = None
        self._audio: AudioStream | None = None
        self._seconds = 0.0
        """Audio sent."""
        self._lock = threading.Lock()
        """Of the encoder, which a sentence that was interrupted may still have for a moment."""
        self._turn = 0
        """Counts interruptions: what is of an earlier turn isn't sent."""
        self._idle_since = asyncio.get_running_loop().time()

    async def run(self) -> None:
        """Answer until the end, or until the caller leaves."""
        heard = asyncio.create_task(self._hear())
        spoken = asyncio.create_task(self._speak())
        tasks = {heard, spoken}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
            await self._close(1000)
        except WebSocketDisconnect:
            self._services.metrics.hung_up.inc()
        except _Closed:
            pass
        except Exception as error:
            await self.fail(api_error(error), 1011)
        finally:
            if self._job is not None:
                self._job.stop()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self._audio is not None:
                await asyncio.to_thread(self._audio.close)

    async def fail(self, error: ApiError, code: int) -> None:
        """Tell an error, and close."""
        with suppress(Exception):
            await self._tell({"type": "error", **error.body})
        await self._close(code)

    async def _hear(self) -> None:
        """Take messages in until the end."""
        while not self._ending:
            message = await self._message()
            match message:
                case Start():
                    if self._start is not None:
                        raise _wrong("There was a start before.")
                    await self._begin(message)
                case Text():
                    self._check_room(len(message.text))
                    self._services.charge(len(message.text), more=True)
                    self._put(self._pieces.add(message.text))
                case Flush():
                    self._put(self._pieces.flush())
                case Cancel():
                    await self._interrupt()
                case End():
                    self._put(self._pieces.flush())
                    self._ending = True
                    self._changed.set()

    async def _message(self) -> Start | Text | Flush | Cancel | End:
        """The next message; the caller has some time for it while nothing is spoken."""
        loop = asyncio.get_running_loop()
        patience = self._services.settings.socket_idle
        while True:
            receiving = asyncio.ensure_future(self._socket.receive())
            try:
                while not receiving.done():
                    await asyncio.wait({receiving}, timeout=min(patience, 1.0))
                    if self._job is not None or self._waiting:
                        self._idle_since = loop.time()
                    elif not receiving.done() and loop.time() - self._idle_since > patience:
                        await self.fail(
                            ApiError(408, f"Nothing came for {patience:g} s.", "idle"), 1000
                        )
                        raise _Closed
            finally:
                receiving.cancel()
            self._idle_since = loop.time()
            data = receiving.result()
            if data["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(data.get("code", 1006))
            try:
                return _MESSAGES.validate_json(data.get("text") or "")
            except ValidationError as error:
                faults = [
                    {**fault, "loc": fault["loc"][1:] or ("type",)}
                    for fault in error.errors(include_url=False, include_context=False)
                ]
                told = api_error(RequestValidationError(faults))
                await self._tell({"type": "error", **told.body})

    async def _begin(self, start: Start) -> None:
        name = start.voice or self._services.settings.voice
        self._services.note(name)
        self._start = start
        loading: Job[Voice] = await self._patiently(
            lambda: self._services.work.submit(lambda job: job.put(self._services.voices.get(name)))
        )
        try:
            voice = await loading.get()
        finally:
            loading.stop()
        assert voice is not None
        seed = chosen_seed(start)
        self._start = start.model_copy(update={"voice": name, "seed": seed})
        rate = voice.manifest.sampling_rate
        self._audio = AudioStream(start.format, rate, rate=start.sample_rate)
        await self._tell(
            {
                "type": "ready",
                "voice": name,
                "format": start.format,
                "sampling_rate": self._audio.rate,
                "seed": seed,
            }
        )
        self._changed.set()

    def _check_room(self, more: int) -> None:
        most = self._services.settings.max_text
        waits = self._pieces.held + sum(len(text) for _, text in self._waiting) + more
        if waits > most:
            raise ApiError(
                413,
                f"{waits} characters wait to be spoken, and {most} may.",
                "text_too_long",
                param="text",
            )

    def _put(self, sentences: list[tuple[int, str]]) -> None:
        heard = [one for one in sentences if any(character.isalnum() for character in one[1])]
        self._waiting.extend(heard)
        if heard:
            self._changed.set()

    async def _interrupt(self) -> None:
        self._turn += 1
        self._waiting.clear()
        self._pieces.clear()
        if self._job is not None:
            self._job.end()
        await self._tell({"type": "cancelled", "seconds": round(self._seconds, 3)})

    async def _speak(self) -> None:
        """Speak what waits, until the end."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            if self._start is None and (self._waiting or self._ending):
                await self._begin(Start.model_validate({"type": "start"}))
            while self._waiting:
                start, text = self._waiting.popleft()
                try:
                    await self._sentence(start, text)
                except VinovitsError as error:
                    # A sentence in a language that the voice can't speak ends no conversation.
                    told = api_error(error)
                    if told.status >= 500 or told.code == "voice_not_found":
                        raise
                    await self._tell({"type": "error", "start_char": start, **told.body})
            if self._ending:
                assert self._audio is not None
                rest = await asyncio.to_thread(self._audio.finish)
                if rest:
                    await self._send(rest)
                await self._tell({"type": "done", "seconds": round(self._seconds, 3)})
                return

    async def _sentence(self, start: int, text: str) -> None:
        """Speak a sentence, as a job of its own: others get their turn in between."""
        fields, audio = self._start, self._audio
        assert fields is not None
        assert audio is not None
        assert fields.voice is not None
        turn, begun = self._turn, self._seconds
        wanted = replace(order(fields, fields.voice, text, fields.format), timings=True)
        work = self._services.speech.continued(wanted, audio, self._lock)
        job = await self._patiently(lambda: self._services.work.submit(work))
        self._job = job
        try:
            while turn == self._turn and (piece := await job.get()) is not None:
                if turn != self._turn:
                    break
                match piece:
                    case SpokenSentence():
                        own = moved(piece, begun, start)
                        await self._tell({"type": "sentence", **sentence_data(own)})
                    case Sound():
                        await self._send(piece.data)
                        self._seconds += piece.seconds
        finally:
            job.stop()
            self._job = None
            self._idle_since = asyncio.get_running_loop().time()

    async def _patiently(self, submit: Callable[[], T]) -> T:
        """Wait for a place in the queue, as long as a request may take."""
        end = asyncio.get_running_loop().time() + self._services.settings.deadline
        while True:
            try:
                return submit()
            except ApiError as error:
                if error.code != "queue_full" or asyncio.get_running_loop().time() > end:
                    raise
                await asyncio.sleep(_AGAIN_SECONDS)

    async def _tell(self, data: dict[str, Any]) -> None:
        await self._out({"type": "websocket.send", "text": json.dumps(data)})

    async def _send(self, data: bytes) -> None:
        if data:
            await self._out({"type": "websocket.send", "bytes": data})

    async def _out(self, message: dict[str, Any]) -> None:
        try:
            async with asyncio.timeout(self._services.settings.deadline):
                await self._socket.send(message)
        except TimeoutError:
            raise WebSocketDisconnect(1006) from None

    async def _close(self, code: int) -> None:
        if self._socket.application_state is WebSocketState.CONNECTED:
            with suppress(Exception):
                await self._socket.close(code)


class _Closed(Exception):  # noqa: N818 (it ends a session, and is no fault)
    """The session is over, and its caller knows."""


def _wrong(message: str) -> ApiError:
    return ApiError(400, message, "invalid_value", param="type")
