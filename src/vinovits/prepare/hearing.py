"""Recordings are heard once, and brought to one level session by session."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from vinovits.errors import DataError
from vinovits.prepare import kept
from vinovits.prepare.cutting import Piece
from vinovits.prepare.progress import Progress
from vinovits.prepare.recording import blocks, identify
from vinovits.prepare.settings import Settings
from vinovits.prepare.sources import Inventory, Utterance
from vinovits.prepare.speech import SECONDS, Heard, level, listen
from vinovits.prepare.workers import Workers

_VERSION = 1
"""Of what is kept; another one is made anew."""
_SESSION = 60.0
"""Seconds of speech from which on a recording is levelled by itself."""
_GAINS = (-30.0, 40.0)
"""dB. What wants more is not speech."""


@dataclass(slots=True)
class Recording:
    """A file, what is known of it, and what was heard in it."""

    path: Path
    name: str
    utterances: list[Utterance]
    sha: str = ""
    rate: int = 0
    format: str = ""
    heard: Heard | None = None
    cut: list[Piece] = field(default_factory=list)
    gain: float = 0.0
    noise: float | None = None
    problem: str = ""
    """A sentence, if it can't be used."""

    @property
    def spoken(self) -> float:
        """Seconds of speech in it."""
        return float(self.heard.speech.sum()) * SECONDS if self.heard is not None else 0.0

    @property
    def mark(self) -> str:
        """What tells it from all others: eight digits."""
        return hashlib.sha256(f"{self.name}\0{self.sha}".encode()).hexdigest()[:8]


def grouped(inventory: Inventory) -> list[Recording]:
    """One of each file, with all that is known of it."""
    grouped: dict[Path, list[Utterance]] = defaultdict(list)
    for one in inventory.utterances:
        grouped[one.recording].append(one)
    return [Recording(path, inventory.name(path), ones) for path, ones in sorted(grouped.items())]


def hear_all(
    recordings: Sequence[Recording], folder: Path, workers: Workers, progress: Progress
) -> None:
    """Hear all recordings: where there is speech, and how loud. It is kept in `folder`."""

    def job(one: Recording) -> Callable[[], Recording]:
        def run() -> Recording:
            try:
                one.sha = identify(one.path)
                _hear(one, folder, workers)
            except DataError as error:
                one.problem = str(error)
            return one

        return run

    sizes = {one.path: _size(one.path) for one in recordings}
    total, done = sum(sizes.values()), 0
    # Large ones first: else the last of them is worked on by one thread alone.
    ordered = sorted(recordings, key=lambda one: -sizes[one.path])
    for one in workers.each(job(each) for each in ordered):
        done += sizes[one.path]
        progress("listening", done, total)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _hear(one: Recording, folder: Path, workers: Workers) -> None:
    path = folder / f"{one.sha[:32]}-{_VERSION}.npz"
    known = kept.read_arrays(path)
    if known is not None and set(known) == {"speech", "power", "facts", "format"}:
        seconds, peak, rate = (float(number) for number in known["facts"])
        one.heard = Heard(seconds, known["speech"], known["power"], peak)
        one.rate, one.format = int(rate), str(known["format"])
        return
    found, stream = blocks(one.path)
    one.rate, one.format = found.sampling_rate, found.name
    heard = one.heard = listen(workers.watched(stream), found.sampling_rate)
    kept.write_arrays(
        path,
        speech=heard.speech,
        power=heard.power,
        facts=np.array([heard.seconds, heard.peak, one.rate]),
        format=np.array(one.format),
    )


def set_gains(recordings: Sequence[Recording], settings: Settings) -> None:
    """Bring sessions to one level. Within one, loud stays loud and soft stays soft.

    A session is a recording with a minute of speech or more, else all of a speaker's in one folder.
    """
    sessions: dict[object, list[Recording]] = defaultdict(list)
    for one in recordings:
        if one.heard is None:
            continue
        long = one.spoken >= _SESSION
        speaker = one.utterances[0].speaker
        sessions[one.path if long else (speaker, one.path.parent)].append(one)
    for group in sessions.values():
        heards = [one.heard for one in group if one.heard is not None]
        levels = [_loudness(heard) for heard in heards if heard.speech.any()]
        low, high = _GAINS
        # The median, so that one recording that is far too loud doesn't make all others soft.
        gain = min(max(settings.level - float(np.median(levels)), low), high) if levels else 0.0
        for one, heard in zip(group, heards, strict=True):
            # In half dBs: a recording more then seldom changes what was made of the others.
            one.gain = round(2 * gain) / 2
            still = heard.power[~heard.speech]
            if len(still) > 5 and heard.speech.any():
                floor = level(np.sort(still)[: max(1, len(still) // 2)])
                one.noise = round(level(heard.power[heard.speech]) - floor, 1)


def _loudness(heard: Heard) -> float:
    """The mean power of the speech in a recording, in dB below full scale."""
    spoken = heard.power[heard.speech]
    # What is far below the rest isn't speech, whatever the detector says (ITU-T P.56).
    return level(spoken[spoken >= 10 ** ((level(spoken) - 16) / 10)])
