"""API keys: who may ask, how much and how long. The file holds their hashes only."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from vinovits.errors import UsageError

_NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")
_LINE = re.compile(rf"({_NAME.pattern})\s+sha256:([0-9a-f]{{64}})((?:\s+[a-z]+=\S+)*)")
_PREFIX = "vv-"
_BYTES = 32
_COUNTS = ("requests", "characters", "quota")
_MOST = 10**12


@dataclass(frozen=True, slots=True)
class Grant:
    """What the owner of a key may do. None is without a bound."""

    name: str
    """Whose it is."""
    requests: int | None = None
    """Texts in a minute."""
    characters: int | None = None
    """Characters of texts in a minute."""
    quota: int | None = None
    """Characters of texts in a day, from midnight UTC on."""
    expires: date | None = None
    """The last day on which it is taken, in UTC."""

    @property
    def expired(self) -> bool:
        """Whether that day is over."""
        return self.expires is not None and datetime.now(UTC).date() > self.expires


def new_key(grant: Grant) -> tuple[str, str]:
    """Make a key.

    It is 256 random bits, so that one round of SHA-256 hides it: nobody can try them all.

    Args:
        grant: Whose it is, for the log: letters, digits and `. _ @ -`; and what he may do.

    Returns:
        The key, and the line for the file.

    Raises:
        UsageError: The name or a bound can't be right.
    """
    if not _NAME.fullmatch(grant.name):
        raise UsageError(
            "The name of a key has 1 to 64 letters, digits and `. _ @ -`, unlike "
            f"{grant.name!r:.80}."
        )
    line = [grant.name]
    for name in _COUNTS:
        count = getattr(grant, name)
        if count is not None and not 0 < count <= _MOST:
            raise UsageError(f"The bound {name} of a key is a number above 0, not {count}.")
    key = _PREFIX + secrets.token_urlsafe(_BYTES)
    line.append(f"sha256:{_hash(key)}")
    line += [f"{name}={getattr(grant, name)}" for name in _COUNTS if getattr(grant, name)]
    if grant.expires is not None:
        line.append(f"expires={grant.expires.isoformat()}")
    return key, " ".join(line)


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
        self._known = read_keys(path)
        if not self._known:
            raise UsageError(f"There is no key in {path}. `vinovits serve-key NAME` makes one.")

    def find(self, key: str) -> Grant | None:
        """What the owner of a key may do, expired or not; None: there is no such key.

        It takes as long for keys that are nearly right as for others.

        Raises:
            UsageError: The file has changed and can't be read any more.
        """
        with self._lock:
            if (stamp := self._now()) != self._stamp:
                self._known = read_keys(self._path)
                self._stamp = stamp
            known = self._known
        asked = _hash(key)
        found = None
        for grant, hashed in known:
            if hmac.compare_digest(asked, hashed):
                found = grant
        return found

    def _now(self) -> tuple[int, int, int]:
        try:
            status = self._path.stat()
        except OSError as error:
            raise UsageError(f"The keys in {self._path} can't be read: {error.strerror}.") from None
        return status.st_mtime_ns, status.st_size, status.st_ino


def read_keys(path: Path) -> list[tuple[Grant, str]]:
    """The keys of a file: what each may do, and its hash.

    Raises:
        UsageError: It can't be read, or a line can't be right.
    """
    keys = []
    for number, line in enumerate(_lines(path), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _LINE.fullmatch(line.strip())
        grant = None if found is None else _grant(found[1], found[3].split())
        if found is None or grant is None:
            # The line may be a key itself: it isn't shown.
            raise UsageError(
                f"{path}, line {number} isn't the hash of a key, such as `laptop sha256:0123… "
                "requests=60 characters=20000 quota=1000000 expires=2030-12-31`. "
                "`vinovits serve-key NAME` makes one."
            )
        keys.append((grant, found[2]))
    return keys


def without(path: Path, name: str) -> tuple[str, int]:
    """The text of a file of keys without those of a name.

    Args:
        path: The file.
        name: Whose keys are left out.

    Returns:
        The text, and how many keys were left out.

    Raises:
        UsageError: The file can't be read.
    """
    lines = _lines(path)
    kept = [line for line in lines if line.split(maxsplit=1)[:1] != [name]]
    return "".join(f"{line}\n" for line in kept), len(lines) - len(kept)


def _grant(name: str, fields: Iterable[str]) -> Grant | None:
    """A grant with the bounds of a line; None: one can't be right."""
    counts: dict[str, int] = {}
    expires = None
    for field in fields:
        key, _, value = field.partition("=")
        if key in _COUNTS and re.fullmatch("[1-9][0-9]{0,11}", value):
            counts[key] = int(value)
        elif key == "expires":
            try:
                expires = date.fromisoformat(value)
            except ValueError:
                return None
        else:
            return None
    return Grant(name, **counts, expires=expires)


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The keys in {path} can't be read: {error}.") from None
