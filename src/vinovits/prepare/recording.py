"""Recordings as streams of samples, so that ten hours need no more memory than ten seconds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vinovits.errors import DataError

Samples = NDArray[np.float32]

SUFFIXES = frozenset(
    {
        *(".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".au"),
        *(".caf", ".w64", ".rf64", ".m4a", ".mp4", ".aac", ".wma", ".webm", ".mka", ".mkv"),
        *(".mov", ".amr", ".3gp", ".ac3", ".ape", ".wv"),
    }
)
"""Names of files that are taken for recordings."""

_BLOCK_SECONDS = 8
_READ = 1 << 20


@dataclass(frozen=True, slots=True)
class Format:
    """What a file says of itself."""

    sampling_rate: int
    channels: int
    name: str
    """Of the format, for people: "WAV FLOAT"."""


def identify(path: Path) -> str:
    """The sha256 of a file, in hexadecimal digits.

    Raises:
        DataError: It is empty or can't be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_READ):
                digest.update(block)
            if not file.tell():
                raise DataError("The file is empty: it has no bytes at all. Copy it again.")
    except OSError as error:
        raise DataError(
            f"The file can't be read: {(error.strerror or str(error)).lower()}."
        ) from None
    return digest.hexdigest()


def blocks(path: Path) -> tuple[Format, Iterator[Samples]]:
    """Open a recording.

    Args:
        path: Whatever libsndfile reads, or else PyAV where it is installed: any rate, width and
            number of channels.

    Returns:
        Its format; and its samples, (n,) at a time, channels averaged, in [-1, 1] for files of
        whole numbers. Drawing them raises a `DataError` where the file is damaged.

    Raises:
        DataError: It can't be read as audio.
    """
    import soundfile

    try:
        file = soundfile.SoundFile(path)
    except (OSError, RuntimeError) as error:
        return _by_av(path, str(error))
    found = Format(int(file.samplerate), int(file.channels), f"{file.format} {file.subtype}")
    return found, _checked(_drawn(file))


def spans(path: Path, wanted: Iterable[tuple[int, int]]) -> Iterator[Samples]:
    """Parts of a recording, read in one go from the beginning.

    Args:
        path: As for `blocks`.
        wanted: First sample of each part and the one behind its last, in order of their beginnings;
            parts may overlap.

    Yields:
        The samples of each; fewer where the recording ends before.

    Raises:
        DataError: As for `blocks`.
    """
    _, stream = blocks(path)
    kept: list[Samples] = []
    first = behind = 0  # the samples that `kept` holds
    for start, end in wanted:
        while behind < end:
            block = next(stream, None)
            if block is None:
                break
            kept.append(block)
            behind += len(block)
            while kept and first + len(kept[0]) <= start:
                first += len(kept.pop(0))
        while kept and first + len(kept[0]) <= start:
            first += len(kept.pop(0))
        joined = np.concatenate(kept) if kept else np.zeros(0, np.float32)
        yield joined[max(start - first, 0) : max(end - first, 0)].copy()


def _drawn(file: Any) -> Iterator[Samples]:
    try:
        with file:
            # Headers may claim any length, even for a pipe: what is read is what counts.
            for block in file.blocks(
                _BLOCK_SECONDS * file.samplerate, dtype="float32", always_2d=True
            ):
                yield block.mean(axis=1)
    except (OSError, RuntimeError) as error:
        raise DataError(f"The recording is damaged: {error}") from None


def _checked(stream: Iterator[Samples]) -> Iterator[Samples]:
    for block in stream:
        if not np.isfinite(block).all():
            raise DataError("The recording holds NaN or infinite samples. Export it again.")
        yield np.ascontiguousarray(block, np.float32)


def _by_av(path: Path, reason: str) -> tuple[Format, Iterator[Samples]]:
    try:
        import av
    except ModuleNotFoundError:
        raise DataError(
            f"The file can't be read as audio: {reason} If another program plays it, install what "
            "reads more formats: pip install av"
        ) from None
    try:
        container = av.open(str(path))
        streams = container.streams.audio
        if not streams:
            container.close()
            raise DataError("The file has no sound in it.")
        rate, channels = int(streams[0].rate), int(streams[0].channels)
        name = str(streams[0].codec_context.name)
    except (av.FFmpegError, OSError, ValueError, TypeError) as error:
        raise DataError(
            f"The file can't be read as audio: {_reason(error)}. Is it a recording, and complete?"
        ) from None
    return Format(rate, channels, name), _checked(_decoded(container, rate))


def _decoded(container: Any, rate: int) -> Iterator[Samples]:
    import av

    # The rate may change within a broadcast; the resampler makes one of all, and floats.
    convert = av.AudioResampler(format="fltp", rate=rate)
    gathered: list[Samples] = []
    size = 0
    try:
        with container:
            for frame in _frames(container, convert):
                block = frame.to_ndarray().mean(axis=0).astype(np.float32)
                gathered.append(block)
                size += len(block)
                if size >= _BLOCK_SECONDS * rate:
                    yield np.concatenate(gathered)
                    gathered, size = [], 0
    except (av.FFmpegError, OSError, ValueError) as error:
        raise DataError(f"The recording is damaged: {_reason(error)}.") from None
    if gathered:
        yield np.concatenate(gathered)


def _reason(error: Exception) -> str:
    """What FFmpeg says, without its numbers and the path."""
    words = getattr(error, "strerror", None) or str(error)
    return words[:1].lower() + words[1:]


def _frames(container: Any, convert: Any) -> Iterator[Any]:
    for frame in container.decode(audio=0):
        yield from convert.resample(frame)
    with suppress(EOFError):
        yield from convert.resample(None)
