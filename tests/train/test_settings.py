"""Settings are checked before anything begins."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vinovits.errors import UsageError
from vinovits.train.settings import defaults, read_settings, settings_of


def test_later_settings_replace_earlier_ones() -> None:
    found = settings_of(defaults(3.0, "cpu"), {"batch_size": 3}, {"freeze": ["decoder"]})
    assert (found.batch_size, found.freeze, found.judge_width) == (3, ("decoder",), 0.25)


def test_more_speech_is_given_more_steps() -> None:
    steps = [settings_of(defaults(minutes, "cuda")).steps for minutes in (1, 10, 60, 600)]
    assert steps == sorted(set(steps))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"batchsize": 2}, r"there is no batchsize \(did you mean batch_size\?\)"),
        ({"qqq": 2}, r"there is no qqq \(there are data, base, steps"),
        ({"steps": -1}, "steps is -1"),
        ({"minutes": 0}, "minutes is 0"),
        ({"learning_rate": "fast"}, "learning_rate is 'fast'"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"freeze": ["ears"]}, "freeze"),
        ({"judge_width": 0.3}, "judge_width is 0.3"),
        ({"precision": "f16"}, "precision"),
    ],
)
def test_settings_that_cannot_be_are_named(given: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        settings_of(given)


def test_yaml_is_read(tmp_path: Path) -> None:
    path = tmp_path / "train.yaml"
    path.write_text("steps: 5\nfreeze: [bert]\n", encoding="utf-8-sig")
    assert read_settings(path) == {"steps": 5, "freeze": ["bert"]}
    path.write_text("", encoding="utf-8")
    assert read_settings(path) == {}
    for content in ("a: [", "- 1\n- 2", "just text"):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(UsageError, match=r"train\.yaml"):
            read_settings(path)
    with pytest.raises(UsageError, match="can't be read"):
        read_settings(tmp_path / "no.yaml")


def test_a_released_config_is_taken_for_settings(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    train = {"learning_rate": 2e-4, "betas": [0.8, 0.99], "eps": 1e-9, "batch_size": 16, "seed": 7}
    train |= {"segment_size": 16384, "bf16_run": False, "eval_interval": 1000, "epochs": 9}
    train |= {"lr_decay": 0.9, "c_mel": 45, "c_kl": 1.0, "freeze_ZH_bert": True}
    path.write_text(json.dumps({"train": train, "data": {"hop_length": 512}}), encoding="utf-8")
    found = settings_of(read_settings(path))
    assert (found.segment_frames, found.precision, found.seed) == (32, "f32", 7)
    assert (found.save_every, found.freeze, found.lr_decay) == (1000, ("bert",), 0.9)
    train |= {"freeze_ZH_bert": False, "freeze_style": True, "freeze_decoder": True}
    path.write_text(json.dumps({"train": train, "data": {"hop_length": 512}}), encoding="utf-8")
    assert settings_of(read_settings(path)).freeze == ("emotion", "decoder")
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(UsageError, match="no sections"):
        read_settings(path)
