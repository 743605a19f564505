"""A real server on loopback, and voices that wait when a test says so."""

from __future__ import annotations

import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

import vinovits
from vinovits.engine.voice import Voice
from vinovits.serve.app import create_app
from vinovits.serve.server import Server
from vinovits.serve.services import Services
from vinovits.serve.settings import ServeSettings
from vinovits.serve.voices import ServedVoices, VoiceFolders
from vinovits.voices.store import VoiceInfo

PATIENCE = 60.0
"""Seconds that a test waits for what must come."""

TEXT = "Hello there. This is a longer second sentence, with a pause! And 3 more?"


@dataclass(frozen=True)
class Running:
    """A server that answers."""

    url: str
    services: Services
    server: Server

    def client(self, **options: Any) -> httpx2.Client:
        return httpx2.Client(base_url=self.url, timeout=PATIENCE, **options)

    def post(self, path: str, body: Any, **options: Any) -> httpx2.Response:
        with self.client() as client:
            return client.post(path, json=body, **options)

    def get(self, path: str, **options: Any) -> httpx2.Response:
        with self.client() as client:
            return client.get(path, **options)

    def until(self, true: Callable[[], bool]) -> None:
        until(true)


def until(true: Callable[[], bool]) -> None:
    """Wait for something that must become true."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it didn't happen"
        time.sleep(0.01)


@contextmanager
def running(
    settings: ServeSettings, voices: ServedVoices, *, ready: bool = True
) -> Iterator[Running]:
    """A server in a thread of its own, until the block ends; ready unless that isn't wanted."""
    app = create_app(settings, voices)
    server = Server(app)
    with server.listen() as listener:
        thread = threading.Thread(target=server.serve_until_told, args=(listener,))
        thread.start()
        try:
            services: Services = app.state.services
            until(lambda: server.started and (services.ready or not ready))
            port = listener.getsockname()[1]
            yield Running(f"http://127.0.0.1:{port}", services, server)
        finally:
            server.should_exit = True
            thread.join(PATIENCE)
            assert not thread.is_alive()


_jobs = tempfile.TemporaryDirectory(prefix="vinovits-test-jobs-")


def settings(**options: Any) -> ServeSettings:
    """Those of a server that shares no folder with the user or with another server."""
    usual = {"port": 0, "voice": "tiny", "jobs": Path(tempfile.mkdtemp(dir=_jobs.name))}
    return ServeSettings(**{**usual, **options})


@pytest.fixture(scope="session")
def folders(tiny_voice: Path, graph_cache: Path) -> VoiceFolders:
    return VoiceFolders(
        [tiny_voice.parent], lambda folder: vinovits.load(folder, cache_dir=graph_cache)
    )


@pytest.fixture(scope="session")
def voice(folders: VoiceFolders) -> Voice:
    return folders.get("tiny")


@pytest.fixture(scope="session")
def served(folders: VoiceFolders) -> Iterator[Running]:
    """One server for all tests that change nothing of it."""
    with running(settings(max_queue=64), folders) as server:
        yield server


class HeldStream:
    """A stream that gives a chunk for each permit."""

    def __init__(self, stream: Any, voice: HeldVoice, text: str) -> None:
        self._stream, self._voice, self._text = stream, voice, text
        self.stats = stream.stats

    def __enter__(self) -> HeldStream:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        self._voice.closed.append(self._text)

    def __iter__(self) -> Iterator[Any]:
        for number, chunk in enumerate(self._stream):
            assert self._voice.permits.acquire(timeout=PATIENCE)
            if number and "boom" in self._text:
                raise RuntimeError("a fault in the middle, with /a/secret/path")
            yield chunk


class HeldVoice:
    """A voice whose chunks come when the test permits them."""

    def __init__(self, voice: Voice) -> None:
        self._voice = voice
        self.manifest, self.folder = voice.manifest, voice.folder
        self.permits = threading.Semaphore(0)
        self.closed: list[str] = []
        """Texts whose streams were left."""

    def stream(self, text: str, **settings: Any) -> HeldStream:
        return HeldStream(self._voice.stream(text, **settings), self, text)

    def graphs(self) -> dict[str, Any]:
        return self._voice.graphs()

    def open(self) -> None:
        """Permit all there will be."""
        self.permits.release(100_000)


class HeldVoices:
    """Serves one held voice."""

    def __init__(self, folders: VoiceFolders) -> None:
        self.voice = HeldVoice(folders.get("tiny"))
        self._folders = folders

    def infos(self) -> Sequence[VoiceInfo]:
        return self._folders.infos()

    def get(self, name: str) -> Any:
        return self.voice

    def loaded(self) -> dict[str, Any]:
        return {"tiny": self.voice}


@pytest.fixture
def held(folders: VoiceFolders) -> Iterator[HeldVoices]:
    voices = HeldVoices(folders)
    yield voices
    voices.voice.open()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
