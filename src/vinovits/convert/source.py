"""What people hold of a voice: a checkpoint with its config, a folder of both, or an AIVM file."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vinovits.errors import CheckpointError
from vinovits.nets.config import read_config
from vinovits.voices.manifest import MANIFEST_NAME, Card

Array = npt.NDArray[np.float32]

STYLES_NAME = "style_vectors.npy"
CARD_NAME = "card.json"
"""Beside a checkpoint: what its voice's card says, as `vinovits merge` writes it."""
OWN = "vinovits"
"""The section of our configs that released programs pass over."""

_CONFIGS = ("config.json", "configs/config.json", "../config.json", "../configs/config.json")
"""Where configs lie beside checkpoints, as the released programs put them."""

_WEIGHTS = ("G_*.pth", "*.safetensors", "*.aivm", "models/G_*.pth", "models/*.safetensors")


@dataclass(frozen=True, slots=True)
class Styles:
    """The style vectors of a voice; row 0 is their mean."""

    vectors: Array
    """(rows, width)."""
    names: dict[str, int]
    """Names and rows."""


@dataclass(frozen=True, slots=True)
class Source:
    """A checkpoint with all that lies beside it."""

    weights: Path
    config: dict[str, Any]
    card: Card = field(default_factory=Card)
    styles: Styles | None = None
    name: str | None = None
    """Of the voice, if its maker gave one."""
    claimed: str | None = None
    """The family that it says it is of."""
    languages: tuple[str, ...] | None = None
    """Codes of the languages that its maker lists."""
    speakers: dict[str, int] | None = None
    """Names and rows where its maker lists others than the config."""
    icon: bytes | None = None
    """A PNG or JPEG picture."""
    notes: tuple[str, ...] = ()
    """Sentences for the user about what was chosen."""


def open_source(path: Path, config: Path | None = None) -> Source:
    """Find the weights, the config and the styles of a voice.

    Args:
        path: A checkpoint (`G_*.pth` or .safetensors), an AIVM file, or a folder: of its
            checkpoints the one with the most training steps in its name is taken.
        config: Its config.json; looked for beside the checkpoint if not given.

    Raises:
        CheckpointError: Something is missing, can't be read, or can't be right.
    """
    notes: tuple[str, ...] = ()
    if path.is_dir():
        path, notes = _newest(path)
    if path.suffix == ".aivm":
        from vinovits.convert.aivm import read_aivm

        return read_aivm(path)
    if path.suffix in (".onnx", ".aivmx"):
        raise CheckpointError(
            f"{path} is an ONNX graph, which is frozen for another program. Take the checkpoint "
            "that it was made from: G_*.pth, .safetensors or .aivm."
        )
    if not path.exists():
        raise CheckpointError(f"The checkpoint {path} can't be read: No such file or directory.")
    config_path = config or _beside(path)
    data = read_config(config_path)
    styles = None
    for folder in (path.parent, config_path.parent):
        if (folder / STYLES_NAME).is_file():
            styles = read_styles((folder / STYLES_NAME).read_bytes(), data, folder / STYLES_NAME)
            break
    return Source(path, data, _read_card(path.parent / CARD_NAME), styles, notes=notes)


def own_feature_models(config: Mapping[str, Any]) -> dict[str, str]:
    """Names of the models that a checkpoint listens to, where `vinovits train` wrote its config.

    Returns:
        By the code of the language; empty where the config doesn't say it.
    """
    own = config.get(OWN)
    found = own.get("feature_models") if isinstance(own, Mapping) else None
    if not isinstance(found, Mapping):
        return {}
    return {code: name for code, name in found.items() if isinstance(name, str)}


def read_styles(content: bytes, config: Mapping[str, Any], where: Path) -> Styles:
    """Read style vectors and name them by a config.

    Args:
        content: Of a .npy file.
        config: The parsed config.json; its "data" may hold "style2id" and "num_styles".
        where: Named in errors.

    Raises:
        CheckpointError: No sound table, or another number of styles than the config's.
    """
    try:
        vectors = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError, OSError, MemoryError) as error:  # a header may claim any size
        raise CheckpointError(f"The style vectors of {where} can't be read: {error}.") from None
    if vectors.ndim != 2 or vectors.dtype.kind != "f" or not len(vectors):
        raise CheckpointError(
            f"The style vectors of {where} should be a table of numbers (styles, width), not "
            f"{vectors.dtype} of the shape {vectors.shape}."
        )
    if not np.isfinite(vectors).all():
        raise CheckpointError(f"The style vectors of {where} aren't all finite. Get them again.")
    data = config.get("data")
    if not isinstance(data, Mapping):
        data = {}  # which the reader of sizes tells
    count = data.get("num_styles", len(vectors))
    if count != len(vectors):
        raise CheckpointError(
            f"The config counts {count} styles, but {where} has {len(vectors)} style vectors."
        )
    names = data.get("style2id") or {str(row): row for row in range(len(vectors))}
    if not isinstance(names, dict) or not all(type(row) is int for row in names.values()):
        raise CheckpointError('The config\'s "style2id" should name the rows of the styles.')
    for name, row in names.items():
        if not 0 <= row < len(vectors):
            raise CheckpointError(
                f"The config gives the style {name!r} row {row}, but {where} has {len(vectors)} "
                "rows."
            )
    return Styles(vectors.astype(np.float32), dict(names))


def _newest(folder: Path) -> tuple[Path, tuple[str, ...]]:
    if (folder / MANIFEST_NAME).is_file():
        raise CheckpointError(
            f"{folder} is a voice folder already. Speak with it: vinovits say --voice {folder} ..."
        )
    # What isn't a file is passed over, such as a link to a checkpoint that is gone.
    found = [path for pattern in _WEIGHTS for path in folder.glob(pattern) if path.is_file()]
    if not found:
        raise CheckpointError(
            f"The folder {folder} holds no checkpoint: no G_*.pth, *.safetensors or *.aivm, nor "
            "any in its folder models."
        )
    newest = max(found, key=lambda path: (_steps(path), path.stat().st_mtime, path.name))
    if len(found) == 1:
        return newest, ()
    return newest, (
        f"Of {len(found)} checkpoints in {folder} the newest was taken, {newest.name}.",
    )


def _steps(path: Path) -> int:
    """The training steps that a name such as G_12000.pth or ann_e100_s5000.safetensors tells."""
    numbers = re.findall(r"\d+", path.stem)
    return int(numbers[-1]) if numbers else -1


def _beside(weights: Path) -> Path:
    for name in _CONFIGS:
        if (weights.parent / name).is_file():
            return weights.parent / name
    raise CheckpointError(
        f"There is no config.json beside {weights}. Give its path: vinovits convert CHECKPOINT "
        "CONFIG OUT."
    )


def _read_card(path: Path) -> Card:
    if not path.is_file():
        return Card()
    try:
        return Card(**{key: str(value) for key, value in read_config(path).items()})
    except TypeError as error:
        raise CheckpointError(f"{path} isn't a voice's card: {error}.") from None
