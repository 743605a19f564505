"""Where a speech goes: all that `say` writes, opened before the work and completed after it."""

from __future__ import annotations

import io
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol, TextIO

from vinovits.cli.streams import OUTPUT_IS_CLOSED, STDOUT, is_closed
from vinovits.errors import OutputError, UsageError
from vinovits.output.atomic import atomic_file, write_error
from vinovits.output.audio_file import AudioFile, audio_format
from vinovits.output.plot import LONGEST, check_plot, plot_speech
from vinovits.output.timings import TimingsFormat, timings_format
from vinovits.output.wav import RawStream, WavStream

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from vinovits.engine.result import Chunk, SpokenSentence


class AudioSink(Protocol):
    """What takes samples: a file, standard output, a player."""

    def write(self, samples: NDArray[np.floating]) -> None:
        """Take samples of shape (n,) in [-1, 1]."""

    def finish(self) -> None:
        """Complete what was written."""


class Targets:
    """Files that appear together at the end, or not at all.

    `prepare` finds everything that can be wrong with them, `start` takes what is known once the
    voice is loaded.
    """

    def __init__(
        self, out: Path | None, timings: Sequence[Path], plot: Path | None, *, raw: bool, play: bool
    ) -> None:
        """Remember what is asked for.

        Args:
            out: The audio file, `-` for standard output, or None for none.
            timings: Files of timings.
            plot: A picture.
            raw: Bare samples instead of a WAV on standard output.
            play: Play the speech as well.
        """
        self._out = out
        self._timings = timings
        self._plot = plot
        self._raw = raw
        self._play = play
        self._parts: dict[Path, Path] = {}
        self._sinks: list[AudioSink] = []
        self._formats: list[tuple[TimingsFormat, TextIO, Path]] = []
        self._heard: list[NDArray[np.float32]] = []
        self._sentences: list[SpokenSentence] = []
        self._samples = 0

    @property
    def description(self) -> str:
        """What to tell the user about where the speech went."""
        if self._out is None:
            return "played"
        return STDOUT if str(self._out) == "-" else str(self._out)

    @contextmanager
    def prepare(self) -> Iterator[None]:
        """Open temporary files for all targets; rename them if the block succeeds.

        Raises:
            UsageError: An unknown extension, one name twice, options that don't fit together.
            OutputError: A target can't be written, or there is no player.
            MissingExtraError: A picture is asked for, but matplotlib isn't installed.
        """
        self._check()
        with ExitStack() as stack:
            for path in self._files():
                self._parts[path] = stack.enter_context(atomic_file(path))
            yield

    @contextmanager
    def start(self, voice: str, sampling_rate: int) -> Iterator[None]:
        """Begin to write; complete everything if the block succeeds.

        Args:
            voice: Name of the voice, for the timings.
            sampling_rate: In Hz.
        """
        self._sampling_rate = sampling_rate
        with ExitStack() as stack:
            if self._out is not None and str(self._out) == "-":
                self._sinks.append(_stdout(sampling_rate, raw=self._raw))
            elif self._out is not None:
                file = AudioFile(
                    self._parts[self._out],
                    audio_format(self._out),
                    sampling_rate,
                    name=self._out,
                )
                self._sinks.append(stack.enter_context(file))
            if self._play:
                from vinovits.cli.player import Player

                self._sinks.append(stack.enter_context(Player(sampling_rate)))
            for path in self._timings:
                stream = stack.enter_context(_text_file(self._parts[path], path))
                timings = timings_format(path)
                self._formats.append((timings, stream, path))
                _put(stream, timings.head(voice, sampling_rate), path)
            yield
            self._finish(voice)

    def write(self, chunk: Chunk) -> None:
        """Take the next piece of the speech."""
        for sink in self._sinks:
            sink.write(chunk.samples)
        if chunk.spoken is not None:
            for timings, stream, path in self._formats:
                _put(stream, timings.sentence(chunk.spoken), path)
        if self._plot is not None and self._samples < LONGEST * self._sampling_rate:
            self._heard.append(chunk.samples)
            if chunk.spoken is not None:
                self._sentences.append(chunk.spoken)
        self._samples += len(chunk.samples)

    def _finish(self, voice: str) -> None:
        for sink in self._sinks:
            sink.finish()
        seconds = self._samples / self._sampling_rate
        for timings, stream, path in self._formats:
            _put(stream, timings.tail(seconds), path)
        if self._plot is not None:
            import numpy as np

            title = voice if seconds <= LONGEST else f"{voice}, the first {LONGEST:.0f} seconds"
            plot_speech(
                self._parts[self._plot],
                np.concatenate(self._heard) if self._heard else np.zeros(0, np.float32),
                self._sampling_rate,
                self._sentences,
                title=title,
                name=self._plot,
            )

    def _check(self) -> None:
        to_stdout = self._out is not None and str(self._out) == "-"
        if self._raw and not to_stdout:
            raise UsageError("--raw gives bare samples on standard output: add `--out -`.")
        if to_stdout and is_closed(sys.stdout):
            raise OutputError(OUTPUT_IS_CLOSED)
        if to_stdout and sys.stdout.isatty():
            raise UsageError(
                "Audio can't go to a terminal. Pipe it to a program (`--out - | aplay`), or name a "
                "file with --out."
            )
        if self._out is not None and not to_stdout:
            if _is_folder(self._out):
                raise OutputError(
                    f"{self._out} is a folder. Name a file in it, such as {self._out / 'out.wav'}."
                )
            audio_format(self._out)
        for path in self._timings:
            timings_format(path)
        if self._plot is not None:
            check_plot(self._plot)
        if self._play:
            from vinovits.cli.player import find_player

            find_player()
        real = [os.path.realpath(path) for path in self._files()]
        for path, place in zip(self._files(), real, strict=True):
            if real.count(place) > 1:
                raise UsageError(f"{path} is named more than once. Give each file its own name.")

    def _files(self) -> list[Path]:
        out = [] if self._out is None or str(self._out) == "-" else [self._out]
        return [*out, *self._timings, *([self._plot] if self._plot is not None else [])]


def _stdout(sampling_rate: int, *, raw: bool) -> AudioSink:
    """Standard output, as a WAV or bare samples."""
    stream = sys.stdout.buffer
    if raw:
        return RawStream(stream)
    return WavStream(stream, sampling_rate, patch=_can_rewind(stream))


def _can_rewind(stream: BinaryIO) -> bool:
    """Whether standard output is a file whose beginning can be corrected: not if appended to."""
    try:
        descriptor = stream.fileno()
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return False
        if sys.platform != "win32":
            import fcntl

            return not fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_APPEND
    except (OSError, ValueError, io.UnsupportedOperation):
        return False
    return True


@contextmanager
def _text_file(part: Path, path: Path) -> Iterator[TextIO]:
    """A text file to fill with `_put`, which flushes: closing it has nothing new to say."""
    try:
        stream = part.open("w", encoding="utf-8", newline="\n")
    except OSError as error:
        raise write_error(path, error) from error
    try:
        yield stream
    finally:
        with suppress(OSError):
            stream.close()


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a folder that may not be read
        return False


def _put(stream: TextIO, text: str, path: Path) -> None:
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        raise write_error(path, error) from error
