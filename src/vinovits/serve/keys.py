"""API keys: who may ask. The file holds their hashes only."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import threading
from pathlib import Path

from vinovits.errors import UsageError

_NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")
_LINE = re.compile(rf"({_NAME.pattern})\s+sha256:([0-9a-f]{{64}})")
_PREFIX = "vv-"
_BYTES = 32


def new_key(name: str) -> tuple[str, str]:
    """Make a key.

    It is 256 random bits, so that one round of SHA-256 hides it: nobody can try them all.

    Args:
        name: Whose it is, for the log: letters, digits and `. _ @ -`.

    Returns:
        The key, and the line for the file.

    Raises:
        UsageError: The name can't be right.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"The name of a key has 1 to 64 letters, digits and `. _ @ -`, unlike {name!r:.80}."
        )
    key = _PREFIX + secrets.token_urlsafe(_BYTES)
    return key, f"{name} sha256:{_hash(key)}"


class Keys:
    """The keys of a file, which is read again when it changes: so keys are added and revoked."""

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            UsageError: It can't be read, a line can't be right, or it has no key.
        """
        self._path = path
        self._lock = threading.Lock()
        self._stamp = self._now()
        self._hashes = _read(path)

    def whose(self, key: str) -> str | None:
        """Name of the owner of a key; None: there is no such key.

        It takes as long for keys that are nearly right as for others.

        Raises:
            UsageError: The file has changed and can't be read any more.
        """
        with self._lock:
            if (stamp := self._now()) != self._stamp:
                self._hashes = _read(self._path)
                self._stamp = stamp
            hashes = self._hashes
        asked = _hash(key)
        owner = None
        for name, known in hashes:
            if hmac.compare_digest(asked, known):
                owner = name
        return owner

    def _now(self) -> tuple[int, int, int]:
        try:
            status = self._path.stat()
        except OSError as error:
            raise UsageError(f"The keys in {self._path} can't be read: {error.strerror}.") from None
        return status.st_mtime_ns, status.st_size, status.st_ino


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def _read(path: Path) -> list[tuple[str, str]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The keys in {path} can't be read: {error}.") from None
    keys = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _LINE.fullmatch(line.strip())
        if found is None:
            # The line may be a key itself: it isn't shown.
            raise UsageError(
                f"{path}, line {number} isn't the hash of a key, such as "
                "`laptop sha256:0123…`. `vinovits serve-key NAME` makes one."
            )
        keys.append((found[1], found[2]))
    if not keys:
        raise UsageError(f"There is no key in {path}. `vinovits serve-key NAME` makes one.")
    return keys
