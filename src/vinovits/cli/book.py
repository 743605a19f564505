"""`vinovits book`: an audiobook from a book."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from vinovits.cli.making import Making, Show, list_failed, making_options
from vinovits.cli.speaking import (
    FileName,
    check_speaking,
    lexicon_entries,
    plain_settings,
    speaking_options,
)
from vinovits.cli.streams import print_table, table
from vinovits.errors import TextError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vinovits.batch.speakers import Speakers
    from vinovits.batch.store import Unit
    from vinovits.books.casting import Cast
    from vinovits.books.job import Order
    from vinovits.books.model import Book
    from vinovits.books.plan import Plan
    from vinovits.text.subtitles import Cue

_DOUBTFUL = ("fallback", "network", "spelled")
"""Sources of readings that nobody has written down."""
_GUESSED = "Guessed how to say"
"""How notes begin that tell the same."""
_SHOWN = 40


@click.command(short_help="An audiobook from a book.")
@click.argument("file", metavar="INPUT", type=click.Path(path_type=Path))
@click.option(
    "--out",
    "-o",
    type=FileName("book.m4b"),
    help="A file for the whole (.m4b, .mp3, .opus, .flac, .wav, or .epub for text and audio "
    "together), or a folder for a file for each chapter. Default is INPUT's name with .m4b.",
)
@click.option("--format", "-t", "extension", help="Of the files in a folder. Default is mp3.")
@click.option(
    "--timings",
    multiple=True,
    type=click.Choice(["srt", "vtt", "lrc", "json"]),
    help="Write what is heard when beside each file; may be given several times.",
)
@click.option(
    "--cast", "cast_file", type=FileName("cast.yaml"), help="Who reads what: a YAML file."
)
@click.option(
    "--check",
    is_flag=True,
    help="Speak nothing: list the chapters, and words whose readings are guessed.",
)
@click.option("--title", help="Default is what the book says.")
@click.option("--author", help="Default is what the book says.")
@click.option("--cover", type=FileName("cover.jpg"), help="A JPEG or PNG. Default is the book's.")
@click.option("--encoding", help="Of a text file. Default is found out.")
@click.option(
    "--tags/--no-tags",
    default=None,
    help="Whether tags in square brackets are markup. Default: in text and Markdown.",
)
@click.option("--notes/--no-notes", default=False, help="Read foot and end notes.")
@click.option("--tables/--no-tables", default=False, help="Read tables, row by row.")
@click.option("--code/--no-code", default=False, help="Read code.")
@click.option("--captions/--no-captions", default=True, help="Read captions of pictures.")
@click.option(
    "--gaps",
    type=click.Choice(["fail", "mark"]),
    default="fail",
    show_default=True,
    help="What becomes of paragraphs that can't be spoken: no book, or a low tone in their place.",
)
@click.option(
    "--proof",
    metavar="MODEL",
    help="Hear all English with this Whisper model (a folder, or a name that faster-whisper has), "
    "and speak again what it misses.",
)
@click.option(
    "--fastest",
    type=click.FloatRange(1.0, 4.0),
    default=1.3,
    show_default=True,
    help="Of subtitles: at most so many times as fast, to fit a slot.",
)
@click.option(
    "--work",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where units are kept. Default is a hidden folder beside the result.",
)
@click.option("--clean", is_flag=True, help="Delete the units when the book is written.")
@making_options
@speaking_options
def book(
    file: Path,
    out: Path | None,
    extension: str | None,
    timings: tuple[str, ...],
    cast_file: Path | None,
    check: bool,
    gaps: Literal["fail", "mark"],
    proof: str | None,
    fastest: float,
    work: Path | None,
    clean: bool,
    making: Making,
    title: str | None,
    author: str | None,
    cover: Path | None,
    encoding: str | None,
    tags: bool | None,
    notes: bool,
    tables: bool,
    code: bool,
    captions: bool,
    **speaking: Any,
) -> None:
    """Make an audiobook of INPUT: .txt, .md, .html, .epub, .docx, .pdf with text; or speech for
    the subtitles .srt and .vtt, which fits their slots.

    The work is kept in units of a paragraph, so that the same command goes on where it was stopped
    or killed, and makes again only what has changed: a word in the lexicon, a line of the cast.

    \b
    Examples:
      vinovits book novel.epub --check
      vinovits book novel.epub --out novel.m4b --workers 2
      vinovits book novel.epub --out chapters --format opus --timings lrc
      vinovits book play.md --cast cast.yaml --out play.epub
      vinovits book film.srt --out film.wav
    """
    from vinovits.batch.fit import check_fit
    from vinovits.books.dubbing import dubbing_units
    from vinovits.books.reading import SUBTITLES, read_cues

    check_speaking(speaking)
    settings, lexicon, loading = plain_settings(speaking)
    cast = _cast(cast_file, settings)
    if cast.lexicon is not None:
        lexicon = [*lexicon_entries(cast.lexicon), *lexicon]
    show = making.show()
    if file.suffix.lower() in SUBTITLES:
        for_books = {
            "--format": extension, "--timings": timings, "--title": title, "--author": author,
            "--cover": cover, "--tags and --no-tags": tags is not None, "--notes": notes,
            "--tables": tables, "--code": code, "--no-captions": not captions,
            "--gaps mark": gaps == "mark", "--proof": proof,
        }  # fmt: skip
        if given := [name for name, is_given in for_books.items() if is_given]:
            raise UsageError(
                f"Leave out {', '.join(given)}: for books only; subtitles are spoken as they stand."
            )
        cues = read_cues(file, encoding)
        units = dubbing_units(cues, cast)
        check_fit(units)
        if check:
            click.echo(f"Cues that can be heard: {len(units)}")
            _check(units, loading)
            return
        out = out or file.with_suffix(".wav")
        _dub(
            cues,
            cast,
            making.speakers(loading),
            out,
            work or _units_of(out),
            fastest,
            show,
            clean=clean,
        )
        return
    from vinovits.books.model import Include
    from vinovits.books.plan import make_plan
    from vinovits.books.publish import wanted

    source = _titled(_read(file, encoding, tags), title, author, cover)
    for note in source.notes:
        show.say(note)
    plan = make_plan(source, cast, Include(notes, tables, code, captions), lexicon)
    check_fit(plan.units)
    if check:
        _show_chapters(plan)
        _check(plan.units, loading)
        return
    want = wanted(out or file.with_suffix(".m4b"), extension, timings)
    from vinovits.books.job import Order
    from vinovits.whisper import Whisper

    order = Order(
        plan,
        want,
        work or _units_of(want.out),
        source.cover,
        str(cast.role("narrator")["voice"]),
        gaps,
        None if proof is None else Whisper(proof, language="en"),
    )
    _make(order, making.speakers(loading), show, clean=clean)


def _cast(path: Path | None, settings: dict[str, Any]) -> Cast:
    from vinovits.books.casting import plain_cast, read_cast

    return plain_cast(settings) if path is None else read_cast(path, settings)


def _read(path: Path, encoding: str | None, tags: bool | None) -> Book:
    from vinovits.books.reading import read_book

    return read_book(path, encoding, tags=tags)


def _titled(book: Book, title: str | None, author: str | None, cover: Path | None) -> Book:
    """The book with what the user says of it."""
    from vinovits.books.model import Cover

    book = replace(book, title=title or book.title, author=author or book.author)
    if cover is None:
        return book
    try:
        data = cover.read_bytes()
    except OSError as error:
        raise UsageError(
            f"The cover {cover} can't be read: {(error.strerror or str(error)).lower()}."
        ) from None
    kinds = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG": "image/png"}
    kind = next((kind for mark, kind in kinds.items() if data.startswith(mark)), None)
    if kind is None:
        raise UsageError(f"The cover {cover} is neither a JPEG nor a PNG.")
    return replace(book, cover=Cover(data, kind))


def _units_of(out: Path) -> Path:
    """The hidden folder in which the units of a result are kept."""
    return out / ".units" if not out.suffix or out.is_dir() else out.parent / f".{out.name}.units"


def _show_chapters(plan: Plan) -> None:
    chapters = table("chapter", "characters", "paragraphs", right=("characters", "paragraphs"))
    for chapter in plan.chapters:
        size = sum(len(plan.units[n].text) for n in range(chapter.first, chapter.end))
        chapters.add_row(chapter.title or "(untitled)", f"{size:,}", str(len(chapter.blocks)))
    print_table(chapters)


def _check(units: Sequence[Unit], loading: dict[str, Any]) -> None:
    """Print which readings are guessed, and which parts can't be read at all."""
    import vinovits

    doubts: Counter[tuple[str, str, str]] = Counter()
    notes: Counter[str] = Counter()
    unread: list[Unit] = []
    voices = {name: vinovits.load(name, **loading) for name in {unit.voice for unit in units}}
    for unit in units:
        own = {name: unit.settings.get(name) for name in ("language", "reading")}
        lexicon = _lexicon_of(unit.settings.get("lexicon"))
        try:
            sentences = voices[unit.voice].read(unit.text, markup="plain", lexicon=lexicon, **own)
        except TextError as error:
            unread.append(replace(unit, error=str(error)))
            continue
        for sentence in sentences:
            notes.update(note for note in sentence.notes if not note.startswith(_GUESSED))
            for word in sentence.words:
                if word.source in _DOUBTFUL:
                    doubts[word.text, word.reading, word.source] += 1
    if doubts:
        words = table("times", "word", "read as", "by", right=("times",))
        for (text, reading, source), count in doubts.most_common(_SHOWN):
            words.add_row(str(count), text, reading, source)
        print_table(words)
        rest = len(doubts) - _SHOWN
        if rest > 0:
            click.echo(f"and {rest} more words.")
        click.echo("Give those that are wrong in a lexicon: `vinovits lexicon add WORD READING`.")
    for note, count in notes.most_common(_SHOWN):
        click.echo(f"{count} x {note}")
    if unread:
        list_failed(unread)
        raise TextError(
            f"{len(unread)} of {len(units)} parts can't be spoken. Mend the text, or the cast."
        )
    if not doubts and not notes:
        click.echo("All words have known readings.")


