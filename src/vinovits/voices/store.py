"""Where voices come from: folders by path, and by name in a few known places."""

from __future__ import annotations

import contextlib
import difflib
from dataclasses import dataclass
from pathlib import Path

from vinovits.errors import UsageError, VoiceError
from vinovits.places import find, roots
from vinovits.voices.manifest import MANIFEST_NAME, VoiceManifest, read_manifest

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


def list_voices() -> list[VoiceInfo]:
    """All voices that can be loaded by name; folders that are no valid voices are passed over."""
    voices = []
    for folder in _folders().values():
        # Listing must work beside a broken folder; loading it says what is wrong.
        with contextlib.suppress(VoiceError):
            voices.append(VoiceInfo(folder, read_manifest(folder)))
    return sorted(voices, key=lambda info: info.name)


def find_voice(voice: str | Path) -> Path:
    """The folder of a voice, by path or by name.

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


def _folders() -> dict[str, Path]:
    return find(roots(ENVIRONMENT, "voices"), MANIFEST_NAME)
