"""Files of books: read back by FFmpeg's own readers."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from tests.books.files import PNG
from vinovits.books.mastering import Mark, encode
from vinovits.books.model import Cover

RATE = 24000


def written(path: Path, cover: Cover) -> Path:
    noise = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    marks = [Mark("One", 0.0, 0.6), Mark("Two", 0.6, 1.0)]
    encode(path, [noise], RATE, 1.0, tags={"title": "A book"}, marks=marks, cover=cover)
    return path


@pytest.mark.parametrize("kind", ["m4b", "m4a", "mp3", "opus"])
def test_files_have_their_cover(kind: str, tmp_path: Path) -> None:
    path = written(tmp_path / f"book.{kind}", Cover(PNG, "image/png"))
    with av.open(str(path)) as file:
        assert len(file.streams.audio) == len(file.streams.video) == 1
        assert [chapter["metadata"]["title"] for chapter in file.chapters()] == ["One", "Two"]
        starts = [chapter["start"] * float(chapter["time_base"]) for chapter in file.chapters()]
        assert starts == pytest.approx([0.0, 0.6], abs=0.002)
    if kind in ("m4a", "m4b"):
        assert path.read_bytes()[4:12] == b"ftyp" + kind.upper().encode() + b" "


@pytest.mark.parametrize("kind", ["m4b", "mp3", "opus"])
@pytest.mark.parametrize("data", [b"", b"x" * 500, PNG[:20], PNG[:33], PNG[:16] + bytes(17)])
@pytest.mark.parametrize("media_type", ["image/png", "image/jpeg"])
def test_a_broken_cover_breaks_no_book(
    kind: str, data: bytes, media_type: str, tmp_path: Path
) -> None:
    path = written(tmp_path / f"book.{kind}", Cover(data, media_type))
    with av.open(str(path)) as file:
        [stream] = file.streams.audio
        seconds = sum(frame.samples / frame.sample_rate for frame in file.decode(stream))
        assert seconds == pytest.approx(1.0, abs=0.2)
        assert len(file.chapters()) == 2
