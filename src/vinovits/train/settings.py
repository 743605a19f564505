"""Settings of a training: one YAML file, checked before anything begins."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from vinovits.errors import UsageError
from vinovits.nets.config import read_config

Part = Literal[
    "decoder", "text_encoder", "bert", "emotion", "flow", "posterior", "durations", "speakers"
]

PARTS: dict[str, tuple[str, ...]] = {
    "decoder": ("dec.",),
    "text_encoder": ("enc_p.",),
    "bert": (
        *("enc_p.bert_proj.", "enc_p.ja_bert_proj.", "enc_p.en_bert_proj.", "enc_p.bert_pre_proj."),
    ),
    "emotion": ("enc_p.emo_vq.", "enc_p.in_feature_net.", "enc_p.out_feature_net.", "enc_p.style"),
    "flow": ("flow.",),
    "posterior": ("enc_q.",),
    "durations": ("sdp.", "dp."),
    "speakers": ("emb_g.", "ref_enc."),
}
"""Prefixes of the generator's tensors by the name of a part that may be frozen."""


JUDGE_WIDTHS = (1.0, 0.5, 0.25, 0.125, 0.0625)


class Settings(BaseModel):
    """All that a user may decide about a training; None leaves it to the base or the family."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    data: str = Field("", description="The training set; set by the command.")
    base: str = Field("", description="A checkpoint, a folder with one, or the name of a base.")
    steps: int = Field(8000, ge=0, le=10_000_000, description="Steps in all.")
    minutes: float | None = Field(
        None, gt=0, description="Minutes of work after which it ends, if its steps aren't done."
    )
    batch_size: int = Field(8, ge=1, le=1024, description="Clips of a batch, in each process.")
    accumulate: int = Field(1, ge=1, le=256, description="Batches whose gradients make one step.")
    learning_rate: float = Field(1e-4, gt=0, le=0.1)
    lr_decay: float = Field(0.99995, gt=0, le=1, description="Factor for each epoch.")
    warmup_steps: int = Field(100, ge=0, description="Steps within which the rate rises from 0.")
    betas: tuple[float, float] = (0.8, 0.99)
    eps: float = Field(1e-9, gt=0)
    weight_decay: float = Field(0.01, ge=0)
    clip_norm: float | None = Field(None, gt=0, description="Of the generator's gradient.")
    segment_frames: int | None = Field(None, ge=4, description="Frames that are decoded of a clip.")
    average: float = Field(0.999, ge=0, lt=1, description="Of the weights (EMA); 0 for none.")
    precision: Literal["auto", "f32", "bf16"] = "auto"
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1, xpu.")
    freeze: tuple[Part, ...] = ()
    judge_width: float | None = Field(
        None, description="Of the wave discriminators, as a share of the released ones."
    )
    duration_judge: bool | None = Field(None, description="Train a duration discriminator.")
    wavlm: str = Field("", description="A folder with WavLM, whose discriminator is then trained.")
    noisy_alignment: bool | None = None
    c_mel: float | None = Field(None, ge=0)
    c_kl: float | None = Field(None, ge=0)
    c_commit: float | None = Field(None, ge=0)
    keep_speakers: bool = Field(False, description="Keep the speakers of the base beside the new.")
    new_symbols: bool = Field(False, description="Add symbols that the base lacks to its table.")
    without_features: bool = Field(
        False, description="Let the voice do without text features that the data lacks."
    )
    fresh_posterior: bool = Field(
        False, description="Take a base without posterior encoder, and learn one from nothing."
    )
    longest: float = Field(20.0, gt=0, description="Seconds; longer clips are left out.")
    workers: int = Field(2, ge=0, le=64, description="Threads that read clips ahead.")
    seed: int = Field(42, ge=0, le=2**31)
    log_every: int = Field(50, ge=1)
    validate_every: int = Field(500, ge=1)
    save_every: int = Field(500, ge=1)
    keep: int = Field(3, ge=1, description="Newest checkpoints that are kept, beside the best.")
    validation_clips: int = Field(8, ge=1, le=1000)
    restores: int = Field(3, ge=0, description="How often a spoilt training is taken back.")
    tensorboard: bool = True

    @field_validator("judge_width")
    @classmethod
    def _power_of_two(cls, value: float | None) -> float | None:
        if value is not None and value not in JUDGE_WIDTHS:
            raise ValueError(f"it must be one of {', '.join(f'{one:g}' for one in JUDGE_WIDTHS)}")
        return value


_SIZES = (
    # minutes of speech below which it applies, steps, learning rate
    (5.0, 2000, 5e-5),
    (30.0, 6000, 1e-4),
    (120.0, 20_000, 1e-4),
    (float("inf"), 60_000, 2e-4),
)


def defaults(minutes: float, device: str) -> dict[str, Any]:
    """Settings to begin with, by the size of the training set and the kind of device.

    Args:
        minutes: Of speech.
        device: "cpu", "cuda" or "xpu".
    """
    _, steps, rate = next(row for row in _SIZES if minutes < row[0])
    # The released discriminators take most of a step; a processor can't afford them.
    small = device == "cpu"
    return {
        "steps": steps,
        "learning_rate": rate,
        "batch_size": 4 if small else 16,
        "judge_width": 0.25 if small else 1.0,
    }


def read_settings(path: Path) -> dict[str, Any]:
    """Settings that a user gives: a YAML file of ours, or a released config.json.

    Raises:
        UsageError: It can't be read, or holds no settings.
    """
    if path.suffix.lower() == ".json":
        return _released(read_config(path))
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(f"The settings {path} can't be read: {error.strerror}.") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        what = " ".join(str(error).split())
        raise UsageError(f"The settings {path} aren't valid YAML: {what}.") from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise UsageError(f"The settings {path} must be lines of NAME: VALUE.")
    return {str(name): value for name, value in data.items()}


_FREEZES = {
    "bert": ("freeze_ZH_bert", "freeze_JP_bert", "freeze_EN_bert"),
    "emotion": ("freeze_emo", "freeze_style"),
    "decoder": ("freeze_decoder",),
}
"""Parts by what freezes them in released configs, those of Style-Bert-VITS2 too."""

_SAME = ("learning_rate", "lr_decay", "betas", "eps", "batch_size", "seed", "c_mel", "c_kl")


def _released(config: Mapping[str, Any]) -> dict[str, Any]:
    """What the section "train" of a released config says, in our names."""
    train, audio = config.get("train"), config.get("data")
    if not isinstance(train, Mapping) or not isinstance(audio, Mapping):
        raise UsageError("The config.json has no sections train and data, as a released one has.")
    found: dict[str, Any] = {name: train[name] for name in (*_SAME, "c_commit") if name in train}
    if "bf16_run" in train:
        found["precision"] = "bf16" if train["bf16_run"] else "f32"
    if "segment_size" in train and audio.get("hop_length"):
        found["segment_frames"] = int(train["segment_size"]) // int(audio["hop_length"])
    for name, ours in (("log_interval", "log_every"), ("eval_interval", "save_every")):
        if name in train:
            found[ours] = train[name]
    frozen = [part for part, names in _FREEZES.items() if any(train.get(name) for name in names)]
    if frozen:
        found["freeze"] = frozen
    return found


def settings_of(*given: Mapping[str, Any]) -> Settings:
    """Check settings; later ones replace earlier ones.

    Raises:
        UsageError: One is unknown or can't be right; the message names all of them.
    """
    merged: dict[str, Any] = {}
    for some in given:
        merged |= some
    try:
        return Settings(**merged)
    except ValidationError as error:
        told = "; ".join(_told(one) for one in error.errors())
        raise UsageError(f"The settings of the training can't be right: {told}.") from None


def _told(error: Any) -> str:
    name = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(name, Settings.model_fields, 2, 0.65)
        if near:
            return f"there is no {name} (did you mean {' or '.join(near)}?)"
        return f"there is no {name} (there are {', '.join(Settings.model_fields)})"
    return f"{name} is {error['input']!r:.40}: {error['msg'][:1].lower()}{error['msg'][1:]}"
