"""A model folder as Hugging Face has it: config.json and the tensors, read one at a time."""

from __future__ import annotations

import json
import math
import pickle
import warnings
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vinovits.errors import CheckpointError, MissingExtraError
from vinovits.store.inspect import problem

if TYPE_CHECKING:
    from torch import Tensor

SAFETENSORS, PICKLE = "model.safetensors", "pytorch_model.bin"

_OLD_NAMES = {".gamma": ".weight", ".beta": ".bias"}
"""Ends of names that checkpoints converted from TensorFlow carry."""
_WEIGHT_NORM = {
    ".weight_g": (".weight", 0),
    ".weight_v": (".weight", 1),
    ".parametrizations.weight.original0": (".weight", 0),
    ".parametrizations.weight.original1": (".weight", 1),
}
"""Ends of names of a weight that is kept as magnitude (0) and direction (1)."""

_LARGEST = 2**28
"""Numbers in a tensor: twice the largest of a real model."""
_MOST_PROBLEMS = 30
"""That are told of one file."""


class Config:
    """config.json, or an object in it, read entry by entry."""

    def __init__(self, path: Path, entries: dict[str, Any] | None = None) -> None:
        """Read `path`; or take `entries`, a part of it."""
        self.path = path
        self._entries = read_json(path) if entries is None else entries

    def number(self, key: str, default: int | None = None, least: int = 1) -> int:
        """A whole number, from `least`."""
        value = self._entries.get(key, default)
        if type(value) is not int or value < least:
            raise CheckpointError(
                f"{self.path}: {key} is {value!r}, but should be a number from {least}."
            )
        return value

    def real(self, key: str, default: float | None = None) -> float:
        """A number between 0 and 1, both excluded."""
        value = self._entries.get(key, default)
        if not isinstance(value, int | float) or not 0 < value < 1:
            raise CheckpointError(
                f"{self.path}: {key} is {value!r}, but should be between 0 and 1."
            )
        return float(value)

    def text(self, key: str, default: str | None = None) -> str:
        """A string."""
        value = self._entries.get(key, default)
        if not isinstance(value, str):
            raise CheckpointError(f"{self.path}: {key} is {value!r}, but should be a text.")
        return value

    def flag(self, key: str, default: bool | None = None) -> bool:
        """True or false."""
        value = self._entries.get(key, default)
        if not isinstance(value, bool):
            raise CheckpointError(f"{self.path}: {key} is {value!r}, but should be true or false.")
        return value

    def numbers(self, key: str, default: tuple[int, ...] | None = None) -> tuple[int, ...]:
        """A list of whole numbers from 1, not empty."""
        value = self._entries.get(key, default)
        if (
            not isinstance(value, list | tuple)
            or not value
            or not all(type(number) is int and number >= 1 for number in value)
        ):
            raise CheckpointError(f"{self.path}: {key} is {value!r}, but should list numbers.")
        return tuple(value)

    def get(self, key: str) -> Any:
        """Whatever is there, or None."""
        return self._entries.get(key)

    def part(self, key: str) -> Config:
        """An object within, such as the text_config of CLAP; empty if there is none."""
        value = self._entries.get(key, {})
        if not isinstance(value, dict):
            raise CheckpointError(f"{self.path}: {key} is {value!r:.60}, but should be an object.")
        return Config(self.path, value)


@dataclass(frozen=True, slots=True)
class _Stored:
    """A tensor on disk."""

    name: str
    """As the file has it."""
    read: Callable[[], Tensor]


class Weights:
    """The tensors of a model folder; what is wrong with them is gathered into one message.

    Files are mapped, not read: one tensor at a time is in memory. Names below a head lose the
    prefix, those of TensorFlow are renamed, and weight normalisation is folded.

    Args:
        folder: Has model.safetensors or pytorch_model.bin, or the index of a model in parts.
        prefix: What stands before the tensors' names when the file holds a head as well.

    Raises:
        CheckpointError: There is no such file, it is damaged, or a pickle with code in it.
        MissingExtraError: torch or safetensors isn't installed.
    """

    def __init__(self, folder: Path, prefix: str = "") -> None:
        self._problems: list[str] = []
        self._plain: dict[str, _Stored] = {}
        self._split: dict[str, list[_Stored | None]] = {}
        self.path, files = _find_files(folder)
        for path in files:
            for stored, read in _open(path).items():
                name = stored.removeprefix(prefix)
                for end, new in _OLD_NAMES.items():
                    if name.endswith(end):
                        name = name.removesuffix(end) + new
                for end, (new, part) in _WEIGHT_NORM.items():
                    if name.endswith(end):
                        halves = self._split.setdefault(name.removesuffix(end) + new, [None, None])
                        halves[part] = _Stored(stored, read)
                        break
                else:
                    self._plain[name] = _Stored(stored, read)

    def __contains__(self, name: str) -> bool:
        """Is there a tensor of this name?"""
        return name in self._plain or name in self._split

    def take(self, name: str, *shape: int) -> NDArray[np.float32]:
        """The tensor as float32; zeros where it can't be had, which `check` tells at the end."""
        values = self._read(name)
        if values is None:
            self._problems.append(f"{name} is missing")
        elif values.shape != shape:
            self._problems.append(f"{name} has the shape {values.shape}, not {shape}")
        elif not np.isfinite(values).all():
            self._problems.append(f"{name} holds NaN or infinite values")
        else:
            return values
        # A config.json can ask for anything: neither memory nor patience is endless.
        if math.prod(shape) > _LARGEST or len(self._problems) >= _MOST_PROBLEMS:
            self.check()
        return np.zeros(shape, np.float32)

    def _read(self, name: str) -> NDArray[np.float32] | None:
        if name in self._split:
            magnitude, direction = (
                None if half is None else _as_float(half.read()) for half in self._split[name]
            )
            if magnitude is None or direction is None or magnitude.ndim != direction.ndim:
                return None
            # The axes that the magnitude doesn't have are those of the norm.
            axes = tuple(i for i, size in enumerate(magnitude.shape) if size == 1)
            lengths = np.sqrt(np.square(direction).sum(axis=axes, keepdims=True))
            folded: NDArray[np.float32] = direction * (magnitude / lengths)
            return folded
        stored = self._plain.get(name)
        return None if stored is None else _as_float(stored.read())

    def check(self) -> None:
        """Raise CheckpointError with all that `take` could not give."""
        if self._problems:
            raise CheckpointError(
                f"{self.path} doesn't fit its config.json: {'; '.join(self._problems)}."
            )


