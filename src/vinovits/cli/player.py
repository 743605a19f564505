"""Playing through a program that the system has."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, Self, cast

from vinovits.errors import OutputError
from vinovits.output.audio_file import FORMATS, AudioFile
from vinovits.output.wav import RawStream, WavStream

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Program:
    """A program that plays."""

    arguments: tuple[str, ...]
    """"{rate}" in them stands for the sampling rate."""
    takes: Literal["wav", "raw", "file"]
    """What it plays: a WAV or bare samples on standard input, or the name of a complete WAV."""


_PROGRAMS = (
    Program(("paplay", "--raw", "--rate={rate}", "--channels=1", "--format=s16le"), takes="raw"),
    Program(("aplay", "-q", "-"), takes="wav"),
    Program(("ffplay", "-nodisp", "-autoexit", "-loglevel", "error", "-i", "pipe:0"), takes="wav"),
    Program(("pw-play",), takes="file"),
    Program(("afplay",), takes="file"),
)


class Player:
    """Plays a speech: as it is made if the program can, else when it is complete."""

    def __init__(self, sampling_rate: int) -> None:
        """Start the program.

        Args:
            sampling_rate: Of the samples, in Hz.

        Raises:
            OutputError: No program is installed, or it doesn't start.
        """
        program = find_player()
        arguments = tuple(part.format(rate=sampling_rate) for part in program.arguments)
        self._name = Path(arguments[0]).name
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        # What the program complains of; a file doesn't fill up as a pipe that nobody reads.
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115  # closed in __exit__
        self._writer: WavStream | RawStream | AudioFile
        if program.takes == "file":
            self._folder = tempfile.TemporaryDirectory(prefix="vinovits-")
            path = Path(self._folder.name) / "speech.wav"
            self._writer = AudioFile(path, FORMATS[".wav"], sampling_rate)
            self._when_complete = (*arguments, str(path))
            return
        self._process = self._start(arguments, subprocess.PIPE)
        stdin = cast(BinaryIO, self._process.stdin)
        try:
            if program.takes == "raw":
                self._writer = RawStream(stdin)
            else:
                self._writer = WavStream(stdin, sampling_rate, patch=False)
        except OSError as error:
            raise self._stopped() from error

    def write(self, samples: NDArray[np.floating]) -> None:
        """Play samples of shape (n,) in [-1, 1]; waits while the program has enough of them.

        Raises:
            OutputError: The program has stopped.
        """
        try:
            self._writer.write(samples)
        except OSError as error:
            raise self._stopped() from error

    def finish(self) -> None:
        """Wait until all is heard.

        Raises:
            OutputError: The program says that it failed.
        """
        self._writer.finish()
        if isinstance(self._writer, AudioFile):
            self._writer.close()
            self._process = self._start(self._when_complete, subprocess.DEVNULL)
        assert self._process is not None
        if self._process.stdin is not None:
            with suppress(OSError):  # the exit code tells
                self._process.stdin.close()
        if self._process.wait():
            raise self._stopped()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._process is not None:
            if self._process.poll() is None:
                self._process.terminate()
                self._process.wait()
            if self._process.stdin is not None:
                with suppress(OSError):
                    self._process.stdin.close()
        if isinstance(self._writer, AudioFile):
            self._writer.close()
        if self._folder is not None:
            self._folder.cleanup()
        self._complaints.close()

    def _start(self, arguments: tuple[str, ...], stdin: int) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                arguments, stdin=stdin, stdout=subprocess.DEVNULL, stderr=self._complaints
            )
        except OSError as error:
            raise OutputError(f"The player {self._name} doesn't start: {error}.") from error

    def _stopped(self) -> OutputError:
        if self._process is not None:
            self._process.wait()
        self._complaints.seek(0)
        lines = self._complaints.read().decode("utf-8", "replace").strip().splitlines()
        said = f" It says: {lines[-1].strip()}" if lines else ""
        return OutputError(
            f"The player {self._name} stopped before the end.{said} Is there a sound device? "
            "Without --play, the speech is written to a file."
        )


def find_player() -> Program:
    """The first player that is installed.

    Raises:
        OutputError: There is none.
    """
    for program in _PROGRAMS:
        path = shutil.which(program.arguments[0])
        if path is not None:
            return Program((path, *program.arguments[1:]), program.takes)
    names = ", ".join(program.arguments[0] for program in _PROGRAMS)
    raise OutputError(
        f"There is no audio player here (looked for {names}). Install one, for example with "
        "`sudo apt install alsa-utils`, or write a file with --out and play that."
    )
