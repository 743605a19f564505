from __future__ import annotations

import contextlib
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.features.conftest import GOLDEN
from tests.features.record_clap import CLIPS, RATE, TEXTS
from tests.features.reference_bert import cosines
from tests.features.sounds import sound
from vinovits.convert.features import convert_features
from vinovits.errors import CheckpointError, DeviceError, UsageError, VoiceError
from vinovits.features.clap import ClapFeatures
from vinovits.features.emotion import EmotionFeatures
from vinovits.features.store import shared

RECORDED = np.load(GOLDEN / "clap" / "cases.npz")
OUTPUTS = ("pooled", "projected", "embedding")


@pytest.fixture(scope="module")
def clap(clap_folder: Path) -> ClapFeatures:
    return ClapFeatures(clap_folder)


def peak_error(values: np.ndarray, expected: np.ndarray) -> float:
    assert values.shape == expected.shape
    return float(np.abs(values - expected).max() / np.abs(expected).max())


@pytest.mark.parametrize("case", CLIPS)
def test_sounds_are_heard_as_recorded(clap: ClapFeatures, case: str) -> None:
    seconds, seed = CLIPS[case]
    wave = sound(seconds, RATE, seed)
    mel = clap.spectrograms(wave, RATE, seed)
    outputs = clap.graphs["audio"](mel=mel)
    for name in OUTPUTS:
        assert peak_error(outputs[name], RECORDED[f"{case}.{name}"]) < 1e-5, name
    embedding = clap.audio(wave, RATE, seed)
    np.testing.assert_array_equal(embedding, outputs["embedding"][0])
    assert embedding.shape == (clap.width,) == (40,)


@pytest.mark.parametrize("index", range(len(TEXTS)))
def test_texts_are_read_as_recorded(clap: ClapFeatures, index: int) -> None:
    ids = RECORDED[f"text{index}.input_ids"][0]
    assert clap.tokens(TEXTS[index]) == ids.tolist()
    outputs = clap.graphs["text"](input_ids=ids, mask=np.ones(len(ids), np.bool_))
    for name in OUTPUTS:
        assert peak_error(outputs[name], RECORDED[f"text{index}.{name}"]) < 1e-5, name
    # Here with padding behind it.
    embedding = clap.text(TEXTS[index])
    assert peak_error(embedding, RECORDED[f"text{index}.embedding"][0]) < 1e-5


@pytest.mark.parametrize("precision", ["int8", "f16"])
def test_weights_may_be_stored_smaller(clap_folder: Path, tmp_path: Path, precision: str) -> None:
    convert_features(GOLDEN / "clap", tmp_path / "out", precision=precision)
    clap = ClapFeatures(tmp_path / "out")
    for index, text in enumerate(TEXTS):
        assert cosines(clap.text(text)[None], RECORDED[f"text{index}.embedding"]).min() > 0.99
    for case, (seconds, seed) in CLIPS.items():
        heard = clap.audio(sound(seconds, RATE, seed), RATE, seed)
        assert cosines(heard[None], RECORDED[f"{case}.embedding"]).min() > 0.99
    sizes = [(folder / "text.bin").stat().st_size for folder in (tmp_path / "out", clap_folder)]
    assert sizes[0] < 0.6 * sizes[1]


def test_older_releases_have_the_tokenizer_in_two_files(clap: ClapFeatures, tmp_path: Path) -> None:
    source = Path(shutil.copytree(GOLDEN / "clap", tmp_path / "source"))
    (source / "tokenizer.json").unlink()
    convert_features(source, tmp_path / "out", precision="f32")
    older = ClapFeatures(tmp_path / "out")
    for text in (*TEXTS, "<mask> été 悲しい 🙂\n  don't", " <s> a</s>"):
        assert older.tokens(text) == clap.tokens(text)


def test_embeddings_are_of_length_1_and_the_callers_own(clap: ClapFeatures) -> None:
    wave = sound(1.0, 22050, 4)
    for embed in (lambda: clap.text("sad"), lambda: clap.audio(wave, 22050)):
        first = embed()
        assert (first.shape, first.dtype) == ((40,), np.float32)
        assert np.linalg.norm(first) == pytest.approx(1, abs=1e-5)
        kept = first.copy()
        first[:] = 0
        np.testing.assert_array_equal(embed(), kept)


