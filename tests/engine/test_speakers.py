"""Mixes of speakers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vinovits
from vinovits.engine.voice import Voice
from vinovits.errors import UsageError

TEXT = "Hello there."


@pytest.fixture(scope="module")
def voice(tiny_voice: Path, graph_cache: Path) -> Voice:
    return vinovits.load(tiny_voice, cache_dir=graph_cache)


def test_a_mix_is_the_weighted_mean_of_the_vectors(voice: Voice) -> None:
    table = np.load(voice.folder / "speakers.npy")
    ann, bob = (table[row] for row in (0, 1))
    mean = (0.75 * ann + 0.25 * bob).astype(np.float32)
    expected = voice.speak(TEXT, speaker=mean).samples
    for mix in ({"ann": 3, "bob": 1}, {"ann": 0.75, "bob": 0.25}, {0: 0.3, 1: 0.1}):
        samples = voice.speak(TEXT, speaker=mix).samples
        assert np.allclose(samples, expected, atol=1e-5), mix
    alone = voice.speak(TEXT, speaker={"ann": 0, "bob": 5}).samples
    assert np.array_equal(alone, voice.speak(TEXT, speaker="bob").samples)
    assert not np.array_equal(alone, expected)


@pytest.mark.parametrize(
    ("mix", "message"),
    [
        ({}, "above 0"),
        ({"ann": 0}, "above 0"),
        ({"ann": -1, "bob": 2}, "weight of the speaker 'ann'"),
        ({"ann": float("nan")}, "weight"),
        ({"ann": float("inf")}, "weight"),
        ({"ann": True}, "weight"),
        ({"ann": "1"}, "weight"),
        ({"nobody": 1}, "no speaker 'nobody'"),
        ({"ann": 1, 7: 1}, "no speaker 7"),
        ({str(number): 1 for number in range(17)}, "At most 16"),
    ],
)
def test_a_mix_that_cannot_be_is_told(voice: Voice, mix: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        voice.speak(TEXT, speaker=mix)
