"""What every request passes first: its id and its line in the log; who may ask, and how much."""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import logging
import re
import secrets
import time
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vinovits.errors import UsageError
from vinovits.serve.errors import ApiError, api_error
from vinovits.serve.forms import is_form
from vinovits.serve.keys import Keys
from vinovits.serve.log import FIELDS, RequestRecord, request
from vinovits.serve.metrics import Metrics

_log = logging.getLogger(__name__)

OPEN = frozenset({"/live", "/ready"})
"""Paths that need no key: what starts and stops servers asks them."""
_QUIET = OPEN | {"page", "/page/{name}"}
"""Routes that many requests go to, and nobody looks for in a log."""
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_BODY_SECONDS = 30.0
"""In which a body must have come."""
_BASIC = 'Basic realm="The password is an API key", charset="UTF-8"'
PROTOCOL = "vinovits"
"""The subprotocol of WebSockets that is accepted."""
_KEY_PROTOCOL = "vinovits.key."
_SAFE = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
}


class Recorder:
    """Gives each request an id, a line in the log, a place in the numbers; and an answer always."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        """Stand before an app."""
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        record = RequestRecord(given if _ID.fullmatch(given) else secrets.token_hex(8))
        token = request.set(record)
        began = time.perf_counter()
        status, size = 0, 0

        async def recorded(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "websocket.accept":
                status = 101
            elif message["type"] in ("http.response.start", "websocket.http.response.start"):
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = record.id
                for name, value in _SAFE.items():
                    headers.setdefault(name, value)  # the page loads scripts, and says which
            else:
                size += len(message.get("body") or message.get("bytes") or b"")
            await send(message)

        try:
            await self._app(scope, receive, recorded)
        except Exception as error:
            told = api_error(error)
            if not status:
                await told.response()(scope, receive, recorded)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            self._metrics.requests.labels(route, str(status)).inc()
            fields = {
                "method": scope.get("method", "WEBSOCKET"),
                "path": scope["path"][:200],  # the query may hold a text, which is no one's to keep
                "status": status,
                "bytes": size,
                "ms": round(1000 * (time.perf_counter() - began), 1),
            }
            fields |= {
                name: value
                for name, value in (("key", record.key), ("voice", record.voice))
                if value
            }
            level = logging.DEBUG if route in _QUIET else logging.INFO
            _log.log(level, "answered", extra={FIELDS: fields})
            request.reset(token)


class Gate:
    """Lets through who may ask: by host name, origin and key; and bodies of a bounded size."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        keys: Keys | None,
        hosts: Collection[str],
        origins: Collection[str],
        most_bytes: int,
        most_by_path: Mapping[str, int],
        uploads: Mapping[str, int] | None = None,
    ) -> None:
        """Stand before an app.

        Args:
            app: What answers.
            keys: Those that are taken; None: no key is needed.
            hosts: Names by which the server is reached, beside addresses and localhost.
            origins: Of other servers' web pages whose scripts may ask.
            most_bytes: Of a body.
            most_by_path: The same, where it is another.
            uploads: Paths where forms may be larger, and how large: they are counted as they come,
                and not kept here.
        """
        self._uploads = dict(uploads or {})
        self._app, self._keys = app, keys
        self._hosts = {host.lower() for host in hosts}
        self._origins = {origin.lower() for origin in origins}
        self._most_bytes, self._most_by_path = most_bytes, most_by_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through, or answer why not."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            self._check_host(headers)
            self._check_origin(headers)
            if self._keys is not None and scope["path"] not in OPEN:
                await asyncio.to_thread(self._check_key, self._keys, headers)
            path = scope["path"]
            is_upload = path in self._uploads and is_form(headers)
            bounds = self._uploads if is_upload else self._most_by_path
            most = bounds.get(path, self._most_bytes)
            length = headers.get("content-length", "0")
            if length.isdecimal() and int(length[:20]) > most:
                raise _too_large(most)
            heard: Receive | None
            if scope["type"] == "websocket":
                heard = receive
            elif is_upload:
                heard = _counted(receive, most)
            else:
                heard = await _whole(receive, most)
        except ApiError as error:
            await error.response()(scope, receive, send)
            return
        if heard is not None:
            await self._app(scope, heard, send)

    def _check_host(self, headers: Headers) -> None:
        """A page of a stranger's that has its own name point here must not be answered."""
        name = _host_name(headers.get("host", ""))
        if name is None or not (name == "localhost" or _is_address(name) or name in self._hosts):
            raise ApiError(
                403,
                f"This server isn't known as {headers.get('host', '')!r:.80}: name it with "
                "--allowed-host.",
                "host_not_allowed",
            )

    def _check_origin(self, headers: Headers) -> None:
        origin = headers.get("origin")
        if origin is None:
            self._check_site(headers)
            return
        if origin.lower() in self._origins:
            return
        own = _origin_of(origin).partition("://")[2]
        if not own or own != headers.get("host", "").lower():
            raise ApiError(
                403,
                f"Web pages of {origin!r:.80} may not ask this server: name them with "
                "--allowed-origin.",
                "origin_not_allowed",
            )

    def _check_site(self, headers: Headers) -> None:
        """Pictures, sounds and frames of other sites' pages are asked for without an `Origin`."""
        if headers.get("sec-fetch-site", "none") in ("same-origin", "none"):
            return
        where = headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")
        if where == ("navigate", "document"):  # a link to the page may be followed
            return
        # A page can have its browser hide where it is, but not say that it is elsewhere.
        page = _origin_of(headers.get("referer", ""))
        if not page or page not in self._origins:
            raise ApiError(
                403,
                "Web pages of others may not put this server into theirs: name them with "
                "--allowed-origin.",
                "origin_not_allowed",
            )

    def _check_key(self, keys: Keys, headers: Headers) -> None:
        key = _given_key(headers)
        try:
            grant = keys.find(key) if key else None
        except UsageError as error:
            _log.error("%s", error)
            raise ApiError(
                500, "The server can't read its keys; its log says why.", "internal_error"
            ) from None
        if grant is not None and grant.expired:
            raise ApiError(
                401,
                f"This API key was good until {grant.expires}.",
                "expired_api_key",
                headers={"WWW-Authenticate": "Bearer"},
            )
        if grant is None:
            raise ApiError(
                401,
                "This needs an API key: `Authorization: Bearer KEY`."
                if not key
                else "There is no such API key.",
                "invalid_api_key",
                # A browser asks its user for the key, and sends it with all that the page asks.
                headers={"WWW-Authenticate": _BASIC if _is_browser(headers) else "Bearer"},
            )
        if (record := request.get()) is not None:
            record.key, record.grant = grant.name, grant


