from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.features.reference_bert import cosines, hidden_state
from tests.features.tiny_bert import (
    HEADS,
    LAYERS,
    LONGEST,
    VOCABULARY,
    tiny_weights,
    write_source,
)
from vinovits.convert.features import Precision, convert_features, quantise_rows
from vinovits.errors import CheckpointError, OutputError, UsageError
from vinovits.features.bert import BertFeatures

CLS, SEP = VOCABULARY.index("[CLS]"), VOCABULARY.index("[SEP]")


def expected(pieces: list[int], layers: int) -> np.ndarray:
    return hidden_state(tiny_weights(), [CLS, *pieces, SEP], layers, HEADS, 1e-12)


def some_pieces(count: int) -> list[int]:
    return np.random.default_rng(count).integers(5, len(VOCABULARY), count).tolist()


@pytest.mark.parametrize("layer", range(-LAYERS - 1, LAYERS + 1))
def test_float_graph_is_the_reference_at_every_layer(
    source: Path, tmp_path: Path, layer: int
) -> None:
    manifest = convert_features(source, tmp_path / "out", layer, "f32")
    rows = BertFeatures(tmp_path / "out").features(some_pieces(9))
    assert manifest.layer == layer % (LAYERS + 1)
    np.testing.assert_allclose(rows, expected(some_pieces(9), manifest.layer), atol=1e-5)


def test_float_graph_is_the_reference_at_every_length(converted: Path) -> None:
    bert = BertFeatures(converted)
    for count in range(LONGEST - 1):
        rows = bert.features(some_pieces(count))
        assert rows.shape == (count + 2, bert.width)
        assert rows.dtype == np.float32
        np.testing.assert_allclose(rows, expected(some_pieces(count), 3), atol=1e-5)


@pytest.mark.parametrize(("precision", "cosine"), [("f16", 0.99999), ("int8", 0.999)])
def test_compressed_weights_stay_close(
    source: Path, tmp_path: Path, precision: Precision, cosine: float
) -> None:
    convert_features(source, tmp_path / "out", -3, precision)
    bert = BertFeatures(tmp_path / "out")
    for count in (0, 1, 13, 38):
        rows = bert.features(some_pieces(count))
        assert cosines(rows, expected(some_pieces(count), 3)).min() > cosine
    assert bert.info.precision == "f32"


def test_same_weights_make_the_same_bytes(source: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        convert_features(source, tmp_path / name, -3, "int8", name="tiny")
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


def test_names_below_a_head_and_half_precision_are_taken(tmp_path: Path) -> None:
    halves = {f"bert.{name}": value.astype(np.float16) for name, value in tiny_weights().items()}
    source = write_source(tmp_path / "source", {**halves, "cls.bias": np.zeros(3, np.float16)})
    convert_features(source, tmp_path / "out", -3, "f32")
    rows = BertFeatures(tmp_path / "out").features(some_pieces(9))
    assert cosines(rows, expected(some_pieces(9), 3)).min() > 0.9999


def test_tokenizer_loses_truncation_and_padding_only(source: Path, converted: Path) -> None:
    before = json.loads((source / "tokenizer.json").read_bytes())
    after = json.loads((converted / "tokenizer.json").read_bytes())
    assert before["truncation"]
    assert before["padding"]
    assert after == {**before, "truncation": None, "padding": None}


def test_unknown_precision_and_layer(source: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no precision 'int4'\. There are: int8, f16, f32"):
        convert_features(source, tmp_path / "out", -3, "int4")
    for layer in (LAYERS + 1, -LAYERS - 2):
        with pytest.raises(UsageError, match=f"no hidden state {layer}.*has 6, numbered 0 to 5"):
            convert_features(source, tmp_path / "out", layer, "f32")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_missing_and_broken_files(tmp_path: Path, name: str) -> None:
    source = write_source(tmp_path / "source")
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    (source / name).write_text(pointer, encoding="ascii")
    with pytest.raises(CheckpointError, match=name):
        convert_features(source, tmp_path / "out", -3)
    (source / name).unlink()
    with pytest.raises(CheckpointError, match=f"{name} is missing"):
        convert_features(source, tmp_path / "out", -3)
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


@pytest.mark.parametrize(
    ("entry", "value", "message"),
    [
        ("model_type", "gpt2", r"'gpt2' model\. vinovits makes features from: bert"),
        ("model_type", None, "model_type is None"),
        ("hidden_act", "swish", "activation 'swish'"),
        ("num_attention_heads", 5, "can't be cut into 5 heads"),
        ("position_embedding_type", "relative_key", "relative positions"),
        ("hidden_size", "32", "hidden_size is '32'"),
        ("num_hidden_layers", True, "num_hidden_layers is True"),
        ("layer_norm_eps", -1, "layer_norm_eps is -1"),
        ("hidden_size", 64, r"word_embeddings.weight has the shape \(25, 32\), not \(25, 64\)"),
        ("vocab_size", 7, "ids up to 24, but the model has 7 embeddings"),
    ],
)
def test_configs_that_do_not_fit(tmp_path: Path, entry: str, value: object, message: str) -> None:
    source = write_source(tmp_path / "source")
    path = source / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), entry: value}), encoding="utf-8")
    with pytest.raises(CheckpointError, match=message):
        convert_features(source, tmp_path / "out", -3)
    assert not (tmp_path / "out").exists()


