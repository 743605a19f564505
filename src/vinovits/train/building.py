"""The networks of a training, from a base that fits its data and from its settings."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from vinovits.convert.source import OWN
from vinovits.errors import CheckpointError, UsageError
from vinovits.nets.config import ModelConfig
from vinovits.nets.discriminators import (
    DurationDiscriminator,
    WaveDiscriminators,
    WavlmDiscriminator,
)
from vinovits.nets.synthesizer import Synthesizer
from vinovits.nets.weight_norm import add_weight_norm, load_released, released_state
from vinovits.train.base import Start
from vinovits.train.draws import seed_of
from vinovits.train.recipe import RECIPES, TrainingConfig
from vinovits.train.settings import PARTS, Settings
from vinovits.train.step import Networks
from vinovits.train.wavlm import Wavlm

FILES = {"generator": "G", "waves": "D", "durations": "DUR", "wavlm": "WD"}
"""What released programs call the checkpoints of the networks."""


@dataclass(frozen=True, slots=True)
class Built:
    """Networks ready to be trained."""

    networks: Networks
    config: dict[str, Any]
    """The config.json of their checkpoints."""
    notes: tuple[str, ...]


def training_device(name: str) -> torch.device:
    """The device that a setting names.

    Args:
        name: "auto" for a GPU where there is one, else as torch has it: "cpu", "cuda:1", "xpu".

    Raises:
        UsageError: There is no such device.
    """
    have = {"cuda": torch.cuda.is_available(), "xpu": torch.xpu.is_available(), "cpu": True}
    if name == "auto":
        name = next(kind for kind, there in have.items() if there)
    kind, _, number = name.partition(":")
    if kind not in have or (number and not number.isdecimal()):
        raise UsageError(f"A device to train on is auto, cpu, cuda, cuda:1 or xpu, not {name!r}.")
    if not have[kind]:
        raise UsageError(
            f"There is no {kind} to train on: this torch ({torch.__version__}) was built without "
            "it, or its driver is missing. Take --device cpu, or install a torch for it."
        )
    return torch.device(name)


def in_bf16(precision: str, device: torch.device) -> bool:
    """Whether to compute in bfloat16.

    Args:
        precision: "f32", "bf16", or "auto" for bf16 where the chip has instructions for it.
        device: Where.

    Raises:
        UsageError: bf16 was asked for and the GPU hasn't got it.
    """
    if precision == "f32":
        return False
    if device.type == "cuda":
        has = bool(torch.cuda.is_bf16_supported(including_emulation=False))
    elif device.type == "xpu":
        has = bool(torch.xpu.is_bf16_supported())
    else:
        # Private, and the only ones that tell; without them bf16 would be slower than float32.
        tests = (torch.cpu._is_amx_tile_supported, torch.cpu._is_avx512_bf16_supported)
        has = any(bool(test()) for test in tests)
        return has or precision == "bf16"
    if precision == "bf16" and not has:
        raise UsageError(f"The device {device} has no bf16. Take precision f32.")
    return has


def build(start: Start, settings: Settings, judges: Path | None) -> Built:
    """Build and fill all networks.

    Args:
        start: The generator's weights and config.
        settings: Of the training.
        judges: The generator's checkpoint, beside which those of its judges may lie.

    Raises:
        CheckpointError: The base doesn't fit its config.
        UsageError: Settings that can't be for this base.
    """
    notes: list[str] = []
    torch.manual_seed(seed_of(settings.seed, 0))
    config = _config(start, settings)
    model = ModelConfig.from_dict(config, start.variant)
    generator = _generator(start, model)
    _freeze(generator, start, settings)
    heard = Wavlm(Path(settings.wavlm)) if settings.wavlm else None
    if heard is not None:
        section = config["model"].setdefault("slm", {})
        section |= {"hidden": heard.layer_norm.weight.shape[0], "nlayers": len(heard.layers) + 1}
    training = TrainingConfig.from_dict(config, model)
    width = settings.judge_width or 1.0
    waves = WaveDiscriminators(width)
    durations = wavlm = None
    if training.duration_judge:
        durations = DurationDiscriminator(model.hidden_channels, model.gin_channels)
    if training.wavlm_judge:
        wavlm = WavlmDiscriminator(
            training.wavlm_width, training.wavlm_states, training.wavlm_channels
        )
    trained: dict[str, nn.Module | None] = {"waves": waves, "durations": durations, "wavlm": wavlm}
    for name, judge in trained.items():
        if judge is not None:
            notes += _load_judge(judge.train(), FILES[name], judges)
    generator.train()
    networks = Networks(
        generator, waves, durations, wavlm, heard, RECIPES[start.variant.name], training
    )
    return Built(networks, config, tuple(notes))


def _config(start: Start, settings: Settings) -> dict[str, Any]:
    """The base's config with what the settings say."""
    config = copy.deepcopy(start.config)
    train, model, audio = config["train"], config["model"], config["data"]
    for name in ("learning_rate", "lr_decay", "eps", "weight_decay", "batch_size", "seed"):
        train[name] = getattr(settings, name)
    train |= {"betas": list(settings.betas), "bf16_run": False, "log_interval": settings.log_every}
    train |= {"eval_interval": settings.save_every, "epochs": train.get("epochs", 1000)}
    for name in ("c_mel", "c_kl", "c_commit"):
        if (value := getattr(settings, name)) is not None:
            train[name] = value
    if settings.segment_frames is not None:
        train["segment_size"] = settings.segment_frames * int(audio["hop_length"])
    if settings.noisy_alignment is not None:
        model["use_noise_scaled_mas"] = settings.noisy_alignment
    if settings.duration_judge is not None:
        model["use_duration_discriminator"] = settings.duration_judge
    if settings.wavlm and start.variant.name not in ("2.3", "2.4", "jp-extra"):
        raise UsageError(f"The family {start.variant.name} isn't trained with WavLM.")
    # Without its model nothing can be judged by it, whatever the base was trained with.
    model["use_wavlm_discriminator"] = bool(settings.wavlm)
    config[OWN] = {**config.get(OWN, {}), "judge_width": settings.judge_width or 1.0}
    return config


