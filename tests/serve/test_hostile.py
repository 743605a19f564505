"""Hundreds of requests that can't be right: none is answered by a fault, no file is touched."""

from __future__ import annotations

import itertools
import json
import math
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.serve.conftest import PATIENCE, HeldVoices, Running, running, settings
from tests.serve.test_socket import heard, open_socket, tell
from tests.serve.test_speech import wav_body
from vinovits.places import own
from vinovits.serve import connections
from vinovits.serve.keys import Grant, new_key
from vinovits.serve.voices import VoiceFolders

HOSTILE: tuple[Any, ...] = (
    *(None, True, -1, 0, 2**63, 2**64, -(2**70), 1e308, -1e308, 1.5, math.nan, math.inf, -math.inf),
    *(
        "",
        " ",
        "\x00",
        "\ud800",
        "x" * 5000,
        "../../etc/passwd",
        "/etc/passwd",
        "file:///etc/passwd",
    ),
    *("C:\\Windows\\win.ini", "%2e%2e%2f", "joe\n", "'; DROP TABLE works; --", "{{7*7}}", "\u202e"),
    *([], {}, [[]], {"a": {"a": {}}}, [None] * 100, {"": 1}, {"../x": "y"}, ["x"] * 2000),
)
"""Values for each field, wherever it may be right by accident."""
FIELDS = {
    "/v1/audio/speech": (
        {"model": "vinovits", "voice": "tiny", "input": "Hi.", "response_format": "wav"},
        ("model", "voice", "input", "response_format", "speed", "seed", "noise", "speaker", "style",
         "emotion", "lexicon", "language", "markup", "sample_rate", "stream_format", "timings",
         "instructions", "pause"),
    ),
    "/api/speak": (
        {"text": "Hi."},
        ("text", "voice", "format", "reply", "subtitles", "assist_text", "assist_weight"),
    ),
    "/api/read": ({"text": "Hi."}, ("text", "voice", "language", "lexicon")),
    "/api/jobs": ({"text": "..."}, ("text", "voice", "format", "title", "paragraph_pause")),
    "/api/lexicon": ({"entries": []}, ("entries", "voice")),
}  # fmt: skip
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
PATHS = (
    "/",
    "/../../etc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/v1/models/..%2f..%2fetc%2fpasswd",
    "/v1/models/%00",
    "/v1/models/%ff%fe",
    "/api/jobs/..%2f..%2fetc",
    "/api/jobs/%00/audio",
    "/api/jobs/x/timings/..%2f..",
    "/api/jobs/x/timings/json",
    "/api/lexicon?voice=../../etc",
    "/api/lexicon?voice=%00",
    "/voice?text=%ff&model_id=-1",
    "/voice?text=" + "x" * 5000,
    "/audio_query?text=&speaker=nan",
    "/speakers/../../etc/passwd",
    "/" + "a" * 3000,
    "//evil.example/",
)


class Opened:
    """What is opened, made, renamed or deleted while a block runs, by an audit hook."""

    def __init__(self) -> None:
        self.named: list[str] = []
        self.written: list[str] = []
        self._on = False
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._on:
            return
        if event == "open":
            path, mode, flags = arguments
            if isinstance(path, str | bytes | Path):
                self.named.append(str(path))
                if set(mode or "") & set("wax+") or (flags or 0) & _WRITING:
                    self.written.append(str(path))
        elif event in ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.chmod"):
            self.written.append(str(arguments[0]))

    @contextmanager
    def watching(self) -> Iterator[None]:
        self._on = True
        try:
            yield
        finally:
            self._on = False


@pytest.fixture(scope="module")
def opened() -> Opened:
    return Opened()


@pytest.fixture(scope="module")
def bounded(folders: VoiceFolders) -> Iterator[Running]:
    with running(settings(max_queue=8, max_jobs=5), folders) as server:
        yield server


def check(answer: httpx2.Response, what: object) -> None:
    assert answer.status_code < 500 or answer.status_code == 501, (what, answer.text[:300])
    assert "root:" not in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.extra
def test_no_field_of_any_kind_makes_a_fault_or_opens_a_file(
    bounded: Running, opened: Opened
) -> None:
    count = 0
    with bounded.client() as client, opened.watching():
        for path, (usual, names) in FIELDS.items():
            values = itertools.cycle(HOSTILE)
            for name in names:
                bodies = [{**usual, name: next(values)} for _ in range(11)]
                bodies.append({key: value for key, value in usual.items() if key != name})
                for body in bodies:
                    data = json.dumps(body).encode("utf-8", "surrogatepass")
                    answer = client.post(
                        path, content=data, headers={"Content-Type": "application/json"}
                    )
                    check(answer, (path, name, body.get(name)))
                    count += 1
        for path in PATHS:
            for method in ("GET", "POST", "DELETE", "PUT", "OPTIONS", "PATCH"):
                with suppress(httpx2.InvalidURL):
                    check(client.request(method, path), (method, path))
                    count += 1
    assert count >= 500
    assert opened.named, "the hook sees what is opened"
    signs = ("passwd", "win.ini", "etc", "DROP", "\x00")
    assert not [path for path in opened.named if any(sign in path for sign in signs)]
    inside = (str(bounded.services.jobs.folder), str(own("lexicons")), "/dev/", "/proc/")
    assert not [path for path in opened.written if not path.startswith(inside)]


