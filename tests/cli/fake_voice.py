"""A voice without a network: each word is a tone of 0.3 seconds, at once or slowly.

As a program, it is the command line with this voice: `python -m tests.cli.fake_voice say ...`. The
environment variable FAKE_PAUSE is the seconds that it takes for each chunk.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

import vinovits
from tests.output.speech import sentences
from vinovits.engine.result import Chunk, Stats
from vinovits.errors import TextError, UsageError
from vinovits.graphs import GraphInfo

RATE = 22050
CHUNK = 5000


class FakeStream:
    def __init__(self, text: str) -> None:
        self.stats = Stats(
            stages={"read": 0.01, "decode": 0.2},
            graphs={"decoder": GraphInfo(("CPU",), "f32")},
            wall_seconds=0.25,
            first_chunk_seconds=0.05,
        )
        self._text = text

    def __enter__(self) -> Iterator[Chunk]:
        return iter(self)

    def __exit__(self, *_: object) -> None:
        pass

    def __iter__(self) -> Iterator[Chunk]:
        pause = float(os.environ.get("FAKE_PAUSE", "0"))
        done = 0
        for number, sentence in enumerate(sentences(self._text)):
            stop = round(sentence.end * RATE)
            first = True
            while done < stop:
                time.sleep(pause)
                last = min(done + CHUNK, stop)
                at = np.arange(done, last) / RATE
                samples = (0.4 * np.sin(2 * np.pi * 220 * at)).astype(np.float32)
                yield Chunk(samples, done, number, last == stop, sentence if first else None)
                first = False
                done = last
        self.stats.audio_seconds = done / RATE


class FakeVoice:
    def __init__(self, calls: list[dict[str, Any]]) -> None:
        self.calls = calls
        self.manifest = SimpleNamespace(
            name="fake", sampling_rate=RATE, speakers={"ann": 0, "7": 1}, spectrogram=None
        )

    def stream(self, text: str, **settings: Any) -> FakeStream:
        self.calls.append({"text": text, **settings})
        if not text.strip():
            raise TextError("The text is empty. Give some words to speak.")
        if "crash" in text:
            raise RuntimeError("the fake engine broke\nwith details")
        return FakeStream(text)


def fake_load(calls: list[dict[str, Any]]) -> Any:
    """A stand-in for `vinovits.load` that notes its calls."""

    def load(voice: str | Path, **options: Any) -> FakeVoice:
        calls.append({"voice": voice, **options})
        if voice == "nobody":
            raise UsageError("There is no voice 'nobody'. There are: joe.")
        return FakeVoice(calls)

    return load


if __name__ == "__main__":
    from vinovits.cli import main

    vinovits.load = fake_load([])
    main()
