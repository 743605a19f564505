from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.features.conftest import GOLDEN
from tests.features.record_clap import CLIPS, EVERY, RATE
from tests.features.sounds import sound
from vinovits.features.mel import LogMel, crop_starts, fill, fused, shrink

MEL = LogMel(RATE, 1024, 480, 64, 50.0, 14000.0)
CLIP = 480_000


@pytest.mark.parametrize("case", CLIPS)
def test_spectrograms_are_the_recorded_ones(case: str) -> None:
    seconds, seed = CLIPS[case]
    mel = fused(sound(seconds, RATE, seed), MEL, CLIP, seed)
    recorded = np.load(GOLDEN / "clap" / "cases.npz")[f"{case}.mel"]
    assert mel.shape == (4, 1001, 64)
    np.testing.assert_allclose(mel[:, ::EVERY], recorded, atol=1e-3)  # of a peak of 100 dB


def test_a_tone_is_in_the_bin_of_its_pitch() -> None:
    hz = 1000.0
    tone = np.sin(2 * np.pi * hz * np.arange(RATE) / RATE).astype(np.float32)
    mel = MEL(tone)
    low, high = (2595 * np.log10(1 + f / 700) for f in (50, 14000))
    place = (2595 * np.log10(1 + hz / 700) - low) / (high - low) * 65 - 1
    assert mel.shape == (101, 64)
    assert abs(mel[50].argmax() - place) < 1
    # A sine's peak in a Hann window is a quarter of the frame: 20 log10(256), spread over bins.
    assert 40 < mel[50].max() < 20 * np.log10(256) + 3
    assert mel[50, 0] < -40
    assert mel.min() >= -100


def test_silence_has_a_floor() -> None:
    np.testing.assert_array_equal(MEL(np.zeros(5000, np.float32)), np.full((11, 64), -100))


@given(st.integers(1, 50), st.integers(0, 200))
def test_clips_are_repeated_whole_and_padded(length: int, more: int) -> None:
    clip = np.arange(1, length + 1, dtype=np.float32)
    filled = fill(clip, length + more)
    copies = (length + more) // length
    np.testing.assert_array_equal(filled[: copies * length].reshape(copies, length) - clip, 0)
    assert len(filled) == length + more
    assert not filled[copies * length :].any()


@given(st.integers(1, 3000), st.integers(1, 2000), st.integers(0, 2**64))
def test_crops_start_in_their_thirds(more: int, crop: int, seed: int) -> None:
    starts = crop_starts(crop + more, crop, seed)
    places = more + 1
    assert starts.shape == (3,)
    assert (starts >= 0).all()
    assert (starts <= more).all()
    if places >= 3:
        assert (np.diff(starts) > 0).all()
    assert (crop_starts(crop + more, crop, seed) == starts).all()


def test_crops_of_another_seed_are_others() -> None:
    assert len({tuple(crop_starts(5000, 1001, seed)) for seed in range(20)}) == 20


@given(st.integers(2, 300), st.integers(0, 400))
def test_shrinking_keeps_lines_straight(frames: int, more: int) -> None:
    line = np.stack([np.arange(frames + more), np.full(frames + more, 7)], axis=1)
    shrunk = shrink(line.astype(np.float32), frames)
    wanted = (np.arange(frames) + 0.5) * (frames + more) / frames - 0.5
    np.testing.assert_allclose(shrunk[:, 0], wanted, atol=2e-3)
    np.testing.assert_array_equal(shrunk[:, 1], 7)


def test_a_clip_that_is_longer_by_less_than_a_frame_is_not_cropped() -> None:
    wave = sound(10.5, RATE, 2)
    four = fused(wave[: CLIP + 479], MEL, CLIP)
    assert (four == four[0]).all()
    parts = fused(wave[: CLIP + 480], MEL, CLIP)
    assert parts.shape == four.shape
    assert not (parts == parts[0]).all()