def test_any_rate_is_heard_alike(clap: ClapFeatures) -> None:
    t = np.arange(96000) / 96000
    tones = [np.sin(2 * np.pi * hz * t) * (1 + np.sin(7 * t)) / 8 for hz in (220, 815, 3000)]
    wave = np.sum(tones, axis=0).astype(np.float32)
    whole = clap.audio(wave[::2], 48000)
    assert cosines(clap.audio(wave, 96000)[None], whole[None]).min() > 0.99


def test_long_clips_are_heard_in_parts_that_the_seed_chooses(clap: ClapFeatures) -> None:
    long = sound(25.0, 16000, 2)
    one, other = (clap.audio(long, 16000, seed) for seed in (1, 2**40 + 2))
    assert (one != other).any()
    assert cosines(one[None], other[None]).min() > 0.9
    short = long[: 9 * 16000]
    np.testing.assert_array_equal(clap.audio(short, 16000, 1), clap.audio(short, 16000, 2))


@settings(max_examples=30)
@given(st.text(st.characters(), max_size=30))
def test_any_short_text_has_an_embedding(clap: ClapFeatures, text: str) -> None:
    with contextlib.suppress(UsageError):  # 30 characters of four bytes are too long
        assert np.isfinite(clap.text(text)).all()


def test_a_text_longer_than_the_model_reads(clap: ClapFeatures) -> None:
    assert clap.text("!" * 46).shape == (40,)
    with pytest.raises(UsageError, match=r"has 49 tokens, but clap reads at most 48.* Shorten it"):
        clap.text("!" * 47)
    with pytest.raises(UsageError, match="at most 48"):
        clap.text("x " * 100_000)


def test_a_prompt_that_is_none(clap: ClapFeatures) -> None:
    with pytest.raises(UsageError, match="is a str, not list"):
        clap.text(["a"])
    with pytest.raises(UsageError, match="is silent"):
        clap.audio(np.zeros(48000, np.float32), 48000)


def test_graphs_are_loaded_when_needed_and_unloaded_when_asked(clap_folder: Path) -> None:
    clap = shared(ClapFeatures, clap_folder)
    assert shared(ClapFeatures, clap_folder) is clap
    before = clap.text("calm")
    assert [graph.loaded for graph in clap.graphs.values()] == [True, False]
    clap.unload()
    assert not clap.graphs["text"].loaded
    np.testing.assert_array_equal(clap.text("calm"), before)
    assert clap.graphs["text"].info.precision == "f32"


def test_the_same_prompt_runs_once(clap_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clap = ClapFeatures(clap_folder)
    wave = sound(0.5, 16000, 1)
    first = clap.text("glad"), clap.audio(wave, 16000)
    monkeypatch.setattr(clap, "graphs", {})
    np.testing.assert_array_equal(clap.text("glad"), first[0])
    np.testing.assert_array_equal(clap.audio(wave.copy(), 16000), first[1])
    with pytest.raises(KeyError):
        clap.audio(wave, 16001)


def test_threads_get_their_own_embeddings(clap: ClapFeatures) -> None:
    texts = [f"voice {index} " * (index % 7) for index in range(40)]
    alone = [clap.text(text) for text in texts]
    clap.unload()
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(clap.text, texts))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_another_kind_or_device(clap_folder: Path) -> None:
    with pytest.raises(VoiceError, match="of kind 'clap', but 'emotion' is needed"):
        EmotionFeatures(clap_folder)
    with pytest.raises(DeviceError, match="no device 'FPGA' here"):
        ClapFeatures(clap_folder, "FPGA")


