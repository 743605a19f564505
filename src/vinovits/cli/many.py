"""`vinovits many`: speak each line of a file to a file of its own."""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vinovits.cli.report import clock
from vinovits.cli.speaking import check_speaking, load_voice, settings_of, speaking_options
from vinovits.cli.streams import console
from vinovits.cli.text_source import get_text
from vinovits.errors import OutputError, TextError, UsageError, VinovitsError

if TYPE_CHECKING:
    from vinovits.engine.many import Text
    from vinovits.engine.result import Audio

_OWN = (
    *("speaker", "style", "style_weight", "emotion", "seed", "speed", "sdp_ratio", "noise"),
    *("noise_w", "pause", "language", "markup", "assist_text", "assist_weight"),
)
"""Settings that an entry may have of its own."""

_NAME = re.compile(r"[^\x00-\x1f\x7f/\\:*?\"<>|.][^\x00-\x1f\x7f/\\:*?\"<>|]{0,199}")
"""File names that every system takes, and that lead nowhere else."""

_FAILURES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the file."""

    number: int
    """From 1, as editors count."""
    name: str
    """Of its file, without extension; "" where the line is wrong."""
    text: str
    settings: dict[str, Any] = field(default_factory=dict)
    wrong: str = ""
    """What is wrong with the line itself."""


@click.command(short_help="Speak each line of a file to a file of its own.")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("folder", type=click.Path(path_type=Path))
@speaking_options
@click.option(
    "--format",
    "-t",
    "extension",
    type=click.Choice(["wav", "flac", "ogg", "opus", "mp3"]),
    default="wav",
    show_default=True,
    help="Of the audio files.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    help="How many lines are spoken at once. Default is what `vinovits tune` found, else 1.",
)
@click.option("--overwrite", is_flag=True, help="Speak lines again whose file is there already.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
def many(
    file: Path,
    folder: Path,
    extension: str,
    workers: int | None,
    overwrite: bool,
    quiet: bool,
    **speaking: Any,
) -> None:
    """Speak each line of FILE (`-` is standard input) to a file in FOLDER.

    The files are numbered by their lines, from 0001.wav on; empty lines are passed over. If FILE
    ends in .jsonl, each line is a JSON object with `text`, and if need be `name`, that of its
    file without extension, and settings of its own: speaker, style, style_weight, emotion, seed,
    speed, sdp_ratio, noise, noise_w, pause, language, markup, assist_text, assist_weight.

    Files appear when they are complete. A line whose file is there already is passed over, so that
    the same command goes on where it was stopped. A line that can't be spoken stops no other: it is
    told at the end, and the exit code is 1.

    \b
    Examples:
      vinovits many sentences.txt recordings
      vinovits many prompts.jsonl prompts --format opus --voice other
      vinovits many sentences.txt recordings --workers 4 --threads 8
    """
    if quiet:
        logging.getLogger("vinovits").setLevel(logging.ERROR)
    check_speaking(speaking)
    lines = _lines(get_text(None, file), as_json=file.suffix.lower() == ".jsonl")
    _make_folder(folder)
    failures = [(line, line.wrong) for line in lines if line.wrong]
    right = [line for line in lines if not line.wrong]
    waiting = [line for line in right if overwrite or not _target(folder, line, extension).exists()]
    seconds = 0.0
    began = time.perf_counter()
    if waiting:
        voice = load_voice(speaking, warm=True)
        settings = settings_of(voice, speaking, None)
        texts: list[Text] = [{"text": line.text, **line.settings} for line in waiting]
        began = time.perf_counter()
        with (
            voice.speak_many(texts, workers=workers, errors="yield", **settings) as spoken,
            _progress(len(waiting), quiet=quiet) as advance,
        ):
            for line, audio in zip(waiting, spoken, strict=True):
                if isinstance(audio, VinovitsError):
                    failures.append((line, str(audio)))
                else:
                    _write(audio, _target(folder, line, extension))
                    seconds += audio.seconds
                advance(seconds)
    _summary(len(right) - len(waiting), len(lines) - len(failures), seconds, began, folder, quiet)
    if failures:
        _tell(failures)
        raise click.exceptions.Exit(1)


def _lines(text: str, *, as_json: bool) -> list[_Line]:
    """The lines of a file that aren't empty.

    Raises:
        TextError: There are none.
    """
    every = enumerate(text.split("\n"), 1)
    numbered = [(number, line.rstrip("\r")) for number, line in every if line.strip()]
    if not numbered:
        raise TextError("There is nothing in this file: each line is to be a text.")
    width = max(4, len(str(numbered[-1][0])))
    found = []
    names: dict[str, int] = {}
    for number, line in numbered:
        usual = f"{number:0{width}}"
        entry = _entry(number, usual, line) if as_json else _Line(number, usual, line)
        # Some systems take names for the same that differ in their case.
        first = names.setdefault(entry.name.casefold(), number) if entry.name else number
        if first != number:
            entry = _Line(number, "", "", wrong=f"Its name {entry.name!r} is that of line {first}.")
        found.append(entry)
    return found


def _entry(number: int, usual: str, line: str) -> _Line:
    """An entry of a JSONL file; what is wrong with it is told with those that can't be spoken."""
    try:
        entry = json.loads(line)
        if not isinstance(entry, dict) or not isinstance(entry.get("text"), str):
            raise UsageError('It is no JSON object with a "text".')
        name = entry.pop("name", usual)
        if not isinstance(name, str) or not _NAME.fullmatch(name) or name != name.rstrip(" ."):
            raise UsageError(f"{name!r:.60} is no name for a file.")
        text = entry.pop("text")
        for key in entry:
            if key not in _OWN:
                raise UsageError(f"There is no setting {key!r:.40}. There are: {', '.join(_OWN)}.")
    except (json.JSONDecodeError, RecursionError) as error:
        return _Line(number, "", "", wrong=f"It isn't JSON: {error}.")
    except UsageError as error:
        return _Line(number, "", "", wrong=str(error))
    return _Line(number, name, text, entry)


