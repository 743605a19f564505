"""Graphs on disk without what only a reader of XML would want; a third of their description."""

from __future__ import annotations

import errno
import re
from pathlib import Path
from typing import Any

import numpy as np

from vinovits.convert.features.builder import quantise_rows
from vinovits.runtime import openvino as ov

_PRECISION = re.compile(rb' precision="\w+"')
# OpenVINO works the shapes and types between operations out again when it reads a graph; those of
# the inputs stand elsewhere.
_NEEDLESS = (
    (re.compile(rb"<dim>-?\d+</dim>|(?<=>)\s+(?=<)"), b""),
    (re.compile(rb"></port>"), b"/>"),
    (re.compile(rb"<input>.*?</input>"), lambda ports: _PRECISION.sub(b"", ports[0])),
)

_LARGE = 4096
"""Weights that are fewer stay as they are: they are no size, and biases want their digits."""


def save_graph(graph: ov.Model, path: Path, *, half: bool) -> None:
    """Write `path` (.xml) and the weights beside it.

    Args:
        graph: Its operations lose their names; its inputs and outputs keep theirs.
        path: Where to.
        half: Store the weights as float16.

    Raises:
        OSError: The files can't be written.
    """
    results = {port.get_tensor().get_any_name() for port in graph.outputs}
    for number, node in enumerate(graph.get_ordered_ops()):
        if node.get_type_name() in ("Parameter", "Result"):
            continue
        node.set_friendly_name(str(number))
        for port in node.outputs():
            if not results & port.get_names():
                port.get_tensor().set_names(set())
    write_graph(graph, path, half=half)
    content = path.read_bytes()
    for needless, rest in _NEEDLESS:
        content = needless.sub(rest, content)
    path.write_bytes(content)


def save_in_int8(path: Path) -> None:
    """Write a graph again, its large weights with eight bits, and a range for each of their rows.

    What is computed in doesn't change: OpenVINO multiplies them out when it compiles the graph.

    Args:
        path: Of an .xml that `save_graph` wrote with `half`; both of its files are replaced.

    Raises:
        OSError: The files can't be written.
    """
    graph = ov.Core().read_model(path)
    ops: Any = ov.opset13
    for node in graph.get_ordered_ops():
        if node.get_type_name() != "Convert":
            continue
        stored = node.input_value(0).get_node()
        if stored.get_type_name() != "Constant" or len(stored.shape) < 2:
            continue
        weights = np.asarray(stored.data, np.float32)
        if weights.size < _LARGE:
            continue
        levels, zero, scale = quantise_rows(weights.reshape(len(weights), -1))
        ones = (1,) * (weights.ndim - 1)
        whole = ops.convert(ops.constant(levels.reshape(weights.shape)), "f32")
        shift = ops.convert(ops.constant(zero.reshape(-1, *ones)), "f32")
        product = ops.multiply(ops.subtract(whole, shift), ops.constant(scale.reshape(-1, *ones)))
        node.output(0).replace(product.output(0))
    # OpenVINO still reads from the old files.
    part = path.with_name(f"{path.stem}-int8.xml")
    save_graph(graph, part, half=True)
    part.replace(path)
    part.with_suffix(".bin").replace(path.with_suffix(".bin"))


def write_graph(graph: ov.Model, path: Path, *, half: bool = False) -> None:
    """Write `path` (.xml) and the weights beside it as OpenVINO does.

    Raises:
        OSError: The files can't be written.
    """
    try:
        ov.save_model(graph, path, compress_to_fp16=half)
    except RuntimeError as error:  # which doesn't say why
        raise OSError(errno.EIO, f"{error} (is the disk full?)") from None
