"""`vinovits phones`: how a text is read, word by word, without speaking it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vinovits.cli.streams import print_table, table
from vinovits.cli.text_source import get_text, markup_of
from vinovits.errors import TextError, UsageError
from vinovits.output.readings import reading_data

if TYPE_CHECKING:
    from rich.table import Table

    from vinovits.engine.readers import ReadingModels
    from vinovits.text.front_ends import Reading
    from vinovits.text.markup import Markup
    from vinovits.text.reading import Sentence

_STYLES = {"network": "yellow", "fallback": "red", "": "dim"}
"""Of sources, in a terminal: what may be wrong stands out."""


@click.command(short_help="Show how a text is read: words, readings, phones, tones.")
@click.argument("text", required=False)
@click.option(
    "--file",
    "-f",
    type=click.Path(path_type=Path),
    help="Read the text from this file (`-` is standard input).",
)
@click.option(
    "--voice",
    "-v",
    help="Read as for this voice: its name, or the path of its folder. Default is joe.",
)
@click.option(
    "--family",
    help="Read as for voices of this family, such as 2.1, in place of --voice.",
)
@click.option(
    "--language",
    "-l",
    help="The language of the text: zh, ja or en. Without it, each part is read in the language of "
    "the voice that it seems to be in.",
)
@click.option(
    "--reading",
    type=click.Choice(["better", "released"]),
    help="`released` reads as the front end that came with the voice's family does, faults "
    "included. Default is what the voice was made for.",
)
@click.option(
    "--markup",
    type=click.Choice(["auto", "off", "plain", "ssml", "html", "markdown"]),
    default="auto",
    show_default=True,
    help="What the text is written in, as for `vinovits say`.",
)
@click.option(
    "--lexicon",
    metavar="FILE",
    help="Readings that go before those of your lexicons; `none` is without any lexicon.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def phones(
    text: str | None,
    file: Path | None,
    voice: str | None,
    family: str | None,
    language: str | None,
    reading: Reading | None,
    markup: Markup,
    lexicon: str | None,
    as_json: bool,
) -> None:
    """Show how a text is read: each word with its reading, phones and tones, and where they are
    from.

    The reading is written as people write it: ARPAbet, pinyin, kana. Its source is a `dictionary`;
    the `context`, which chose one of several readings; a `rule`, which made it of other words;
    `spelled` for letter by letter; a `network`, whose guess may be wrong; the `lexicon` of the
    user; `markup` in the text; or a `fallback`, the nearest there was. What is left out is told on
    standard error.

    \b
    Examples:
      vinovits phones "I read what you have read."
      vinovits phones --reading released --family 2.1 "It weighs 2.5 kg."
      vinovits phones --json "Hello." | jq -r .sentences[].words[].reading
    """
    from vinovits.engine.scripts import lexicon_of, to_script
    from vinovits.text.front_ends import read

    wanted = get_text(text, file)
    reader = _reader(voice, family, language)
    script = to_script(
        wanted,
        markup_of(markup, file),
        lexicon_of(lexicon, reader.voice, reader.folder),
        reader.languages,
    )
    reading = reading or reader.reading
    tools = reader.models.tools(reader.languages, reading)
    sentences = read(script, reader.languages, reader.family, reading, tools)
    first = next(sentences, None)
    if first is None:
        raise TextError("There is nothing in this text that can be spoken.")
    if as_json:
        _print_json(chain([first], sentences))
    else:
        _print_tables(chain([first], sentences))


@dataclass(frozen=True, slots=True)
class _Reader:
    """As whom to read."""

    family: str
    languages: tuple[str, ...]
    """Codes of those that the text may be in."""
    reading: Reading
    """If none is asked for."""
    voice: str
    """Name of the voice; "" for none in particular."""
    folder: Path | None
    models: ReadingModels


def _reader(voice: str | None, family: str | None, language: str | None) -> _Reader:
    from vinovits.engine.readers import RELEASED_ENGLISH, ReadingModels, english_model
    from vinovits.graphs import default_cache_dir

    where = "cpu", default_cache_dir()
    if family is not None:
        from vinovits.text.symbols import TABLES

        if voice is not None:
            raise UsageError("Give either --voice or --family.")
        if family not in TABLES:
            raise UsageError(f"There is no family {family!r}. There are {', '.join(TABLES)}.")
        spoken = tuple(TABLES[family].languages)
        if language not in (None, *spoken):
            raise UsageError(
                f"Voices of the family {family} don't speak {language!r:.20}. They speak "
                f"{', '.join(spoken)}."
            )
        models = ReadingModels(RELEASED_ENGLISH, *where)
        languages = spoken if language is None else (language,)
        return _Reader(family, languages, "better", "", None, models)
    from vinovits.voices.manifest import open_folder
    from vinovits.voices.store import find_voice

    folder = find_voice(voice or "joe")
    manifest = open_folder(folder)
    models = ReadingModels(english_model(manifest.features), *where)
    return _Reader(
        manifest.variant,
        manifest.spoken(language),
        manifest.reading,
        manifest.name,
        folder,
        models,
    )


def _print_json(sentences: Iterator[Sentence]) -> None:
    """Print an object with one sentence a line, as they are read."""
    separator = '{"sentences": [\n'
    for sentence in sentences:
        click.echo(separator + json.dumps(reading_data(sentence), ensure_ascii=False), nl=False)
        separator = ",\n"
    click.echo("\n]}")


def _print_tables(sentences: Iterator[Sentence]) -> None:
    """Print a table of words for each sentence, under its text without markup."""
    notes: dict[str, None] = {}
    for number, sentence in enumerate(sentences):
        if number:
            click.echo()
        written = sentence.text if sentence.shown is None else sentence.shown.text
        click.echo(" ".join(written.split()))
        print_table(_rows(sentence))
        notes |= dict.fromkeys(sentence.notes)
    for note in notes:
        click.echo(f"note: {note}", err=True)


def _rows(sentence: Sentence) -> Table:
    from rich.text import Text

    rows = table("word", "reading", "language", "phones", "tones", "source")
    for word in sentence.words:
        rows.add_row(
            word.text,
            word.reading,
            "" if word.is_punctuation else word.language or sentence.language,
            " ".join(word.phones),
            " ".join(map(str, word.tones)),
            Text(word.source, style=_STYLES.get(word.source, "")),
        )
    return rows
