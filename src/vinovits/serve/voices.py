"""The voices that are served: found by name only, loaded when one is first asked for."""

from __future__ import annotations

import difflib
import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from vinovits.engine.voice import Voice
from vinovits.errors import VinovitsError, VoiceError
from vinovits.places import find, roots
from vinovits.serve.errors import ApiError
from vinovits.voices.manifest import MANIFEST_NAME, read_manifest
from vinovits.voices.store import ENVIRONMENT, VoiceInfo

_log = logging.getLogger(__name__)


class ServedVoices(Protocol):
    """Where the server has its voices from; any number of threads may use it at once."""

    def infos(self) -> Sequence[VoiceInfo]:
        """Those that can be asked for."""

    def get(self, name: str) -> Voice:
        """A voice, loaded.

        Raises:
            ApiError: There is none of that name.
            VinovitsError: It can't be loaded.
        """

    def loaded(self) -> dict[str, Voice]:
        """Those in memory, by name."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A voice in memory, and where it is from."""

    folder: Path
    stamp: tuple[int, int, int] | None
    """Of its manifest, which has the hashes of all its files."""
    voice: Voice


class VoiceFolders:
    """Voices in folders; a name from a request is looked up in them, and never taken as a path."""

    def __init__(self, folders: Iterable[Path], load: Callable[[Path], Voice]) -> None:
        """Look nowhere yet.

        Args:
            folders: Folders of voices, or of one voice, searched before the usual ones.
            load: Loads a voice folder.
        """
        self._folders = tuple(folders)
        self._load = load
        self._voices: dict[str, _Loaded] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def infos(self) -> list[VoiceInfo]:
        """Those whose manifest can be read."""
        infos = []
        for _, folder in sorted(self._found().items()):
            try:
                infos.append(VoiceInfo(folder, read_manifest(folder)))
            except VoiceError:
                continue  # `vinovits voices` tells of it
        return infos

    def get(self, name: str) -> Voice:
        """A voice; the first to ask waits until it is loaded, and so do others meanwhile.

        One whose folder has changed is loaded again; what is spoken meanwhile ends with the old
        one. If the new one can't be loaded, the old one stays.
        """
        if (known := self._voices.get(name)) is not None and known.stamp == _stamp(known.folder):
            return known.voice
        found = self._found()
        if name not in found:
            self._voices.pop(name, None)
            close = difflib.get_close_matches(name[:100], found, n=1)
            raise ApiError(
                400,
                f"There is no voice {name[:60]!r}."
                + (f" Did you mean {close[0]!r}?" if close else "")
                + f" There are: {', '.join(sorted(found)[:20])}.",
                "voice_not_found",
                param="voice",
            )
        with self._lock:
            lock = self._locks.setdefault(name, threading.Lock())
        with lock:
            folder = found[name]
            stamp = _stamp(folder)
            known = self._voices.get(name)
            if known is None:
                known = _Loaded(folder, stamp, self._load(folder))
            elif (known.folder, known.stamp) != (folder, stamp):
                known = _Loaded(folder, stamp, self._reloaded(folder, known.voice))
            self._voices[name] = known
            return known.voice

    def loaded(self) -> dict[str, Voice]:
        """Those in memory, by name."""
        return {name: known.voice for name, known in list(self._voices.items())}

    def _reloaded(self, folder: Path, old: Voice) -> Voice:
        try:
            voice = self._load(folder)
        except VinovitsError as error:
            _log.error("%s has changed and can't be loaded; the old voice stays: %s", folder, error)
            return old
        _log.info("%s has changed and is loaded again.", folder)
        return voice

    def _found(self) -> dict[str, Path]:
        own = {
            folder.resolve().name: folder
            for folder in self._folders
            if (folder / MANIFEST_NAME).is_file()
        }
        return own | {
            name: folder
            for name, folder in find(
                [*self._folders, *roots(ENVIRONMENT, "voices")], MANIFEST_NAME
            ).items()
            if name not in own
        }


def _stamp(folder: Path) -> tuple[int, int, int] | None:
    """By which it is seen that a voice has changed; None: it is gone."""
    try:
        status = (folder / MANIFEST_NAME).stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
