"""The sound of a book: what was made of its units, one behind the other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vinovits.batch.join import piece_samples
from vinovits.batch.make import Stopped
from vinovits.batch.spoken import moved
from vinovits.batch.store import Piece, Unit, UnitStore
from vinovits.engine.result import SpokenSentence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

_GAP_SECONDS = 0.4
_GAP_HZ = 330.0
_GAP_PEAK = 0.08


@dataclass(frozen=True, slots=True)
class Heard:
    """A unit as it is heard."""

    unit: Unit
    start: float
    """Seconds from the beginning."""
    end: float
    """Without the silence behind it."""
    sentences: tuple[SpokenSentence, ...]
    """With their times from the beginning; none of a gap."""
    is_gap: bool


class BookSound:
    """Samples of some units, block by block, and what is heard when."""

    def __init__(
        self, store: UnitStore, work: str, rate: int, stop: threading.Event | None = None
    ) -> None:
        """Read nothing yet.

        Args:
            store: Has the work.
            work: Its name.
            rate: Sampling rate of all, in Hz: pieces of others are resampled.
            stop: Has `blocks` raise `Stopped` before the next unit.
        """
        self._store, self._work, self._rate, self._stop = store, work, rate, stop

    def blocks(
        self, first: int, end: int, tell: Callable[[Heard], None] | None = None
    ) -> Iterator[Samples]:
        """The sound of units, with the silence between them, and half a second at the end.

        Args:
            first: Number of the first.
            end: Of the one behind the last.
            tell: Called with each unit when its samples have been taken.

        Yields:
            (n,) samples in [-1, 1].

        Raises:
            Stopped: The event was set.
        """
        position = 0
        for unit, piece in self._store.pieces_and_gaps(self._work, first, end):
            if self._stop is not None and self._stop.is_set():
                raise Stopped
            begin = position
            for block in self._gap() if piece is None else self._piece(piece):
                position += len(block)
                yield block
            if tell is not None:
                start = begin / self._rate
                sentences = () if piece is None else piece.sentences
                tell(
                    Heard(
                        unit,
                        start,
                        position / self._rate,
                        tuple(moved(sentence, start, unit.start) for sentence in sentences),
                        piece is None,
                    )
                )
            seconds = unit.silence if unit.number + 1 < end else 0.5
            silence = np.zeros(round(seconds * self._rate), np.float32)
            position += len(silence)
            yield silence

    def unit(self, number: int) -> Iterator[Samples]:
        """The sound of one unit, without silence behind it.

        Args:
            number: Its number.

        Yields:
            (n,) samples in [-1, 1].
        """
        for _, piece in self._store.pieces_and_gaps(self._work, number, number + 1):
            yield from self._gap() if piece is None else self._piece(piece)

    def _piece(self, piece: Piece) -> Iterator[Samples]:
        if piece.sampling_rate == self._rate:
            for block in piece_samples(piece):
                yield block.astype(np.float32)
            return
        import soxr

        stream = soxr.ResampleStream(piece.sampling_rate, self._rate, 1, dtype="float32")
        for block in piece_samples(piece):
            yield stream.resample_chunk(block.astype(np.float32))
        yield stream.resample_chunk(np.zeros(0, np.float32), last=True)

    def _gap(self) -> Iterator[Samples]:
        """A low tone where something couldn't be spoken, so that nobody takes it for a pause."""
        times = np.arange(round(_GAP_SECONDS * self._rate)) / self._rate
        fade = np.minimum(1.0, np.minimum(times, _GAP_SECONDS - times) / 0.05)
        yield (_GAP_PEAK * fade * np.sin(2 * np.pi * _GAP_HZ * times)).astype(np.float32)


def lengths(store: UnitStore, work: str, units: int, rate: int) -> Iterator[tuple[int, int]]:
    """Samples of each unit with the silence behind it, without reading any.

    Args:
        store: Has the work.
        work: Its name.
        units: How many it has.
        rate: As of `BookSound`; pieces of other rates are off by a sample or two.

    Yields:
        Numbers of units, and their samples.
    """
    for unit, piece in store.pieces_and_gaps(work):
        if piece is None:
            own = round(_GAP_SECONDS * rate)
        else:
            own = round(piece.samples * rate / piece.sampling_rate)
        seconds = unit.silence if unit.number + 1 < units else 0.5
        yield unit.number, own + round(seconds * rate)
