"""A training set of a few seconds of tones, and a network that learns them in no time."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.conftest import TINY_CONFIG
from vinovits.train.dataset import Clip, Facts, write_data

PHONES = ("hh", "ah", "l", "ow", "w", "er", "d", "k", "ae", "t")
"""Each is a tone of its own in the recordings."""

QUICK: dict[str, Any] = {
    "steps": 4,
    "batch_size": 2,
    "learning_rate": 1e-3,
    "warmup_steps": 2,
    "judge_width": 0.0625,
    "segment_frames": 16,
    "log_every": 1,
    "validate_every": 2,
    "save_every": 2,
    "validation_clips": 1,
    "workers": 0,
    "precision": "f32",
    "device": "cpu",
    "tensorboard": False,
}
"""Settings of a training of a second."""


def make_clips(folder: Path, count: int, speakers: tuple[str, ...] = ("ann",)) -> list[Clip]:
    """Recordings with their text features, in `folder`."""
    rng = np.random.default_rng(5)
    clips = []
    for number in range(count):
        said = rng.choice(len(PHONES), 3 + number % 3)
        rate, parts = 8000, []
        for phone in said:
            times = np.arange(1200) / rate
            parts.append(0.4 * np.sin(2 * np.pi * (300 + 150 * phone) * times))
        wave = np.concatenate([np.zeros(400), *parts, np.zeros(400)])
        name = f"clip{number}"
        soundfile.write(folder / f"{name}.wav", wave, rate)
        rows = rng.normal(size=(len(said) + 2, 8)).astype(np.float16)
        np.save(folder / f"{name}.npy", rows)
        phones = ("_", *(PHONES[i] for i in said), "_")
        clips.append(
            Clip(
                path=f"{name}.wav",
                speaker=speakers[number % len(speakers)],
                language="en",
                text=" ".join(phones),
                phones=phones,
                tones=(0, *(int(i) % 4 for i in said), 0),
                word2ph=(1,) * len(phones),
                seconds=len(wave) / rate,
                features={"en": f"{name}.npy"},
            )
        )
    return clips


def make_data(
    folder: Path, count: int = 6, speakers: tuple[str, ...] = ("ann",), held: int = 1
) -> Path:
    """A prepared folder, the last `held` clips of which are for validation."""
    folder.mkdir()
    clips = make_clips(folder, count, speakers)
    split = [
        clip if number < count - held else _validation(clip) for number, clip in enumerate(clips)
    ]
    facts = Facts(8000, {"en": "all-MiniLM-L6-v2"}, "2.3", licence="CC0-1.0", source="Tones.")
    write_data(folder, facts, split)
    return folder


def _validation(clip: Clip) -> Clip:
    import dataclasses

    return dataclasses.replace(clip, split="validation")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A prepared folder."""
    return make_data(tmp_path / "data")


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny whole checkpoint of the family 2.3, to be trained with a duration discriminator."""
    import torch

    from vinovits.nets.config import ModelConfig
    from vinovits.nets.synthesizer import Synthesizer
    from vinovits.nets.variants import VARIANTS
    from vinovits.nets.weight_norm import add_weight_norm, released_state

    config = copy.deepcopy(TINY_CONFIG)
    config["model"] |= {"use_duration_discriminator": True, "use_noise_scaled_mas": True}
    torch.manual_seed(11)
    variant = VARIANTS["2.3"]
    network = Synthesizer(ModelConfig.from_dict(config, variant), variant)
    add_weight_norm(network)
    state = released_state(network)
    for name in ("bert", "ja_bert"):
        for tensor in (f"enc_p.{name}_proj.weight", f"enc_p.{name}_proj.bias"):
            state[tensor] = torch.zeros_like(state[tensor])
    folder = tmp_path_factory.mktemp("base")
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    torch.save(
        {"model": state, "iteration": 1, "optimizer": None, "learning_rate": 2e-4},
        folder / "G_0.pth",
    )
    return folder


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Sums come out the same, and small networks don't wait for threads."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
