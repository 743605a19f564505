"""Zip archives from anywhere: how much they may unpack to, and nothing is unpacked to disk."""

from __future__ import annotations

import posixpath
import zipfile
import zlib
from pathlib import Path
from types import TracebackType

from vinovits.errors import TextError

MOST_FILES = 20_000
LARGEST_FILE = 64 << 20
"""Bytes that one file of an archive may unpack to."""
LARGEST = 512 << 20
"""Bytes that all files that are read of an archive may unpack to."""


class Archive:
    """Reads files of a zip archive, within bounds."""

    def __init__(self, path: Path) -> None:
        """Open an archive.

        Args:
            path: Its file.

        Raises:
            TextError: It is broken, or has too many files.
        """
        self._path = path
        self._left = LARGEST
        try:
            self._zip = zipfile.ZipFile(path)
        # NotImplementedError: a version of the format that zipfile doesn't know.
        except (zipfile.BadZipFile, ValueError, NotImplementedError):
            raise TextError(f"{path.name} is broken: it is no whole zip archive.") from None
        if len(self._zip.infolist()) > MOST_FILES:
            self._zip.close()
            raise TextError(f"{path.name} holds more than {MOST_FILES:,} files: that is no book.")

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._zip.close()

    def __contains__(self, name: str) -> bool:
        return name in self._zip.NameToInfo

    def check(self) -> None:
        """Read all files once, for a library that would unpack them without bounds.

        Raises:
            TextError: As `read` does.
        """
        for name in self._zip.namelist():
            self.read(name)

    def read(self, name: str) -> bytes:
        """The content of a file.

        Args:
            name: As the archive has it.

        Raises:
            TextError: It isn't there, is broken, locked, or unpacks to too much. What the archive
                says of its size isn't believed.
        """
        try:
            with self._zip.open(name) as stream:
                data = stream.read(min(LARGEST_FILE, self._left) + 1)
        except KeyError:
            raise TextError(f"{self._path.name} is broken: it has no file {name}.") from None
        except NotImplementedError:
            # A RuntimeError too; zipfile says it of compressions and locks that it doesn't know.
            raise TextError(
                f"{self._path.name} is packed in a way that can't be unpacked here: {name}. "
                "Pack it again as a usual zip archive, without a password."
            ) from None
        except RuntimeError:
            raise TextError(f"{self._path.name} is locked by a password.") from None
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError):
            raise TextError(f"{self._path.name} is broken: {name} can't be unpacked.") from None
        self._left -= len(data)
        if len(data) > LARGEST_FILE or self._left < 0:
            raise TextError(
                f"{self._path.name} unpacks to too much: {name} makes it more than "
                f"{(LARGEST_FILE if len(data) > LARGEST_FILE else LARGEST) >> 20} MB. "
                "That is no book that could be read aloud."
            )
        return data


def joined(base: str, reference: str) -> str:
    """The name of a file that another refers to.

    Args:
        base: Name of the file that refers.
        reference: A relative path, not encoded.

    Returns:
        A normal name; one that leads out of the archive is in none.
    """
    return posixpath.normpath(posixpath.join(posixpath.dirname(base), reference)).lstrip("/")
