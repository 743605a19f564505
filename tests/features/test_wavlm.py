from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.features.conftest import GOLDEN
from tests.features.reference_bert import cosines
from vinovits.convert.features import convert_features
from vinovits.convert.features.wavlm import position_buckets
from vinovits.errors import CheckpointError, UsageError
from vinovits.features.wavlm import WavlmFeatures

RECORDED = np.load(GOLDEN / "wavlm" / "cases.npz")
WAVE = RECORDED["wave_int8"].astype(np.float32) / 128


@pytest.fixture(scope="module")
def wavlm(wavlm_folder: Path) -> WavlmFeatures:
    return WavlmFeatures(wavlm_folder)


def test_all_hidden_states_are_the_recorded_ones(wavlm: WavlmFeatures) -> None:
    states, expected = wavlm.hidden_states(WAVE, 16000), RECORDED["hidden_states"]
    assert states.shape == expected.shape == (wavlm.states, 59, wavlm.width)
    for state, wanted in zip(states, expected, strict=True):
        assert np.abs(state - wanted).max() < 1e-5 * np.abs(wanted).max()


@pytest.mark.parametrize("precision", ["int8", "f16"])
def test_weights_may_be_stored_smaller(tmp_path: Path, precision: str) -> None:
    convert_features(GOLDEN / "wavlm", tmp_path / "out", precision=precision)
    states = WavlmFeatures(tmp_path / "out").hidden_states(WAVE, 16000)
    for state, wanted in zip(states, RECORDED["hidden_states"], strict=True):
        assert cosines(state, wanted).min() > 0.99


def test_any_length_is_heard(wavlm: WavlmFeatures) -> None:
    for count in (1600, 1601, 16000 * 4):
        states = wavlm.hidden_states(np.resize(WAVE, count), 16000)
        assert states.shape[1] == (count - 400) // 320 + 1
        assert np.isfinite(states).all()
    with pytest.raises(UsageError, match="at most 60 s"):
        wavlm.hidden_states(np.resize(WAVE, 16000 * 61), 16000)


def test_the_level_of_speech_counts(wavlm: WavlmFeatures) -> None:
    loud, quiet = (wavlm.hidden_states(WAVE * gain, 16000)[0] for gain in (1, 0.1))
    assert np.abs(loud - quiet).max() > 0


def test_unloading(wavlm: WavlmFeatures) -> None:
    before = wavlm.hidden_states(WAVE, 16000)
    wavlm.unload()
    assert not wavlm.graph.loaded
    np.testing.assert_array_equal(wavlm.hidden_states(WAVE, 16000), before)


def test_buckets_of_the_released_model() -> None:
    """By the formula of the paper: 320 buckets, 800 frames."""
    near = position_buckets(np.array([0, -1, -79, 1, 79]), 320, 800)
    assert near.tolist() == [0, 1, 79, 161, 239]
    far = position_buckets(np.array([-80, -800, -10_000, 80, 799, 10_000]), 320, 800)
    assert far.tolist() == [80, 159, 159, 240, 319, 319]
    middle = position_buckets(np.array([-300]), 320, 800)
    assert middle.tolist() == [80 + int(80 * np.log(300 / 80) / np.log(10))]


@given(st.integers(4, 400), st.integers(1, 1000))
def test_buckets_grow_with_the_distance(buckets: int, more: int) -> None:
    farthest = buckets // 4 + more
    away = np.arange(0, 2 * farthest)
    behind, ahead = (position_buckets(sign * away, buckets, farthest) for sign in (-1, 1))
    assert (np.diff(behind) >= 0).all()
    assert (ahead[1:] - behind[1:] == buckets // 2).all()
    assert behind[0] == ahead[0] == 0
    assert ahead.max() == buckets // 2 * 2 - 1
    assert (behind[farthest:] == behind[farthest]).all()


@pytest.mark.parametrize(
    ("entry", "value", "message"),
    [
        ("max_bucket_distance", 80, "320 buckets don't cover distances up to 80"),
        ("num_buckets", 3, "3 buckets don't cover"),
        ("num_buckets", 64, r"rel_attn_embed.weight has the shape \(320, 4\), not \(64, 4\)"),
    ],
)
def test_configs_that_do_not_fit(tmp_path: Path, entry: str, value: object, message: str) -> None:
    source = Path(shutil.copytree(GOLDEN / "wavlm", tmp_path / "source"))
    path = source / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), entry: value}), "utf-8")
    with pytest.raises(CheckpointError, match=message):
        convert_features(source, tmp_path / "out", precision="f32")
