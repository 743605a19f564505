"""Making units: what a voice speaks is kept, and what was spoken before is taken."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from vinovits import lexicons
from vinovits.batch.store import Unit, UnitStore, piece_key
from vinovits.engine.result import Chunk
from vinovits.engine.settings import SpeakSettings
from vinovits.engine.voice import Voice
from vinovits.voices.manifest import MANIFEST_NAME


class Stopped(Exception):  # noqa: N818 (it ends a unit, and is no fault)
    """The unit was given up because it was asked to be."""


def voice_stamp(voice: Voice) -> str:
    """All that makes a voice sound as it does: its files, the user's lexicons, where it runs."""
    digest = hashlib.sha256(own_stamp(voice).encode("ascii"))
    for path in user_lexicons(voice.manifest.name):
        data = path.read_bytes() if path.is_file() else b""
        digest.update(hashlib.sha256(data).digest())
    return digest.hexdigest()


def user_lexicons(name: str) -> tuple[Path, Path]:
    """The user's lexicons that hold for a voice; they need not exist."""
    return lexicons.voice_file(name), lexicons.user_file()


def own_stamp(voice: Voice) -> str:
    """What makes a voice sound as it does, but for the user's lexicons."""
    digest = hashlib.sha256()
    # The manifest has the hashes of all files but the lexicon.
    for path in (voice.folder / MANIFEST_NAME, voice.folder / lexicons.SHIPPED):
        data = path.read_bytes() if path.is_file() else b""
        digest.update(hashlib.sha256(data).digest())
    for graph, info in sorted(voice.graphs().items()):
        digest.update(repr((graph, info.devices, info.precision)).encode())
    return digest.hexdigest()


def make(
    store: UnitStore, work: str, unit: Unit, voice: Voice, stamp: str, stop: threading.Event
) -> float:
    """Make a unit, unless the same was made before, and record it as done.

    Args:
        store: Where it is kept.
        work: Name of the work.
        unit: Of that work.
        voice: Its voice.
        stamp: Of that voice, from `voice_stamp`.
        stop: Ends the work within a window of the decoder.

    Returns:
        Seconds of audio that were made; 0 if they were there.

    Raises:
        Stopped: The event was set.
        VinovitsError: It can't be spoken, or not be written.
    """
    key = piece_key(stamp, unit.text, unit.settings)
    if store.done(work, unit.number, key):
        return 0.0
    seconds = store.make(key, voice.manifest.sampling_rate, _spoken(unit, voice, stop))
    store.done(work, unit.number, key)
    return seconds


def _spoken(unit: Unit, voice: Voice, stop: threading.Event) -> Iterator[Chunk]:
    settings = cast(SpeakSettings, cast(Any, dict(unit.settings)))
    with voice.stream(unit.text, ahead=False, **settings) as stream:
        for chunk in stream:
            if stop.is_set():
                raise Stopped
            yield chunk