@pytest.mark.parametrize(
    ("entry", "value", "message"),
    [
        ("pad_id", 420, "pad_id 420, beyond its vocabulary of 420"),
        ("hop_length", 0, "hop_length 0, below 1"),
        ("clip_samples", 1000, "clip_samples 1000, below 1024"),
        ("highest_hz", 30000, "mel bins from 50 to 30000 Hz, but a sound of 48000 Hz"),
        ("lowest_hz", float("nan"), "mel bins from nan"),
        ("max_length", "9", "wrong kind"),
    ],
)
def test_impossible_manifests(
    clap_folder: Path, tmp_path: Path, entry: str, value: object, message: str
) -> None:
    folder = Path(shutil.copytree(clap_folder, tmp_path / "clap"))
    path = folder / "features.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), entry: value}), "utf-8")
    with pytest.raises(VoiceError, match=message):
        ClapFeatures(folder)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of the recorded CLAP, to be broken."""
    return Path(shutil.copytree(GOLDEN / "clap", tmp_path / "source"))


@pytest.mark.parametrize(
    ("part", "entry", "value", "message"),
    [
        ("audio_config", "enable_fusion", False, "CLAP without feature fusion"),
        ("audio_config", "fusion_type", "channel_map", "another kind of it"),
        ("audio_config", "num_mel_bins", 128, "folds 128 mel bins into an image of 256 by 256"),
        ("audio_config", "window_size", 7, "can't be cut into windows of 7 by 7"),
        ("audio_config", "patch_size", [4, 4, 4], r"patch_size is \[4, 4, 4\]"),
        ("audio_config", "patch_stride", [4, 8], "don't cover an image of one channel"),
        ("audio_config", "hidden_size", 64, "3 stages from a width of 8 end 32 wide"),
        ("audio_config", "depths", [], r"depths is \[\]"),
        ("audio_config", "mlp_ratio", "4", "mlp_ratio is '4'"),
        ("audio_config", "num_attention_heads", [3, 1, 2], "width of 8 can't be cut into 3 heads"),
        ("text_config", "position_embedding_type", "relative_key", "relative positions"),
        ("text_config", "vocab_size", 419, "ids up to 419, but the model has 419 embeddings"),
        ("text_config", "hidden_size", 64, r"word_embeddings.weight has the shape \(420, 32\)"),
        (None, "text_config", [], r"text_config is \[\], but should be an object"),
        (None, "projection_dim", 512, r"linear1.weight has the shape \(40, 32\), not \(512, 32\)"),
        (None, "projection_hidden_act", "selu", "activation 'selu'"),
    ],
)
def test_configs_that_do_not_fit(
    source: Path, tmp_path: Path, part: str | None, entry: str, value: object, message: str
) -> None:
    path = source / "config.json"
    config = json.loads(path.read_bytes())
    (config if part is None else config[part])[entry] = value
    path.write_text(json.dumps(config), "utf-8")
    with pytest.raises(CheckpointError, match=message):
        convert_features(source, tmp_path / "out", precision="f32")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("entry", "value", "message"),
    [
        ("truncation", "rand_trunc", "the truncation 'rand_trunc'; vinovits knows 'fusion'"),
        ("padding", "repeat", "the padding 'repeat'"),
        ("hop_length", 100, "makes 64 bins and 4801 frames"),
        ("feature_size", None, "feature_size is None"),
        ("frequency_max", "14k", "frequency_max is '14k'"),
        ("frequency_min", float("nan"), "frequency_min is nan"),
    ],
)
def test_front_ends_that_do_not_fit(
    source: Path, tmp_path: Path, entry: str, value: object, message: str
) -> None:
    path = source / "preprocessor_config.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), entry: value}), "utf-8")
    with pytest.raises(CheckpointError, match=message):
        convert_features(source, tmp_path / "out", precision="f32")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"post_processor": None}, "doesn't put <s> and </s> around a text"),
        ({"model": {"type": "BPE"}}, "isn't a tokenizer"),
    ],
)
def test_tokenizers_that_do_not_fit(
    source: Path, tmp_path: Path, change: dict[str, object], message: str
) -> None:
    path = source / "tokenizer.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **change}), "utf-8")
    with pytest.raises(CheckpointError, match=message):
        convert_features(source, tmp_path / "out")
    path.unlink()
    (source / "merges.txt").write_text("a b c\n", "utf-8")
    with pytest.raises(CheckpointError, match="aren't byte pairs"):
        convert_features(source, tmp_path / "out")
    (source / "merges.txt").unlink()
    with pytest.raises(CheckpointError, match="aren't byte pairs"):
        convert_features(source, tmp_path / "out")
    (source / "vocab.json").unlink()
    with pytest.raises(CheckpointError, match=r"tokenizer\.json is missing"):
        convert_features(source, tmp_path / "out")


def test_a_layer_can_not_be_chosen(tmp_path: Path) -> None:
    for model in ("clap", "wav2vec2", "wavlm"):
        with pytest.raises(UsageError, match="leave out the layer"):
            convert_features(GOLDEN / model, tmp_path / "out", 1)