def test_everything_wrong_with_the_weights_is_in_one_message(tmp_path: Path) -> None:
    weights = tiny_weights()
    del weights["encoder.layer.0.output.dense.bias"]
    weights["encoder.layer.1.output.dense.bias"] = np.zeros(3, np.float32)
    weights["encoder.layer.2.output.dense.bias"][5] = np.nan
    source = write_source(tmp_path / "source", weights)
    with pytest.raises(CheckpointError) as caught:
        convert_features(source, tmp_path / "out", -3)
    for part in ("layer.0.output.dense.bias is missing", "(3,), not (32,)", "NaN or infinite"):
        assert part in str(caught.value)


def test_weights_of_a_layer_that_is_cut_off_do_not_matter(tmp_path: Path) -> None:
    weights = {name: value for name, value in tiny_weights().items() if "layer.4" not in name}
    convert_features(write_source(tmp_path / "source", weights), tmp_path / "out", -3)
    assert (tmp_path / "out" / "features.json").exists()


def test_tokenizer_without_boundary_tokens(tmp_path: Path) -> None:
    source = write_source(tmp_path / "source")
    path = source / "tokenizer.json"
    content = json.loads(path.read_bytes())
    del content["model"]["vocab"]["[SEP]"]
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"lacks \[SEP\]"):
        convert_features(source, tmp_path / "out", -3)
    path.write_text('{"model": {"vocab": [["a"]]}}', encoding="utf-8")
    with pytest.raises(CheckpointError, match="isn't a tokenizer with a vocabulary"):
        convert_features(source, tmp_path / "out", -3)


def test_a_full_disk(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vinovits.convert import compact

    def fail(*args: object, **more: object) -> None:
        raise RuntimeError("basic_ios::clear: iostream error")

    monkeypatch.setattr(compact.ov, "save_model", fail)
    with pytest.raises(OutputError, match=r"out can't be written: .*is the disk full\?"):
        convert_features(source, tmp_path / "out")
    assert not list(tmp_path.glob("*out*"))
    assert not list(tmp_path.glob(".vinovits*"))


def test_a_folder_with_something_in_it_is_left_alone(source: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine", encoding="ascii")
    with pytest.raises(OutputError, match="isn't empty"):
        convert_features(source, tmp_path / "out", -3)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


@given(
    arrays(
        np.float32,
        st.tuples(st.integers(1, 5), st.integers(1, 9)),
        elements=st.floats(-1e4, 1e4, width=32),
    )
)
def test_quantised_rows_are_near_and_keep_zero(values: np.ndarray) -> None:
    levels, zero, scale = quantise_rows(values)
    restored = (levels.astype(np.float32) - zero) * scale
    assert levels.dtype == zero.dtype == np.uint8
    assert (np.abs(restored - values) <= scale * 1.001).all()
    assert (restored[values == 0] == 0).all()


def test_unused_names_in_the_file_are_ignored(source: Path, tmp_path: Path) -> None:
    extra = {**tiny_weights(), "lm_head.weight": np.zeros((2, 2), np.float32)}
    other = write_source(tmp_path / "source", extra)
    for name, folder in (("one", source), ("two", other)):
        convert_features(folder, tmp_path / name, -3, "f32", name="tiny")
    one, two = ((tmp_path / name / "model.bin").read_bytes() for name in ("one", "two"))
    assert one == two
