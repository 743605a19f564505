"""Compiled graphs on disk.

OpenVINO's own cache writes in place what other processes map, doesn't see that a graph's weights
have changed, and takes a damaged file for good. Here a file is written whole or not at all, its
name says everything that it depends on, and it carries a sum of its content.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import mmap
import os
import secrets
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt

Blob = npt.NDArray[np.uint8]

SUFFIX = ".graph"

LIMIT = 2_000_000_000
"""Bytes of compiled graphs that are kept. A full-size voice takes about 300 MB."""

_ABANDONED = 3600.0
"""Seconds after which nobody writes a half-written file any more."""

_SUM_BYTES = hashlib.sha256().digest_size
_log = logging.getLogger(__name__)


def read(path: Path) -> Blob | None:
    """The compiled graph in `path`, or None if there is none or it is damaged.

    It is mapped, not read: processes that run the same graph share its memory, and a graph takes
    half the time to load. A damaged file is removed. Reading marks the file as used.

    Returns:
        Bytes (n,), from the start of a page on.
    """
    try:
        with path.open("rb") as file:
            # OpenVINO wants memory that it could write to: what it wrote would be its own.
            content = np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY), np.uint8)
        os.utime(path)
    except OSError:
        return None
    except ValueError:  # an empty file can't be mapped
        content = np.zeros(0, np.uint8)
    # The sum stands at the end, so that the graph begins where memory is aligned.
    blob = content[:-_SUM_BYTES]
    if hashlib.sha256(blob.data).digest() == content[-_SUM_BYTES:].tobytes():
        return blob
    _log.warning("The compiled graph %s is damaged and is made anew.", path)
    with contextlib.suppress(OSError):
        path.unlink()
    return None


def write(path: Path, blob: bytes) -> None:
    """Keep a compiled graph. Where that isn't possible, say so in the log and go on without."""
    replace(path, blob + hashlib.sha256(blob).digest())


def replace(path: Path, content: bytes) -> None:
    """Write a file of the cache whole or not at all; the log says so if it can't be."""
    part = path.parent / f".{secrets.token_hex(6)}.part"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.write_bytes(content)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        _log.warning("Compiled graphs can't be kept in %s: %s.", path.parent, error.strerror)


def prune(folder: Path, limit: int = LIMIT) -> None:
    """Remove the compiled graphs that were used longest ago, beyond `limit` bytes in all.

    What processes that were killed have left half written goes, too.
    """
    files = []
    with contextlib.suppress(OSError):
        for part in folder.glob(".*.part"):
            with contextlib.suppress(OSError):
                if part.stat().st_mtime < time.time() - _ABANDONED:
                    part.unlink()
    with contextlib.suppress(OSError):
        for path in folder.glob(f"*{SUFFIX}"):
            # Another process may prune at the same time.
            with contextlib.suppress(OSError):
                files.append((path.stat().st_mtime, path.stat().st_size, path))
    total = sum(size for _, size, _ in files)
    for _, size, path in sorted(files):
        if total <= limit:
            return
        with contextlib.suppress(OSError):
            path.unlink()
            total -= size
