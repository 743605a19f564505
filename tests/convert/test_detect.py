"""A family is found by tensors, and by the config where they leave it open."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
from torch import Tensor

from vinovits.convert.detect import detect
from vinovits.errors import CheckpointError, UsageError
from vinovits.nets.config import ModelConfig
from vinovits.nets.synthesizer import Synthesizer
from vinovits.nets.variants import VARIANTS


def _tensors(config: dict[str, Any], family: str) -> dict[str, Tensor]:
    variant = VARIANTS[family]
    with torch.device("meta"):
        network = Synthesizer(ModelConfig.from_dict(config, variant), variant, posterior=False)
    return network.state_dict()


@pytest.mark.parametrize("family", sorted(set(VARIANTS) - {"1.1.0", "1.1.1", "2.0", "2.3"}))
@pytest.mark.parametrize("version", [None, "2.3", "2.4", "1.0"])
def test_tensors_decide_whatever_the_version_says(
    tiny_config: dict[str, Any], family: str, version: str | None
) -> None:
    found = detect(_tensors(tiny_config, family), {**tiny_config, "version": version})
    assert found.variant.name == family
    assert "the only one with such tensors" in found.reason


@pytest.mark.parametrize(
    ("tensors", "version", "section", "family", "reason"),
    [
        ("2.0", "2.0", {}, "2.0", "version 2.0"),
        ("2.3", "2.2", {}, "2.3", "version 2.2"),  # as at the tag v2.3
        ("2.3", "2.3", {}, "2.3", "version 2.3"),
        ("2.3", None, {"slm": {}}, "2.3", "the config has slm"),
        ("2.0", None, {}, "2.3", "the newest.*--variant 2.0"),
        ("1.1.0", None, {}, "1.1.1", "the newest.*--variant 1.1.0"),
        ("1.1.0", "1.1", {}, "1.1.0", "version 1.1"),
        ("1.1.1", "1.1.1-fix", {}, "1.1.1", "version 1.1.1-fix"),
    ],
)
def test_the_config_decides_between_look_alikes(
    tiny_config: dict[str, Any],
    tensors: str,
    version: str | None,
    section: dict[str, Any],
    family: str,
    reason: str,
) -> None:
    config = {**tiny_config, "version": version}
    config["model"] = {**config["model"], **section}
    found = detect(_tensors(config, tensors), config)
    assert found.variant.name == family
    assert re.search(reason, found.reason), found.reason


def test_a_family_that_was_asked_for_is_taken_if_it_fits(tiny_config: dict[str, Any]) -> None:
    tensors = _tensors(tiny_config, "2.0")
    assert detect(tensors, tiny_config, "2.0").variant.name == "2.0"
    assert "as you asked" in detect(tensors, tiny_config, "2.0").reason
    with pytest.raises(CheckpointError) as caught:
        detect(tensors, tiny_config, "jp-extra")
    message = str(caught.value)
    assert "ja_bert width: the checkpoint has 1024, jp-extra has none" in message
    assert "emotion codebooks: the checkpoint has none, jp-extra has 32 of 256 x 16" in message
    with pytest.raises(UsageError, match=r"no family '3\.0'; there are 1\.0\.1, "):
        detect(tensors, tiny_config, "3.0")


def test_tensors_of_no_family_list_the_known_ones(tiny_config: dict[str, Any]) -> None:
    tensors = _tensors(tiny_config, "2.3")
    tensors["enc_p.emb.weight"] = torch.zeros(150, 8)
    with pytest.raises(CheckpointError) as caught:
        detect(tensors, {**tiny_config, "version": "9.9"})
    message = str(caught.value)
    assert "version 9.9" in message
    assert "it has symbols 150" in message
    assert all(f"  {name}: symbols" in message for name in VARIANTS)


def test_symbols_of_a_config_must_fit_the_embedding(tiny_config: dict[str, Any]) -> None:
    tensors = _tensors(tiny_config, "2.3")
    with pytest.raises(CheckpointError, match=r"lists 3 symbols.*embedding has 112"):
        detect(tensors, {**tiny_config, "symbols": ["_", "a", "b"]})


def test_what_another_program_saved_is_of_no_family(tiny_config: dict[str, Any]) -> None:
    with pytest.raises(CheckpointError, match="of no family that is known: it has symbols 5\\."):
        detect({"enc_p.emb.weight": torch.zeros(5, 8)}, {})


@pytest.mark.parametrize("family", ["2.1", "2.3"])
def test_a_version_that_isnt_known_is_told_with_the_known_ones(
    tiny_config: dict[str, Any], family: str
) -> None:
    found = detect(_tensors(tiny_config, family), {**tiny_config, "version": "9.9"})
    assert found.variant.name == family
    assert re.search(r"version, 9\.9, isn't known\. Known are 1\.0,.* 2\.4\.", found.reason)


def test_a_version_of_another_family_is_told(tiny_config: dict[str, Any]) -> None:
    found = detect(_tensors(tiny_config, "2.1"), {**tiny_config, "version": "2.4"})
    assert "The config's version, 2.4, is that of 2.4 and jp-extra." in found.reason
    found = detect(_tensors(tiny_config, "sbv2"), {**tiny_config, "version": "9.9"})
    assert "version" not in found.reason


@pytest.mark.parametrize("name", ["emb.weight", "bert_proj.weight", "emo_vq._codebook.embed"])
def test_tensors_without_axes_are_of_no_family(tiny_config: dict[str, Any], name: str) -> None:
    tensors = _tensors(tiny_config, "2.2")
    tensors[f"enc_p.{name}"] = torch.tensor(1.0)
    with pytest.raises(CheckpointError, match="of no family"):
        detect(tensors, tiny_config)
