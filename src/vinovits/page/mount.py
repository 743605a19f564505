"""Gradio in the server: only what the page needs of it, with headers of its own."""

from __future__ import annotations

import asyncio
import json
import os
import re
import tempfile
from contextlib import suppress
from importlib.resources import files
from pathlib import Path

import gradio as gr
from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vinovits.page import takes
from vinovits.page.blocks import build
from vinovits.page.parts import KEY
from vinovits.page.prompts import Prompts
from vinovits.page.words import LANGUAGES, Words, read_words
from vinovits.serve.errors import ApiError
from vinovits.serve.services import Services

_UPLOAD = "/gradio_api/upload"
_PATHS = re.compile(
    r"/|/config|/favicon\.ico|/theme\.css|/assets/[\w.-]+|/static/[\w./-]+|/gradio_api/"
    r"(upload|upload_progress|queue/join|queue/data|cancel|reset|startup-events|heartbeat/\w+)"
)
"""What is answered of Gradio's paths: those that read files, fetch addresses, or are for
developers aren't."""
_SCRIPT, _STYLE = "text/javascript; charset=utf-8", "text/css; charset=utf-8"
_FILES = {
    "page.css": _STYLE,
    **dict.fromkeys(
        (
            *("api.js", "book.js", "compare.js", "history.js", "language.js", "lexicon.js"),
            *("page.js", "readings.js", "sound.js", "stream.js", "take.js", "words.js"),
        ),
        _SCRIPT,
    ),
}
_POLICY = "; ".join(
    [
        "default-src 'self'",
        # Gradio's page starts with scripts in the document, and makes functions of texts.
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)
_UNWANTED = re.compile(
    r'\s*(?:<meta\s+(?:property="og:|name="twitter:)[^>]*>|<link rel="manifest"[^>]*>)'
)
"""What Gradio's document tells other sites, with addresses of its maker's."""
_MOST_FILES = 4
"""Uploads of the largest size that are kept at once."""
_TICK = 0.5
"""Seconds."""


class GradioPage:
    """The page, for `create_app`."""

    uploads: tuple[str, ...] = (_UPLOAD,)

    def add(self, app: FastAPI, services: Services) -> None:
        """Put the page at `/`, behind the routes of the app.

        Args:
            app: The server's.
            services: Its collaborators, which the page works with.
        """
        words, prompts = read_words(), Prompts()
        cache = tempfile.TemporaryDirectory(prefix="vinovits-page-")
        os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
        os.environ["GRADIO_TEMP_DIR"] = cache.name
        app.state.page_cache = cache  # goes with the app
        blocks = build(services, prompts)
        app.include_router(takes.routes(services, prompts))
        _add_files(app)
        gr.mount_gradio_app(
            app,
            blocks,
            "/",
            i18n=_translations(words),
            ssr_mode=False,
            mcp_server=False,
            enable_monitoring=False,
            pwa=False,
            run_history=False,
            footer_links=[],
            favicon_path=str(files("vinovits.page") / "files" / "favicon.svg"),
            show_error=False,
            max_file_size=services.settings.max_upload,
            theme=_theme(),
        )
        mount = app.router.routes.pop()
        assert isinstance(mount, Mount)
        app.router.routes.append(
            PageRoute(mount, _Shell(mount.app, services, Path(cache.name), _head(words)))
        )


class PageRoute(BaseRoute):
    """Takes the paths of the page, and leaves all others to the server, which knows none."""

    path = "page"
    """By which the server's numbers name it."""

    def __init__(self, mount: Mount, app: ASGIApp) -> None:
        """Stand in for Gradio's mount.

        Args:
            mount: Made by Gradio, for everything.
            app: What answers.
        """
        self._mount, self._app = mount, app

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether this is a path of the page."""
        if scope["type"] != "http" or not _PATHS.fullmatch(scope["path"]):
            return Match.NONE, {}
        match, child = self._mount.matches(scope)
        return match, {**child, "route": self}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        await self._app(scope, receive, send)


class _Shell:
    """Gives Gradio's answers the page's headers, and its document the page's scripts."""

    def __init__(self, app: ASGIApp, services: Services, cache: Path, head: str) -> None:
        self._app, self._work, self._head = app, services.work, head
        self._cache, self._most_cached = cache, _MOST_FILES * services.settings.max_upload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        document = bytearray()
        start: Message = {}

        async def dressed(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["content-security-policy"] = _POLICY
                for name in [name for name in headers if name.startswith("access-control-")]:
                    del headers[name]
                if scope["path"] == "/" and scope["method"] == "GET":
                    start = message
                    return
            elif start:
                document.extend(message.get("body", b""))
                if message.get("more_body"):
                    return
                body = self._with_head(bytes(document))
                MutableHeaders(scope=start)["content-length"] = str(len(body))
                await send(start)
                message = {"type": "http.response.body", "body": body}
            await send(message)

        if scope["path"] == _UPLOAD and _size(self._cache) > self._most_cached:
            raise ApiError(
                429,
                "Others have uploaded as much as is kept. Try again in an hour.",
                "too_many_uploads",
                headers={"Retry-After": "3600"},
            )
        scope = dict(scope)  # Gradio writes into it, and the server's log tells of our route
        if scope["path"] == "/":
            # A compressed document can't be added to.
            kept = [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]
            scope["headers"] = kept
        await self._app(scope, self._until_the_end(receive), dressed)

    def _with_head(self, document: bytes) -> bytes:
        text = _UNWANTED.sub("", document.decode("utf-8"))
        return text.replace("<head>", f"<head>{self._head}", 1).encode("utf-8")

    def _until_the_end(self, receive: Receive) -> Receive:
        """What comes; and when the server ends, open pages leave it, as if they were closed."""

        async def received() -> Message:
            coming = asyncio.ensure_future(receive())
            try:
                while not (self._work.draining and not self._work.running):
                    done, _ = await asyncio.wait({coming}, timeout=_TICK)
                    if done:
                        return coming.result()
                return {"type": "http.disconnect"}
            finally:
                coming.cancel()

        return received


def _size(folder: Path) -> int:
    """Bytes of all files in a folder, and in those in it."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):  # files go while we look
            total += path.stat().st_size
    return total


def _add_files(app: FastAPI) -> None:
    contents = {name: (files("vinovits.page") / "files" / name).read_bytes() for name in _FILES}

    @app.get("/page/{name}", include_in_schema=False)
    async def file(name: str) -> Response:
        """A script or a style sheet of the page."""
        if name not in _FILES:
            return Response(status_code=404)
        return Response(
            contents[name], media_type=_FILES[name], headers={"cache-control": "no-cache"}
        )


def _head(words: Words) -> str:
    data = json.dumps({"languages": LANGUAGES, "words": words}).replace("<", "\\u003c")
    return (
        f"<script>window.vinovits = {data};</script>"
        '<script src="/page/language.js"></script>'
        '<link rel="stylesheet" href="/page/page.css">'
        '<script type="module" src="/page/page.js"></script>'
    )


def _theme() -> gr.themes.Base:
    """Gradio's plainest, in colours that stand out enough to be read."""
    return gr.themes.Base(
        # Names of fonts that machines have: others would be fetched from elsewhere.
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    ).set(
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        block_label_text_color="*neutral_700",
        block_label_text_color_dark="*neutral_200",
        block_title_text_color="*neutral_700",
        block_title_text_color_dark="*neutral_200",
        input_placeholder_color="*neutral_600",
        input_placeholder_color_dark="*neutral_300",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_hover_dark="*primary_800",
    )


def _translations(words: Words) -> gr.I18n:
    tags = {"en": "en", "zh": "zh-CN", "ja": "ja"}
    return gr.I18n(
        **{
            tags[language]: {KEY + key: text for key, text in texts.items()}
            for language, texts in words.items()
        }
    )