def _make_folder(folder: Path) -> None:
    from vinovits.output.atomic import write_error

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise OutputError(f"{folder} is a file. Name a folder for the audio.") from None
    except OSError as error:
        raise write_error(folder, error) from error


def _target(folder: Path, line: _Line, extension: str) -> Path:
    return folder / f"{line.name}.{extension}"


def _write(audio: Audio, path: Path) -> None:
    from vinovits.output.atomic import atomic_file
    from vinovits.output.audio_file import AudioFile, audio_format

    with ExitStack() as stack:
        part = stack.enter_context(atomic_file(path))
        file = AudioFile(part, audio_format(path), audio.sampling_rate, name=path)
        stack.enter_context(file)
        file.write(audio.samples)
        file.finish()


@contextmanager
def _progress(lines: int, *, quiet: bool) -> Iterator[Callable[[float], None]]:
    """A bar on standard error, if that is a terminal; called with the seconds of audio so far."""
    if quiet or not sys.stderr.isatty():
        yield lambda seconds: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    columns = (
        TextColumn("speaking"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[seconds]} of audio"),
        Remaining(),
    )
    with Progress(*columns, console=console(sys.stderr), transient=True) as bar:
        task = bar.add_task("", total=lines, seconds="0:00")
        yield lambda seconds: bar.update(task, advance=1, seconds=clock(seconds))


def _summary(
    skipped: int, done: int, seconds: float, began: float, folder: Path, quiet: bool
) -> None:
    if quiet:
        return
    took = time.perf_counter() - began
    if skipped:
        click.echo(f"{skipped} were there already and were passed over.", err=True)
    if seconds:
        click.echo(
            f"{done - skipped} files, {seconds:.2f} s of audio in {took:.2f} s "
            f"(real-time factor {took / seconds:.2f}): {folder}",
            err=True,
        )


def _tell(failures: Sequence[tuple[_Line, str]]) -> None:
    failures = sorted(failures, key=lambda failure: failure[0].number)
    click.echo(f"{len(failures)} lines can't be spoken:", err=True)
    for line, why in failures[:_FAILURES_SHOWN]:
        click.echo(f"  line {line.number}: {why}", err=True)
    if len(failures) > _FAILURES_SHOWN:
        click.echo(f"  and {len(failures) - _FAILURES_SHOWN} more.", err=True)
