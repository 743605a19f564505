"""Compiled graphs on disk.

OpenVINO's own cache writes in place what other processes map, doesn't see that a graph's weights
have changed, and takes a damaged file for good. Here a file is written whole or not at all, its
name says everything that it depends on, and it carries a sum of its content.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import secrets
from pathlib import Path

SUFFIX = ".graph"

LIMIT = 2_000_000_000
"""Bytes of compiled graphs that are kept. A full-size voice takes about 300 MB."""

_SUM_BYTES = hashlib.sha256().digest_size
_log = logging.getLogger(__name__)


def read(path: Path) -> bytes | None:
    """The compiled graph in `path`, or None if there is none or it is damaged.

    A damaged file is removed. Reading marks the file as used.
    """
    try:
        content = path.read_bytes()
        os.utime(path)
    except OSError:
        return None
    blob = content[_SUM_BYTES:]
    if hashlib.sha256(blob).digest() == content[:_SUM_BYTES]:
        return blob
    _log.warning("The compiled graph %s is damaged and is made anew.", path)
    with contextlib.suppress(OSError):
        path.unlink()
    return None


def write(path: Path, blob: bytes) -> None:
    """Keep a compiled graph. Where that isn't possible, say so in the log and go on without."""
    part = path.parent / f".{secrets.token_hex(6)}.part"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.write_bytes(hashlib.sha256(blob).digest() + blob)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        _log.warning("Compiled graphs can't be kept in %s: %s.", path.parent, error.strerror)


def prune(folder: Path, limit: int = LIMIT) -> None:
    """Remove the compiled graphs that were used longest ago, beyond `limit` bytes in all."""
    files = []
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
