"""Reading a stranger's book in a process of its own, which ends when it takes too much.

A file may be made so that a parser never ends, takes all memory, or crashes: then only that process
does.
"""

from __future__ import annotations

import base64
import json
import logging
import re
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vinovits.books.model import Block, Book, Chapter, Cover, Kind
from vinovits.books.reading import read_book
from vinovits.errors import MissingExtraError, TextError, UsageError

_log = logging.getLogger(__name__)

_COMMAND = (sys.executable, "-m", "vinovits.books.apart")
_MOST_MEMORY = 4 << 30
"""Bytes of addresses, of which a reader uses a part."""
_FAULTS = {kind.__name__: kind for kind in (TextError, UsageError, MissingExtraError)}


def read_apart(path: Path, encoding: str | None, seconds: float) -> Book:
    """Read a book in another process.

    Args:
        path: As `read_book` takes it.
        encoding: The same.
        seconds: After which the process is killed.

    Raises:
        UsageError, TextError, MissingExtraError: As `read_book` raises them; also if the process
            ends without a word.
        TimeoutError: It took too long.
    """
    try:
        done = subprocess.run(
            [*_COMMAND, str(path), encoding or ""],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TimeoutError from None
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        _log.error("What reads books has ended with %d: %s", done.returncode, last[:300])
        if done.returncode < 0 or last.startswith("MemoryError"):
            why = "is broken, or needs more memory to be read than a book may."
        else:
            # Its kind only: what else is said may name files of a server to a stranger.
            kind = re.match(r"[\w.]+(?=:|$)", last)
            named = f" ({kind[0]})" if kind else ""
            why = f"can't be read: it is broken in a way that wasn't foreseen{named}."
        raise TextError(f"{path.name} {why}") from None
    if "fault" in answer:
        raise _FAULTS[answer["fault"]](answer["message"])
    return _book(answer)


def _book(data: dict[str, Any]) -> Book:
    cover = data["cover"]
    return Book(
        data["title"],
        data["author"],
        tuple(
            Chapter(
                chapter["title"],
                tuple(Block(**{**one, "kind": Kind(one["kind"])}) for one in chapter["blocks"]),
            )
            for chapter in data["chapters"]
        ),
        data["language"],
        None if cover is None else Cover(base64.b64decode(cover["data"]), cover["media_type"]),
        tuple(data["notes"]),
    )


def _bound_memory() -> None:
    if sys.platform != "win32":
        import resource

        with suppress(ValueError, OSError):  # it is bounded lower already
            resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))


def main() -> None:
    """Read the book that the command line names, and print it, or what is wrong, as JSON."""
    _bound_memory()
    path = Path(sys.argv[1])
    answer: dict[str, Any]
    try:
        answer = asdict(read_book(path, sys.argv[2] or None))
        if (cover := answer["cover"]) is not None:
            cover["data"] = base64.b64encode(cover["data"]).decode("ascii")
    except tuple(_FAULTS.values()) as error:
        kind = next(name for name, kind in _FAULTS.items() if isinstance(error, kind))
        answer = {"fault": kind, "message": str(error)}
    except RecursionError:
        message = f"{path.name} is broken: what is in it is nested too deep."
        answer = {"fault": "TextError", "message": message}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