def _lexicon_of(entries: Any) -> Any:
    from vinovits.batch.speakers import as_lexicon

    return as_lexicon(entries) if isinstance(entries, list) else entries


def _make(order: Order, speakers: Speakers, show: Show, *, clean: bool) -> None:
    from vinovits.books.job import UnspokenError, Watch, make_book

    with show.progress() as bar, closing(speakers):
        watch = Watch(begun=bar.begun, step=bar.step, stage=bar.stage, heard=bar.heard)
        try:
            made = make_book(order, speakers, watch=watch, clean=clean)
        except UnspokenError as error:
            bar.end()
            show.failed(error.outcome.failed)
            raise
    show.book(made, order, kept=not clean)


def _dub(
    cues: Sequence[Cue],
    cast: Cast,
    speakers: Speakers,
    out: Path,
    folder: Path,
    fastest: float,
    show: Show,
    *,
    clean: bool,
) -> None:
    from vinovits.books.dubbing import dub
    from vinovits.books.job import UnspokenError
    from vinovits.books.mastering import ENCODINGS

    if out.suffix.lower() not in ENCODINGS:
        raise UsageError(f"Speech for subtitles is written as {', '.join(ENCODINGS)}.")
    with show.progress() as bar, closing(speakers):
        try:
            made = dub(
                cues, cast, speakers, folder, out,
                fastest=fastest, begun=bar.begun, tell=bar.step, clean=clean,
            )  # fmt: skip
        except UnspokenError as error:
            bar.end()
            show.failed(error.outcome.failed)
            raise
    show.dubbed(made, out, None if clean else folder)
