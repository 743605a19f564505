"""`vinovits lexicon`: the user's readings of words."""

from __future__ import annotations

import difflib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vinovits.cli.streams import print_table, table
from vinovits.errors import LexiconError, UsageError

if TYPE_CHECKING:
    from vinovits.text.lexicon import LexiconEntry
    from vinovits.text.lexicon.formats import Contents

_FAULTS_SHOWN = 5
_ROWS_SHOWN = 1000
"""Of a table: laying out a hundred thousand takes a minute, and nobody reads them."""
_LANGUAGE = click.Choice(["zh", "ja", "en"])

voice_option = click.option(
    "--voice",
    "-v",
    metavar="NAME",
    help="Your entries for this voice only, in place of those for all voices.",
)


@click.group(short_help="Say how words are to be read.")
def lexicon() -> None:
    """Say how words are to be read: by all voices, or by one.

    A reading is written in the notation of its language: ARPAbet for English, pinyin with tones for
    Chinese, kana with an accent behind a colon for Japanese; or between slashes in IPA. A reading
    that begins with = is a text that is read in place of the word.

    \b
    Examples:
      vinovits lexicon add tomato "T AH0 M AA1 T OW0"
      vinovits lexicon add 行 hang2 --context 银行 --context 分行
      vinovits lexicon add 橋本 ハシモト:0 --voice miko
      vinovits lexicon add W3C "=World Wide Web Consortium"
      vinovits lexicon list
      vinovits lexicon rm tomato
      vinovits lexicon import cmudict.dict
      vinovits lexicon export words.csv
    """


@lexicon.command(short_help="Add a word, or change its reading.")
@click.argument("word")
@click.argument("reading")
@click.option(
    "--language", "-l", type=_LANGUAGE, help="Of the reading. Without it, the reading tells."
)
@click.option(
    "--context",
    "-c",
    multiple=True,
    metavar="WORD",
    help="The entry counts only in sentences with this word. May be given several times: one of "
    "them is enough.",
)
@click.option(
    "--priority",
    type=click.IntRange(0, 10),
    default=5,
    show_default=True,
    help="Of several entries for a word the highest counts.",
)
@voice_option
def add(
    word: str,
    reading: str,
    language: str | None,
    context: tuple[str, ...],
    priority: int,
    voice: str | None,
) -> None:
    """Read WORD as READING says.

    An entry for the same word, language and context makes way. Latin letters and katakana are found
    as whole words; capitals count only if WORD has some.

    \b
    Examples:
      vinovits lexicon add Nguyen "W IH1 N"
      vinovits lexicon add 重庆 "chong2 qing4"
      vinovits lexicon add GitHub ギットハブ:4 --language ja
    """
    from vinovits.lexicons import add as put
    from vinovits.lexicons import changing
    from vinovits.text.lexicon import LexiconEntry, checked

    path = _file(voice)
    try:
        entry = checked(LexiconEntry(word, reading, language or "", context, priority))
    except LexiconError as error:
        raise UsageError(str(error)) from None
    with changing(path) as entries:
        replaced = put(entries, [entry])
    before = f" (it was {replaced[0].reading})" if replaced else ""
    click.echo(f"{word}: {entry.reading}{before}, in {path}", err=True)


@lexicon.command(short_help="Take a word out.")
@click.argument("word")
@click.option("--language", "-l", type=_LANGUAGE, help="Only its reading in this language.")
@voice_option
def rm(word: str, language: str | None, voice: str | None) -> None:
    """Take all entries of WORD out, whatever their context."""
    from vinovits.lexicons import changing

    path = _file(voice)
    with changing(path) as entries:
        kept = [
            entry
            for entry in entries
            if entry.written != word or (language is not None and entry.language != language)
        ]
        removed = len(entries) - len(kept)
        if not removed:
            raise UsageError(_unknown(word, language, [entry.written for entry in entries], path))
        entries[:] = kept
    click.echo(f"{word}: {_counted(removed, 'entry', 'entries')} taken out of {path}", err=True)


@lexicon.command("list", short_help="List the words.")
@voice_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def list_(voice: str | None, as_json: bool) -> None:
    """List your entries for all voices; with --voice those for one, and those that came with it."""
    from vinovits.lexicons import SHIPPED, entries_of, user_file, voice_file

    if voice is None:
        sources = {"you": user_file()}
    else:
        name, folder = _voice(voice)
        sources = {"you": voice_file(name), "the voice": folder / SHIPPED}
    rows = [(entry, source) for source, path in sources.items() for entry in entries_of(path)]
    if as_json:
        data = [_as_data(entry, source) for entry, source in rows]
        click.echo(json.dumps(data, ensure_ascii=False, indent=2))
    elif rows:
        shown = table("word", "language", "reading", "context", "priority", "from")
        for entry, source in rows[:_ROWS_SHOWN]:
            shown.add_row(
                entry.written,
                entry.language or "any",
                entry.reading,
                ", ".join(entry.context),
                str(entry.priority),
                source,
            )
        print_table(shown)
        if len(rows) > _ROWS_SHOWN:
            more = f"{len(rows) - _ROWS_SHOWN:,} more. --json lists all, `export` writes them."
            click.echo(f"note: there are {more}", err=True)
    else:
        click.echo("No entries. `vinovits lexicon add` makes one.", err=True)


