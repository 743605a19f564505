"""Recordings for tests: six sentences of the built-in voice, whole, joined, spoilt."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from tests.conftest import GOLDEN

RATE = 24_000
TEXTS = (
    "The kettle began to sing before anyone was awake.",
    "We walked along the river until the path came to an end.",
    "Nobody could say where the old map had come from.",
    "Seven small boats were waiting near the harbour wall.",
    "She closed the window, and the room was quiet again.",
    "It costs twenty five dollars to cross the bridge.",
)

Samples = NDArray[np.float32]


def sentence(number: int) -> Samples:
    """One of the sentences, from 1 on, (n,) at 24 kHz."""
    samples, rate = soundfile.read(GOLDEN / "prepare" / f"joe{number}.opus", dtype="float32")
    assert rate == RATE
    return np.asarray(samples, np.float32)


def joined(numbers: Sequence[int], pause: float = 0.8) -> tuple[Samples, list[tuple[float, float]]]:
    """Sentences with soft noise between them, and where each begins and ends in seconds."""
    rng = np.random.default_rng(0)
    parts: list[Samples] = []
    places, position = [], 0
    for number in numbers:
        gap = np.zeros(int(pause * RATE), np.float32)
        own = sentence(number)
        places.append(((position + len(gap)) / RATE, (position + len(gap) + len(own)) / RATE))
        parts += [gap, own]
        position += len(gap) + len(own)
    whole = np.concatenate([*parts, np.zeros(RATE // 2, np.float32)])
    noise = rng.standard_normal(len(whole)).astype(np.float32) * 2e-4
    return whole + noise, places


def write(path: Path, samples: Samples, rate: int = RATE, subtype: str | None = None) -> None:
    """Write a recording; the suffix is the format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, subtype=subtype)


def folder(path: Path, numbers: Sequence[int] = (1, 2, 3), texts: bool = True) -> Path:
    """A folder of sentences with texts beside them."""
    for number in numbers:
        write(path / f"s{number}.wav", sentence(number))
        if texts:
            (path / f"s{number}.txt").write_text(TEXTS[number - 1], encoding="utf-8")
    return path
