"""Books as jobs: from an uploaded file to a book, and from its units to a file with chapters."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from pathlib import Path
from typing import Any, BinaryIO

from vinovits.batch.store import UnitStore, Work
from vinovits.books.apart import read_apart
from vinovits.books.mastering import need_av
from vinovits.books.model import Book, Cover, Kind
from vinovits.books.plan import Plan, PlannedBlock, PlannedChapter
from vinovits.books.publish import TIMINGS, Wanted, publish
from vinovits.books.reading import BOOKS
from vinovits.errors import MissingExtraError, TextError, UsageError
from vinovits.serve.errors import ApiError, late

_UPLOADS, _PREFIX = "uploads", "vinovits-"
"""The folder, in that of the jobs, where files lie while they are read; each in one of its own with
a name that begins so."""
COVER = "cover"
"""The file, beside the audio, that has the picture."""


def suffix_of(name: str) -> str:
    """The ending of an uploaded file's name, which is all that counts of it.

    Args:
        name: As the caller has it.

    Raises:
        ApiError: It is none that a book has.
    """
    _, dot, ending = name.rpartition(".")
    suffix = f"{dot}{ending}".lower()
    if suffix not in BOOKS:
        raise ApiError(
            400,
            f"The name of a book's file ends in one of {', '.join(BOOKS)}.",
            "not_a_book",
            param="file",
        )
    return suffix


def read_upload(
    file: BinaryIO, suffix: str, folder: Path, encoding: str | None, seconds: float
) -> Book:
    """Read an uploaded book; nothing of it is left on the disk.

    Args:
        file: Its content.
        suffix: From `suffix_of`.
        folder: Of the jobs.
        encoding: Of text files; None finds it out.
        seconds: That reading may take.

    Raises:
        ApiError: It is no such book, can't be read, and why, or takes too long to read.
        MissingExtraError: What reads or writes books isn't installed.
    """
    need_av()
    uploads = folder / _UPLOADS
    uploads.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(None, _PREFIX, uploads, ignore_cleanup_errors=True) as own:
        path = Path(own) / f"Book{suffix}"
        with path.open("xb") as target:
            shutil.copyfileobj(file, target)
        try:
            return read_apart(path, encoding, seconds)
        except MissingExtraError:
            raise
        except TimeoutError:
            raise late(seconds) from None
        except (TextError, UsageError) as error:
            told = str(error).replace(f"{path.parent}{os.sep}", "")
            told = told.replace("--encoding", "`encoding`")
    raise ApiError(400, told, "book_not_readable", param="file")


def forget_uploads(folder: Path) -> None:
    """Delete what a killed process was reading, and nothing else that lies there.

    Args:
        folder: Of the jobs, which may have been somebody's before.
    """
    for left in (folder / _UPLOADS).glob(f"{_PREFIX}*"):
        shutil.rmtree(left, ignore_errors=True)


def publish_job(
    store: UnitStore, work: Work, folder: Path, stop: threading.Event
) -> tuple[float, dict[str, Any]]:
    """Write the file of a book, with chapters, cover and tags, and its timings.

    Args:
        store: Has the units.
        work: The job.
        folder: For the files.
        stop: Ends it.

    Returns:
        Seconds of audio, and what is to be kept of the job beside what is.

    Raises:
        TextError: Nothing of it could be spoken.
        OutputError: A file can't be written.
        Stopped: The event was set.
    """
    data = work.data
    rates = (piece.sampling_rate for _, piece in store.pieces_and_gaps(work.id) if piece)
    rate = next(rates, None)
    if rate is None:
        raise TextError("Nothing of the book could be spoken.")
    total = store.progress(work.id).total
    plan = Plan(
        data["title"],
        data["author"],
        data["language"],
        tuple(
            PlannedChapter(
                chapter["title"],
                (PlannedBlock(Kind.TEXT.value, 0, chapter["first"], chapter["units"]),),
            )
            for chapter in data["chapters"]
        ),
        tuple(store.unit(work.id, number) for number in range(total)),
    )
    extension = f".{data['format']}"
    made = publish(
        store,
        plan,
        Wanted(folder / f"speech{extension}", extension, False, TIMINGS),
        rate,
        cover=_cover(folder, data["cover"]),
        narrator=data["voice"],
        work=work.id,
        stop=stop,
    )
    chapters = [
        {**chapter, "start": round(mark.start, 3), "end": round(mark.end, 3)}
        for chapter, mark in zip(data["chapters"], made.marks, strict=True)
    ]
    notes = list(data["notes"])
    if made.gaps:
        count = len(made.gaps)
        notes.append(
            f"{count} part{'s' if count > 1 else ''} couldn't be spoken: a low tone stands there."
        )
    return made.seconds, {"chapters": chapters, "notes": notes}


def _cover(folder: Path, media_type: str | None) -> Cover | None:
    path = folder / COVER
    if media_type is None or not path.is_file():
        return None
    return Cover(path.read_bytes(), media_type)
