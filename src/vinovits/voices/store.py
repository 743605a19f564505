"""Where voices come from: folders by path, and by name in a few known places."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vinovits.errors import UsageError, VoiceError
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


def voice_roots() -> list[Path]:
    """Folders that are searched for voices by name, the first match wins.

    Those of `VINOVITS_VOICES`, then the user's data folder, then the built-in ones.
    """
    import platformdirs

    roots = [Path(part) for part in os.environ.get(ENVIRONMENT, "").split(os.pathsep) if part]
    roots.append(Path(platformdirs.user_data_dir("vinovits", appauthor=False)) / "voices")
    roots.append(Path(__file__).parent.parent / "data" / "voices")
    return roots


def list_voices() -> list[VoiceInfo]:
    """All voices that can be loaded by name; folders that are no valid voices are passed over."""
    found: dict[str, VoiceInfo] = {}
    for folder in _folders():
        try:
            info = VoiceInfo(folder, read_manifest(folder))
        except VoiceError:
            continue  # listing must work beside a broken folder; loading it says what is wrong
        found.setdefault(info.name, info)
    return sorted(found.values(), key=lambda info: info.name)


def find_voice(voice: str | Path) -> Path:
    """The folder of a voice, by path or by name.

    Raises:
        UsageError: There is none; the message lists those there are and suggests the closest.
    """
    path = Path(voice)
    if isinstance(voice, Path) or path.name != str(voice) or (path / MANIFEST_NAME).is_file():
        if path.is_dir():
            return path
        raise UsageError(f"There is no voice folder {path}.")
    folders = {folder.name: folder for folder in reversed(list(_folders()))}
    if path.name in folders:
        return folders[path.name]
    message = f"There is no voice {str(voice)!r}."
    close = difflib.get_close_matches(str(voice), folders, n=1, cutoff=0.5)
    if close:
        message += f" Did you mean {close[0]!r}?"
    if folders:
        message += f" There are: {', '.join(sorted(folders))}."
    raise UsageError(message + f" More are looked for in the folders that {ENVIRONMENT} names.")


def _folders() -> Iterator[Path]:
    for root in voice_roots():
        if root.is_dir():
            for folder in sorted(root.iterdir()):
                if (folder / MANIFEST_NAME).is_file():
                    yield folder