@pytest.mark.extra
def test_broken_and_huge_bodies_are_refused(bounded: Running) -> None:
    kinds = ("application/json", "multipart/form-data; boundary=x", "text/plain", "")
    bodies = (
        b"",
        b"{",
        b"\xff\xfe{\x00}",
        b"[" * 50_000,
        b'{"input": "\xff"}',
        b'{"a": ' * 2000,
        b"--x\r\nContent-Disposition: form-data; name=text\r\n\r\nhi",
        b"--x\r\nContent-Disposition: form-data; name=f; filename=../../x\r\n\r\nhi\r\n--x--\r\n",
        b'{"input": 1' + b"0" * 10_000 + b"}",
    )
    with bounded.client() as client:
        for path in (*FIELDS, "/voice", "/synthesis?speaker=0", "/accent_phrases"):
            for kind, data in itertools.product(kinds, bodies):
                answer = client.post(path, content=data, headers={"Content-Type": kind})
                check(answer, (path, kind, data[:40]))
                assert answer.status_code >= 400, (path, kind, data[:40])
        huge = b'{"input": "' + b"x" * 50_000_000 + b'"}'
        for path in FIELDS:
            try:
                answer = client.post(path, content=huge)
            except httpx2.TransportError:
                continue  # the server has closed on who goes on to send
            assert answer.status_code == 413


def test_slow_callers_hold_up_nobody(bounded: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    from vinovits.serve import gate

    monkeypatch.setattr(gate, "_BODY_SECONDS", 0.5)
    host, port = bounded.url.removeprefix("http://").split(":")
    slow = [socket.create_connection((host, int(port)), PATIENCE) for _ in range(40)]
    try:
        for number, one in enumerate(slow):
            head = b"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\n"
            one.sendall(head if number % 2 else head + b"Content-Length: 999\r\n\r\n{")
        began = time.monotonic()
        assert bounded.post("/v1/audio/speech", wav_body()).status_code == 200
        assert time.monotonic() - began < PATIENCE / 2
        for one in slow[::2]:
            one.settimeout(PATIENCE)
            assert b"408" in one.recv(100)
    finally:
        for one in slow:
            one.close()


def test_silent_callers_are_left(
    bounded: Running, held: HeldVoices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who never sends the whole head of a request; but nobody who waits for an answer."""
    monkeypatch.setattr(connections, "_HEAD_SECONDS", 0.3)
    host, port = bounded.url.removeprefix("http://").split(":")
    answered = b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n"
    large = b"POST /api/speak HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n"
    for begun in (b"", b"GET / HTTP/1.1\r\nHo", answered + b"GET /li", large + b"{"):
        with socket.create_connection((host, int(port)), PATIENCE) as one:
            one.settimeout(PATIENCE)
            one.sendall(begun)
            answer = b""
            while piece := one.recv(10_000):
                answer += piece
                with suppress(OSError):
                    one.sendall(b"x")  # a little now and then doesn't help
            assert (b"413" in answer) == (begun[:4] == b"POST")
    with (
        running(settings(workers=1), held) as server,
        server.client() as client,
        open_socket(server) as connection,
    ):
        asked: list[int] = []

        def ask() -> None:
            asked.append(client.post("/v1/audio/speech", json=wav_body()).status_code)

        thread = threading.Thread(target=ask)
        thread.start()
        time.sleep(0.8)
        assert not asked
        held.voice.open()
        thread.join(PATIENCE)
        assert asked == [200]
        tell(connection, "end")
        told, _ = heard(connection)
        assert told[-1]["type"] == "done"


def test_keys_that_cannot_be_right_open_nothing(folders: VoiceFolders, tmp_path: Path) -> None:
    key, line = new_key(Grant("ann"))
    file = tmp_path / "keys.txt"
    file.write_text(line, encoding="utf-8")
    wrong = (
        "", "vv-", key[:-1], key + "x", key.upper(), "x" * 10_000, "\x80\xff", line.split(":")[1],
        "../keys.txt", "' OR 1=1 --",
    )  # fmt: skip
    with running(settings(api_key_file=file), folders) as server, server.client() as client:
        for one in wrong:
            for headers in (
                {"Authorization": (b"Bearer " + one.encode("latin-1")).strip()},
                {"Authorization": (b"Basic " + one.encode("latin-1")).strip()},
                {"X-API-Key": one.encode("latin-1")},
            ):
                answer = client.get("/v1/models", headers=headers)
                assert answer.status_code in (400, 401), one
                check(answer, one)
        assert client.get("/v1/models", headers={"X-API-Key": key}).status_code == 200


def test_many_at_once_are_each_answered(bounded: Running) -> None:
    statuses: list[int] = []

    def ask(number: int) -> None:
        body = wav_body(input=["Hello.", "\x00", "", "x" * 9999][number % 4])
        statuses.append(bounded.post("/v1/audio/speech", body).status_code)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(statuses) == 40
    assert set(statuses) <= {200, 400, 413, 429}