def read_json(path: Path) -> dict[str, Any]:
    """A JSON file that holds one object.

    Raises:
        CheckpointError: It is missing, or not such a file.
    """
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise CheckpointError(
            f"{path} is missing. A folder as Hugging Face has it is needed, with config.json, "
            "the weights and the files of the tokenizer."
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} can't be read as JSON: {error}.") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} should hold one JSON object.")
    return content


def check_file(path: Path) -> None:
    """Say what is wrong with a file that isn't what its name says.

    Raises:
        CheckpointError: It is missing, a git-lfs pointer, a web page, or cut off.
    """
    try:
        wrong = problem(path)
    except OSError as error:
        if path.exists():
            raise CheckpointError(f"{path} can't be read: {error.strerror}.") from None
        raise CheckpointError(f"{path} is missing; the model needs it.") from None
    if wrong:
        raise CheckpointError(f"{path} {wrong}. Download it again.")


def _as_float(tensor: Tensor) -> NDArray[np.float32]:
    """A copy in float32, whatever the file has."""
    import torch

    values: NDArray[np.float32] = tensor.detach().to(torch.float32).numpy()
    return values


def _find_files(folder: Path) -> tuple[Path, list[Path]]:
    """The file that errors name, and the files that hold the tensors."""
    for name in (SAFETENSORS, PICKLE):
        if (folder / name).is_file():
            return folder / name, [folder / name]
        index = folder / f"{name}.index.json"
        if index.is_file():
            parts = read_json(index).get("weight_map")
            if not isinstance(parts, dict) or not all(
                isinstance(part, str) and part == Path(part).name for part in parts.values()
            ):
                raise CheckpointError(f"{index} doesn't list the files of a model in parts.")
            return index, [folder / part for part in sorted(set(parts.values()))]
    raise CheckpointError(
        f"{folder / SAFETENSORS} is missing, and {PICKLE} too: the weights are read from one of "
        "them."
    )


def _open(path: Path) -> Mapping[str, Callable[[], Tensor]]:
    """What gives each tensor of a file, by its name there."""
    try:
        import torch
        from safetensors import SafetensorError, safe_open

        from vinovits.nets.checkpoint import is_stored
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "Converting needs more packages. Install them with `pip install 'vinovits[convert]'`."
        ) from error
    check_file(path)
    try:
        if path.suffix == ".safetensors":
            opened: Any = safe_open(path, framework="pt")  # its methods are untyped
            names = opened.keys()  # not a mapping itself
            return {name: partial(opened.get_tensor, name) for name in names}
        with warnings.catch_warnings():
            # torch warns of pickles that it then refuses; the error below says what to do.
            warnings.simplefilter("ignore", UserWarning)
            # Files from before torch 1.6 are no zip archives, which alone can be mapped.
            state = torch.load(
                path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path)
            )
    except pickle.UnpicklingError:
        raise CheckpointError(
            f"{path} is damaged, or holds more than tensors; it was not loaded, as such a file can "
            "run code. Download it again, or take the model's .safetensors file."
        ) from None
    except (OSError, RuntimeError, ValueError, EOFError, SafetensorError) as error:
        raise CheckpointError(
            f"{path} isn't a sound file of weights: {str(error).splitlines()[0]}."
        ) from error
    if not isinstance(state, dict):
        raise CheckpointError(f"{path} holds no table of tensors.")
    # Those without values in memory, sparse or "meta", are as good as missing.
    return {
        name: partial(_same, tensor)
        for name, tensor in state.items()
        if isinstance(name, str) and isinstance(tensor, torch.Tensor) and is_stored(tensor)
    }


def _same(tensor: Tensor) -> Tensor:
    return tensor
