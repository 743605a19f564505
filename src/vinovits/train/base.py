"""What a training starts from: a checkpoint whose tables are grown for new speakers and symbols."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vinovits import places
from vinovits.convert.detect import detect
from vinovits.convert.source import OWN, Styles, open_source, own_feature_models
from vinovits.errors import CheckpointError, DataError, UsageError
from vinovits.nets.checkpoint import read_state
from vinovits.nets.config import read_config
from vinovits.nets.variants import VARIANTS, Variant
from vinovits.train.dataset import Clip
from vinovits.train.recipe import RECIPES
from vinovits.voices.manifest import Card

_TRAIN: dict[str, Any] = {
    "learning_rate": 2e-4,
    "betas": [0.8, 0.99],
    "eps": 1e-9,
    "segment_size": 16384,
    "c_mel": 45,
    "c_kl": 1.0,
    "c_commit": 100,
}
"""Of configs whose section "train" was left out, as released for 2.3."""


@dataclass(frozen=True, slots=True)
class Base:
    """What is trained on."""

    name: str
    """As the user gave it; "" for none, a training from nothing."""
    tensors: dict[str, Tensor]
    """Under the names of released checkpoints; none for a training from nothing."""
    config: dict[str, Any]
    """Its config.json, with a section "train"."""
    variant: Variant
    weights: Path | None = None
    """The file."""
    card: Card = field(default_factory=Card)
    styles: Styles | None = None
    notes: tuple[str, ...] = ()

    @property
    def feature_models(self) -> dict[str, str]:
        """Names of the models that it listens to, by the code of the language, where it says so."""
        return own_feature_models(self.config)

    @property
    def speakers(self) -> dict[str, int]:
        """Names and rows of its speakers."""
        given = self.config["data"].get("spk2id")
        return {str(k): int(v) for k, v in given.items()} if isinstance(given, Mapping) else {}


def open_base(name: str, config: Path | None) -> Base:
    """Read a base.

    Args:
        name: A path as `open_source` takes it, or the name of a folder in one of the folders for
            bases; "" for a training from nothing, which needs a config.
        config: A released config.json that replaces the one beside the checkpoint.

    Raises:
        CheckpointError: It can't be read, or is of a family that can't be trained here.
        UsageError: There is neither a base nor a config.
    """
    if not name:
        if config is None:
            raise UsageError(
                "Name what the training starts from: --base CHECKPOINT, or --base joe for the base "
                "of the built-in voice. From nothing it needs --config with a released config.json."
            )
        data = _complete(read_config(config))
        return Base("", {}, data, _trainable(_family_of(data)))
    path = Path(name)
    if not path.exists():
        known = places.find_bases()
        if name not in known:
            told = ", ".join(known) or "none"
            raise CheckpointError(
                f"There is no checkpoint {name}, nor a base of that name (there are: {told}). "
                f"Bases are folders with a checkpoint and config.json, in {places.own('bases')} or "
                f"in a folder that the environment variable {places.BASES} names."
            )
        path = known[name]
    source = open_source(path, config)
    tensors = read_state(source.weights)
    found = detect(tensors, source.config)
    return Base(
        name,
        tensors,
        _complete(source.config),
        _trainable(found.variant),
        source.weights,
        source.card,
        source.styles,
        (found.reason, *source.notes),
    )


def _complete(config: Mapping[str, Any]) -> dict[str, Any]:
    data = copy.deepcopy(dict(config))
    for section in ("data", "model"):
        if not isinstance(data.get(section), dict):
            raise CheckpointError(f"The config has no section {section!r}.")
    if data["model"].get("use_mel_posterior_encoder"):
        raise CheckpointError(
            "The config sets use_mel_posterior_encoder, which can't be trained here."
        )
    given = data.get("train")
    data["train"] = _TRAIN | (given if isinstance(given, dict) else {})
    data["data"].setdefault("n_mel_channels", 80)
    return data


def _family_of(config: Mapping[str, Any]) -> Variant:
    """By its config alone: the last family of its version, those with keys of their own first."""
    version = str(config.get("version", ""))
    fitting = [variant for variant in VARIANTS.values() if version in variant.versions]
    marked = [
        variant
        for variant in fitting
        if variant.config_keys and all(key in config["model"] for key in variant.config_keys)
    ]
    if not fitting:
        raise CheckpointError(
            f"The config's version, {version or 'none'}, names no family to train from nothing. "
            "Start from a checkpoint of the family by --base."
        )
    return (marked or fitting)[-1]


def _trainable(variant: Variant) -> Variant:
    if variant.name not in RECIPES:
        raise CheckpointError(
            f"The base is of the family {variant.name}, whose training isn't known here. Take a "
            f"checkpoint of {', '.join(RECIPES)}."
        )
    return variant


@dataclass(frozen=True, slots=True)
class Start:
    """A base that fits a training set."""

    tensors: dict[str, Tensor]
    config: dict[str, Any]
    variant: Variant
    speakers: dict[str, int]
    """Rows of the speaker table by name, those of the training set first."""
    features: tuple[str, ...]
    """Names of the feature inputs that the network listens to."""
    silent: tuple[str, ...]
    """Those whose projections are zero and stay so."""
    kept: tuple[str, ...]
    """Those whose projections stay as they are: the training set has no such language."""
    notes: tuple[str, ...]


def fit(
    base: Base,
    clips: Sequence[Clip],
    speakers: Sequence[str],
    feature_models: Mapping[str, str],
    *,
    keep_speakers: bool,
    new_symbols: Sequence[str],
    without_features: bool,
    fresh_posterior: bool,
) -> Start:
    """Grow and cut a base to what a training set has.

    A new speaker starts as the mean of those that the base knows, a new symbol as the mean of all
    symbols.

    Args:
        base: What to start from.
        clips: Of the training set.
        speakers: Names in it.
        feature_models: By the code of the language, the models that made its text features.
        keep_speakers: Keep those speakers of the base that aren't in the training set.
        new_symbols: Symbols to be added to the table.
        without_features: Take away what the base listens to and the training set lacks.
        fresh_posterior: The base may lack a posterior encoder.

    Raises:
        CheckpointError: The base has no posterior encoder.
        DataError: Some clips of a language have text features and others haven't, or the base
            listens to features that the training set lacks or that another model made.
    """
    config, tensors = copy.deepcopy(base.config), dict(base.tensors)
    variant, notes = base.variant, list(base.notes)
    if tensors and not any(name.startswith("enc_q.") for name in tensors) and not fresh_posterior:
        raise CheckpointError(
            f"The base {base.name} has no posterior encoder, which training needs; published "
            "checkpoints often leave it out. Take a whole one (G_*.pth), or let it learn a new one "
            "from nothing by fresh_posterior: true, which takes far longer."
        )
    if new_symbols:
        config["symbols"] = [*variant.table.symbols, *new_symbols]
        variant = variant.grown(config["symbols"])
        notes.append(f"{len(new_symbols)} symbols were added: {' '.join(new_symbols)}.")
        if "enc_p.emb.weight" in tensors:
            tensors["enc_p.emb.weight"] = _grown(tensors["enc_p.emb.weight"], len(new_symbols))
    rows = _speakers(base, config, tensors, speakers, keep_speakers)
    features, silent, kept = _features(base, clips, feature_models, without_features)
    for name in silent:
        for key in (f"enc_p.{name}_proj.weight", f"enc_p.{name}_proj.bias"):
            if key in tensors:
                tensors[key] = torch.zeros_like(tensors[key])
    config[OWN] = {
        "base": {"title": base.card.title or Path(base.name).name, "licence": base.card.licence},
        **config.get(OWN, {}),
        "feature_models": {**base.feature_models, **feature_models},
    }
    return Start(tensors, config, variant, rows, features, silent, kept, tuple(notes))


def _grown(table: Tensor, count: int) -> Tensor:
    """A table (n, width) with new rows, the mean of the others."""
    return torch.cat([table, table.mean(0, keepdim=True).expand(count, -1)]).contiguous()


def _speakers(
    base: Base,
    config: dict[str, Any],
    tensors: dict[str, Tensor],
    speakers: Sequence[str],
    keep: bool,
) -> dict[str, int]:
    if config["data"].get("n_speakers") == 0:  # a reference encoder hears who speaks
        config["data"]["spk2id"] = {}
        return {}
    before = base.speakers if base.tensors else {}
    table = tensors.get("emb_g.weight")
    if table is not None:
        before = {name: row for name, row in before.items() if row < len(table)}
    others = [name for name in before if name not in speakers] if keep else []
    names = [*speakers, *others]
    if table is not None:
        mean = table.mean(0)
        tensors["emb_g.weight"] = torch.stack(
            [table[before[name]] if name in before else mean for name in names]
        )
    rows = {name: row for row, name in enumerate(names)}
    config["data"] |= {"n_speakers": len(names), "spk2id": rows}
    return rows


def _features(
    base: Base, clips: Sequence[Clip], models: Mapping[str, str], without: bool
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Names of the inputs that are listened to, that are silent, and that stay as they are."""
    spoken = {code for clip in clips for code in (clip.language, *clip.languages)}
    heard: list[str] = []
    silent: list[str] = []
    kept: list[str] = []
    for need in base.variant.features:
        own = [clip for clip in clips if need.language in (clip.language, *clip.languages)]
        given = sum(need.language in clip.features for clip in own)
        weights = base.tensors.get(f"enc_p.{need.name}_proj.weight")
        listens = weights is not None and bool(weights.any())
        if need.language not in spoken:
            (heard if listens else silent).append(need.name)
            kept.append(need.name)
            continue
        if given == len(own):
            known, made = base.feature_models.get(need.language), models.get(need.language)
            if listens and known and made and known != made:
                raise DataError(
                    f"The base listens to {known} for {need.language}, but the text features of "
                    f"the data are {made}'s. Prepare the data again with {known}."
                )
            heard.append(need.name)
            continue
        if given:
            raise DataError(
                f"{len(own) - given} of {len(own)} clips in {need.language!r} have no text "
                "features. Prepare the data again."
            )
        if listens and not without:
            raise DataError(
                f"The base listens to {base.feature_models.get(need.language, need.model)} for "
                f"{need.language}, but the data has no such features. Prepare the data with them, "
                "or set without_features: true: the voice then does without, and its phrasing "
                "suffers."
            )
        silent.append(need.name)
    return tuple(heard), tuple(silent), tuple(kept)
