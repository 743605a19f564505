"""Styles and emotions reach the network, and those that can't be are refused."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vinovits
from tests.conftest import TINY_CONFIG
from vinovits.convert.voice import convert_checkpoint
from vinovits.engine.conditions import Conditions
from vinovits.errors import CheckpointError, UsageError, VoiceError
from vinovits.voices.manifest import open_folder, read_manifest


def save_checkpoint(folder: Path, family: str, **data: Any) -> Path:
    """A folder with a tiny checkpoint of a family, and style vectors where it takes them."""
    import torch
    from safetensors.torch import save_file

    from vinovits.nets.config import ModelConfig
    from vinovits.nets.synthesizer import Synthesizer
    from vinovits.nets.variants import VARIANTS

    config = copy.deepcopy(TINY_CONFIG)
    config["data"].update(data)
    config["version"] = VARIANTS[family].versions[-1] if VARIANTS[family].versions else "2.7.0"
    torch.manual_seed(11)
    network = Synthesizer(ModelConfig.from_dict(config, VARIANTS[family]), VARIANTS[family])
    state = network.state_dict()
    for name, tensor in state.items():
        if name.endswith("post.weight"):
            tensor.normal_(0, 0.3)
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    save_file({**state, "iteration": torch.tensor([7])}, folder / "tiny_s7.safetensors")
    if family.startswith("sbv2"):
        vectors = np.random.default_rng(1).standard_normal((3, 256), np.float32)
        np.save(folder / "style_vectors.npy", vectors)
    return folder


@pytest.fixture(scope="module")
def styled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("styled")
    source = save_checkpoint(
        folder / "source", "sbv2", style2id={"Neutral": 0, "Glad": 1, "Sad": 2}, num_styles=3
    )
    return convert_checkpoint(source, None, folder / "voice", languages=["en"]).folder


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("moved")
    source = save_checkpoint(folder / "source", "2.1")
    return convert_checkpoint(source, None, folder / "voice", languages=["en"]).folder


def test_styles_change_the_sound_by_their_weight(styled: Path, graph_cache: Path) -> None:
    voice = vinovits.load(styled, features="none", cache_dir=graph_cache)
    assert voice.manifest.variant == "sbv2"
    assert voice.manifest.styles == {"Neutral": 0, "Glad": 1, "Sad": 2}

    def speak(**settings: Any) -> Any:
        return voice.speak("Hello there.", **settings).samples.tolist()

    mean = speak()
    assert speak(style="Neutral", style_weight=5) == mean
    assert speak(style="Glad", style_weight=0) == mean
    assert speak(style="Glad") == speak(style="Glad", style_weight=1)
    different = [mean, speak(style="Glad"), speak(style="Glad", style_weight=2), speak(style="Sad")]
    assert len({tuple(samples) for samples in different}) == 4


def test_a_style_that_a_text_asks_for_is_that_of_its_sentences(
    styled: Path, graph_cache: Path
) -> None:
    voice = vinovits.load(styled, features="none", cache_dir=graph_cache)
    still: dict[str, Any] = {"noise": 0, "noise_w": 0, "sdp_ratio": 0, "style_weight": 2}
    text = "[style Glad]Hello there.[/style] And again."
    audio = voice.speak(text, style="Sad", **still)
    glad = voice.speak("Hello there.", style="Glad", **still)
    sad = voice.speak("And again.", style="Sad", **still)
    first, second = audio.sentences
    assert (first.style, second.style) == ("Glad", "")
    np.testing.assert_array_equal(audio.samples[: len(glad.samples)], glad.samples)
    np.testing.assert_allclose(audio.samples[len(glad.samples) :], sad.samples, atol=1e-5)
    with pytest.raises(UsageError, match=r"no style 'Mad'\. Did you mean 'Sad'"):
        voice.stream("Hello. [style Mad]Hello.[/style]")


def test_a_style_in_a_text_is_refused_by_voices_without(
    tiny_voice: Path, graph_cache: Path
) -> None:
    voice = vinovits.load(tiny_voice, features="none", cache_dir=graph_cache)
    with pytest.raises(UsageError, match="'tiny' has no styles"):
        voice.stream("Hello. [style Glad]Hello.[/style]")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"style": "Gladd"}, "no style 'Gladd'. Did you mean 'Glad'.*Neutral, Glad, Sad"),
        ({"style": "Glad", "style_weight": 21}, "from 0 to 20, not 21"),
        ({"style_weight": float("nan")}, "from 0 to 20, not nan"),
        ({"style_weight": True}, "not True"),
        ({"emotion": 1}, "takes no emotion"),
        ({"style": 1}, "no style 1"),
        ({"style": np.zeros(3, np.float32)}, r"256 finite numbers, not the shape \(3,\)"),
        ({"style": np.full(256, np.inf, np.float32)}, "256 finite numbers"),
    ],
)
def test_styles_that_cant_be(
    styled: Path, graph_cache: Path, settings: dict[str, Any], message: str
) -> None:
    conditions = Conditions(styled, open_folder(styled), "cpu", graph_cache)
    with pytest.raises(UsageError, match=message):
        conditions.inputs(**{"style": None, "style_weight": None, "emotion": None, **settings})


def test_a_voice_without_styles_takes_none(tiny_voice: Path, graph_cache: Path) -> None:
    voice = vinovits.load(tiny_voice, features="none", cache_dir=graph_cache)
    with pytest.raises(UsageError, match="has no styles"):
        voice.speak("Hello.", style="Glad")
    with pytest.raises(UsageError, match="takes no emotion"):
        voice.emotion_from(np.zeros(9000, np.float32), 8000)


def test_emotions_by_number_and_by_vector(moved: Path, graph_cache: Path) -> None:
    voice = vinovits.load(moved, features="none", cache_dir=graph_cache)

    def speak(emotion: Any) -> tuple[float, ...]:
        return tuple(voice.speak("Hello there.", emotion=emotion).samples.tolist())

    vector = np.random.default_rng(0).standard_normal(1024).astype(np.float32)
    by_number = [speak(number) for number in range(10)]
    assert len(set(by_number)) == 10
    assert speak(None) == by_number[0]
    assert speak(vector) in by_number, "the nearest row counts"
    for bad, message in (
        (10, "a number from 0 to 9"),
        (-1, "a number from 0 to 9"),
        (True, "a number from 0 to 9"),
        ("happy", "takes no description"),
        (np.zeros(3, np.float32), r"not the shape \(3,\)"),
        (np.full(1024, np.nan, np.float32), "1024 finite numbers"),
    ):
        with pytest.raises(UsageError, match=message):
            voice.speak("Hello.", emotion=bad)


def test_descriptions_ask_for_their_feature_model(
    tmp_path: Path, graph_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = save_checkpoint(tmp_path / "source", "2.2")
    made = convert_checkpoint(source, None, tmp_path / "voice", languages=["en"], precision="f16")
    need = made.manifest.emotion
    assert need is not None
    assert (need.kind, need.width, need.model) == ("clap", 512, "clap-htsat-fused")
    voice = vinovits.load(made.folder, features="none", cache_dir=graph_cache)
    monkeypatch.setenv("VINOVITS_FEATURES", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with pytest.raises(VoiceError, match="clap-htsat-fused"):
        voice.speak("Hello.", emotion="a happy voice")
    with pytest.raises(UsageError, match="a description or a vector of 512"):
        voice.speak("Hello.", emotion=3)
    vector = np.random.default_rng(0).standard_normal(512).astype(np.float32)
    first, second = (voice.speak("Hello.", emotion=e).samples.tolist() for e in (None, vector))
    assert first != second


def test_a_styled_voice_needs_its_vectors(styled: Path, tmp_path: Path) -> None:
    source = save_checkpoint(tmp_path / "source", "sbv2")
    np.save(source / "style_vectors.npy", np.ones((3, 128), np.float32))
    with pytest.raises(CheckpointError, match=r"have 128 channels.*take 256"):
        convert_checkpoint(source, None, tmp_path / "voice")
    (source / "style_vectors.npy").unlink()
    with pytest.raises(CheckpointError, match="needs its style vectors"):
        convert_checkpoint(source, None, tmp_path / "voice")
    assert not (tmp_path / "voice").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"variant": "9.9"}, "family '9.9', which this release doesn't know. It knows 1.0.1"),
        ({"styles": {"Sad": -1}}, "a style with a row below 0"),
        ({"styles": {"Sad": 9}}, "names 10 styles"),
        ({"icon": "icon.png"}, "lists no icon.png"),
        ({"emotion": {"kind": "mood", "width": 9, "model": "x"}}, "impossible input for emotions"),
        ({"emotion": {"kind": "clap", "width": 512, "model": "x"}}, "encoder.xml takes"),
    ],
)
def test_manifests_that_cant_be(
    styled: Path, tmp_path: Path, graph_cache: Path, changes: dict[str, Any], message: str
) -> None:
    import shutil

    folder = shutil.copytree(styled, tmp_path / "voice")
    data = json.loads((folder / "voice.json").read_text())
    (folder / "voice.json").write_text(json.dumps({**data, **changes}))
    with pytest.raises(VoiceError, match=message):
        vinovits.load(folder, features="none", cache_dir=graph_cache)


def test_speakers_beyond_the_table_are_told(tmp_path: Path) -> None:
    source = save_checkpoint(tmp_path / "a", "2.1", spk2id={"ann": 0, "eve": 7})
    made = convert_checkpoint(source, None, tmp_path / "voice")
    assert made.manifest.speakers == {"ann": 0}
    assert any("1 speakers were left out" in note and "eve (row 7)" in note for note in made.notes)
    source = save_checkpoint(tmp_path / "b", "2.1", spk2id={"eve": 7})
    with pytest.raises(CheckpointError, match="rows beyond: eve"):
        convert_checkpoint(source, None, tmp_path / "other")
    assert read_manifest(made.folder).emotion is not None
