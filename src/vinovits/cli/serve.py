"""`vinovits serve`: the HTTP server; `vinovits serve-key`: keys for it."""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vinovits.cli.inputs import voices_option
from vinovits.cli.needs import needed_extra
from vinovits.errors import UsageError

if TYPE_CHECKING:
    from vinovits.serve.app import Page

_COUNT = click.IntRange(1, 10**12)


@click.command(short_help="Serve voices over HTTP.")
@click.option("--host", help="The address to listen at. Default is 127.0.0.1: this machine only.")
@click.option(
    "--port", type=int, help="The port to listen at; 0 takes a free one. Default is 8000."
)
@voices_option
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
@click.option(
    "--voice-idle",
    type=float,
    help="Seconds without use after which a voice gives its memory back. Default is never.",
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
@click.option(
    "--train-dir",
    type=click.Path(path_type=Path),
    help="Let the page train voices, on recordings below this folder. Default is not to.",
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
    with needed_extra("Serving", "serve"):
        from vinovits.serve.app import create_app
        from vinovits.serve.log import logging_to_stderr
        from vinovits.serve.server import Server
        from vinovits.serve.settings import read_settings
        from vinovits.serve.voices import VoiceFolders
    import vinovits

    settings = read_settings(given, config)
    voices = VoiceFolders(
        settings.voices,
        lambda folder: vinovits.load(
            folder, device=settings.device, idle_seconds=settings.voice_idle
        ),
    )
    with logging_to_stderr(settings.log_json):
        if not settings.is_local and settings.api_key_file is None:
            logging.getLogger(__name__).warning(
                "Everybody who reaches %s may use this server: there are no keys.", settings.host
            )
        server = Server(create_app(settings, voices, _page() if settings.page else None))
        with server.listen() as listener:
            server.serve_until_told(listener)


@click.command("serve-key", short_help="Make, list and revoke API keys of the server.")
@click.argument("name", required=False)
@click.option(
    "--file",
    "-f",
    type=click.Path(path_type=Path),
    help="The file of hashes, for `vinovits serve --api-key-file`.",
)
@click.option("--requests", type=_COUNT, help="Texts that the key may ask for in a minute.")
@click.option("--characters", type=_COUNT, help="Characters that it may ask for in a minute.")
@click.option("--quota", type=_COUNT, help="Characters that it may ask for in a day.")
@click.option(
    "--expires",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The last day on which it is taken, in UTC, such as 2030-12-31.",
)
@click.option("--revoke", is_flag=True, help="Take the keys of NAME out of --file.")
@click.option("--list", "show", is_flag=True, help="List the keys of --file.")
def serve_key(
    name: str | None,
    file: Path | None,
    expires: datetime | None,
    revoke: bool,
    show: bool,
    **counts: int | None,
) -> None:
    """Make an API key for NAME, and print it: it is shown this once, as the file has its hash only.

    Without --file, the line for the file goes to standard error. A running server takes keys, and
    leaves them, as the file changes.

    \b
    Examples:
      vinovits serve-key laptop --file keys.txt
      vinovits serve-key guest --file keys.txt --requests 20 --quota 50000 --expires 2030-12-31
      vinovits serve-key --list --file keys.txt
      vinovits serve-key guest --revoke --file keys.txt
    """
    from vinovits.serve.keys import Grant, new_key, read_keys, without

    bounds = any(count is not None for count in counts.values()) or expires is not None
    if (show or revoke) and (file is None or bounds or (show and revoke) or show == bool(name)):
        raise click.UsageError(
            "Give --list and --file; or NAME, --revoke and --file; and nothing else."
        )
    if file is not None and show:
        for grant, _ in read_keys(file):
            told = [
                f"{what}={count}"
                for what in ("requests", "characters", "quota")
                if (count := getattr(grant, what)) is not None
            ]
            if grant.expires is not None:
                told.append(f"{'expired' if grant.expired else 'expires'}={grant.expires}")
            click.echo(" ".join([grant.name, *told]))
        return
    if not name:
        raise click.UsageError("Name the owner of the key.")
    if file is not None and revoke:
        text, count = without(file, name)
        if not count:
            raise UsageError(f"There is no key of {name!r:.80} in {file}.")
        _write(file, text)
        click.echo(f"{count} {'key' if count == 1 else 'keys'} of {name} revoked.", err=True)
        return
    last = None if expires is None else expires.date()
    key, line = new_key(Grant(name, **counts, expires=last))
    if file is None:
        click.echo(line, err=True)
    else:
        before = file.read_text(encoding="utf-8") if file.is_file() else ""
        if before and not before.endswith("\n"):
            before += "\n"
        _write(file, f"{before}{line}\n")
    click.echo(key)


def _write(file: Path, text: str) -> None:
    from vinovits.output.atomic import atomic_file

    new = not file.exists()
    with atomic_file(file) as part:
        if new:
            part.chmod(0o600)
        part.write_text(text, encoding="utf-8")


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
