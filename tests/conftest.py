"""Fixtures that many tests share: a tiny voice, made by the real convert."""

from __future__ import annotations

import copy
import itertools
import json
import signal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.fake_core import FakeCore

# The same examples in each run; `pytest --hypothesis-profile=default` looks for new ones.
settings.register_profile("steady", derandomize=True)
settings.load_profile("steady")

# A shell that starts pytest in the background has it ignore Ctrl-C, and so would all it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

GOLDEN = Path(__file__).parent / "golden"
SHARED = Path(__file__).parent.parent.parent / "shared"

TINY_CONFIG: dict[str, Any] = {
    "data": {
        "sampling_rate": 8000,
        "filter_length": 64,
        "hop_length": 16,
        "win_length": 64,
        "n_mel_channels": 8,
        "n_speakers": 2,
        "spk2id": {"ann": 0, "bob": 1},
    },
    "model": {
        "inter_channels": 4,
        "hidden_channels": 8,
        "filter_channels": 8,
        "n_heads": 2,
        "n_layers": 3,
        "kernel_size": 3,
        "p_dropout": 0.1,
        "resblock": "2",
        "resblock_kernel_sizes": [3],
        "resblock_dilation_sizes": [[1, 2]],
        "upsample_rates": [4, 4],
        "upsample_initial_channel": 16,
        "upsample_kernel_sizes": [8, 8],
        "gin_channels": 6,
        "use_transformer_flow": False,
        "n_flow_layer": 1,
    },
    "version": "2.3",
}


_numbers = itertools.count()


@pytest.fixture(autouse=True)
def nothing_of_the_user(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the user has tuned, downloaded or written in lexicons is no part of the tests."""
    base = tmp_path_factory.getbasetemp()
    monkeypatch.setenv("VINOVITS_CONFIG", str(base / "config.toml"))
    monkeypatch.setenv("XDG_DATA_HOME", str(base / "data" / str(next(_numbers))))


@pytest.fixture
def tiny_config() -> dict[str, Any]:
    """A released-style config of a network of a few kilobytes, free to be changed."""
    return copy.deepcopy(TINY_CONFIG)


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with G_0.pth and config.json of a tiny random network that hears English features.

    Its speakers and its noise change the sound, so that a mix-up of calls can be heard.
    """
    import torch

    from vinovits.nets.config import ModelConfig
    from vinovits.nets.synthesizer import Synthesizer
    from vinovits.nets.variants import VARIANTS

    torch.manual_seed(7)
    variant = VARIANTS["2.3"]
    network = Synthesizer(ModelConfig.from_dict(TINY_CONFIG, variant), variant)
    state = network.state_dict()
    for name, tensor in state.items():
        if name.startswith(("enc_p.bert_proj", "enc_p.ja_bert_proj")):
            tensor.zero_()
        elif name.endswith("post.weight"):
            tensor.normal_(0, 0.3)
    folder = tmp_path_factory.mktemp("checkpoint")
    (folder / "config.json").write_text(json.dumps(TINY_CONFIG), encoding="utf-8")
    torch.save(
        {"model": state, "iteration": 1, "optimizer": None, "learning_rate": 2e-4},
        folder / "G_0.pth",
    )
    return folder


@pytest.fixture(scope="session")
def tiny_voice(tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A voice folder of a few kilobytes, converted from `tiny_checkpoint`. Copy before changing."""
    from vinovits.convert.voice import convert_checkpoint
    from vinovits.voices.manifest import Card

    conversion = convert_checkpoint(
        tiny_checkpoint / "G_0.pth",
        tiny_checkpoint / "config.json",
        tmp_path_factory.mktemp("voices") / "tiny",
        languages=["en"],
        feature_models={"en_bert": "all-MiniLM-L6-v2"},
        card=Card(title="Tiny", licence="CC0-1.0", use="Tests."),
    )
    return conversion.folder


@pytest.fixture(scope="session")
def anyone_voice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny voice folder without a speaker table: it copies the speaker of a recording."""
    import torch

    from vinovits.convert.voice import convert_checkpoint
    from vinovits.nets.config import ModelConfig
    from vinovits.nets.synthesizer import Synthesizer
    from vinovits.nets.variants import VARIANTS

    config = copy.deepcopy(TINY_CONFIG)
    config["data"]["n_speakers"] = 0
    torch.manual_seed(3)
    variant = VARIANTS["2.3"]
    network = Synthesizer(ModelConfig.from_dict(config, variant), variant, posterior=False)
    folder = tmp_path_factory.mktemp("anyone")
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    torch.save({"model": network.state_dict()}, folder / "G_0.pth")
    out = folder / "anyone"
    convert_checkpoint(folder / "G_0.pth", folder / "config.json", out, languages=["en"])
    return out


@pytest.fixture(scope="session")
def graph_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of compiled graphs that no test shares with the user."""
    return tmp_path_factory.mktemp("graphs")


@pytest.fixture
def fake_core(monkeypatch: pytest.MonkeyPatch) -> FakeCore:
    """OpenVINO with two GPUs and an NPU, free to be broken."""
    from vinovits import devices

    fake = FakeCore(devices.core())
    monkeypatch.setattr(devices, "core", lambda: fake)
    return fake