def _origin_of(address: str) -> str:
    """Scheme, host and port of a page, in small letters; "" of what is no address."""
    try:
        parts = urlsplit(address) if address.isprintable() else None
    except ValueError:  # brackets without an address of IPv6 in them
        parts = None
    return "" if parts is None or not parts.netloc else f"{parts.scheme}://{parts.netloc}".lower()


def _given_key(headers: Headers) -> str:
    """The key of a request: a bearer's, the password of a browser's user, or one by its name."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    match scheme.lower():
        case "bearer":
            return given.strip()
        case "basic":
            try:
                pair = base64.b64decode(given, validate=True).decode("utf-8")
            except ValueError:  # of base64, of UTF-8, or of letters that are no ASCII
                return ""
            return pair.partition(":")[2].strip()
    if "x-api-key" in headers:
        return headers["x-api-key"]
    # Scripts of web pages can set no other header of a WebSocket.
    for protocol in headers.get("sec-websocket-protocol", "").split(","):
        if protocol.strip().startswith(_KEY_PROTOCOL):
            return protocol.strip().removeprefix(_KEY_PROTOCOL)
    return ""


def _is_browser(headers: Headers) -> bool:
    return "text/html" in headers.get("accept", "")


def _too_large(most: int) -> ApiError:
    return ApiError(413, f"A body has at most {most} bytes.", "too_large")


def _counted(receive: Receive, most: int) -> Receive:
    """What comes, as long as it isn't more than said; then the caller seems to have left."""
    left = most

    async def counted() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        return message if left >= 0 else {"type": "http.disconnect"}

    return counted


async def _whole(receive: Receive, most: int) -> Receive | None:
    """The whole body, counted as it comes, to be received; None if the caller has left."""
    body = bytearray()
    more = True
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            while more:
                message = await receive()
                if message["type"] != "http.request":
                    return None
                body += message.get("body", b"")
                more = message.get("more_body", False)
                if len(body) > most:
                    raise _too_large(most)
    except TimeoutError:
        raise ApiError(408, "The body came too slowly.", "too_slow") from None
    return _replayed(bytes(body), receive)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """What the app receives: the body, and then whatever comes."""
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return first.pop() if first else await receive()

    return replayed


def _host_name(host: str) -> str | None:
    """The name or address of a header Host, without its port."""
    found = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]\s/@]+)(?::[0-9]{1,5})?", host)
    return found[1].strip("[]").lower() if found else None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
