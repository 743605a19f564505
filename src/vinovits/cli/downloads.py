"""What downloads show on standard error: bars on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from vinovits.cli.streams import console, megabytes

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

    from vinovits.store.download import Progress

mirror_option = click.option(
    "--mirror",
    default="",
    metavar="URL",
    help="Server to ask instead of Hugging Face, laid out as it is, such as "
    "https://hf-mirror.com. Default is HF_ENDPOINT.",
)
keep_source_option = click.option(
    "--keep-source",
    is_flag=True,
    help="Keep the downloaded files after they have been converted.",
)


@contextmanager
def progress() -> Iterator[Progress]:
    """What to hand to the store: shows bars if standard error is a terminal, else lines."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console(sys.stderr), transient=True) as bars:
        yield _Bars(bars)


class Lines:
    """Tells of a download in lines on standard error."""

    def begin(self, name: str, total: int, done: int) -> None:
        """Tell the file and its size."""
        size = _bytes(total) if total else "size not known"
        begun = f", {_bytes(done)} are here already" if done else ""
        click.echo(f"{name}: {size}{begun}", err=True)

    def advance(self, count: int) -> None:
        """Lines would be too many."""

    def note(self, message: str) -> None:
        """Tell what happened."""
        click.echo(f"note: {message}", err=True)


def _bytes(size: int) -> str:
    return megabytes(size) if size >= 100_000 else f"{size} bytes"


class _Bars:
    def __init__(self, bars: RichProgress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}
        self._current: TaskID | None = None

    def begin(self, name: str, total: int, done: int) -> None:
        if name in self._tasks:
            self._bars.remove_task(self._tasks[name])
        self._current = self._bars.add_task(name, total=total or None, completed=done)
        self._tasks[name] = self._current

    def advance(self, count: int) -> None:
        if self._current is not None:
            self._bars.update(self._current, advance=count)

    def note(self, message: str) -> None:
        self._bars.console.print(f"note: {message}")
