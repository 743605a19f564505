"""Two checkpoints of one family mixed into a third: part by part, weight by weight."""

from __future__ import annotations

import copy
import errno
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from vinovits.convert.detect import detect
from vinovits.convert.source import CARD_NAME, STYLES_NAME, Source, Styles, open_source
from vinovits.errors import CheckpointError, UsageError
from vinovits.nets.checkpoint import read_state
from vinovits.nets.config import ModelConfig
from vinovits.nets.variants import Variant
from vinovits.output.atomic import atomic_folder
from vinovits.voices.manifest import Card

_SHOWN = 10
"""Of tensors that don't fit, in an error."""


@dataclass(frozen=True, slots=True)
class Merge:
    """What `merge_checkpoints` made."""

    folder: Path
    variant: str
    """The family of both."""
    notes: tuple[str, ...]
    """Sentences for the user about what was taken from where."""


def merge_checkpoints(first: Path, second: Path, out: Path, shares: Mapping[str, float]) -> Merge:
    """Mix two checkpoints of one family into a folder that `convert_checkpoint` takes.

    Every tensor becomes a + (b - a) * share, with the share of its part. Tensors stay in the form
    they were released in (weight norm isn't folded), so that released programs read the result too.

    Args:
        first: What `open_source` takes; the result has its config and its speakers.
        second: Likewise.
        out: The folder to make: a .safetensors file, config.json, card.json and, in families with
            styles, style_vectors.npy.
        shares: By part ("voice", "pitch", "style", "tempo"), the share of the second checkpoint
            from 0 to 1; of parts that aren't named, 0. Style vectors are mixed as the part "style".

    Raises:
        CheckpointError: One can't be read, or the two don't fit together.
        OutputError: `out` holds files already or can't be written.
        UsageError: An unknown part, or a share that isn't from 0 to 1.
    """
    sources = open_source(first), open_source(second)
    states = [read_state(source.weights) for source in sources]
    variant, other = (
        detect(state, source.config).variant for state, source in zip(states, sources, strict=True)
    )
    if variant != other:
        raise CheckpointError(
            f"{first} is of the family {variant.name} and {second} of {other.name}. Only "
            "checkpoints of one family can be merged."
        )
    for source in sources:
        ModelConfig.from_dict(source.config, variant)  # for its checks
    _check_shares(variant, shares)
    merged = _mix_tensors(variant, states[0], states[1], shares)
    styles, notes = _mix_styles(sources, shares.get("style", 0.0))
    config = copy.deepcopy(sources[0].config)
    if styles is not None:
        config["data"] |= {"num_styles": len(styles.vectors), "style2id": styles.names}
    with atomic_folder(out) as work:
        _write(work, out.resolve().name, merged, config, styles)
        card = _card(sources, shares, out)
        (work / CARD_NAME).write_text(
            json.dumps(asdict(card), ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
        )
    chosen = [note for source in sources for note in source.notes]
    return Merge(out, variant.name, (*chosen, *notes))


def _check_shares(variant: Variant, shares: Mapping[str, float]) -> None:
    for part, share in shares.items():
        if part not in variant.parts:
            raise UsageError(f"There is no part {part!r}; there are {', '.join(variant.parts)}.")
        if not 0 <= share <= 1:  # NaN is in no range
            raise UsageError(f"The share of {part} must be from 0 to 1, not {share!r}.")


def _mix_tensors(
    variant: Variant,
    first: Mapping[str, Tensor],
    second: Mapping[str, Tensor],
    shares: Mapping[str, float],
) -> dict[str, Tensor]:
    # Only some files have the posterior encoder; what was merged without it can't be trained on.
    whole = all(any(name.startswith("enc_q.") for name in state) for state in (first, second))
    names = {name for name in {*first, *second} if whole or not name.startswith("enc_q.")}
    problems = [
        f"{name}: {_shape(first, name)} and {_shape(second, name)}"
        for name in sorted(names)
        if _shape(first, name) != _shape(second, name)
    ]
    if problems:
        more = len(problems) - _SHOWN
        raise CheckpointError(
            f"The two checkpoints don't fit together, {len(problems)} tensors differ:\n"
            + "\n".join(f"  {line}" for line in problems[:_SHOWN])
            + (f"\n  and {more} more" if more > 0 else "")
        )
    merged = {}
    for name in first:
        if name in names:
            share = _share(variant, name, shares)
            # So written, shares of 0 and 1 give the very tensors of one parent. Safetensors holds
            # no transposed views, which .pth files may.
            merged[name] = (first[name] * (1 - share) + second[name] * share).contiguous()
    return merged


def _shape(state: Mapping[str, Tensor], name: str) -> str:
    return str(tuple(state[name].shape)) if name in state else "none"


def _share(variant: Variant, name: str, shares: Mapping[str, float]) -> float:
    for part, prefixes in variant.parts.items():
        if name.startswith(prefixes):
            return shares.get(part, 0.0)
    raise CheckpointError(f"The tensor {name} belongs to no part of a {variant.name} voice.")


def _mix_styles(
    sources: tuple[Source, Source], share: float
) -> tuple[Styles | None, tuple[str, ...]]:
    """Styles that both have are mixed, with the mean; each keeps what the other hasn't."""
    first, second = (source.styles for source in sources)
    if first is None or second is None:
        return first, ()
    if first.vectors.shape[1] != second.vectors.shape[1]:
        raise CheckpointError("The style vectors of the two checkpoints are of two widths.")
    rows = [first.vectors[0] * (1 - share) + second.vectors[0] * share]
    names: dict[str, int] = {}
    for name in {**first.names, **second.names}:
        a, b = first.names.get(name), second.names.get(name)
        if 0 in (a, b) and a in (0, None) and b in (0, None):
            names[name] = 0
            continue
        if a is None:
            row = second.vectors[second.names[name]]
        elif b is None:
            row = first.vectors[a]
        else:
            row = first.vectors[a] * (1 - share) + second.vectors[b] * share
        names[name] = len(rows)
        rows.append(row)
    alone = [name for name in names if (name in first.names) != (name in second.names)]
    notes = (f"Styles that only one of them has were kept as they are: {', '.join(alone)}.",)
    return Styles(np.stack(rows).astype(np.float32), names), notes if alone else ()


def _card(sources: tuple[Source, Source], shares: Mapping[str, float], out: Path) -> Card:
    # Files are often named alike, such as G_0.pth: the folder tells which of them it is.
    parents = [
        source.card.title or f"{source.weights.resolve().parent.name}/{source.weights.name}"
        for source in sources
    ]
    told = ", ".join(f"{part} {share:g}" for part, share in shares.items())
    licences = dict.fromkeys(source.card.licence or "not given" for source in sources)
    return Card(
        title=out.resolve().name,
        description=f"Merged from {parents[0]} and {parents[1]}.",
        author=", ".join(dict.fromkeys(s.card.author for s in sources if s.card.author)),
        licence=" and ".join(licences) if set(licences) != {"not given"} else "",
        source=f"{parents[0]} with shares of {parents[1]}: {told or 'none'}.",
        use=" ".join(dict.fromkeys(s.card.use for s in sources if s.card.use)),
    )


def _write(
    folder: Path,
    name: str,
    tensors: Mapping[str, Tensor],
    config: Mapping[str, object],
    styles: Styles | None,
) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    try:
        save_file(dict(tensors), folder / f"{name}.safetensors")
    except SafetensorError as error:  # what it makes of a full disk
        raise OSError(errno.EIO, f"{error} (is the disk full?)") from None
    (folder / "config.json").write_text(
        json.dumps(config, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
    )
    if styles is not None:
        np.save(folder / STYLES_NAME, styles.vectors, allow_pickle=False)
