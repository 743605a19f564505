"""Files that lexicons come in: our own CSV and JSON, and those of others."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from vinovits.errors import LexiconError
from vinovits.text.lexicon.entry import USUAL_PRIORITY, LexiconEntry, checked
from vinovits.text.lexicon.folding import fold

Kind = Literal["csv", "json", "cmudict", "voicevox", "tsv", "pls"]
"""Our CSV and JSON; the CMU Pronouncing Dictionary; user_dict.json of VOICEVOX; a word, a tab and a
reading in each line; W3C PLS 1.0."""

FORMAT = 1
"""The version of our JSON that this release writes and reads."""
LARGEST = 64 << 20
"""Bytes of a file that is read."""

_COLUMNS = ("written", "language", "reading", "context", "priority")
_BETWEEN = "|"
"""Stands between context words in CSV."""
_FORMULA = tuple("=+-@'")
"""What a spreadsheet takes for the beginning of a formula; an apostrophe before it says that it
isn't one."""
_ENCODINGS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SUFFIXES: dict[str, Kind] = {
    **{".csv": "csv", ".tsv": "tsv", ".pls": "pls", ".xml": "pls"},
    **{".dict": "cmudict", ".cmudict": "cmudict"},
}
_CMU_LINE = re.compile(r"(\S+?)(\(\d+\))?\s+([A-Z]+[0-2]?(?:\s+[A-Z]+[0-2]?)*)\s*(?:#.*)?\Z")
_SHOWN = 3
"""Faults that a message quotes."""


@dataclass(frozen=True, slots=True)
class Row:
    """What a file says of one word."""

    where: str
    """Such as "line 3"."""
    fields: Mapping[str, Any] | str
    """Those of a `LexiconEntry`; or what is wrong with the row."""


@dataclass(frozen=True, slots=True)
class Contents:
    """The words of a file."""

    entries: tuple[LexiconEntry, ...]
    """Those that are right, in order."""
    faults: tuple[str, ...] = ()
    """What is wrong with the others: sentences that begin with the place, such as "line 3"."""
    skipped: int = 0
    """Further readings of words, of which one is taken."""

    def check(self, name: str) -> None:
        """Refuse a file that holds a fault.

        Args:
            name: The file's.

        Raises:
            LexiconError: It quotes the first faults, and tells how many there are.
        """
        if self.faults:
            more = len(self.faults) - _SHOWN
            raise LexiconError(
                "\n  ".join(
                    (
                        f"{name} has {len(self.faults):,} "
                        f"{'entry' if len(self.faults) == 1 else 'entries'} that can't be taken:",
                        *self.faults[:_SHOWN],
                        *([f"and {more:,} more."] if more > 0 else []),
                    )
                )
            )


def parse(data: bytes, name: str, kind: Kind | Literal["auto"] = "auto") -> Contents:
    """Read the words of a file.

    Args:
        data: What it holds.
        name: Its name: its end may tell its kind, and messages quote it.
        kind: What it is; "auto" for what it looks like.

    Returns:
        Its words, their readings checked.

    Raises:
        LexiconError: As a whole it can't be read.
    """
    if len(data) > LARGEST:
        raise LexiconError(f"{name} has more than {LARGEST >> 20} MB: too much for a lexicon.")
    if kind == "auto":
        kind = _guess(data, name)
    if kind not in _READERS:
        raise LexiconError(f"There is no format {kind!r}. Take {', '.join(get_args(Kind))}.")
    entries: list[LexiconEntry] = []
    faults: list[str] = []
    skipped = 0
    for row in _READERS[kind](data, name):
        if row is None:
            skipped += 1
            continue
        try:
            if isinstance(row.fields, str):
                raise LexiconError(row.fields)
            entries.append(checked(LexiconEntry(**row.fields)))
        except LexiconError as error:
            faults.append(f"{row.where}: {error}")
    return Contents(tuple(entries), tuple(faults), skipped)


