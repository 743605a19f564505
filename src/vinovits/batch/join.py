"""Joining what was made of units: one audio file, and its timings and subtitles."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from vinovits.batch.make import Stopped
from vinovits.batch.spoken import moved
from vinovits.batch.store import Piece, Unit, UnitStore
from vinovits.errors import OutputError
from vinovits.output.atomic import atomic_file, write_error
from vinovits.output.audio_file import AudioFile, audio_format
from vinovits.output.timings import TimingsFormat, timings_format

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BLOCK = 1 << 16
"""Samples that are read at once."""


@dataclass(frozen=True, slots=True)
class _Timings:
    form: TimingsFormat
    file: TextIO


def join(
    store: UnitStore,
    work: str,
    audio: Path,
    timings: Sequence[Path] = (),
    stop: threading.Event | None = None,
) -> float:
    """Write the units of a work to one file, and when what is heard to others.

    Each file appears whole or not at all, the audio last. Memory doesn't grow with the text.

    Args:
        store: It has the work, all of whose units are done, by voices of one sampling rate.
        work: Its name.
        audio: The file, whose extension tells the format.
        timings: Files of timings, whose extensions tell theirs.
        stop: Ends it.

    Returns:
        Seconds of audio.

    Raises:
        OutputError: A unit isn't done, the units have different sampling rates, or a file can't be
            written.
        Stopped: The event was set.
    """
    units = store.pieces(work)
    first = next(units)
    rate = first[1].sampling_rate
    position = silence = 0
    with ExitStack() as stack:
        file = stack.enter_context(_audio(stack, audio, rate))
        written = [_open(stack, path) for path in timings]
        _write(written, [one.form.head(first[0].voice, rate) for one in written])
        for unit, piece in _again(first, units):
            if stop is not None and stop.is_set():
                raise Stopped
            _fill(file, silence)
            position += silence
            for samples in _samples(piece, rate):
                file.write(samples)
            for sentence in piece.sentences:
                own = moved(sentence, position / rate, unit.start)
                _write(written, [one.form.sentence(own) for one in written])
            position += piece.samples
            silence = round(unit.silence * rate)
        _write(written, [one.form.tail(position / rate) for one in written])
        file.finish()
    return position / rate


def _again(
    first: tuple[Unit, Piece], rest: Iterator[tuple[Unit, Piece]]
) -> Iterator[tuple[Unit, Piece]]:
    yield first
    yield from rest


def _audio(stack: ExitStack, path: Path, rate: int) -> AudioFile:
    part = stack.enter_context(atomic_file(path))
    return AudioFile(part, audio_format(path), rate, name=path)


def _open(stack: ExitStack, path: Path) -> _Timings:
    part = stack.enter_context(atomic_file(path))
    file = stack.enter_context(part.open("w", encoding="utf-8", newline="\n"))
    return _Timings(timings_format(path), file)


def _write(timings: Sequence[_Timings], texts: Sequence[str]) -> None:
    for one, text in zip(timings, texts, strict=True):
        try:
            one.file.write(text)
        except OSError as error:
            raise write_error(one.file.name, error) from error


def piece_samples(piece: Piece) -> Iterator[NDArray[np.floating]]:
    """The samples of a piece, block by block.

    Args:
        piece: Of a store.

    Yields:
        (n,) samples in [-1, 1].

    Raises:
        OutputError: Its file isn't what was written.
    """
    import soundfile

    with soundfile.SoundFile(piece.path) as file:
        if file.frames != piece.samples:
            raise OutputError(f"{piece.path} is broken. Delete it, to have it made again.")
        while len(block := file.read(_BLOCK, dtype="int16")):
            yield block / 32767.0


def _samples(piece: Piece, rate: int) -> Iterator[NDArray[np.floating]]:
    if piece.sampling_rate != rate:
        raise OutputError(
            f"The voices of this text have different sampling rates: {rate} and "
            f"{piece.sampling_rate} Hz."
        )
    yield from piece_samples(piece)


def _fill(file: AudioFile, samples: int) -> None:
    import numpy as np

    for done in range(0, samples, _BLOCK):
        file.write(np.zeros(min(_BLOCK, samples - done), np.float32))
