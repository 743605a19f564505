"""Speech for subtitles: each cue in its slot, faster where it must be."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vinovits.batch.run import Outcome, Step, recheck, run
from vinovits.batch.speakers import Speakers
from vinovits.batch.store import Unit, UnitStore
from vinovits.books.casting import NARRATOR, Cast
from vinovits.books.job import UnspokenError
from vinovits.books.mastering import encode, measure, need_av
from vinovits.books.plan import Plan
from vinovits.books.samples import BookSound
from vinovits.errors import TextError
from vinovits.output.atomic import check_file
from vinovits.text.subtitles import Cue

if TYPE_CHECKING:
    from numpy.typing import NDArray

FASTEST = 1.3
"""As fast as most speech stays easy to follow."""
_STEP = 0.05
"""Speeds are multiples of it, so that a change of a slot by a frame makes nothing again."""
_LEAST = 0.02
"""Seconds that a cue may be late before it is told."""


@dataclass(frozen=True, slots=True)
class Overrun:
    """A cue whose speech doesn't fit its slot."""

    number: int
    """Of the cue in its file, from 1."""
    text: str
    seconds: float
    """By which it ends late."""
    speed: float
    """That it was spoken at."""


@dataclass(frozen=True, slots=True)
class Dubbed:
    """What has become of subtitles."""

    outcome: Outcome
    seconds: float
    faster: int
    """Cues that had to be spoken faster."""
    overruns: tuple[Overrun, ...]


def dubbing_units(cues: Sequence[Cue], cast: Cast) -> list[Unit]:
    """A unit for each cue that can be heard.

    Args:
        cues: In order.
        cast: Whose speakers are known by the names that WebVTT has for voices.

    Raises:
        TextError: There is none.
    """
    units: list[Unit] = []
    position = 0
    for _, cue in _heard(cues):
        settings = cast.role(cue.speaker if cue.speaker in cast.roles else NARRATOR)
        voice = settings.pop("voice")
        own = {**settings, "markup": "plain"}
        units.append(Unit(len(units), cue.text, position, voice, own, 0.0))
        position += len(cue.text) + 1
    if not units:
        raise TextError("There is nothing in these subtitles that can be spoken.")
    return units


def _heard(cues: Sequence[Cue]) -> Iterator[tuple[int, Cue]]:
    """Cues that are more than a note or a dash, and their numbers from 1."""
    for number, cue in enumerate(cues, 1):
        if any(character.isalnum() for character in cue.text):
            yield number, cue


def dub(
    cues: Sequence[Cue],
    cast: Cast,
    speakers: Speakers,
    folder: Path,
    out: Path,
    *,
    fastest: float = FASTEST,
    stop: threading.Event | None = None,
    begun: Callable[[int, int], None] = lambda total, done: None,
    tell: Callable[[Step], None] = lambda step: None,
    clean: bool = False,
) -> Dubbed:
    """Speak subtitles to a file whose speech begins when its cues do.

    Each cue is spoken at its own pace first; what is longer than the time to the next cue is spoken
    faster, up to a limit. What is longer even so makes the next one late, and is told.

    Args:
        cues: In order.
        cast: Who reads.
        speakers: Speak.
        folder: Where units are kept.
        out: A file.
        fastest: At most so many times as fast.
        stop: Ends it early.
        begun: Told how many units there are, and how many were done before.
        tell: Told of each that is done.
        clean: Delete the units in the end.

    Raises:
        UnspokenError: A cue can't be spoken.
        VinovitsError: As `vinovits.books.job.make_book` raises.
    """
    need_av()
    check_file(out)
    units = dubbing_units(cues, cast)
    numbers = [number for number, _ in _heard(cues)]
    slots = _slots([cue for _, cue in _heard(cues)])
    with UnitStore(folder) as store:
        first = Plan(out.stem, "", "", (), tuple(units))
        outcome = _spoken(store, first, speakers, stop, begun, tell)
        lengths = [_seconds(store, first.name, unit.number) for unit in units]
        quick = [
            _faster(unit, length, slot, fastest)
            for unit, length, (_, slot) in zip(units, lengths, slots, strict=True)
        ]
        second = Plan(out.stem, "", "", (), tuple(quick))
        if second.name != first.name:
            again = _spoken(store, second, speakers, stop, lambda total, done: None, tell)
            outcome.made += again.made
            outcome.seconds += again.seconds
        rate = max(speakers.facts(unit.voice).sampling_rate for unit in units)
        track = _Track(BookSound(store, second.name, rate), slots, rate)
        loudness = measure(track.blocks(), rate)
        seconds = encode(out, track.blocks(), rate, loudness.gain, tags={"title": out.stem})
        for work in store.works():
            if work.id not in (first.name, second.name):
                store.remove(work.id)
        if clean:
            store.delete()
    overruns = tuple(
        Overrun(number, unit.text, late, float(unit.settings.get("speed") or 1.0))
        for number, unit, late in zip(numbers, quick, track.late, strict=True)
        if late > _LEAST
    )
    faster = sum(a.settings != b.settings for a, b in zip(units, quick, strict=True))
    return Dubbed(outcome, seconds, faster, overruns)