@lexicon.command("import", short_help="Add the words of a file.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "kind",
    type=click.Choice(["auto", "csv", "json", "cmudict", "voicevox", "tsv", "pls"]),
    default="auto",
    show_default=True,
    help="`csv` and `json` as export writes them; `cmudict` is the CMU Pronouncing Dictionary, "
    "`voicevox` its user_dict.json, `tsv` a word, a tab and a reading a line, `pls` W3C PLS.",
)
@voice_option
@click.option("--replace", is_flag=True, help="Take all other entries out.")
@click.option(
    "--keep-going",
    is_flag=True,
    help="Take what is right, and count the rest. Default is all, or nothing.",
)
def import_(file: Path, kind: Any, voice: str | None, replace: bool, keep_going: bool) -> None:
    """Add the words of FILE, or of standard input (`-`).

    Entries for the same word, language and context make way. If a line can't be taken, nothing is
    changed, and the message names it.

    \b
    Examples:
      vinovits lexicon import words.csv
      vinovits lexicon import user_dict.json --format voicevox --voice miko
      vinovits lexicon import cmudict.dict --keep-going
    """
    from vinovits.lexicons import add as put
    from vinovits.lexicons import changing

    path = _file(voice)
    name = "standard input" if str(file) == "-" else str(file)
    contents = _contents(file, kind, name)
    if not keep_going:
        contents.check(name)
    if not contents.entries:
        raise LexiconError(f"{name} holds no entries.")
    with changing(path) as entries:
        taken_out = len(entries) if replace else 0
        if replace:
            entries.clear()
        before = len(entries)
        changed = len(put(entries, contents.entries))
        added = len(entries) - before
    told = [f"{_counted(added, 'entry', 'entries')} added"]
    if changed:
        told.append(f"{changed:,} changed")
    if taken_out:
        told.append(f"{taken_out:,} taken out")
    if contents.skipped:
        told.append(f"{_counted(contents.skipped, 'further reading', 'further readings')} left out")
    if contents.faults:
        told.append(f"{len(contents.faults):,} can't be taken")
    click.echo(f"{', '.join(told)}: {path}", err=True)
    for fault in contents.faults[:_FAULTS_SHOWN]:
        click.echo(f"note: {fault}", err=True)


@lexicon.command(short_help="Write the words to a file.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "kind",
    type=click.Choice(["csv", "json"]),
    help="Default is what the name of the file ends in.",
)
@voice_option
def export(file: Path, kind: str | None, voice: str | None) -> None:
    """Write your entries to FILE, or to standard output (`-`).

    Both formats hold all of an entry, and `import` reads them.

    \b
    Examples:
      vinovits lexicon export words.csv
      vinovits lexicon export - --format json --voice miko
    """
    from vinovits.lexicons import entries_of
    from vinovits.output.atomic import atomic_file
    from vinovits.text.lexicon.formats import to_csv, to_json

    kind = kind or {".csv": "csv", ".json": "json"}.get(file.suffix.lower())
    if kind is None:
        raise UsageError(f"Name the format of {file}: --format csv or --format json.")
    entries = entries_of(_file(voice))
    text = to_csv(entries) if kind == "csv" else to_json(entries)
    if str(file) == "-":
        click.echo(text, nl=False)
        return
    with atomic_file(file) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
    click.echo(f"{_counted(len(entries), 'entry', 'entries')}: {file}", err=True)


def _voice(voice: str) -> tuple[str, Path]:
    """Name and folder of a voice."""
    from vinovits.voices.manifest import read_manifest
    from vinovits.voices.store import find_voice

    folder = find_voice(voice)
    return read_manifest(folder).name, folder


def _file(voice: str | None) -> Path:
    from vinovits.lexicons import user_file, voice_file

    return user_file() if voice is None else voice_file(_voice(voice)[0])


def _contents(file: Path, kind: Any, name: str) -> Contents:
    from vinovits.lexicons import read_file
    from vinovits.text.lexicon.formats import LARGEST, parse

    if str(file) != "-":
        return read_file(file, kind)
    if sys.stdin is None:
        raise UsageError("Standard input is closed. Name a file.")
    return parse(sys.stdin.buffer.read(LARGEST + 1), name, kind)


def _unknown(word: str, language: str | None, words: list[str], path: Path) -> str:
    close = difflib.get_close_matches(word, dict.fromkeys(words), n=1, cutoff=0.5)
    hint = f" Did you mean {close[0]!r}?" if close and close[0] != word else ""
    what = f"{word!r}" + (f" in the language {language}" if language else "")
    return f"There is no entry for {what} in {path}.{hint}"


def _as_data(entry: LexiconEntry, source: str) -> dict[str, Any]:
    return {
        "written": entry.written,
        "language": entry.language,
        "reading": entry.reading,
        "context": list(entry.context),
        "priority": entry.priority,
        "from": source,
    }


def _counted(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
