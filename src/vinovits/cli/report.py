"""What `say` tells on standard error: progress, notes, a summary, a table of figures."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from vinovits.cli.streams import console, print_table, table

if TYPE_CHECKING:
    from rich.table import Table

    from vinovits.engine.result import Chunk, Stats
    from vinovits.graphs import GraphInfo

_NOTES_SHOWN = 5


class Report:
    """Progress and notes while a text is spoken."""

    def __init__(self, characters: int, *, quiet: bool) -> None:
        """Prepare a report.

        Args:
            characters: Length of the text.
            quiet: Say nothing at all.
        """
        self._characters = characters
        self._quiet = quiet
        self._notes: dict[str, None] = {}
        self._seconds = 0.0

    @contextmanager
    def progress(self, sampling_rate: int) -> Iterator[None]:
        """Show a bar while the block runs, if standard error is a terminal."""
        self._sampling_rate = sampling_rate
        self._bar = None
        if self._quiet or not sys.stderr.isatty():
            yield
            return
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("speaking"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[seconds]} of audio"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console(sys.stderr), transient=True) as self._bar:
            self._task = self._bar.add_task("", total=self._characters, seconds="0:00")
            yield

    def add(self, chunk: Chunk) -> None:
        """Take note of the next piece of the speech."""
        self._seconds += len(chunk.samples) / self._sampling_rate
        if chunk.spoken is None:
            if self._bar is not None:
                self._bar.update(self._task, seconds=clock(self._seconds))
            return
        for note in chunk.spoken.notes:
            if len(self._notes) <= _NOTES_SHOWN:
                self._notes[note] = None
        if self._bar is not None:
            done = chunk.spoken.end_char
            self._bar.update(self._task, completed=done, seconds=clock(self._seconds))

    def summary(self, stats: Stats, target: str) -> None:
        """Print notes on the text, then a line: how much, how fast, on what, where to."""
        if self._quiet:
            return
        for note in list(self._notes)[:_NOTES_SHOWN]:
            click.echo(f"note: {note}", err=True)
        if len(self._notes) > _NOTES_SHOWN:
            click.echo("note: there are more of these; --timings FILE.json lists all.", err=True)
        click.echo(
            f"{stats.audio_seconds:.2f} s of audio in {stats.wall_seconds:.2f} s "
            f"(real-time factor {stats.real_time_factor:.2f}) on {_places(stats.graphs)}: {target}",
            err=True,
        )


def print_stats(stats: Stats, load_seconds: float) -> None:
    """A table of the stages, the figures, and one of the graphs, on standard error.

    The next sentence is prepared while one is decoded, so the stages overlap: their shares are of
    the work, not of the time that it took.

    Args:
        stats: Of a stream that has ended.
        load_seconds: How long the voice took to load.
    """
    stages = table("stage", "seconds", "share of work", right=("seconds", "share of work"))
    total = sum(stats.stages.values()) or 1.0
    for name, seconds in stats.stages.items():
        stages.add_row(name, f"{seconds:.3f}", f"{seconds / total:.0%}")

    figures = table()
    figures.add_row("audio", f"{stats.audio_seconds:.3f} s")
    figures.add_row("waited for", f"{stats.wall_seconds:.3f} s")
    figures.add_row("real-time factor", f"{stats.real_time_factor:.3f}")
    figures.add_row("first sound after", f"{stats.first_chunk_seconds:.3f} s")
    figures.add_row("loading the voice", f"{load_seconds:.3f} s")
    for name, model in stats.features.items():
        figures.add_row(name, "no features: zeros" if model == "none" else model)

    graphs = graph_table(stats.graphs)

    for part in (stages, figures, graphs):
        print_table(part, err=True)
        click.echo(err=True)
    for name, info in stats.graphs.items():
        if info.note:
            click.echo(f"{name} isn't where it was wanted: {info.note}", err=True)


def graph_table(graphs: dict[str, GraphInfo]) -> Table:
    """A table of where graphs run, as OpenVINO tells it."""
    rows = table("graph", "device", "precision", "shapes")
    for name, info in graphs.items():
        rows.add_row(name, ", ".join(info.devices), info.precision, info.shapes)
    return rows


def _places(graphs: dict[str, GraphInfo]) -> str:
    """Where the graphs run, as "CPU (f32)"; each different answer once."""
    places = {f"{'+'.join(info.devices)} ({info.precision})": None for info in graphs.values()}
    return ", ".join(places) or "no device"


def clock(seconds: float) -> str:
    """Seconds as people write them, "1:02:03" or "2:03"."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