def _spoken(
    store: UnitStore,
    plan: Plan,
    speakers: Speakers,
    stop: threading.Event | None,
    begun: Callable[[int, int], None],
    tell: Callable[[Step], None],
) -> Outcome:
    if store.work(plan.name) is None:
        store.add(plan.name, plan.units, {})
    else:
        store.try_again(plan.name)
        recheck(store, plan.name, speakers)
    progress = store.progress(plan.name)
    begun(progress.total, progress.done)
    outcome = run(store, plan.name, speakers, stop=stop, tell=tell)
    if outcome.failed:
        raise UnspokenError(outcome, "cue")
    return outcome


def _slots(cues: Sequence[Cue]) -> list[tuple[float, float]]:
    """When each begins, and how long it may last: to its end, or the next one if that is later."""
    found = []
    for number, cue in enumerate(cues):
        until = cues[number + 1].start if number + 1 < len(cues) else math.inf
        # Silence behind a cue is the translation's to use, but not all of it.
        end = max(cue.end, min(until, cue.end + 0.5)) if until > cue.end else min(cue.end, until)
        found.append((cue.start, max(0.0, end - cue.start)))
    return found


def _seconds(store: UnitStore, work: str, number: int) -> float:
    _, piece = next(store.pieces_and_gaps(work, number, number + 1))
    return 0.0 if piece is None else piece.samples / piece.sampling_rate


def _faster(unit: Unit, seconds: float, slot: float, fastest: float) -> Unit:
    """A unit that fits its slot, or is as fast as may be."""
    if seconds <= slot:
        return unit
    speed = float(unit.settings.get("speed") or 1.0)
    need = fastest if slot <= 0 else min(fastest, seconds / slot)
    stepped = min(fastest, math.ceil(need / _STEP - 1e-9) * _STEP)
    return replace(unit, settings={**unit.settings, "speed": round(speed * stepped, 3)})


class _Track:
    """The sound of all cues at their times, taken as often as need be."""

    def __init__(self, sound: BookSound, slots: Sequence[tuple[float, float]], rate: int) -> None:
        self._sound, self._slots, self._rate = sound, slots, rate
        self.late: list[float] = []
        """Seconds by which each ends behind its slot, when all blocks were taken."""

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        position = 0
        self.late = []
        for number, (start, seconds) in enumerate(self._slots):
            wait = max(0, round(start * self._rate) - position)
            for done in range(0, wait, 1 << 16):
                yield np.zeros(min(1 << 16, wait - done), np.float32)
            position += wait
            for block in self._sound.unit(number):
                position += len(block)
                yield block
            self.late.append(max(0.0, position / self._rate - start - seconds))
