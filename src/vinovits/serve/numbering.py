"""Numbers for voices, as servers have them whose clients name voices by number."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from vinovits.serve.voices import ServedVoices
from vinovits.voices.store import VoiceInfo


class ModelNumbers:
    """Numbers of voices, from 0, which stay what they are while the server runs.

    The server's usual voice is 0, then come those whose folders were named, in order, then the
    others by name. One that appears later goes to the end; one that is gone leaves its number
    empty.
    """

    def __init__(self, voices: ServedVoices, usual: str, named: Sequence[Path]) -> None:
        """Number nothing yet.

        Args:
            voices: Those that are served.
            usual: Name of the one that speaks where none is named.
            named: Folders that were named, in order.
        """
        self._voices = voices
        self._first = [usual, *(folder.resolve().name for folder in named)]
        self._names: list[str] = []
        self._lock = threading.Lock()

    def infos(self) -> dict[int, VoiceInfo]:
        """The voices that there are now, by number."""
        found = {info.name: info for info in self._voices.infos()}
        with self._lock:
            fresh = [name for name in found if name not in self._names]
            self._names += sorted(fresh, key=self._place)
            return {number: found[name] for number, name in enumerate(self._names) if name in found}

    def _place(self, name: str) -> tuple[int, str]:
        first = self._first
        return (first.index(name) if name in first else len(first), name)
