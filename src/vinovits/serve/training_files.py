"""What users give to a training: recordings and their texts, taken in within bounds."""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

from vinovits.errors import UsageError
from vinovits.output.atomic import atomic_file, write_error

SOUNDS = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff")
"""Names of recordings that are taken: what libsndfile knows by the header."""
TEXTS = (".txt", ".lab", ".srt", ".vtt")
"""What may lie beside a recording. Lists aren't taken: their lines name paths."""
_MOST_FILES = 5000
_MOST_BYTES = 8 << 30
_MOST_TEXT = 1 << 20
_LEAST_FREE = 512 << 20
"""Bytes of the disk that stay free."""
_LONGEST = 6 * 3600.0
"""Seconds of a recording."""
_ODD = re.compile(r"[^\w .()-]+")


def take_files(files: Sequence[Path], folder: Path) -> int:
    """Copy uploads into the folder of the recordings, all or none.

    One whose name is there already takes the place of that one.

    Args:
        files: Recordings, and texts that belong to one of the same name.
        folder: Made if it isn't there.

    Returns:
        How many recordings came.

    Raises:
        OutputError: The disk is full, or the folder can't be written.
        UsageError: A file is no recording or text, belongs to none, two of them would have one
            name, or there are too many.
    """
    if not files:
        raise UsageError("Choose recordings first.")
    folder.mkdir(exist_ok=True)
    known = [path for path in folder.iterdir() if path.is_file()]
    _check_room(files, known, folder)
    names = {file: plain(file.name) for file in files}
    _check_names(names.values())
    sounds = [file for file in files if file.suffix.lower() in SOUNDS]
    for file in sounds:
        _check_sound(file)
    stems = {Path(names[file]).stem for file in sounds}
    stems |= {path.stem for path in known if path.suffix.lower() in SOUNDS}
    for file in files:
        if file not in sounds:
            _check_text(file, Path(names[file]).stem in stems)
    try:
        with ExitStack() as parts:  # all get their names once the last one is copied
            for file, name in names.items():
                shutil.copyfile(file, parts.enter_context(atomic_file(folder / name)))
    except OSError as error:
        raise write_error(folder, error) from error
    return len(sounds)


def plain(name: str) -> str:
    """A file's name without what means something to a system; alike names stay alike."""
    stem, dot, suffix = name.rpartition(".")
    kept = _ODD.sub("_", stem).strip(" .")[:80]
    if not dot or not kept:
        raise UsageError(f"{name!r:.60} isn't the name of a recording or text.")
    return f"{kept}.{_ODD.sub('_', suffix).lower()[:8]}"


def check_links(folder: Path) -> None:
    """Refuse a folder from which links lead elsewhere.

    Raises:
        UsageError: There is one.
    """
    for root, folders, names in os.walk(folder):
        for name in (*folders, *names):
            if (Path(root) / name).is_symlink():
                raise UsageError(f"{name!r:.60} is a link. Copy what it leads to in its place.")


def _check_names(names: Iterable[str]) -> None:
    # Some systems take large and small letters for the same.
    name, count = Counter(name.casefold() for name in names).most_common(1)[0]
    if count > 1:
        raise UsageError(
            f"{count} of these files would be named {name!r}: only letters, digits and `_ . - ( )` "
            "are kept of their names. Rename them."
        )


def _check_room(files: Sequence[Path], known: Sequence[Path], folder: Path) -> None:
    size = sum(file.stat().st_size for file in files)
    if len(files) + len(known) > _MOST_FILES:
        raise UsageError(f"A training takes {_MOST_FILES} files at the most.")
    if size + sum(path.stat().st_size for path in known) > _MOST_BYTES:
        raise UsageError(f"A training takes {_MOST_BYTES >> 30} GiB of files at the most.")
    if shutil.disk_usage(folder).free - size < _LEAST_FREE:
        raise UsageError("The server's disk is full.")


def _check_sound(file: Path) -> None:
    import soundfile

    try:
        info = soundfile.info(file)
    except (soundfile.LibsndfileError, OSError, ValueError):
        raise UsageError(f"{file.name[:60]} is no recording that can be read.") from None
    if not 0 < info.frames <= _LONGEST * info.samplerate:
        raise UsageError(f"{file.name[:60]} is empty, or longer than {_LONGEST / 3600:g} hours.")


def _check_text(file: Path, has_sound: bool) -> None:
    name = file.name[:60]
    if file.suffix.lower() not in TEXTS:
        raise UsageError(
            f"{name} is neither a recording ({', '.join(SOUNDS)}) nor a text ({', '.join(TEXTS)})."
        )
    if file.stat().st_size > _MOST_TEXT or b"\0" in file.read_bytes():
        raise UsageError(f"{name} is no text, or too long.")
    if not has_sound:
        raise UsageError(f"{name} is a text, but there is no recording of this name.")
