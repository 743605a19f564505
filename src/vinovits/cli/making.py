"""What `book` and `batch` share: who speaks, and what is told meanwhile, to people or programs."""

from __future__ import annotations

import functools
import json
import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vinovits.cli.report import clock
from vinovits.cli.streams import console

if TYPE_CHECKING:
    from rich.progress import Progress

    from vinovits.batch.lines import MadeLines
    from vinovits.batch.run import Step
    from vinovits.batch.speakers import Speakers
    from vinovits.batch.store import Unit
    from vinovits.books.dubbing import Dubbed
    from vinovits.books.job import Made, Order

_FAILURES_SHOWN = 20
_TOLD_EVERY = 1.0
"""Seconds between two lines of progress for programs."""


_OPTIONS = (
    click.option(
        "--workers",
        type=click.IntRange(1, 256),
        default=1,
        show_default=True,
        help="Processes that speak at once; each loads the voices.",
    ),
    click.option(
        "--ray", metavar="ADDRESS", help="Speak on a Ray cluster: `auto`, `local` or an address."
    ),
    click.option(
        "--json", "as_json", is_flag=True, help="Print progress and result as JSON lines."
    ),
    click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors."),
)


def making_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `Making`, which it takes as `making`."""

    @functools.wraps(command)
    def run(*, workers: int, ray: str | None, as_json: bool, quiet: bool, **others: Any) -> None:
        if quiet:
            logging.getLogger("vinovits").setLevel(logging.ERROR)
        command(making=Making(workers, ray, as_json, quiet), **others)

    for option in reversed(_OPTIONS):
        run = option(run)
    return run


@dataclass(frozen=True, slots=True)
class Making:
    """How much is made at once and by whom, and what is told."""

    workers: int
    ray: str | None
    as_json: bool
    quiet: bool

    def show(self) -> Show:
        """What tells."""
        return Show(as_json=self.as_json, quiet=self.quiet)

    def speakers(self, loading: dict[str, Any]) -> Speakers:
        """Who speaks.

        Args:
            loading: What `vinovits.load` takes, beside the name.
        """
        from vinovits.batch.speakers import OwnSpeakers, ProcessSpeakers
        from vinovits.threads import limit, usable

        if self.ray is not None:
            from vinovits.batch.cluster import RaySpeakers

            return RaySpeakers(self.ray, loading, self.workers if self.workers > 1 else None)
        if self.workers == 1:
            return OwnSpeakers(loading)
        threads = max(1, (limit(None) or usable()) // self.workers)
        return ProcessSpeakers(self.workers, {**loading, "threads": threads})


class Show:
    """Results on standard output, or progress and results there as JSON lines."""

    def __init__(self, *, as_json: bool, quiet: bool) -> None:
        """Choose.

        Args:
            as_json: JSON, a line for each event.
            quiet: Nothing but errors.
        """
        self._as_json, self._quiet = as_json, quiet

    def say(self, sentence: str) -> None:
        """Tell something that isn't an error."""
        if self._as_json:
            self.event("note", text=sentence)
        elif not self._quiet:
            click.echo(sentence, err=True)

    def event(self, name: str, /, **data: Any) -> None:
        """A line for programs, if they want some."""
        if self._as_json:
            click.echo(json.dumps({"event": name, **data}, ensure_ascii=False))

    @contextmanager
    def progress(self) -> Iterator[Bar]:
        """Show how far the work is while the block runs."""
        bar = Bar(self, shown=not self._quiet and not self._as_json and sys.stderr.isatty())
        try:
            yield bar
        except KeyboardInterrupt:
            bar.end()
            self.say("Stopped. What is done is kept: the same command goes on from there.")
            raise
        finally:
            bar.end()

    def failed(self, units: Sequence[Unit]) -> None:
        """List units that can't be spoken."""
        for unit in units:
            self.event("failed", unit=unit.number, text=unit.text, error=unit.error)
        if not self._as_json:
            list_failed(units)

    def book(self, made: Made, order: Order, *, kept: bool) -> None:
        """Tell what has become of a book, and where its parts are kept, if they are."""
        outcome, published = made.outcome, made.published
        self.event(
            "done",
            files=[str(path) for path in published.files],
            seconds=published.seconds,
            lufs_before=published.loudness.lufs,
            made=outcome.made,
            found=outcome.found,
            gaps=list(published.gaps),
            findings=[
                {
                    "unit": finding.unit.number,
                    "text": finding.unit.text,
                    "heard": finding.heard,
                    "errors": finding.error_rate,
                    "kept": finding.best,
                    "seed": finding.seed,
                }
                for finding in made.findings
            ],
        )
        if self._as_json or self._quiet:
            return
        if outcome.failed:
            click.echo("A low tone stands for these parts:", err=True)
            self.failed(outcome.failed)
        for finding in made.findings:
            click.echo(
                f"Part {finding.unit.number + 1} was hard to understand ({finding.error_rate:.0%} "
                f"of its words; now {finding.best:.0%}): {_short(finding.unit.text)}",
                err=True,
            )
        files = published.files
        where = str(files[0]) if len(files) == 1 else f"{len(files)} files in {files[0].parent}"
        click.echo(f"{clock(published.seconds)} of audio: {where}", err=True)
        if kept:
            _tell_kept(order.folder)

    def batch(
        self, made: MadeLines, folder: Path, pruned: int, failures: Sequence[tuple[int, str]]
    ) -> None:
        """Tell what has become of a list, and of the lines that can't be spoken, by number."""
        for number, why in failures:
            self.event("failed", line=number, error=why)
        self.event(
            "done", folder=str(folder), made=made.made, found=made.found, seconds=made.seconds,
            failed=len(failures), pruned=pruned,
        )  # fmt: skip
        if self._as_json or self._quiet:
            return
        told = [f"{made.made} file{'' if made.made == 1 else 's'} made"]
        told += [f"{made.found} were as they should be"] if made.found else []
        told += [f"{pruned} deleted"] if pruned else []
        click.echo(f"{', '.join(told)}; {clock(made.seconds)} of audio: {folder}", err=True)
        if failures:
            lines = "1 line" if len(failures) == 1 else f"{len(failures)} lines"
            click.echo(f"{lines} can't be spoken:", err=True)
            _list(f"  line {number}: {why}" for number, why in failures)

    def dubbed(self, made: Dubbed, out: Path, kept: Path | None) -> None:
        """Tell what has become of subtitles, and where their parts are kept, if they are."""
        self.event(
            "done",
            files=[str(out)],
            seconds=made.seconds,
            faster=made.faster,
            overruns=[
                {"cue": late.number, "text": late.text, "late": late.seconds, "speed": late.speed}
                for late in made.overruns
            ],
        )
        if self._as_json or self._quiet:
            return
        _list(
            f"Cue {late.number} is {late.seconds:.2f} s too long even {late.speed:g} times as "
            f"fast: {_short(late.text)}"
            for late in made.overruns
        )
        faster = f", {made.faster} cues faster to fit" if made.faster else ""
        click.echo(f"{clock(made.seconds)} of audio{faster}: {out}", err=True)
        if kept is not None:
            _tell_kept(kept)


