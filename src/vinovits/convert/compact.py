"""Graphs on disk without what only a reader of XML would want; a third of their description."""

from __future__ import annotations

import errno
import re
from pathlib import Path

from vinovits.runtime import openvino as ov

_PRECISION = re.compile(rb' precision="\w+"')
# OpenVINO works the shapes and types between operations out again when it reads a graph; those of
# the inputs stand elsewhere.
_NEEDLESS = (
    (re.compile(rb"<dim>-?\d+</dim>|(?<=>)\s+(?=<)"), b""),
    (re.compile(rb"></port>"), b"/>"),
    (re.compile(rb"<input>.*?</input>"), lambda ports: _PRECISION.sub(b"", ports[0])),
)


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


def write_graph(graph: ov.Model, path: Path, *, half: bool = False) -> None:
    """Write `path` (.xml) and the weights beside it as OpenVINO does.

    Raises:
        OSError: The files can't be written.
    """
    try:
        ov.save_model(graph, path, compress_to_fp16=half)
    except RuntimeError as error:  # which doesn't say why
        raise OSError(errno.EIO, f"{error} (is the disk full?)") from None