def stored(data: bytes, name: str) -> list[LexiconEntry]:
    """The entries of our own JSON. Readings aren't checked; those that are met will be.

    Raises:
        LexiconError: It isn't our JSON, or an entry isn't one.
    """
    entries = []
    for row in _json_rows(data, name):
        assert row is not None
        try:
            if isinstance(row.fields, str):
                raise LexiconError(row.fields)
            entries.append(LexiconEntry(**row.fields))
        except LexiconError as error:
            raise LexiconError(f"{name}, {row.where}: {error}") from None
    return entries


def to_csv(entries: Iterable[LexiconEntry]) -> str:
    """Entries as CSV. Its mark at the beginning tells spreadsheets that it is UTF-8."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for entry in entries:
        cells = (entry.written, entry.language, entry.reading, _BETWEEN.join(entry.context))
        writer.writerow([*map(_as_text, cells), entry.priority])
    return "\ufeff" + text.getvalue()


def to_json(entries: Iterable[LexiconEntry]) -> str:
    """Entries as JSON, one a line."""
    lines = ",\n".join("  " + json.dumps(_as_data(entry), ensure_ascii=False) for entry in entries)
    return f'{{\n "format": {FORMAT},\n "entries": [\n{lines}\n ]\n}}\n'


def _as_data(entry: LexiconEntry) -> dict[str, Any]:
    data = {name: getattr(entry, name) for name in _COLUMNS}
    if not entry.context:
        del data["context"]
    if entry.priority == USUAL_PRIORITY:
        del data["priority"]
    return data


def _as_text(cell: str) -> str:
    return "'" + cell if cell.startswith(_FORMULA) else cell


def _from_text(cell: str) -> str:
    cell = cell.strip()
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def _decoded(data: bytes, name: str) -> str:
    mark, encoding = next((each for each in _ENCODINGS if data.startswith(each[0])), (b"", "utf-8"))
    try:
        return data[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise LexiconError(
            f"{name} isn't UTF-8: see line {line:,}. Save it as UTF-8 in an editor."
        ) from None


def _guess(data: bytes, name: str) -> Kind:
    """What a file seems to be, by its name and its beginning."""
    suffix = "." + name.rpartition(".")[2].lower()
    text = _decoded(data, name) if suffix not in (".pls", ".xml") else ""
    if text.lstrip()[:1] in ("{", "["):
        own = re.search(r'"(format|entries)"\s*:', text[:1000])
        return "json" if own else "voicevox"
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    if text.lstrip().startswith("<"):
        return "pls"
    lines = (line for line in text.splitlines() if line.strip())
    first = next(lines, "")
    if first.startswith(";;;"):
        return "cmudict"
    if "written" in first.lower() and "reading" in first.lower():
        return "csv"
    if "\t" in first:
        return "tsv"
    if _CMU_LINE.match(first):
        return "cmudict"
    raise LexiconError(
        f"It can't be told what {name} is. Name its format: {', '.join(get_args(Kind))}."
    )


def _csv_rows(data: bytes, name: str) -> Iterator[Row]:
    text = _decoded(data, name)
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        columns = [cell.strip().lower() for cell in next(reader, [])]
        if not {"written", "reading"}.issubset(columns) or not set(columns).issubset(_COLUMNS):
            raise LexiconError(
                f"{name} has the columns {', '.join(columns) or 'of nothing'}. The first line of "
                f"a CSV names them: {','.join(_COLUMNS)}; all but written and reading may lack."
            )
        behind = reader.line_num
        for cells in reader:
            where = f"line {behind + 1:,}"
            behind = reader.line_num
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) > len(columns):
                yield Row(where, f"It has {len(cells)} cells for {len(columns)} columns.")
                continue
            yield Row(where, _from_cells(dict(zip(columns, map(_from_text, cells), strict=False))))
    except csv.Error as error:
        raise LexiconError(f"{name}, line {reader.line_num:,}: it isn't CSV ({error}).") from None


def _from_cells(cells: dict[str, str]) -> Mapping[str, Any] | str:
    fields: dict[str, Any] = {"written": "", "reading": "", **cells}
    fields["context"] = tuple(filter(None, cells.get("context", "").split(_BETWEEN)))
    priority = cells.get("priority") or str(USUAL_PRIORITY)
    if not re.fullmatch("[0-9]{1,2}", priority):
        return f"The priority {priority!r:.60} is no number from 0 to 10."
    return {**fields, "priority": int(priority)}


def _json_rows(data: bytes, name: str) -> Iterator[Row]:
    found = _loaded(data, name)
    version = found.get("format") if isinstance(found, dict) else None
    if type(version) is not int or not isinstance(found.get("entries"), list):
        raise LexiconError(
            f'{name} isn\'t a lexicon: that is an object with "format": {FORMAT} and "entries", a '
            "list."
        )
    if version != FORMAT:
        raise LexiconError(
            f"{name} has format version {version}; this release reads version {FORMAT}."
            + (" Update vinovits." if version > FORMAT else "")
        )
    for number, data_of_one in enumerate(found["entries"], 1):
        yield Row(f"entry {number:,}", _from_data(data_of_one))


def _from_data(data: object) -> Mapping[str, Any] | str:
    if not isinstance(data, dict):
        return "It is no object."
    if unknown := sorted(set(data) - set(_COLUMNS)):
        return f"It has unknown keys: {', '.join(unknown)}. Known are: {', '.join(_COLUMNS)}."
    if missing := [key for key in ("written", "reading") if key not in data]:
        return f"It lacks the keys: {', '.join(missing)}."
    context = data.get("context", [])
    return {**data, "context": tuple(context) if isinstance(context, list) else context}


def _voicevox_rows(data: bytes, name: str) -> Iterator[Row]:
    found = _loaded(data, name)
    if not isinstance(found, dict):
        raise LexiconError(f"{name} is no dictionary of VOICEVOX: that is an object of words.")
    for key, word in found.items():
        if not isinstance(word, dict):
            yield Row(f"word {key!r:.60}", "It is no object.")
            continue
        surface, said = word.get("surface"), word.get("pronunciation")
        accent, priority = word.get("accent_type", 0), word.get("priority", USUAL_PRIORITY)
        where = f"word {surface or key!r:.60}"
        if not isinstance(surface, str) or not isinstance(said, str):
            yield Row(where, 'It has no text as "surface", or none as "pronunciation".')
        elif type(accent) is not int or accent < 0:
            yield Row(where, f"Its accent_type {accent!r:.60} is no number.")
        else:
            # VOICEVOX writes all words in full-width characters.
            fields = {"written": fold(surface).text, "reading": f"{said}:{accent}"}
            yield Row(where, {**fields, "language": "ja", "priority": priority})


def _cmu_rows(data: bytes, name: str) -> Iterator[Row | None]:
    for number, line in enumerate(_decoded(data, name).splitlines(), 1):
        if not line.strip() or line.startswith((";;;", "#")):
            continue
        where = f"line {number:,}"
        match = _CMU_LINE.match(line)
        if match is None:
            yield Row(where, f"{line!r:.60} isn't a word, spaces, and phones in capitals.")
        elif match[2]:
            yield None
        else:
            # Its words are in capitals whatever they are.
            word = match[1].lower() if match[1].isupper() else match[1]
            yield Row(where, {"written": word, "reading": match[3], "language": "en"})


def _tsv_rows(data: bytes, name: str) -> Iterator[Row]:
    for number, line in enumerate(_decoded(data, name).splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) == 2:
            yield Row(f"line {number:,}", {"written": cells[0], "reading": cells[1]})
        else:
            yield Row(f"line {number:,}", f"{line!r:.60} isn't a word, a tab, and a reading.")


def _pls_rows(data: bytes, name: str) -> Iterator[Row | None]:
    from vinovits.text.lexicon.pls import lexemes

    for line, fields in lexemes(data, name):
        yield None if fields is None else Row(f"line {line:,}", fields)


def _loaded(data: bytes, name: str) -> Any:
    try:
        return json.loads(_decoded(data, name))
    except (ValueError, RecursionError) as error:
        raise LexiconError(f"{name} isn't valid JSON ({error}).") from None


_READERS: dict[Kind, Callable[[bytes, str], Iterator[Row | None]]] = {
    "csv": _csv_rows,
    "json": _json_rows,
    "cmudict": _cmu_rows,
    "voicevox": _voicevox_rows,
    "tsv": _tsv_rows,
    "pls": _pls_rows,
}
