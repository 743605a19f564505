"""Both families of Style-Bert-VITS2 train, and their networks hear the style of each clip."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.conftest import TINY_CONFIG
from tests.train.conftest import QUICK, make_clips
from tests.train.test_session import history, stop_at, weights
from vinovits.nets.config import ModelConfig
from vinovits.nets.synthesizer import Synthesizer
from vinovits.nets.variants import VARIANTS, Variant
from vinovits.train.dataset import Facts, write_data
from vinovits.train.run import Stopped
from vinovits.train.session import train

FAMILIES = ("sbv2", "sbv2-jp-extra")


def make_base(folder: Path, variant: Variant) -> Path:
    """A tiny checkpoint of a family, with its posterior encoder."""
    config = copy.deepcopy(TINY_CONFIG) | {
        "version": "2.0" if variant.name == "sbv2" else "2.0-JP-Extra"
    }
    config["model"] |= {"use_duration_discriminator": True, "use_noise_scaled_mas": True}
    torch.manual_seed(3)
    state = Synthesizer(ModelConfig.from_dict(config, variant), variant).state_dict()
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    torch.save({"model": state}, folder / "G_0.pth")
    return folder


def make_data(folder: Path, variant: Variant) -> Path:
    """Clips in the family's language, each with a style of its own."""
    folder.mkdir()
    rng = np.random.default_rng(1)
    code = variant.languages[0]
    clips = []
    for number, clip in enumerate(make_clips(folder, 4)):
        np.save(folder / f"style{number}.npy", rng.normal(size=256).astype(np.float32))
        clips.append(
            replace(
                clip,
                language=code,
                phones=("_", *("a",) * (len(clip.phones) - 2), "_"),
                tones=(0,) * len(clip.phones),
                features={code: clip.features["en"]},
                style=f"style{number}.npy",
                split="validation" if number == 3 else "train",
            )
        )
    write_data(folder, Facts(), clips)
    return folder


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.extra
def test_style_bert_vits2_learns_and_resumes(family: str, tmp_path: Path) -> None:
    variant = VARIANTS[family]
    base = make_base(tmp_path / "base", variant)
    data = make_data(tmp_path / "data", variant)
    given: dict[str, Any] = QUICK | {"base": str(base), "steps": 10, "learning_rate": 5e-3}
    given |= {"validate_every": 10, "save_every": 10}
    train(data, tmp_path / "whole", given, convert=False)
    with pytest.raises(Stopped):
        train(data, tmp_path / "parts", given, convert=False, watch=stop_at(6))
    outcome = train(data, tmp_path / "parts", {}, resume=True)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert history(whole) == history(parts), "bit by bit"

    losses = [entry["losses"] for entry in history(whole) if "losses" in entry]
    assert all(np.isfinite(list(one.values())).all() for one in losses)
    mel = [one["mel"] for one in losses]
    assert np.mean(mel[-3:]) < 0.95 * np.mean(mel[:3])
    assert "duration_adversarial" in losses[0]
    assert "commitment" not in losses[0]

    before = weights(base, "G_0.pth")
    after = weights(whole / "checkpoints" / "10", "G_10.pth")
    name = "enc_p.style_proj.weight"
    assert not torch.equal(before[name], after[name]), "the styles were heard"
    styles = np.stack([np.load(data / f"style{number}.npy") for number in range(4)])
    [mean] = np.load(parts / "best" / "style_vectors.npy")
    np.testing.assert_allclose(mean, styles.mean(0), atol=1e-6)
    assert outcome.conversion is not None
    voice = outcome.conversion.manifest
    assert (voice.variant, voice.languages) == (family, variant.languages[:1])
    assert list(voice.styles) == ["Neutral"]


@pytest.mark.parametrize("family", FAMILIES)
def test_losses_depend_on_the_style(family: str, tmp_path: Path) -> None:
    variant = VARIANTS[family]
    base = make_base(tmp_path / "base", variant)
    data = make_data(tmp_path / "data", variant)
    given: dict[str, Any] = QUICK | {"base": str(base), "steps": 1, "validate_every": 9}
    for name in ("first", "second"):
        train(data, tmp_path / name, given, convert=False)
        for path in data.glob("style*.npy"):
            np.save(path, 5 * np.load(path))
    first, second = (
        next(entry["losses"] for entry in history(tmp_path / name) if "losses" in entry)
        for name in ("first", "second")
    )
    assert first["kl"] != second["kl"]