class Bar:
    """How far the work is: units, audio, real-time factor, time left."""

    def __init__(self, show: Show, *, shown: bool) -> None:
        """Show nothing yet.

        Args:
            show: Takes events.
            shown: Whether there is somebody to look at a bar.
        """
        self._show = show
        self._shown = shown
        self._bar: Progress | None = None
        self._task: Any = None
        self._began = time.perf_counter()
        self._told = 0.0
        self._total = self._done = self._before = 0
        self._seconds = 0.0

    def begun(self, total: int, done: int) -> None:
        """The work begins; see `vinovits.books.job.Watch`."""
        self._total, self._done, self._before = total, done, done
        self._began = time.perf_counter()
        self._show.event("begun", units=total, done=done)
        self._opened("speaking", total)
        self._update()

    def step(self, step: Step) -> None:
        """A unit is done or given up."""
        self.line(step.seconds)

    def line(self, seconds: float) -> None:
        """Something is done, and so much audio was made for it."""
        self._done += 1
        self._seconds += seconds
        self._update()
        now = time.perf_counter()
        if now - self._told >= _TOLD_EVERY or self._done == self._total:
            self._told = now
            self._show.event(
                "progress", done=self._done, units=self._total, seconds=round(self._seconds, 3),
                real_time_factor=self._factor(), seconds_left=self._left(now),
            )  # fmt: skip

    def stage(self, name: str) -> None:
        """Something else begins."""
        self._show.event("stage", name=name)
        if name == "listening":
            self._opened(name, self._total)
        elif name != "speaking":
            self._opened(name, None)

    def heard(self, number: int) -> None:
        """A unit was proof-heard."""
        if self._bar is not None:
            self._bar.update(self._task, completed=number + 1)

    def end(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _factor(self) -> float | None:
        took = time.perf_counter() - self._began
        return round(took / self._seconds, 4) if self._seconds else None

    def _left(self, now: float) -> float:
        """Seconds until the last unit is done, if the others take as long as those so far."""
        each = (now - self._began) / (self._done - self._before)
        return round(each * (self._total - self._done), 1)

    def _update(self) -> None:
        if self._bar is not None:
            factor = self._factor()
            rate = "" if factor is None else f", {1 / factor:.1f} x real time"
            told = f"{clock(self._seconds)} of audio{rate}"
            self._bar.update(self._task, completed=self._done, told=told)

    def _opened(self, name: str, total: int | None) -> None:
        if not self._shown:
            return
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.progress import TimeRemainingColumn as Remaining

        self.end()
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[told]}"),
            Remaining(),
        )
        self._bar = Progress(*columns, console=console(sys.stderr), transient=True)
        self._task = self._bar.add_task(name, total=total, told="")
        self._bar.start()


def list_failed(units: Iterable[Unit]) -> None:
    """Tell people which units can't be spoken, and why."""
    _list(f"  part {unit.number + 1}, {_short(unit.text)}: {unit.error}" for unit in units)


def _list(lines: Iterable[str]) -> None:
    """Lines for people: the first of them, and how many more there are."""
    every = list(lines)
    for line in every[:_FAILURES_SHOWN]:
        click.echo(line, err=True)
    if len(every) > _FAILURES_SHOWN:
        click.echo(f"  and {len(every) - _FAILURES_SHOWN} more.", err=True)


def _tell_kept(folder: Path) -> None:
    click.echo(
        f"The parts are kept in {folder}, so that a change makes only what it touches; delete that "
        "folder when all is right.",
        err=True,
    )


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
