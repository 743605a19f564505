"""Loudness of a whole book, and its files: by PyAV, which brings FFmpeg's filters and encoders."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vinovits.books.model import Cover
from vinovits.errors import MissingExtraError, OutputError
from vinovits.output.atomic import atomic_file, write_error

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

TARGET_LUFS = -20.0
"""In the midst of what audiobook shops ask for: -23 to -18."""
PEAK_DB = -3.0
_HEADROOM_DB = 0.5
"""Encoders with loss overshoot the peaks that they are given."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How files of a kind are made."""

    container: str
    codec: str
    rates: tuple[int, ...]
    """Hz; the next higher one is taken."""
    bit_rate: int
    has_chapters: bool = True
    brand: str = ""
    """Of MP4: FFmpeg has a container for that of audio too ("ipod"), but with no place for
    covers."""


_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
ENCODINGS: Mapping[str, Encoding] = {
    ".m4b": Encoding("mp4", "aac", _RATES, 64_000, brand="M4B "),
    ".m4a": Encoding("mp4", "aac", _RATES, 64_000, brand="M4A "),
    ".mp3": Encoding("mp3", "libmp3lame", _RATES, 64_000),
    ".opus": Encoding("ogg", "libopus", (8000, 12000, 16000, 24000, 48000), 32_000),
    ".flac": Encoding("flac", "flac", (), 0, has_chapters=False),
    ".wav": Encoding("wav", "pcm_s16le", (), 0, has_chapters=False),
}
"""By the extension of the file."""


@dataclass(frozen=True, slots=True)
class Loudness:
    """Of a whole book before its gain."""

    lufs: float
    """Integrated, by EBU R 128; -inf of silence."""
    peak: float
    """The largest sample."""

    @property
    def gain(self) -> float:
        """The factor that makes it `TARGET_LUFS` loud; 1 for silence."""
        if not math.isfinite(self.lufs) or self.lufs <= -70.0:
            return 1.0
        return float(10 ** ((TARGET_LUFS - self.lufs) / 20))


@dataclass(frozen=True, slots=True)
class Mark:
    """A chapter within a file."""

    title: str
    start: float
    """Seconds."""
    end: float


def need_av() -> None:
    """Raise `MissingExtraError` if PyAV isn't installed."""
    try:
        import av  # noqa: F401
    except ModuleNotFoundError:
        raise MissingExtraError(
            "Writing books needs PyAV, which isn't installed: run `pip install 'vinovits[books]'`."
        ) from None


def measure(blocks: Iterable[Samples], rate: int) -> Loudness:
    """How loud a sound is, by EBU R 128 (ITU-R BS.1770), in memory that doesn't grow.

    Args:
        blocks: (n,) samples each.
        rate: Hz.
    """
    filters = _Filters(rate, ("ebur128", "metadata=1:framelog=quiet"))
    lufs, peak = -math.inf, 0.0
    for block in blocks:
        if len(block):
            peak = max(peak, float(abs(block).max()))
        for frame in filters.through(block):
            lufs = float(frame.metadata.get("lavfi.r128.I", lufs))
    return Loudness(lufs, peak)


def encode(
    path: Path,
    blocks: Iterable[Samples],
    rate: int,
    gain: float,
    *,
    tags: Mapping[str, str],
    marks: Sequence[Mark] = (),
    cover: Cover | None = None,
) -> float:
    """Write a file, whole or not at all.

    Args:
        path: Its extension, one of `ENCODINGS`, tells the format.
        blocks: (n,) samples each.
        rate: Hz.
        gain: A factor for all of it; what would be above `PEAK_DB` is limited.
        tags: As FFmpeg calls them: title, artist, album, genre, track.
        marks: Chapters, whose times are known before all samples are.
        cover: A picture.

    Returns:
        Seconds of audio.

    Raises:
        OutputError: It can't be written.
    """
    import av

    encoding = ENCODINGS[path.suffix.lower()]
    limit = 10 ** ((PEAK_DB - (_HEADROOM_DB if encoding.bit_rate else 0)) / 20)
    filters = _Filters(
        rate,
        ("volume", f"volume={gain:.6f}"),
        ("alimiter", f"limit={limit:.6f}:level=disabled:latency=1"),
        ("aformat", "sample_fmts=flt"),
    )
    samples = 0
    with atomic_file(path) as part:
        try:
            options = {"brand": encoding.brand} if encoding.brand else {}
            form = encoding.container
            with av.open(str(part), "w", format=form, container_options=options) as container:
                container.metadata.update(_tags(tags, cover, marks, encoding))
                rates = encoding.rates or (rate,)
                own = next((known for known in rates if known >= rate), rates[-1])
                stream: Any = container.add_stream(encoding.codec, rate=own, layout="mono")
                if encoding.bit_rate:
                    stream.bit_rate = encoding.bit_rate
                picture = _add_cover(container, cover, encoding)
                if encoding.has_chapters and marks and encoding.container != "ogg":
                    container.set_chapters(
                        [
                            {
                                "id": number,
                                "start": round(mark.start * 1000),
                                "end": round(mark.end * 1000),
                                "time_base": Fraction(1, 1000),
                                "metadata": {"title": mark.title},
                            }
                            for number, mark in enumerate(marks)
                        ]
                    )
                if picture is not None:
                    container.mux(picture)
                for block in blocks:
                    samples += len(block)
                    for frame in filters.through(block):
                        container.mux(stream.encode(frame))
                for frame in filters.through(None):
                    container.mux(stream.encode(frame))
                container.mux(stream.encode(None))
        except OSError as error:
            raise write_error(path, error) from error
        except av.error.FFmpegError as error:
            raise OutputError(f"{path} can't be written: {error}.") from error
    return samples / rate


