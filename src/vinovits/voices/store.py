"""Where voices come from: folders by path, and by name in a few known places."""

from __future__ import annotations

import difflib
import logging
from dataclasses import dataclass
from pathlib import Path

from vinovits.errors import UsageError, VoiceError
from vinovits.places import find, roots
from vinovits.voices.manifest import MANIFEST_NAME, VoiceManifest, read_manifest

_log = logging.getLogger(__name__)

ENVIRONMENT = "VINOVITS_VOICES"
"""Folders of voices, separated as in PATH."""


@dataclass(frozen=True, slots=True)
class VoiceInfo:
    """A voice that was found."""

    path: Path
    manifest: VoiceManifest

    @property
    def name(self) -> str:
        """The name that `load` takes: that of the folder."""
        return self.path.name

    @property
    def size_bytes(self) -> int:
        """Bytes of all files of the folder."""
        return sum(entry.stat().st_size for entry in self.path.iterdir() if entry.is_file())


@dataclass(frozen=True, slots=True)
class BrokenVoice:
    """A folder that has a voice.json, but can't be loaded."""

    path: Path
    reason: str
    """A sentence that names the file, what is wrong with it, and what to do."""


def scan_voices() -> tuple[list[VoiceInfo], list[BrokenVoice]]:
    """All voices that can be loaded by name, and the folders whose voice.json is of no use.

    Their other files aren't looked at: loading a voice, or `vinovits info`, checks them.
    """
    voices, broken = [], []
    for _, folder in sorted(_folders().items()):
        try:
            voices.append(VoiceInfo(folder, read_manifest(folder)))
        except VoiceError as error:
            broken.append(BrokenVoice(folder, str(error)))
    return voices, broken


def list_voices() -> list[VoiceInfo]:
    """All voices that can be loaded by name. Broken folders are logged as warnings."""
    voices, broken = scan_voices()
    for one in broken:
        _log.warning("The voice %s can't be used: %s", one.path.name, one.reason)
    return voices


def find_voice(voice: str | Path) -> Path:
    """The folder of a voice, by path or by name.

    Args:
        voice: A name, the path of a voice folder, or that of the voice.json in it.

    Raises:
        UsageError: There is none; the message lists those there are and suggests the closest.
    """
    folders = _folders()
    if voice in folders:
        return folders[str(voice)]
    path = Path(voice)
    try:
        if path.is_dir() and (path.name != str(voice) or (path / MANIFEST_NAME).is_file()):
            return path
        if path.is_file():
            return _folder_of(path)
    except OSError as error:  # a name that is too long, a folder that may not be read
        raise UsageError(f"There is no voice {str(voice)!r:.80}: {error.strerror}.") from None
    if isinstance(voice, Path) or path.name != voice:
        raise UsageError(f"There is no voice folder {path}.")
    message = f"There is no voice {voice!r}."
    close = difflib.get_close_matches(voice, folders, n=1, cutoff=0.5)
    if close:
        message += f" Did you mean {close[0]!r}?"
    if folders:
        message += f" There are: {', '.join(sorted(folders))}."
    raise UsageError(message + f" More are looked for in the folders that {ENVIRONMENT} names.")


def _folder_of(file: Path) -> Path:
    """The folder that a user means who names a file."""
    if file.name == MANIFEST_NAME:
        return file.parent
    if (file.parent / MANIFEST_NAME).is_file():
        raise UsageError(f"{file} is a file of a voice. Name its folder: {file.parent}.")
    raise UsageError(
        f"{file} is a file, but a voice is a folder. `vinovits convert` makes one from a "
        "checkpoint."
    )


def _folders() -> dict[str, Path]:
    return find(roots(ENVIRONMENT, "voices"), MANIFEST_NAME)
