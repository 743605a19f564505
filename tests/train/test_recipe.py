from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from tests.conftest import GOLDEN
from vinovits.errors import CheckpointError
from vinovits.nets.config import ModelConfig
from vinovits.nets.variants import VARIANTS
from vinovits.train.recipe import RECIPES, TrainingConfig

DATA: dict[str, Any] = json.loads(
    (GOLDEN / "training" / "v2.3-wnflow" / "config.json").read_text(encoding="utf-8")
)
MODEL = ModelConfig.from_dict(DATA, VARIANTS["2.3"])


def test_every_recipe_is_of_a_family() -> None:
    assert RECIPES.keys() <= VARIANTS.keys()


def test_a_released_config_is_read() -> None:
    config = TrainingConfig.from_dict(DATA, MODEL)
    assert (config.learning_rate, config.betas, config.eps) == (2e-4, (0.8, 0.99), 1e-9)
    assert (config.segment_size, config.segment_frames) == (5120, 20)
    assert config.duration_judge
    assert config.wavlm_judge
    assert (config.wavlm_width, config.wavlm_states, config.wavlm_channels) == (32, 4, 16)
    assert config.spectrogram.mel_highest is None


def test_a_config_without_wavlm_has_no_such_judge() -> None:
    data = copy.deepcopy(DATA)
    del data["model"]["slm"]
    assert not TrainingConfig.from_dict(data, MODEL).wavlm_judge


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("c_mel", None, "'c_mel'"),
        ("betas", [0.8], "wrong kind"),
        ("learning_rate", "fast", "wrong kind"),
    ],
)
def test_what_is_wrong_is_named(key: str, value: Any, message: str) -> None:
    data = copy.deepcopy(DATA)
    if value is None:
        del data["train"][key]
    else:
        data["train"][key] = value
    with pytest.raises(CheckpointError, match=message):
        TrainingConfig.from_dict(data, MODEL)