def _tags(
    tags: Mapping[str, str], cover: Cover | None, marks: Sequence[Mark], encoding: Encoding
) -> dict[str, str]:
    own = {name: value for name, value in tags.items() if value}
    if encoding.container == "ogg" and cover is not None:
        own["METADATA_BLOCK_PICTURE"] = _picture_block(cover)
    if encoding.container == "ogg":
        for number, mark in enumerate(marks):
            own[f"CHAPTER{number:03}"] = _clock(mark.start)
            own[f"CHAPTER{number:03}NAME"] = mark.title
    return own


def _clock(seconds: float) -> str:
    """A time as Ogg files have those of chapters (https://wiki.xiph.org/Chapter_Extension).

    FFmpeg's own are late by a second, wherever their thousandths are above 499.
    """
    thousandths = round(seconds * 1000)
    minutes, rest = divmod(thousandths, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}.{rest % 1000:03}"


def _picture_block(cover: Cover) -> str:
    """A picture as Ogg files have it (https://xiph.org/flac/format.html#metadata_block_picture)."""
    kind = cover.media_type.encode("ascii")
    block = b"".join(
        (
            (3).to_bytes(4, "big"),
            len(kind).to_bytes(4, "big"),
            kind,
            bytes(4 * 5),
            len(cover.data).to_bytes(4, "big"),
            cover.data,
        )
    )
    return base64.b64encode(block).decode("ascii")


def _add_cover(container: Any, cover: Cover | None, encoding: Encoding) -> Any:
    """A stream of one picture, and the packet that goes into it; None if it isn't one."""
    if cover is None or encoding.container not in ("mp4", "mp3"):
        return None
    import io

    import av

    form = "mjpeg" if cover.media_type == "image/jpeg" else "png_pipe"
    try:
        with av.open(io.BytesIO(cover.data), "r", format=form) as source:
            [stream] = source.streams.video
            packet = next((packet for packet in source.demux(stream) if packet.size), None)
            if packet is None or not stream.width or not stream.height:
                return None
            target = container.add_stream_from_template(stream)
            target.disposition = av.stream.Disposition.attached_pic
            packet.stream = target
            packet.pts = packet.dts = 0
            return packet
    except (av.error.FFmpegError, OSError, ValueError):
        return None


class _Filters:
    """A chain of FFmpeg's filters for one channel."""

    def __init__(self, rate: int, *chain: tuple[str, str]) -> None:
        import av

        self._rate = rate
        self._graph = av.filter.Graph()
        links: list[Any] = [
            self._graph.add_abuffer(sample_rate=rate, format="flt", layout="mono"),
            *(self._graph.add(name, options) for name, options in chain),
            self._graph.add("abuffersink"),
        ]
        for before, behind in pairwise(links):
            before.link_to(behind)
        self._graph.configure()
        self._position = 0

    def through(self, block: Samples | None) -> Iterator[Any]:
        """Frames that come out for a block; None is the end."""
        import av

        if block is None:
            self._graph.push(None)
        elif len(block):
            frame = av.AudioFrame.from_ndarray(block[None, :], format="flt", layout="mono")
            frame.sample_rate = self._rate
            frame.pts = self._position
            frame.time_base = Fraction(1, self._rate)
            self._position += len(block)
            self._graph.push(frame)
        while True:
            try:
                yield self._graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
