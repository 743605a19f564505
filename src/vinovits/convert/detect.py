"""Which released family a checkpoint is of, by its tensors first and its config second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from vinovits.errors import CheckpointError, UsageError
from vinovits.nets.variants import VARIANTS, Variant

Traits = dict[str, object]
"""What tells families apart, in words: a trait's name and its value."""


@dataclass(frozen=True, slots=True)
class Detection:
    """A family and why it was taken."""

    variant: Variant
    reason: str
    """One sentence for the user."""


def detect(
    tensors: Mapping[str, Tensor], config: Mapping[str, Any], wanted: str | None = None
) -> Detection:
    """Find the family of a checkpoint.

    Versions in released configs are ambiguous: families share some, and some configs name none. So
    the tensors of the text encoder decide; only where those of several families look alike, the
    config does.

    Args:
        tensors: As `read_state` gives them.
        config: The parsed config.json.
        wanted: Name of the family that the user asks for.

    Raises:
        CheckpointError: The tensors fit no family, or not the one asked for.
        UsageError: There is no family of the name `wanted`.
    """
    found = _traits_of_tensors(tensors)
    _check_symbols(config, found)
    if wanted is not None:
        family = _wanted(wanted, found, config)
        return Detection(family, f"The family {wanted}, as you asked for.")
    families = [variant.grown(config.get("symbols")) for variant in VARIANTS.values()]
    fitting = [variant for variant in families if _traits(variant) == found]
    version = config.get("version")
    if not fitting:
        raise CheckpointError(_no_family(found, version))
    doubt = _doubt(fitting, version)
    if len(fitting) == 1:
        return Detection(
            fitting[0],
            f"The family {fitting[0].name}, the only one with such tensors: {_words(found)}."
            f"{doubt}",
        )
    names = " and ".join(variant.name for variant in fitting)
    told = [variant for variant in fitting if str(version) in variant.versions]
    if told:
        return Detection(
            told[-1],
            f"The family {told[-1].name}: the tensors fit {names}, and the config says version "
            f"{version}.",
        )
    section = config.get("model") or {}
    marked = [
        variant
        for variant in fitting
        if variant.config_keys and all(key in section for key in variant.config_keys)
    ]
    if marked:
        keys = ", ".join(marked[-1].config_keys)
        return Detection(
            marked[-1],
            f"The family {marked[-1].name}: the tensors fit {names}, and the config has {keys}."
            f"{doubt}",
        )
    others = " or ".join(f"--variant {variant.name}" for variant in fitting[:-1])
    return Detection(
        fitting[-1],
        f"The family {fitting[-1].name}, the newest of those that the tensors fit ({names}): the "
        f"config's version ({version or 'none'}) doesn't tell. Take {others} if you know better."
        f"{doubt}",
    )


def _doubt(fitting: Sequence[Variant], version: object) -> str:
    """What is odd about the version in the config, as a sentence with a space before it.

    Style-Bert-VITS2 counts its versions on its own, so its configs may have any.
    """
    if version is None or not all(variant.versions for variant in fitting):
        return ""
    owners = [variant.name for variant in VARIANTS.values() if str(version) in variant.versions]
    if not owners:
        known = dict.fromkeys(name for variant in VARIANTS.values() for name in variant.versions)
        return (
            f" (The config's version, {version!s:.40}, isn't known. Known are {', '.join(known)}.)"
        )
    if not any(variant.name in owners for variant in fitting):
        return f" (The config's version, {version}, is that of {' and '.join(owners)}.)"
    return ""


def _wanted(name: str, found: Traits, config: Mapping[str, Any]) -> Variant:
    if name not in VARIANTS:
        raise UsageError(f"There is no family {name!r}; there are {', '.join(VARIANTS)}.")
    variant = VARIANTS[name].grown(config.get("symbols"))
    traits = _traits(variant)
    differences = [
        f"{trait}: the checkpoint has {found.get(trait, 'none')}, {name} has "
        f"{traits.get(trait, 'none')}"
        for trait in {**traits, **found}
        if traits.get(trait) != found.get(trait)
    ]
    if differences:
        raise CheckpointError(
            f"The checkpoint isn't of the family {name}:\n"
            + "\n".join(f"  {line}" for line in differences)
        )
    return variant


def _traits(variant: Variant) -> Traits:
    """The traits of a family, as `_traits_of_tensors` finds them."""
    traits: Traits = {
        "symbols": len(variant.table.symbols),
        "tones": variant.table.tone_count,
        "languages": len(variant.table.languages),
    }
    for feature in variant.features:
        traits[f"{feature.name} width"] = feature.width
        if feature.narrowed_to is not None:
            traits[f"{feature.name}_pre_proj"] = feature.narrowed_to
    condition = variant.condition
    if condition is not None:
        traits[f"{condition.input} width"] = condition.width
        traits["emotion codebooks"] = (
            f"{condition.heads} of {condition.rows} x {condition.row_width}"
            if condition.kind == "clap"
            else None
        )
    return {name: value for name, value in traits.items() if value is not None}


def _traits_of_tensors(tensors: Mapping[str, Tensor]) -> Traits:
    shapes = {
        name.removeprefix("enc_p."): tuple(tensor.shape)
        for name, tensor in tensors.items()
        # Of one axis is none of those that are looked at, but for damage.
        if name.startswith("enc_p.") and tensor.dim() > 1
    }
    traits: Traits = {
        trait: shapes[f"{table}.weight"][0]
        for trait, table in (
            ("symbols", "emb"),
            ("tones", "tone_emb"),
            ("languages", "language_emb"),
        )
        if f"{table}.weight" in shapes
    }
    for name, shape in shapes.items():
        if name.endswith("bert_proj.weight"):
            feature = name.removesuffix("_proj.weight")
            narrowed = shapes.get(f"{feature}_pre_proj.weight", shape)
            traits[f"{feature} width"] = narrowed[1]
            if narrowed is not shape:
                traits[f"{feature}_pre_proj"] = narrowed[0]
    for name, trait in (
        ("style_proj.weight", "style width"),
        ("emo_proj.weight", "emotion width"),
        ("in_feature_net.0.weight", "emotion width"),
    ):
        if name in shapes:
            traits[trait] = shapes[name][1]
    if "emo_vq._codebook.embed" in shapes:
        heads, *rows = shapes["emo_vq._codebook.embed"]
        traits["emotion codebooks"] = f"{heads} of {' x '.join(map(str, rows))}"
    return traits


def _check_symbols(config: Mapping[str, Any], found: Traits) -> None:
    symbols = config.get("symbols")
    if isinstance(symbols, list) and len(symbols) != found.get("symbols"):
        raise CheckpointError(
            f"The config lists {len(symbols)} symbols, but the checkpoint's embedding has "
            f"{found.get('symbols', 'none')}. Is this the config.json that was released with it?"
        )


def _no_family(found: Traits, version: object) -> str:
    known = "\n".join(f"  {name}: {_words(_traits(row))}" for name, row in VARIANTS.items())
    return (
        f"The checkpoint (version {version or 'not given'}) is of no family that is known: it has "
        f"{_words(found)}. Known are:\n{known}"
    )


def _words(traits: Traits) -> str:
    return ", ".join(f"{name} {value}" for name, value in traits.items())
