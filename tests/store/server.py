"""A server laid out as Hugging Face's on a real socket, which can misbehave in every way wanted."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "c" * 40


class Handler(BaseHTTPRequestHandler):
    """Answers from the hub that it belongs to."""

    protocol_version = "HTTP/1.1"
    hub: Hub

    def do_GET(self) -> None:
        self.hub.requests.append(
            Request(self.path, {k.lower(): v for k, v in self.headers.items()})
        )
        if self.hub.script:
            act = self.hub.script.pop(0)
            if act is not None:
                act(self)
                return
        self.hub.answer(self)

    def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        """A complete answer; underscores in names of headers are dashes."""
        self.begin(status, **{"Content_Length": str(len(body)), **headers})
        self.wfile.write(body)

    def begin(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


Act = Callable[[Handler], None]


@dataclass
class Request:
    path: str
    headers: dict[str, str]


@dataclass
class Hub:
    """Files by "OWNER/REPO/PATH", and what to do instead of answering properly."""

    files: dict[str, bytes] = field(default_factory=dict)
    script: list[Act | None] = field(default_factory=list)
    """What happens to the next requests, one each; None is a proper answer."""
    requests: list[Request] = field(default_factory=list)
    commit: str = COMMIT
    lfs: bool = True
    """Whether answers name the sha256, as the real hub does for large files."""
    licence: str = "cc-by-4.0"
    url: str = ""

    def fetched(self) -> list[str]:
        """The paths that were asked for, from the file's name on."""
        return [request.path.rsplit("/", 1)[1] for request in self.requests]

    def answer(self, handler: Handler) -> None:
        path = unquote(urlsplit(handler.path).path)
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/revision/(.+)", path):
            self._list(handler, found[1])
        elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            content = self.files.get(f"{found[1]}/{found[3]}")
            if content is None:
                handler.reply(404, b"Entry not found")
            else:
                self.send(handler, content)
        else:
            handler.reply(404, b"Not found")

    def headers(self, content: bytes) -> dict[str, str]:
        sum_ = hashlib.sha256(content).hexdigest()
        named = {"X_Linked_Etag": f'"{sum_}"', "X_Linked_Size": str(len(content))}
        return {
            "ETag": f'"{hashlib.md5(content).hexdigest()}"',
            "X_Repo_Commit": self.commit,
            **(named if self.lfs else {}),
        }

    def send(self, handler: Handler, content: bytes) -> None:
        headers = self.headers(content)
        asked = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        if asked and handler.headers.get("If-Range", headers["ETag"]) == headers["ETag"]:
            start = int(asked[1])
            if start >= len(content):
                handler.reply(416, Content_Range=f"bytes */{len(content)}", **headers)
                return
            headers["Content_Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            handler.reply(206, content[start:], **headers)
            return
        handler.reply(200, content, **headers)

    def _list(self, handler: Handler, repository: str) -> None:
        siblings = [
            {
                "rfilename": path.removeprefix(f"{repository}/"),
                "size": len(content),
                "lfs": {"sha256": hashlib.sha256(content).hexdigest()} if self.lfs else None,
            }
            for path, content in self.files.items()
            if path.startswith(f"{repository}/")
        ]
        if not siblings:
            handler.reply(401, b"Repository not found")
            return
        card = {"license": self.licence}
        listing = {"sha": self.commit, "siblings": siblings, "cardData": card}
        handler.reply(200, json.dumps(listing).encode())


def status(code: int, **headers: str) -> Act:
    """An answer that is only a status."""
    return lambda handler: handler.reply(code, b"no", **headers)


def body(content: bytes, **headers: str) -> Act:
    """A status of 200, whatever was asked."""
    return lambda handler: handler.reply(200, content, **headers)


def cut(hub: Hub, content: bytes, after: int) -> Act:
    """Announce all of a file, send `after` bytes from where it was asked for, and hang up."""

    def act(handler: Handler) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        start = int(asked[1]) if asked else 0
        headers = hub.headers(content) | {"Content_Length": str(len(content) - start)}
        if asked:
            headers["Content_Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        handler.begin(206 if asked else 200, **headers)
        handler.wfile.write(content[start : start + after])
        handler.wfile.flush()
        handler.close_connection = True

    return act


def stall(seconds: float, hub: Hub | None = None, content: bytes = b"", after: int = 0) -> Act:
    """Send nothing for some seconds, or `after` bytes of a file and then nothing."""

    def act(handler: Handler) -> None:
        if hub is not None:
            handler.begin(200, Content_Length=str(len(content)), **hub.headers(content))
            handler.wfile.write(content[:after])
            handler.wfile.flush()
        threading.Event().wait(seconds)
        handler.close_connection = True

    return act


class Server(ThreadingHTTPServer):
    """A server that doesn't complain of clients who hang up."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing."""


@contextmanager
def serve(hub: Hub) -> Iterator[Hub]:
    """Run a hub on a port of its own."""
    handler: Any = type("Bound", (Handler,), {"hub": hub})
    server = Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
