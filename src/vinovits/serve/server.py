"""Running the app: until a signal asks to end, and then until what runs is finished."""

from __future__ import annotations

import logging
import signal
import socket
from types import FrameType

import uvicorn
from fastapi import FastAPI

from vinovits.errors import OutputError
from vinovits.serve.connections import Connection
from vinovits.serve.log import FIELDS
from vinovits.serve.services import Services
from vinovits.serve.socket import LONGEST_MESSAGE

_log = logging.getLogger(__name__)

_MOST_CONNECTIONS = 512
_HEADER_BYTES = 16 << 10
_TICKS_OF_CARE = 10
"""Tenths of a second between looks at the threads."""


class Server(uvicorn.Server):
    """Takes on nothing new after the first signal, and leaves at the second."""

    def __init__(self, app: FastAPI) -> None:
        """Prepare to run an app of `create_app`."""
        self._services: Services = app.state.services
        self._stops = False
        settings = self._services.settings
        super().__init__(
            uvicorn.Config(
                app,
                settings.host,
                settings.port,
                http=Connection,
                loop="asyncio",
                ws="websockets-sansio",
                ws_max_size=LONGEST_MESSAGE,
                ws_per_message_deflate=False,
                log_config=None,
                access_log=False,
                server_header=False,
                limit_concurrency=_MOST_CONNECTIONS,
                h11_max_incomplete_event_size=_HEADER_BYTES,
                timeout_graceful_shutdown=max(1, round(settings.deadline)),
            )
        )

    def serve_until_told(self, listener: socket.socket) -> None:
        """Answer until a signal has come and what ran then is done.

        Args:
            listener: From `listen`.
        """
        self.run(sockets=[listener])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, and tell so."""
        await super().startup(sockets)
        for listener in sockets or ():
            host, port = listener.getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            _log.info("listening", extra={FIELDS: {"url": f"http://{shown}:{port}"}})

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Finish what runs at the first signal; stop it at the second; wait for no one at the next.

        What it does is done by `on_tick`: a signal may come in the middle of anything.
        """
        if self.should_exit:
            self.force_exit = True
            return
        if self._services.work.draining:
            self._stops = True
            return
        self._services.work.draining = True
        _log.info(
            "%s: nothing new is taken on, what runs is finished; a second one stops.",
            signal.Signals(sig).name,
        )

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: end when all work is done."""
        work = self._services.work
        if self._stops:
            work.stop()
            self.should_exit = True
        if work.draining:
            # What runs of jobs is made again after the next start.
            self._services.jobs.stop()
        elif not counter % _TICKS_OF_CARE:
            self._services.jobs.keep_working()
            work.keep_working()
        if work.draining and not work.running:
            self.should_exit = True
        return await super().on_tick(counter)

    def listen(self) -> socket.socket:
        """Take the address of the settings.

        Raises:
            OutputError: It can't be had.
        """
        settings = self._services.settings
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((settings.host, settings.port))
        except OSError as error:
            listener.close()
            raise OutputError(
                f"The server can't listen at {settings.host}, port {settings.port}: "
                f"{(error.strerror or str(error)).lower()}. Choose another --port or --host."
            ) from None
        return listener
