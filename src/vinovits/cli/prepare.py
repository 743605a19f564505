"""`vinovits prepare`: from recordings to a training set and a report on it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vinovits.cli.inputs import InputPath
from vinovits.cli.report import clock
from vinovits.cli.streams import console
from vinovits.errors import DataError, UsageError

if TYPE_CHECKING:
    from vinovits.prepare.progress import Progress
    from vinovits.prepare.settings import Settings
    from vinovits.prepare.work import Result

_SHOWN = 5
_STAGES = {
    "listening": "listening",
    "cutting": "making clips",
    "transcribing": "writing down",
    "reading": "reading texts",
    "features": "making features",
}


@click.command(short_help="Make a training set of recordings, and a report on it.")
@click.argument("source", metavar="INPUT", type=InputPath("input"))
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.option(
    "--base",
    metavar="VOICE",
    help="The voice that will be trained on: its name or folder. It decides the sampling rate, the "
    "phones and the feature models.",
)
@click.option("--rate", type=int, help="Sampling rate of the clips in Hz, without --base.")
@click.option("--family", help="Family of the voice, such as 2.3, without --base.")
@click.option(
    "--language",
    "-l",
    type=click.Choice(["zh", "ja", "en"]),
    help="Language of texts that name none. Default is to tell it by the letters.",
)
@click.option(
    "--speaker",
    help="Speaker of recordings that name none. Default is the name of their folder.",
)
@click.option(
    "--transcribe",
    metavar="MODEL",
    help="Write down recordings that have no text, by this Whisper model: a folder for "
    "faster-whisper, or the name of one that is here already.",
)
@click.option("--shortest", type=float, default=0.8, show_default=True, help="Seconds of a clip.")
@click.option("--longest", type=float, default=15.0, show_default=True, help="Seconds of a clip.")
@click.option(
    "--pause", type=float, default=0.3, show_default=True, help="Seconds of a pause to cut at."
)
@click.option(
    "--level",
    type=float,
    default=-24.0,
    show_default=True,
    help="Mean power of speech in dB below full scale.",
)
@click.option(
    "--worst-mos",
    type=float,
    default=2.0,
    show_default=True,
    help="DNSMOS (1 to 5) below which a clip is rejected.",
)
@click.option("--no-mos", is_flag=True, help="Don't measure noise.")
@click.option("--validation", type=click.IntRange(0), help="How many clips are held back.")
@click.option("--force", metavar="ID", multiple=True, help="Use a clip that was rejected.")
@click.option(
    "--force-from",
    type=InputPath("list of clips"),
    help="A file with the ids of clips that are used though they were rejected, one a line.",
)
@click.option(
    "--corrections",
    type=InputPath("corrections"),
    help='A JSON file of changes by the ids of clips: {"ID": {"text": "...", "use": false}}.',
)
@click.option("--licence", default="", help="Terms of the recordings; it goes into the card.")
@click.option("--source", "origin", default="", help="Where the recordings are from.")
@click.option("--jobs", "-j", type=click.IntRange(1, 64), help="Threads. Default is 4 at the most.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
def prepare(source: Path, out: Path, **options: Any) -> None:
    """Make a training set for `vinovits train` in the folder OUT.

    INPUT is a folder of recordings of any format, or a list of them. Texts are taken from a list
    (path|speaker|language|text, or metadata.csv as LJSpeech has it), from .txt or .lab files of the
    same names, or from subtitles (.srt, .vtt). Recordings without a text are cut at pauses, and
    written down with --transcribe.

    Every clip is checked, and OUT/report.html shows what was found. What is rejected isn't trained
    on, but stays there with the reason; --force ID takes it in nevertheless. The same command goes
    on where it was stopped, and uses what it made before.

    \b
    Examples:
      vinovits prepare recordings data --base joe
      vinovits prepare podcast data --transcribe models/whisper-small --language en
      vinovits prepare recordings data --force take_07-1a2b3c4d
    """
    from vinovits.prepare.corrections import read_corrections
    from vinovits.prepare.report import write_report
    from vinovits.prepare.work import prepare as run

    quiet = options["quiet"]
    settings = _settings(options)
    given = options["corrections"]
    corrections = None if given is None else read_corrections(given)
    forced = [*options["force"], *_ids(options["force_from"])]
    with _stopped(quiet=quiet), _progress(quiet=quiet) as progress:
        result = run(
            source,
            out,
            settings,
            transcribe=options["transcribe"] or "",
            forced=forced,
            corrections=corrections,
            jobs=options["jobs"],
            progress=progress,
        )
    report = write_report(result, out)
    if not quiet:
        _tell(result, report)
    if not result.used:
        first = next((one for one in result.candidates if one.rejections), None)
        why = f"{first.recording}: {first.rejections[0][1]} " if first else ""
        raise DataError(
            f"No clip can be used: all {len(result.candidates)} were rejected. {why}{report} has "
            "all reasons."
        )


def _settings(options: dict[str, Any]) -> Settings:
    from vinovits.prepare.settings import Settings
    from vinovits.text.symbols import TABLES

    given: dict[str, Any] = {
        "shortest": options["shortest"],
        "longest": options["longest"],
        "pause": options["pause"],
        "level": options["level"],
        "worst_mos": options["worst_mos"],
        "mos": not options["no_mos"],
        "language": options["language"] or "",
        "speaker": options["speaker"] or "",
        "validation": options["validation"],
        "licence": options["licence"],
        "source": options["origin"],
    }
    if options["base"]:
        if options["rate"] or options["family"]:
            raise UsageError("--base decides --rate and --family. Give either.")
        return Settings(**given, **_of_base(options["base"]))
    if options["family"]:
        if options["family"] not in TABLES:
            raise UsageError(
                f"There is no family {options['family']!r}. There are {', '.join(TABLES)}."
            )
        given["family"] = options["family"]
    if options["rate"]:
        given["sampling_rate"] = options["rate"]
    return Settings(**given)


def _of_base(name: str) -> dict[str, Any]:
    """What a voice decides."""
    from vinovits.voices.manifest import read_manifest
    from vinovits.voices.store import find_voice

    manifest = read_manifest(find_voice(name))
    return {
        "sampling_rate": manifest.sampling_rate,
        "family": manifest.variant,
        "reading": manifest.reading,
        "feature_models": {need.language: need.model for need in manifest.features},
        "emotion_model": manifest.emotion.model if manifest.emotion is not None else "",
        "base_languages": manifest.languages,
    }


def _ids(path: Path | None) -> list[str]:
    if path is None:
        return []
    from vinovits.train.text_files import read_text

    text, _ = read_text(path)
    lines = (line.partition("#")[0].strip() for line in text.split("\n"))
    return [line for line in lines if line]


@contextmanager
def _stopped(*, quiet: bool) -> Iterator[None]:
    """Tell who presses Ctrl-C that nothing is lost."""
    try:
        yield
    except KeyboardInterrupt:
        if not quiet:
            click.echo("Stopped. The same command goes on where it was.", err=True)
        raise


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Progress]:
    """A bar for each stage on standard error, if that is a terminal."""
    from vinovits.prepare.progress import silent

    if quiet or not sys.stderr.isatty():
        yield silent
        return
    from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description:15}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=console(sys.stderr), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def advance(stage: str, done: float, total: float) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(_STAGES[stage])
            bars.update(tasks[stage], completed=done, total=max(total, 1))

        yield advance


def _tell(result: Result, report: Path) -> None:
    """What was found, on standard error; where it is written, too."""
    from vinovits.prepare.report import advice, counted

    for note in result.notes:
        click.echo(f"note: {note}", err=True)
    _some([f"{one.where}: {one.what}" for one in result.problems], "can't be used")
    rejected = [one for one in result.candidates if not one.used]
    for kind, count in counted(rejected):
        click.echo(f"rejected: {count} for {kind}", err=True)
    used = result.used
    seconds = sum(one.seconds for one in used)
    speakers = len({one.speaker for one in used})
    held = sum(one.split == "validation" for one in used)
    click.echo(
        f"{len(used)} clips, {clock(seconds)} of speech, "
        f"{speakers} speaker{'s' if speakers != 1 else ''}, {held} clips held back for validation: "
        f"{report.parent}",
        err=True,
    )
    for sentence in advice(result):
        click.echo(sentence, err=True)
    click.echo(f"Look at what was found: {report}", err=True)


def _some(lines: Sequence[str], what: str) -> None:
    for line in lines[:_SHOWN]:
        click.echo(f"{what}: {line}", err=True)
    if len(lines) > _SHOWN:
        click.echo(f"{what}: {len(lines) - _SHOWN} more; the report has all.", err=True)
