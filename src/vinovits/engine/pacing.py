"""When work is done for a listener: what is due first goes first, and nobody hears a gap.

A device does one thing at a time. While a listener hears what came until now, the rest of the
sentence is due before the next one is; that is prepared beside it only where there is time for
both. A voice that is hardly faster than it is heard needs a lead before its first sound is given,
and how long one is told by how long its work has taken so far.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

MOST_HELD = 5.0
"""Seconds for which the first sound is held back at most."""

MARGIN = 1.15
"""Work is expected to take that many times as long as it has."""

_HOPELESS = 1.0
"""Seconds of work for a second of sound from which on no lead is enough for long."""

_AWAY = 0.03
"""Seconds between two chunks from which on the caller isn't waiting for us."""

_LEAST = 2.0
"""Seconds of sound that a sentence costs as much as: inputs of the graphs are padded to that."""


@dataclass(frozen=True, slots=True)
class Span:
    """A window of the decoder."""

    work: float
    """Seconds of sound that it costs as much as, decoded once."""
    sound: float
    """Seconds of sound that it gives."""


@dataclass(frozen=True, slots=True)
class Following:
    """A sentence that isn't prepared yet, by estimates."""

    pause: float
    """Seconds of silence before it."""
    sound: float
    """Seconds."""
    first: Span
    """Its first window."""


class Pace:
    """How long the work of a text takes, and how much of it its listener has; for one thread."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._given = self._began = self._last = self._away = 0.0
        self._preparing = self._decoding = 0.0

    def has_prepared(self, work: float, sound: float) -> None:
        """A sentence of so much sound took so long, alone on the device."""
        self._preparing = _mean(self._preparing, work / max(sound, _LEAST))

    def has_decoded(self, work: float, span: Span) -> None:
        """A window took so long, alone on the device."""
        self._decoding = _mean(self._decoding, work / span.work)

    def given(self, sound: float) -> None:
        """The listener, who hears the first chunk at once, gets one of so much sound."""
        self._last = time.perf_counter()
        self._began = self._began or self._last
        self._given += sound

    def asked(self) -> None:
        """The listener asks for the next chunk."""
        if self._began:
            self._away = time.perf_counter() - self._last

    @property
    def lead(self) -> float:
        """Seconds of sound that the listener has and hasn't heard."""
        if not self._began:
            return 0.0
        return self._given - (time.perf_counter() - self._began)

    def has_time(self, windows: Sequence[Span], sentence: float) -> bool:
        """May a sentence of so much sound be prepared while these windows are decoded?"""
        if self._away > _AWAY:
            return True  # a player that has enough for now: the device would be idle
        if not windows:
            return True
        decoding = 2 * self._decoding * windows[0].work  # each has half of the device
        return self.lead >= MARGIN * (decoding + self._preparing * max(sentence, _LEAST))

    def is_enough(
        self, held: float, windows: Sequence[Span], following: Sequence[Following]
    ) -> bool:
        """May a listener begin to hear what is held, without running dry later?

        Args:
            held: Seconds of sound.
            windows: Those of its last sentence that aren't decoded.
            following: The sentences behind that.
        """
        preparing, decoding = MARGIN * self._preparing, MARGIN * self._decoding
        if self._preparing + self._decoding >= _HOPELESS:
            return True
        work, sound = 0.0, held
        for window in windows:
            work += decoding * window.work
            if work > sound:
                return False
            sound += window.sound
        for sentence in following:
            work += preparing * max(sentence.sound, _LEAST)
            sound += sentence.pause
            if work + decoding * sentence.first.work > sound:
                return False
            work += decoding * (sentence.first.work + sentence.sound - sentence.first.sound)
            sound += sentence.sound
        return True


def _mean(before: float, now: float) -> float:
    """Of what has been so far and what came now; the latter counts as much as all before."""
    return (before + now) / 2 if before else now