def _generator(start: Start, model: ModelConfig) -> Synthesizer:
    generator = Synthesizer(model, start.variant)
    add_weight_norm(generator)
    for name in start.silent:
        for parameter in generator.enc_p.get_submodule(f"{name}_proj").parameters():
            nn.init.zeros_(parameter)
    if not start.tensors:
        return generator
    tensors = start.tensors
    if not any(name.startswith("enc_q.") for name in tensors):
        fresh = released_state(generator)
        tensors = {
            **tensors,
            **{name: tensor for name, tensor in fresh.items() if name.startswith("enc_q.")},
        }
    try:
        load_released(generator, tensors)
    except RuntimeError as error:
        raise CheckpointError(f"The base doesn't fit its config: {error}") from None
    return generator


def _freeze(generator: Synthesizer, start: Start, settings: Settings) -> None:
    prefixes = [prefix for part in settings.freeze for prefix in PARTS[part]]
    for name in (*start.silent, *start.kept):
        prefixes += [f"enc_p.{name}_proj.", f"enc_p.{name}_pre_proj."]
    for name, parameter in generator.named_parameters():
        if name.startswith(tuple(prefixes)):
            parameter.requires_grad_(False)
    if not any(parameter.requires_grad for parameter in generator.parameters()):
        raise UsageError("All parts of the voice are frozen; nothing is left to train.")


def _load_judge(network: nn.Module, kind: str, beside: Path | None) -> list[str]:
    """Fill a judge from the checkpoint that was saved with the generator's, if it fits."""
    number = re.fullmatch(r"G_(\d+)", beside.stem) if beside is not None else None
    if beside is None or number is None:
        return []
    path = beside.with_name(f"{kind}_{number[1]}.pth")
    if not path.is_file():
        return []
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)["model"]
        load_released(network, {name: tensor.float() for name, tensor in state.items()})
    except Exception as error:  # whatever a file of unknown make may do to torch
        what = " ".join(str(error).split())
        return [f"{path} doesn't fit and was passed over; a new one is trained ({what:.200})."]
    return [f"{path} was loaded too."]
