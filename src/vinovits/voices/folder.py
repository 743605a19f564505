"""Reading a voice folder: every file is there, unaltered, and inside the folder."""

from __future__ import annotations

import hashlib
from pathlib import Path

from vinovits.errors import VoiceError
from vinovits.voices.manifest import VoiceManifest, read_manifest


def open_folder(folder: Path) -> VoiceManifest:
    """Read the manifest of a voice folder and check each file that it lists.

    Raises:
        VoiceError: The manifest is invalid; a file is missing, a link that leads elsewhere, or
            doesn't have the sha256 that the manifest lists.
    """
    manifest = read_manifest(folder)
    check_files(folder, manifest.files)
    return manifest


def check_files(folder: Path, files: dict[str, str]) -> None:
    """Check that `folder` has each of `files` with the sha256 given.

    Raises:
        VoiceError: As `open_folder`.
    """
    for name, expected in files.items():
        path = folder / name
        if path.is_symlink() and not path.resolve().is_relative_to(folder.resolve()):
            raise VoiceError(f"{path} is a link that leads out of its folder; it is not followed.")
        try:
            actual = sha256(path)
        except FileNotFoundError:
            raise VoiceError(f"{path} is missing. Get the folder {folder} again.") from None
        except OSError as error:
            raise VoiceError(f"{path} can't be read: {error.strerror}.") from None
        if actual != expected:
            raise VoiceError(
                f"{path} is truncated or altered: its sha256 isn't the one that the manifest "
                f"lists. Get the folder {folder} again."
            )


def sha256(path: Path) -> str:
    """Hex sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
