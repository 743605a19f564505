"""`vinovits serve`: the HTTP server; `vinovits serve-key`: keys for it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vinovits.errors import MissingExtraError

if TYPE_CHECKING:
    from vinovits.serve.app import Page


@click.command(short_help="Serve voices over HTTP.")
@click.option("--host", help="The address to listen at. Default is 127.0.0.1: this machine only.")
@click.option(
    "--port", type=int, help="The port to listen at; 0 takes a free one. Default is 8000."
)
@click.option(
    "--voices",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="DIR",
    help="A folder of voices, or a voice folder, searched before the usual ones. May be given "
    "several times.",
)
@click.option(
    "--voice",
    help="The voice that is loaded at the start, and speaks where a request names none. Default is "
    "joe.",
)
@click.option("--device", help="Where voices run, as for `vinovits say`. Default is cpu.")
@click.option(
    "--api-key-file",
    type=click.Path(path_type=Path),
    help="The file of `vinovits serve-key`: requests need one of its keys.",
)
@click.option(
    "--insecure",
    is_flag=True,
    default=None,
    help="Let everybody who reaches --host use the server, without a key.",
)
@click.option(
    "--allowed-host",
    "allowed_hosts",
    multiple=True,
    metavar="NAME",
    help="A name by which the server is reached, beside addresses and localhost.",
)
@click.option(
    "--allowed-origin",
    "allowed_origins",
    multiple=True,
    metavar="ORIGIN",
    help="Web pages of another server that may ask, such as https://example.org.",
)
@click.option("--workers", type=int, help="Texts that are spoken at once. Default is 2.")
@click.option("--max-queue", type=int, help="Requests that may wait. Default is 16.")
@click.option(
    "--deadline",
    type=float,
    help="Seconds that a request may take, waiting included. Default: 120.",
)
@click.option("--max-text", type=int, help="Characters of a text. Default is 4096.")
@click.option(
    "--page/--no-page", default=None, help="Show browsers a page, or don't. Default is to."
)
@click.option("--log-json", is_flag=True, default=None, help="Log a JSON object a line.")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="A YAML file of these settings, such as `max_queue: 32`.",
)
def serve(config: Path | None, **options: Any) -> None:
    """Serve voices over HTTP: a page, OpenAI's speech interface, and one with timings.

    Each option is an environment variable too, such as VINOVITS_MAX_QUEUE, and a line of --config;
    the command line goes first, then the environment. The log goes to standard error. The first
    SIGTERM or Ctrl-C finishes what runs, the second stops.

    \b
    Examples:
      vinovits serve
      vinovits serve --port 8080 --voices ~/voices --max-queue 32
      vinovits serve-key laptop --file keys.txt
      vinovits serve --host 0.0.0.0 --api-key-file keys.txt
    """
    given = {name: value for name, value in options.items() if value not in (None, ())}
    with _serve_extra():
        from vinovits.serve.app import create_app
        from vinovits.serve.log import logging_to_stderr
        from vinovits.serve.server import Server
        from vinovits.serve.settings import read_settings
        from vinovits.serve.voices import VoiceFolders
    import vinovits

    settings = read_settings(given, config)
    voices = VoiceFolders(
        settings.voices, lambda folder: vinovits.load(folder, device=settings.device)
    )
    with logging_to_stderr(settings.log_json):
        if not settings.is_local and settings.api_key_file is None:
            logging.getLogger(__name__).warning(
                "Everybody who reaches %s may use this server: there are no keys.", settings.host
            )
        server = Server(create_app(settings, voices, _page() if settings.page else None))
        with server.listen() as listener:
            server.serve_until_told(listener)


@click.command("serve-key", short_help="Make an API key for the server.")
@click.argument("name")
@click.option(
    "--file",
    "-f",
    type=click.Path(path_type=Path),
    help="Add its hash to this file, for `vinovits serve --api-key-file`.",
)
def serve_key(name: str, file: Path | None) -> None:
    """Make an API key for NAME, and print it: it is shown this once, as the file has its hash only.

    Without --file, the line for the file goes to standard error. A running server takes keys as the
    file changes; to revoke one, delete its line.

    \b
    Examples:
      vinovits serve-key laptop --file keys.txt
    """
    from vinovits.serve.keys import new_key

    key, line = new_key(name)
    if file is None:
        click.echo(line, err=True)
    else:
        from vinovits.output.atomic import atomic_file

        before = file.read_text(encoding="utf-8") if file.is_file() else ""
        if before and not before.endswith("\n"):
            before += "\n"
        with atomic_file(file) as part:
            if not before:
                part.chmod(0o600)
            part.write_text(f"{before}{line}\n", encoding="utf-8")
    click.echo(key)


def _page() -> Page | None:
    """The page, if what it needs is installed."""
    try:
        from vinovits.page.mount import GradioPage
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "vinovits":
            raise
        logging.getLogger(__name__).warning(
            "There is no page, as %s isn't installed: pip install 'vinovits[serve]'", error.name
        )
        return None
    return GradioPage()


@contextmanager
def _serve_extra() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "vinovits":
            raise
        raise MissingExtraError(
            f"Serving needs {error.name}, which isn't installed. Install it with: "
            "pip install 'vinovits[serve]'"
        ) from error
