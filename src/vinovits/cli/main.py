"""The command `vinovits`: its subcommands, and what becomes of their errors."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import click

from vinovits.cli.audition import audition
from vinovits.cli.batch import batch
from vinovits.cli.bench import bench
from vinovits.cli.book import book
from vinovits.cli.convert import convert
from vinovits.cli.convert_features import convert_features
from vinovits.cli.doctor import doctor
from vinovits.cli.info import info
from vinovits.cli.lexicon import lexicon
from vinovits.cli.merge import merge
from vinovits.cli.models import models
from vinovits.cli.phones import phones
from vinovits.cli.prepare import prepare
from vinovits.cli.pull import pull
from vinovits.cli.say import say
from vinovits.cli.serve import serve, serve_key
from vinovits.cli.streams import NoteHandler
from vinovits.cli.train import train
from vinovits.cli.tune import tune
from vinovits.cli.voices import voices
from vinovits.cli.wyoming import wyoming
from vinovits.errors import TOLD, VinovitsError

DEBUG = "VINOVITS_DEBUG"
"""Environment variable: anything but nothing shows tracebacks."""
INTERRUPTED = 130
CLOSED_PIPE = 141
"""What a shell reports of a program that a closed pipe ended."""


class _Commands(click.Group):
    """A group whose commands' errors become one sentence and an exit code."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        with _errors_told():  # --help and --version print here
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> object:
        with _errors_told(), _termination_raised(), _notes_told():
            return super().invoke(ctx)


@contextmanager
def _errors_told() -> Iterator[None]:
    """Turn errors into one sentence and an exit code."""
    try:
        yield
    except VinovitsError as error:
        if os.environ.get(DEBUG):
            raise
        click.echo(f"{TOLD}{error}", err=True)
        raise click.exceptions.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        raise click.exceptions.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        raise click.exceptions.Exit(CLOSED_PIPE) from None
    except (click.exceptions.Exit, click.ClickException, click.Abort):
        raise
    except Exception as error:  # a fault of ours: the user gets a sentence, not a traceback
        if os.environ.get(DEBUG):
            raise
        what = str(error).strip().splitlines()
        click.echo(
            f"{TOLD}this failed unexpectedly ({type(error).__name__}"
            f"{': ' + what[0] if what else ''}). Run it again with {DEBUG}=1 in the "
            "environment to see where, and report that.",
            err=True,
        )
        raise click.exceptions.Exit(1) from None


@contextmanager
def _notes_told() -> Iterator[None]:
    """Print the library's warnings as notes, each once."""
    logger = logging.getLogger("vinovits")
    handler = NoteHandler(logging.WARNING)
    before = logger.propagate, logger.level
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = before[0]
        logger.setLevel(before[1])


@contextmanager
def _termination_raised() -> Iterator[None]:
    """Let `kill` and a closed terminal end the command as Ctrl-C does: cleaned up."""
    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            # What is ignored stays ignored: `nohup` counts on it.
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                before[number] = signal.signal(number, _end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="vinovits", prog_name="vinovits")
def cli() -> None:
    """Speak with Bert-VITS2 voices on Intel CPUs and GPUs, without torch.

    The result goes to the file that you name, or to standard output; everything else that is
    printed goes to standard error. The exit code is 0 after success, 1 if the work failed and 2 if
    the command was used wrongly.

    \b
    Examples:
      vinovits say "The quick brown fox." --out fox.wav
      vinovits say --file chapter.txt --out chapter.mp3 --timings chapter.srt
      vinovits voices
      vinovits doctor
    """


for command in (
    *(say, book, batch, phones, lexicon, voices, info, doctor, bench, tune),
    *(convert, merge, convert_features, pull, models, prepare),
    *(train, audition),
    *(serve, serve_key, wyoming),
):
    cli.add_command(command)
