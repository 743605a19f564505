"""`vinovits train`: a voice from recordings, starting from another one."""

from __future__ import annotations

import os
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vinovits.cli.inputs import InputPath
from vinovits.cli.needs import needed_extra, tell_needs
from vinovits.errors import UsageError

if TYPE_CHECKING:
    from vinovits.train.session import Outcome

_EVERY = 60.0
"""Seconds between two lines on the progress, where there is no terminal."""


@click.command(short_help="Train a voice on recordings.")
@click.argument("data", type=InputPath("training set"), required=False)
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="The folder of the training.",
)
@click.option("--base", help="What to start from: a checkpoint, a folder with one, or `joe`.")
@click.option(
    "--config",
    "settings",
    type=InputPath("config"),
    help="Settings as YAML, or a released config.json.",
)
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="NAME=VALUE",
    help="One setting, as the YAML has it; may be given again.",
)
@click.option("--steps", type=click.IntRange(0), help="Steps in all.")
@click.option("--minutes", type=float, help="End after so many, if the steps aren't done before.")
@click.option("--device", help="auto, cpu, cuda, cuda:1 or xpu.")
@click.option("--resume", is_flag=True, help="Go on with the training in the folder.")
@click.option("--no-convert", is_flag=True, help="Make no voice folder at the end.")
@click.option("--title", default="", help="For the card: a line that says what the voice is.")
@click.option("--author", default="", help="For the card: who made the voice.")
@click.option("--licence", default="", help="For the card: under which terms it may be used.")
@click.option("--source", default="", help="For the card: whose recordings these are.")
@click.option("--use", default="", help="For the card: what it may and may not be used for.")
def train(
    data: Path | None,
    out: Path,
    base: str | None,
    settings: Path | None,
    changes: tuple[str, ...],
    steps: int | None,
    minutes: float | None,
    device: str | None,
    resume: bool,
    no_convert: bool,
    **card: str,
) -> None:
    """Train a voice on DATA, and make a voice folder of its best state.

    DATA is a prepared folder, or a cleaned list of Bert-VITS2 (path|speaker|LANG|text|phones|tones|
    word2ph), whose val.list is looked for beside it. The base is a checkpoint of the families 2.3,
    2.4, jp-extra, sbv2 or sbv2-jp-extra with its posterior encoder.

    Ctrl-C ends it at the end of the step, with a checkpoint; --resume goes on as if nothing had
    been. Twice means at once. While it runs, report.html in OUT shows curves and samples.

    This needs torch and more, which speaking doesn't: `pip install 'vinovits[train]'`. Train only
    on voices whose owners have agreed.

    \b
    Examples:
      vinovits train my-data --base joe --out my-voice --licence "Only for me"
      vinovits train --out my-voice --resume --steps 12000
      vinovits train filelists/train.list --base G_0.pth --out mine --set freeze=[decoder]
      torchrun --nproc-per-node 2 -m vinovits train my-data --base G_0.pth --out mine
    """
    with needed_extra("Training", "train"):
        from vinovits.train.run import Stopped
        from vinovits.train.session import train as run
        from vinovits.train.settings import read_settings
        from vinovits.voices.manifest import Card

    given = read_settings(settings) if settings is not None else {}
    given |= dict(_change(change) for change in changes)
    own = {"base": base, "steps": steps, "minutes": minutes, "device": device}
    for name, value in own.items():
        if value is not None:
            given[name] = value
    released = settings if settings is not None and settings.suffix.lower() == ".json" else None
    progress = _Progress()
    try:
        outcome = run(
            data,
            out,
            given,
            config=released,
            resume=resume,
            convert=not no_convert,
            card=Card(**card),
            tell=progress.tell,
            watch=progress.watch,
        )
    except Stopped as stopped:
        progress.tell(f"Stopped; go on by `vinovits train --out {shlex.quote(str(out))} --resume`")
        raise SystemExit(128 + stopped.signal) from None
    finally:
        progress.stop()
    _tell_end(outcome)


def _change(given: str) -> tuple[str, Any]:
    import yaml

    name, equals, value = given.partition("=")
    if not (name and equals):
        raise UsageError(f"--set takes NAME=VALUE, such as batch_size=8, not {given!r}.")
    try:
        return name, yaml.safe_load(value)
    except yaml.YAMLError:
        raise UsageError(f"--set {given!r}: {value!r} isn't valid YAML.") from None


def _tell_end(outcome: Outcome) -> None:
    conversion = outcome.conversion
    if conversion is None:
        return
    voice = str(conversion.folder)
    # A bare name might be that of an installed voice.
    named = voice if conversion.folder.name != voice else os.path.join(".", voice)  # noqa: PTH118
    options = f"--voice {shlex.quote(named)}"
    if not tell_needs(conversion.manifest):
        options += " --features none"
    click.echo(
        f"{outcome.steps} steps, mel distance {outcome.best:.3f}. Listen to "
        f'{outcome.folder / "report.html"}, and speak by `vinovits say {options} "..."`',
        err=True,
    )


class _Progress:
    """A bar on a terminal; elsewhere a line now and then."""

    def __init__(self) -> None:
        from vinovits.cli.streams import console

        self._bar: Any = None
        self._task: Any = None
        self._console = console(sys.stderr)
        self._told = time.monotonic()

    def tell(self, sentence: str) -> None:
        """Print a sentence above the bar."""
        if self._bar is not None:
            self._bar.console.print(sentence, markup=False, highlight=False, soft_wrap=True)
        else:
            click.echo(sentence, err=True)

    def watch(self, step: int, steps: int, numbers: dict[str, float]) -> None:
        """Move the bar, or print a line."""
        if not self._console.is_terminal:
            now = time.monotonic()
            if now - self._told >= _EVERY:
                self._told = now
                mel, kl = numbers.get("mel", 0.0), numbers.get("kl", 0.0)
                self.tell(f"Step {step} of {steps}: mel {mel:.2f}, kl {kl:.2f}.")
            return
        if self._bar is None:
            from rich import progress

            self._bar = progress.Progress(
                "{task.description}",
                progress.BarColumn(),
                "{task.completed:.0f}/{task.total:.0f}",
                progress.TimeRemainingColumn(),
                "mel {task.fields[mel]:.2f}  kl {task.fields[kl]:.2f}",
                console=self._console,
            )
            self._bar.start()
            self._task = self._bar.add_task("step", total=steps, mel=0.0, kl=0.0)
        self._bar.update(
            self._task, completed=step, mel=numbers.get("mel", 0.0), kl=numbers.get("kl", 0.0)
        )

    def stop(self) -> None:
        """Leave the terminal as it was."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
