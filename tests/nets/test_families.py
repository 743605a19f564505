"""The text encoder of each family gives what its released code has recorded.

What is left of the network, families share: tests of the whole of it are in test_golden.py.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.conftest import GOLDEN
from vinovits.convert.detect import detect
from vinovits.convert.graphs import condition_shapes, encoder_graph
from vinovits.devices import core
from vinovits.nets.config import ModelConfig
from vinovits.nets.synthesizer import Synthesizer
from vinovits.nets.text_encoder import TextInputs
from vinovits.nets.variants import VARIANTS
from vinovits.text.symbols import TABLES

CASES = sorted((GOLDEN / "encoders").glob("*.npz"))
FAMILIES = {"v1.0.1": "1.0.1", "v1.1.1": "1.1.1", "v2.1": "2.1", "v2.4-zh-extra": "2.4"}
RECORDED_AS = {"emotion": "emo", "style": "style_vec", "emotion_row": "emo_cls"}


@dataclasses.dataclass
class Case:
    network: Synthesizer
    recorded: dict[str, Any]
    conditions: dict[str, Tensor]


@pytest.fixture(params=CASES, ids=lambda path: path.stem)
def case(request: pytest.FixtureRequest) -> Case:
    path: Path = request.param
    with np.load(path) as file:
        arrays = dict(file)
    config = json.loads(str(arrays.pop("config")))
    recorded = {k.removeprefix("recorded/"): v for k, v in arrays.items() if "/" in k}
    tensors = {k: torch.from_numpy(v) for k, v in arrays.items() if "/" not in k}
    variant = detect(tensors, config).variant
    assert variant.name == FAMILIES.get(path.stem, path.stem)
    torch.manual_seed(0)
    network = Synthesizer(ModelConfig.from_dict(config, variant), variant, posterior=False).eval()
    missing, unexpected = network.load_state_dict(tensors, strict=False)
    assert unexpected == []
    unread = ("embed_avg", "cluster_size", "initted")  # of the codebooks, for training
    encoder = [k for k in missing if k.startswith("enc_p.") and not k.endswith(unread)]
    assert encoder == []
    if "emo_codebook" in recorded:
        network.enc_p.emo_codebook = torch.from_numpy(recorded["emo_codebook"])
    conditions = {}
    for name, shape in condition_shapes(variant).items():
        value = recorded.get(RECORDED_AS[name], np.zeros(shape)).reshape(shape)
        kind = np.int64 if name == "emotion_row" else np.float32
        conditions[name] = torch.from_numpy(value.astype(kind))
    return Case(network, recorded, conditions)


def _inputs(case: Case) -> dict[str, Tensor]:
    recorded = case.recorded
    g = case.network.emb_g(torch.from_numpy(recorded["sid"])).unsqueeze(-1).detach()
    return {
        "phones": torch.from_numpy(recorded["x"]),
        "tones": torch.from_numpy(recorded["tone"]),
        "languages": torch.from_numpy(recorded["language"]),
        "mask": torch.ones(1, 1, recorded["x"].shape[1]),
        "speaker": g,
    }


def _features(case: Case) -> dict[str, Tensor]:
    names = [feature.name for feature in case.network.variant.features]
    return {name: torch.from_numpy(case.recorded[name]).float() for name in names}


def _close(found: Any, expected: Any) -> None:
    atol = 1e-5 * float(np.abs(expected).max())
    np.testing.assert_allclose(np.asarray(found), expected, atol=atol, rtol=0)


@torch.no_grad()
def test_torch_gives_what_was_recorded(case: Case) -> None:
    given = _inputs(case)
    encoder, recorded = case.network.enc_p, case.recorded
    words = (given[name] for name in ("phones", "tones", "languages"))
    text = TextInputs(*words, _features(case), case.conditions)
    x, m_p, logs_p = encoder(text, given["mask"], given["speaker"])
    _close(x, recorded["x_hidden"])
    _close(m_p, recorded["m_p"])
    _close(logs_p, recorded["logs_p"])
    image = encoder.condition(case.conditions)
    for name in {"emo_emb", "style_emb"} & set(recorded):
        assert image is not None
        _close(image[:, None], recorded[name])
    if "emo_codes" in recorded:
        codes = encoder.emo_vq.codes(encoder.in_feature_net(case.conditions["emotion"]))
        np.testing.assert_array_equal(codes[:, None], recorded["emo_codes"])


def test_the_graph_gives_what_was_recorded(case: Case) -> None:
    given, features = _inputs(case), _features(case)
    graph = core().compile_model(
        encoder_graph(case.network, list(features)), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    noise = torch.zeros(1, 2, case.recorded["x"].shape[1])
    found = graph({**given, **features, **case.conditions, "noise": noise})
    _close(found["m_p"], case.recorded["m_p"])
    _close(found["logs_p"], case.recorded["logs_p"])


@torch.no_grad()
def test_a_vector_is_replaced_by_the_nearest_emotion_unless_a_number_is_given() -> None:
    with np.load(GOLDEN / "encoders" / "v2.1.npz") as file:
        arrays = {k: torch.from_numpy(v) for k, v in file.items() if k != "config"}
        config = json.loads(str(file["config"]))
    variant = VARIANTS["2.1"]
    network = Synthesizer(ModelConfig.from_dict(config, variant), variant)
    encoder = network.enc_p
    weights = {k.removeprefix("enc_p."): v for k, v in arrays.items() if k.startswith("enc_p.")}
    encoder.load_state_dict(weights)
    encoder.emo_codebook = arrays["recorded/emo_codebook"]
    vector, code = arrays["long/emo"], arrays["long/emo_codes"][0]
    image = encoder.condition({"emotion": vector, "emotion_row": torch.tensor([-1])})
    assert image is not None
    _close(image[:, None], arrays["long/emo_emb"].numpy())
    by_number = encoder.condition({"emotion": torch.zeros(1, 1024), "emotion_row": code})
    assert by_number is not None
    torch.testing.assert_close(by_number, image)


def test_emotions_that_no_checkpoint_holds_are_the_same_every_time() -> None:
    config = json.loads(str(np.load(GOLDEN / "encoders" / "v2.1.npz")["config"]))
    variant = VARIANTS["2.1"]
    sizes = ModelConfig.from_dict(config, variant)
    first, second = (Synthesizer(sizes, variant).enc_p.emo_codebook for _ in range(2))
    assert torch.equal(first, second)
    assert first.shape == (10, 1024)
    assert 0.9 * 0.0242 < float(first.abs().max()) <= 0.0243
    assert "enc_p.emo_codebook" not in Synthesizer(sizes, variant).state_dict()


def test_every_family_has_its_table_and_its_parts_cover_the_network() -> None:
    assert list(VARIANTS) == list(TABLES)
    config = json.loads(str(np.load(GOLDEN / "encoders" / "sbv2.npz")["config"]))
    for variant in VARIANTS.values():
        assert set(variant.languages) <= set(variant.table.languages)
        prefixes = [prefix for part in variant.parts.values() for prefix in part]
        with torch.device("meta"):
            names = Synthesizer(ModelConfig.from_dict(config, variant), variant).state_dict()
        for name in names:
            assert sum(name.startswith(prefix) for prefix in prefixes) == 1, name


def test_tables_number_what_the_released_programs_number() -> None:
    numbers = {
        name: (len(t.symbols), t.tone_count, t.languages["en"].tone_start)
        for name, t in TABLES.items()
    }
    assert numbers["1.0.1"] == (108, 11, 7)
    assert numbers["1.1.0"] == numbers["1.1.1"] == (112, 11, 7)
    assert {numbers[name] for name in ("2.0", "2.1", "2.2", "2.3", "2.4", "jp-extra")} == {
        (112, 12, 8)
    }
    assert TABLES["1.0.1"].symbols[5:7] == ("I", "N")
    assert len(set(TABLES["1.0.1"].symbols)) == 108


def test_the_documented_table_is_that_of_the_code() -> None:
    page = (Path(__file__).parent.parent.parent / "docs" / "families.md").read_text("utf-8")
    for name, variant in VARIANTS.items():
        features = ", ".join(f"`{f.name}` ({f.width})" for f in variant.features)
        condition = variant.condition
        also = f" {condition.input} ({condition.width})" if condition else ""
        row = (
            f"| `{name}` | {len(variant.table.symbols)}, {variant.table.tone_count} "
            f"| {', '.join(variant.languages)} | {features} |{also} "
            f"| {variant.transformer_flow_layers} layers |"
        )
        assert row in page
        assert name in " ".join(line for line in page.splitlines() if line.startswith("## "))
        for feature in variant.features:
            assert feature.model in page
