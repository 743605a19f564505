"""Sentences and sounds whose every word is known."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from vinovits.engine.result import PhoneTiming, SpokenSentence, WordTiming

WORD_SECONDS = 0.3


def spoken(text: str, start_char: int = 0, start: float = 0.0) -> SpokenSentence:
    """A sentence whose words and punctuation marks each take 0.3 seconds, with two phones each."""
    words, phones = [], []
    time = start
    for match in re.finditer(r"[\w'’]+|[^\w\s]", text):
        end = time + WORD_SECONDS
        words.append(
            WordTiming(match[0], start_char + match.start(), start_char + match.end(), time, end)
        )
        phones.append(PhoneTiming("ah", time, time + WORD_SECONDS / 2))
        phones.append(PhoneTiming("t", time + WORD_SECONDS / 2, end))
        time = end
    return SpokenSentence(
        text, start_char, start_char + len(text), start, time, tuple(words), tuple(phones)
    )


def sentences(text: str) -> list[SpokenSentence]:
    """The sentences of a text, which end behind `.`, `!` or `?` and a space."""
    cuts = [0, *(match.end() for match in re.finditer(r"[.!?]\s+", text)), len(text)]
    found = []
    time = 0.0
    for start, end in pairwise(cuts):
        piece = text[start:end].rstrip()
        if piece:
            found.append(spoken(piece, start, time))
            time = found[-1].end
    return found


def chirp(seconds: float, sampling_rate: int) -> NDArray[np.float32]:
    """A tone that rises from 200 to 2,000 Hz and swells twice a second."""
    time = np.arange(round(seconds * sampling_rate)) / sampling_rate
    phase = 2 * np.pi * (200 * time + 900 * time**2 / max(seconds, 1e-9))
    return (0.6 * np.sin(phase) * np.sin(np.pi * 2 * time) ** 2).astype(np.float32)
