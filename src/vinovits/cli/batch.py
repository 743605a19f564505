"""`vinovits batch`: speak each line of a file to a file of its own; only what changed is made."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from vinovits.cli.making import Making, making_options
from vinovits.cli.speaking import check_speaking, plain_settings, speaking_options
from vinovits.cli.text_source import get_text
from vinovits.errors import TextError, UsageError

OWN = (
    *("voice", "speaker", "style", "style_weight", "emotion", "seed", "speed", "sdp_ratio"),
    *("noise", "noise_w", "pause", "language", "markup", "assist_text", "assist_weight"),
)
"""Settings that an entry may have of its own."""
_NUMBERS = ("style_weight", "speed", "sdp_ratio", "noise", "noise_w", "pause", "assist_weight")
_NAME = re.compile(
    r"(?!(?:con|prn|aux|nul|com\d|lpt\d) *(?:\.|\Z))"
    r"[^\x00-\x1f\x7f/\\:*?\"<>|. \ud800-\udfff][^\x00-\x1f\x7f/\\:*?\"<>|\ud800-\udfff]*(?<![. ])",
    re.IGNORECASE,
)
"""File names that every system takes, and that lead nowhere else."""
_LONGEST_NAME = 200
"""Bytes: most systems take 255, with the extension."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of the file."""

    number: int
    """From 1, as editors count."""
    id: str
    """Name of its file, without extension; "" where the line is wrong."""
    text: str
    settings: dict[str, Any] = field(default_factory=dict)
    wrong: str = ""
    """What is wrong with the line itself."""


@click.command(short_help="Speak each line of a file to a file of its own.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--out",
    "-o",
    "folder",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="A folder for the audio and its manifest.jsonl.",
)
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
    "--timings",
    type=click.Choice(["srt", "vtt", "lrc", "json"]),
    help="Write what is heard when beside each file.",
)
@click.option("--prune", is_flag=True, help="Delete files of lines that aren't there any more.")
@making_options
@speaking_options
def batch(
    file: Path,
    folder: Path,
    extension: str,
    timings: str | None,
    prune: bool,
    making: Making,
    **speaking: Any,
) -> None:
    """Speak each line of FILE (`-` is standard input) to a file in the folder --out.

    Of a text file, each line is spoken; the files are numbered by the lines, from 0001.wav on, and
    empty lines are passed over. A file that ends in .jsonl has a JSON object in each line, one in
    .csv a table with a head: `text`, and if need be `id`, the name of its file without extension,
    and settings of its own: voice, speaker, style, style_weight, emotion, seed, speed, sdp_ratio,
    noise, noise_w, pause, language, markup, assist_text, assist_weight.

    The folder's manifest.jsonl tells for each file what it was made from, its length and its sum. A
    line that hasn't changed since isn't spoken again, so that the same command goes on where it was
    stopped. A line that can't be spoken stops no other: it is told at the end, and the exit code is
    1.

    \b
    Examples:
      vinovits batch sentences.txt --out recordings
      vinovits batch game.csv --out audio --format opus --workers 2
      vinovits batch prompts.jsonl --out prompts --voice other --timings json
    """
    from vinovits.batch.lines import Batch, Line

    check_speaking(speaking)
    markup = speaking["markup"]
    settings, lexicon, loading = plain_settings(speaking)
    settings["markup"] = markup
    if lexicon:
        from dataclasses import asdict

        settings["lexicon"] = [asdict(entry) for entry in lexicon]
    rows = _rows(get_text(None, file), file.suffix.lower())
    failures = {row.number: row.wrong for row in rows if row.wrong}
    lines: list[Line] = []
    for row in rows:
        if not row.wrong:
            own = {**settings, **row.settings}
            voice = str(own.pop("voice"))
            lines.append(Line(row.number, row.id, row.text, voice, own))
    show, speakers = making.show(), making.speakers(loading)
    with closing(speakers), Batch(folder, f".{extension}", timings) as work:
        with show.progress() as bar:
            made = work.make(lines, speakers, begun=bar.begun, tell=bar.line)
        pruned = 0
        if prune and failures:
            show.say("Nothing was deleted, as it isn't known which files wrong lines stand for.")
        elif prune:
            pruned = work.prune(lines)
    failures.update(made.failed)
    show.batch(made, folder, pruned, sorted(failures.items()))
    if failures:
        raise click.exceptions.Exit(1)


