"""Networks are built as the base and the settings say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

from tests.conftest import GOLDEN
from tests.train.conftest import QUICK, make_data
from vinovits.convert.detect import detect
from vinovits.nets.config import ModelConfig
from vinovits.nets.discriminators import WavlmDiscriminator
from vinovits.nets.synthesizer import Synthesizer
from vinovits.nets.variants import VARIANTS
from vinovits.nets.weight_norm import released_state
from vinovits.train.base import open_base
from vinovits.train.building import build
from vinovits.train.dataset import read_data
from vinovits.train.session import match, train
from vinovits.train.settings import settings_of
from vinovits.train.step import Trainer


def test_each_setting_of_the_optimiser_reaches_it(base: Path, data: Path) -> None:
    given = {"weight_decay": 0.25, "betas": [0.7, 0.9], "eps": 1e-7, "learning_rate": 3e-3}
    settings = settings_of(QUICK, given)
    _, start = match(read_data(data), open_base(str(base), None), settings)
    built = build(start, settings, None)
    trainer = Trainer(built.networks)
    assert trainer.optimisers.keys() == {"generator", "waves", "durations"}
    for optimiser in trainer.optimisers.values():
        [group] = optimiser.param_groups
        assert (group["weight_decay"], group["betas"]) == (0.25, (0.7, 0.9))
        assert (group["eps"], group["lr"]) == (1e-7, 3e-3)


def test_a_base_that_hears_who_speaks(base: Path, tmp_path: Path) -> None:
    """Without a table of speakers, their vectors come from a reference encoder."""
    config = json.loads((base / "config.json").read_text("utf-8"))
    config["data"] |= {"n_speakers": 0, "spk2id": {}, "mel_fmax": 3500.0}
    config["model"]["use_duration_discriminator"] = False
    variant = VARIANTS["2.3"]
    folder = tmp_path / "base"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    network = Synthesizer(ModelConfig.from_dict(config, variant), variant)
    torch.save({"model": network.state_dict()}, folder / "G_0.pth")
    data = make_data(tmp_path / "data", 3, ("ann", "bob"))
    train(data, tmp_path / "out", QUICK | {"base": str(folder), "steps": 2}, convert=False)
    newest = tmp_path / "out" / "checkpoints" / "2"
    after = torch.load(newest / "G_2.pth", weights_only=True)["model"]
    assert detect(after, json.loads((newest / "config.json").read_text("utf-8"))).variant == variant
    assert "emb_g.weight" not in after
    moved = [name for name in after if name.startswith("ref_enc.") and name.endswith("bias")]
    before = network.state_dict()
    assert moved
    assert any(not torch.equal(after[name], before[name]) for name in moved if name in before)
    assert not (newest / "DUR_2.pth").exists()


def test_checkpoints_have_the_names_of_released_ones(base: Path, data: Path) -> None:
    """Released programs take tensors by their names, and pass over all others."""
    settings = settings_of(QUICK)
    opened = open_base(str(base), None)
    _, start = match(read_data(data), opened, settings)
    networks = build(start, settings, None).networks
    assert released_state(networks.generator).keys() == opened.tensors.keys()
    with np.load(GOLDEN / "training" / "v2.3-wnflow" / "grads.npz") as recorded:
        assert networks.durations is not None
        assert released_state(networks.durations).keys() == set(recorded["dur.names"].tolist())
        assert released_state(networks.waves).keys() == set(recorded["mpd.names"].tolist())
        heard = released_state(WavlmDiscriminator(8, 4, 16))
        assert heard.keys() == set(recorded["wd.names"].tolist())
