"""`vinovits wyoming`: speech for Home Assistant."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from pathlib import Path
from urllib.parse import urlsplit

import click

from vinovits.cli.inputs import voices_option
from vinovits.cli.needs import needed_extra
from vinovits.errors import OutputError, UsageError

URI = "tcp://127.0.0.1:10200"


@click.command(short_help="Serve voices to Home Assistant (Wyoming protocol).")
@click.option("--uri", default=URI, show_default=True, help="Where to listen: tcp:// or unix://.")
@voices_option
@click.option("--voice", default="joe", show_default=True, help="Speaks where none is named.")
@click.option("--device", default="cpu", show_default=True, help="As for `vinovits say`.")
@click.option(
    "--workers", type=click.IntRange(1, 64), default=2, show_default=True,
    help="Texts that are spoken at once.",
)  # fmt: skip
@click.option(
    "--max-queue", type=click.IntRange(0, 10_000), default=16, show_default=True,
    help="Texts that may wait.",
)  # fmt: skip
@click.option(
    "--max-text", type=click.IntRange(1, 1_000_000), default=4096, show_default=True,
    help="Characters of a text.",
)  # fmt: skip
@click.option(
    "--insecure",
    is_flag=True,
    help="Listen at an address that others reach: the protocol has no keys.",
)
@click.option("--log-json", is_flag=True, help="Log a JSON object a line.")
def wyoming(
    uri: str,
    voices: tuple[Path, ...],
    voice: str,
    device: str,
    workers: int,
    max_queue: int,
    max_text: int,
    insecure: bool,
    log_json: bool,
) -> None:
    """Serve voices by the Wyoming protocol, as Home Assistant speaks it, sentence by sentence.

    Add it in Home Assistant as the integration "Wyoming Protocol", with host and port of --uri.

    \b
    Examples:
      vinovits wyoming
      vinovits wyoming --uri tcp://0.0.0.0:10200 --insecure --voices ~/voices --voice anna
    """
    _check_address(uri, insecure)
    with needed_extra("Speaking to Home Assistant", "wyoming"):
        from wyoming.server import AsyncServer

        from vinovits.serve.log import logging_to_stderr
        from vinovits.serve.metrics import Metrics
        from vinovits.serve.voices import VoiceFolders
        from vinovits.serve.work import Work
        from vinovits.serve.wyoming import Connection, Speaker
    import vinovits

    folders = VoiceFolders(voices, lambda folder: vinovits.load(folder, device=device))
    log = logging.getLogger(__name__)

    async def serve() -> None:
        work = Work(workers, max_queue, _DEADLINE, Metrics())
        try:
            await asyncio.to_thread(folders.get, voice)
            speaker = Speaker(folders, voice, work, max_text)
            server = AsyncServer.from_uri(uri)
            log.info("listening at %s", uri)
            await server.run(lambda reader, writer: Connection(reader, writer, speaker))
        finally:
            await asyncio.to_thread(work.close)

    with logging_to_stderr(log_json):
        if insecure:
            log.warning("Everybody who reaches %s may use this server.", uri)
        try:
            asyncio.run(serve())
        except OSError as error:
            raise OutputError(
                f"The server can't listen at {uri}: {(error.strerror or str(error)).lower()}. "
                "Choose another --uri."
            ) from None


_DEADLINE = 120.0
"""Seconds from a text to its last sound."""


def _check_address(uri: str, insecure: bool) -> None:
    """Refuse an address that can't be, or that others reach without being told so."""
    try:
        parts = urlsplit(uri)
        is_right = parts.scheme == "unix" or (parts.scheme == "tcp" and parts.port is not None)
    except ValueError:
        is_right = False
    if not is_right:
        raise UsageError(f"{uri!r:.80} is no address. Take one such as {URI}, or unix:///a/path.")
    host = parts.hostname or ""
    if parts.scheme == "unix" or host == "localhost":
        return
    try:
        is_local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_local = False
    if not is_local and not insecure:
        raise UsageError(
            f"At {host or 'all addresses'}, everybody who reaches this machine could use the "
            "server: the protocol has no keys. Add --insecure if that is what you want."
        )
