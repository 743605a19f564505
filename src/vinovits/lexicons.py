"""Lexicons that are kept: the user's, one for each voice, and those that come with voices.

Each is a JSON file. One process at a time changes it, and it appears whole or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from vinovits.errors import LexiconError, UsageError
from vinovits.output.atomic import atomic_file, write_error
from vinovits.places import own
from vinovits.text.lexicon import Lexicon, LexiconEntry, check_loops
from vinovits.text.lexicon.formats import LARGEST, Contents, Kind, parse, stored, to_json

SHIPPED = "lexicon.json"
"""Name of the lexicon in the folder of a voice."""

_RESERVED = re.compile(r'[<>:"|?*%\x00-\x1f]')
"""What the name of a file can't hold on some systems, and the sign that stands for it."""
_Stamp = tuple[int, int, int]
"""By which it is seen that a file has changed."""
_NO_FILE: _Stamp = (0, 0, 0)
_MOST_KEPT = 32
"""Lexicons in memory."""

_read: dict[tuple[Path, str], tuple[_Stamp, Lexicon]] = {}
_merged: dict[tuple[str, Path], tuple[tuple[Lexicon, ...], Lexicon]] = {}


def user_file() -> Path:
    """Where the user's entries for all voices lie; the file need not exist."""
    return own("lexicons") / "user.json"


def voice_file(name: str) -> Path:
    """Where the user's entries for one voice lie; the file need not exist.

    Args:
        name: The voice's, as its manifest has it.
    """
    safe = _RESERVED.sub(lambda sign: f"%{ord(sign[0]):02X}", name)
    return own("lexicons") / "voices" / f"{safe}.json"


def for_voice(name: str, folder: Path) -> Lexicon:
    """What counts when a voice speaks: the user's entries for it, those in its folder, the user's.

    Files that haven't changed aren't read again.

    Args:
        name: The voice's, as its manifest has it.
        folder: Where it lies; a lexicon.json in it came with the voice.

    Raises:
        LexiconError: A file can't be read, or isn't a lexicon.
    """
    parts = tuple(load(path) for path in (voice_file(name), folder / SHIPPED, user_file()))
    before = _merged.get((name, folder))
    # What a lexicon has found out about its aliases is worth keeping.
    if before is None or before[0] != parts:
        before = _merged[name, folder] = parts, parts[0].over(*parts[1:])
        if len(_merged) > _MOST_KEPT:
            _merged.pop(next(iter(_merged)), None)
    return before[1]


def load(path: Path) -> Lexicon:
    """A kept lexicon; an empty one if there is no such file.

    Raises:
        LexiconError: It can't be read, or isn't one.
    """
    return _cached(path, "stored", lambda: Lexicon(*entries_of(path)))


def read_lexicon(path: Path, kind: Kind | Literal["auto"] = "auto") -> Lexicon:
    """A lexicon from a file that the user names (`say --lexicon FILE`).

    Args:
        path: The file.
        kind: "csv", "json", "cmudict", "voicevox", "tsv", "pls", or "auto" for what it looks like.

    Raises:
        UsageError: It isn't there, or can't be read.
        LexiconError: It holds what can't be right; the message names the lines.
    """

    def read() -> Lexicon:
        contents = read_file(path, kind)
        contents.check(str(path))
        check_loops(contents.entries)
        return Lexicon(*contents.entries)

    return _cached(path, kind, read)


def read_file(path: Path, kind: Kind | Literal["auto"] = "auto") -> Contents:
    """The words of a file of any format that the user names.

    Raises:
        UsageError: It isn't there, or can't be read.
        LexiconError: It is of no such format.
    """
    try:
        data = _bytes(path)
    except LexiconError as error:
        raise UsageError(str(error)) from None
    if data is None:
        raise UsageError(f"There is no lexicon {path}.")
    return parse(data, str(path), kind)


def entries_of(path: Path) -> list[LexiconEntry]:
    """The entries of a kept lexicon; none if there is no such file.

    Raises:
        LexiconError: It can't be read, or isn't one.
    """
    data = _bytes(path)
    if data is None:
        return []
    try:
        return stored(data, str(path))
    except LexiconError as error:
        raise LexiconError(
            f"{error} Repair the file in an editor, or move it away; until then nothing is "
            "written to it."
        ) from None


@contextmanager
def changing(path: Path) -> Iterator[list[LexiconEntry]]:
    """Change a kept lexicon, while no other process does.

    Args:
        path: The file; its folder is made.

    Yields:
        Its entries, to be changed in place: they are written if the block succeeds.

    Raises:
        LexiconError: The file can't be read, or isn't a lexicon: it stays as it is.
        OutputError: It can't be written.
    """
    import filelock

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(path.parent / f".{path.name}.lock")
        lock.acquire()
    except OSError as error:
        raise write_error(path, error) from error
    try:
        entries = entries_of(path)
        before = list(entries)
        yield entries
        if entries != before:
            with atomic_file(path) as part:
                part.write_text(to_json(entries), encoding="utf-8", newline="\n")
    finally:
        lock.release()


def add(entries: list[LexiconEntry], new: Iterable[LexiconEntry]) -> list[LexiconEntry]:
    """Put entries among others, in the place of those for the same word, language and context.

    Args:
        entries: Changed in place.
        new: Of two for the same, the last counts.

    Returns:
        Those that made way, each with other contents than the one in its place.

    Raises:
        LexiconError: Aliases would lead in a loop; nothing is changed.
    """
    merged = {_identity(entry): entry for entry in entries}
    replaced = []
    for entry in new:
        before = merged.get(_identity(entry))
        if before is not None and before != entry:
            replaced.append(before)
        merged[_identity(entry)] = entry
    check_loops(merged.values())
    entries[:] = merged.values()
    return replaced


def _identity(entry: LexiconEntry) -> tuple[str, str, tuple[str, ...]]:
    return entry.written, entry.language, entry.context


def _cached(path: Path, kind: str, read: Callable[[], Lexicon]) -> Lexicon:
    """What was read of a file, if it hasn't changed since."""
    try:
        status = path.stat()
        stamp = status.st_mtime_ns, status.st_size, status.st_ino
    except (OSError, ValueError):
        stamp = _NO_FILE
    key = path.absolute(), kind
    kept = _read.get(key)
    if kept is None or kept[0] != stamp:
        kept = _read[key] = stamp, read()
        if len(_read) > _MOST_KEPT:
            _read.pop(next(iter(_read)), None)
    return kept[1]


def _bytes(path: Path) -> bytes | None:
    """What a file holds, or a byte more than is taken; None: there is no such file."""
    try:
        if path.exists() and not path.is_file():
            raise LexiconError(f"{path} is no file.")
        with path.open("rb") as file:
            return file.read(LARGEST + 1)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise LexiconError(f"{path} can't be read: {reason}.") from None
