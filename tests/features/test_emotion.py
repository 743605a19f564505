from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.features.conftest import GOLDEN
from tests.features.reference_bert import cosines
from tests.features.sounds import sound
from vinovits.convert.features import convert_features
from vinovits.errors import CheckpointError, UsageError, VoiceError
from vinovits.features.emotion import EmotionFeatures

RECORDED = np.load(GOLDEN / "wav2vec2" / "cases.npz")
WAVE = RECORDED["wave_int8"].astype(np.float32) / 128


@pytest.fixture(scope="module")
def emotion(emotion_folder: Path) -> EmotionFeatures:
    return EmotionFeatures(emotion_folder)


def test_speech_is_heard_as_recorded(emotion: EmotionFeatures) -> None:
    wave = (WAVE - WAVE.mean()) / np.sqrt(WAVE.var() + 1e-7)
    outputs = emotion.graph(wave=wave.astype(np.float32))
    for name, expected in (
        ("hidden", RECORDED["hidden"]),
        ("features", RECORDED["embedding"][0]),
        ("logits", RECORDED["logits"][0]),
    ):
        assert outputs[name].shape == expected.shape
        assert np.abs(outputs[name] - expected).max() < 1e-5 * np.abs(expected).max(), name
    vector = emotion.audio(WAVE, 16000)
    assert vector.shape == (emotion.width,) == (32,)
    np.testing.assert_allclose(vector, RECORDED["embedding"][0], atol=1e-5)


@pytest.mark.parametrize("precision", ["int8", "f16"])
def test_weights_may_be_stored_smaller(tmp_path: Path, precision: str) -> None:
    convert_features(GOLDEN / "wav2vec2", tmp_path / "out", precision=precision)
    vector = EmotionFeatures(tmp_path / "out").audio(WAVE, 16000)
    assert cosines(vector[None], RECORDED["embedding"]).min() > 0.999


def test_level_and_offset_of_a_recording_do_not_count(emotion: EmotionFeatures) -> None:
    quiet = emotion.audio(WAVE * 0.05 + 0.3, 16000)
    np.testing.assert_allclose(quiet, RECORDED["embedding"][0], atol=2e-3)


def test_any_rate_is_heard_alike(emotion: EmotionFeatures) -> None:
    fine = sound(1.0, 48000, 1)
    one, other = emotion.audio(fine, 48000), emotion.audio(fine[:-1], 48000)
    assert one.shape == (32,)
    assert cosines(one[None], other[None]).min() > 0.9999


def test_the_same_recording_runs_once_and_vectors_are_the_callers_own(
    emotion_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    emotion = EmotionFeatures(emotion_folder)
    first = emotion.audio(WAVE, 16000)
    kept = first.copy()
    first[:] = 0
    monkeypatch.setattr(emotion, "graph", None)
    np.testing.assert_array_equal(emotion.audio(WAVE.copy(), 16000), kept)


def test_unloading(emotion_folder: Path) -> None:
    emotion = EmotionFeatures(emotion_folder)
    assert not emotion.graph.loaded
    emotion.audio(WAVE, 16000)
    assert emotion.graph.loaded
    emotion.unload()
    assert not emotion.graph.loaded
    np.testing.assert_allclose(emotion.audio(WAVE, 16000), RECORDED["embedding"][0], atol=1e-5)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros(16000, np.float32), "is silent"),
        (WAVE[:160], "is 10 ms long"),
        (np.tile(WAVE, 41), r"is 61.5 s long, but at most 60 s are heard\. Cut out a part"),
        (np.tile(WAVE, 1200), "is 1800.0 s long"),
        (np.stack([WAVE, WAVE]), "one channel"),
    ],
)
def test_recordings_that_can_not_be_prompts(
    emotion: EmotionFeatures, samples: np.ndarray, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        emotion.audio(samples, 16000)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of the recorded model, to be broken."""
    return Path(shutil.copytree(GOLDEN / "wav2vec2", tmp_path / "source"))


@pytest.mark.parametrize(
    ("entry", "value", "message"),
    [
        ("add_adapter", True, "asks for adapters"),
        ("adapter_attn_dim", 16, "asks for adapters"),
        ("feat_extract_norm", "batch", "the norm 'batch'; vinovits knows group and layer"),
        ("conv_kernel", [10, 3], "aren't of one length"),
        ("conv_stride", [5, 2, 2, 2, 2, 2, 0], "conv_stride is"),
        ("num_attention_heads", 5, "can't be cut into 5 heads"),
        ("num_conv_pos_embedding_groups", 5, "can't be cut into 5 groups"),
        ("num_hidden_layers", 4, r"encoder.layers.3.attention.q_proj.weight is missing"),
        ("id2label", {"0": "joy"}, r"out_proj.weight has the shape \(3, 32\), not \(1, 32\)"),
        ("hidden_act", "swish", "activation 'swish'"),
        ("conv_bias", "yes", "conv_bias is 'yes'"),
    ],
)
def test_configs_that_do_not_fit(
    source: Path, tmp_path: Path, entry: str, value: object, message: str
) -> None:
    path = source / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), entry: value}), "utf-8")
    with pytest.raises(CheckpointError, match=message):
        convert_features(source, tmp_path / "out", precision="f32")
    assert not (tmp_path / "out").exists()


def test_a_model_without_the_head_for_emotions(source: Path, tmp_path: Path) -> None:
    import torch

    weights = torch.load(source / "pytorch_model.bin", weights_only=True)
    bare = {name: value for name, value in weights.items() if "classifier" not in name}
    torch.save(bare, source / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="without the head that tells emotions"):
        convert_features(source, tmp_path / "out")


def test_a_manifest_of_a_later_release(emotion_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(emotion_folder, tmp_path / "emotion"))
    path = folder / "features.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), "normalise": "peak"}), "utf-8")
    with pytest.raises(VoiceError, match="this release doesn't know: 'peak'"):
        EmotionFeatures(folder)