def _rows(text: str, suffix: str) -> list[_Row]:
    """The lines of a file that aren't empty.

    Raises:
        TextError: There are none, or a table without a text.
    """
    if suffix == ".csv":
        rows = _table(text)
    else:
        every = enumerate(text.split("\n"), 1)
        numbered = [(number, line.rstrip("\r")) for number, line in every if line.strip()]
        width = max(4, len(str(numbered[-1][0]))) if numbered else 4
        read = _object if suffix == ".jsonl" else _Row
        rows = [read(number, f"{number:0{width}}", line) for number, line in numbered]
    if not rows:
        raise TextError("There is nothing in this file: each line is to be a text.")
    return list(_told_apart(rows))


def _told_apart(rows: Sequence[_Row]) -> Iterator[_Row]:
    """Rows of which no two have one id."""
    first: dict[str, int] = {}
    for row in rows:
        # Some systems take names for the same that differ in their case.
        before = first.setdefault(row.id.casefold(), row.number) if row.id else row.number
        if before == row.number:
            yield row
        else:
            wrong = f"Its id {row.id!r} is that of line {before}."
            yield _Row(row.number, "", "", wrong=wrong)


def _object(number: int, usual: str, line: str) -> _Row:
    """An entry of a JSONL file; what is wrong with it is told with those that can't be spoken."""
    try:
        entry = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        return _Row(number, "", "", wrong=f"It isn't JSON: {error}.")
    if not isinstance(entry, dict):
        return _Row(number, "", "", wrong='It is no JSON object with a "text".')
    return _row(number, usual, entry)


def _table(text: str) -> list[_Row]:
    """The entries of a table with a head."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows = []
    try:
        head = [name.strip() for name in next(reader, [])]
        if "text" not in head:
            raise TextError(f"The table has no column `text`; it has: {', '.join(head) or 'none'}.")
        for cells in reader:
            number = reader.line_num
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) > len(head):
                wrong = f"It has {len(cells)} cells, and the head {len(head)}."
                rows.append(_Row(number, "", "", wrong=wrong))
                continue
            entry = {name: cell for name, cell in zip(head, cells, strict=False) if cell != ""}
            rows.append(_row(number, f"{number:04}", _as_numbers(entry)))
    except csv.Error as error:
        raise TextError(f"Line {reader.line_num} isn't a table's: {error}.") from None
    return rows


def _as_numbers(entry: dict[str, str]) -> dict[str, Any]:
    """Cells that hold numbers, as such; what is none stays for the error message."""
    found: dict[str, Any] = dict(entry)
    for name in (*_NUMBERS, "seed"):
        kind = int if name == "seed" else float
        try:
            found[name] = kind(entry[name])
        except (KeyError, ValueError):
            continue
    return found


def _is_name(name: str) -> bool:
    return bool(_NAME.fullmatch(name)) and len(name.encode()) <= _LONGEST_NAME


def _row(number: int, usual: str, entry: dict[str, Any]) -> _Row:
    try:
        text = entry.pop("text", None)
        if not isinstance(text, str):
            raise UsageError('It has no "text".')
        name = entry.pop("id", usual)
        name = str(name) if isinstance(name, int) and not isinstance(name, bool) else name
        if not isinstance(name, str) or not _is_name(name):
            raise UsageError(
                f"{name!r:.60} is no name for a file: it is to have at most {_LONGEST_NAME} bytes, "
                'none of / \\ : * ? " < > |, no dot at its beginning or end, and not to be one '
                "that Windows keeps for itself, such as CON."
            )
        for key in entry:
            if key not in OWN:
                raise UsageError(f"There is no setting {key!r:.40}. There are: {', '.join(OWN)}.")
    except UsageError as error:
        return _Row(number, "", "", wrong=str(error))
    return _Row(number, name, text, entry)
