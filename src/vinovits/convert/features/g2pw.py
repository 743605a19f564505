"""g2pW, which is released as an ONNX file with tables of characters beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vinovits.convert.features.builder import quantise_rows
from vinovits.convert.features.request import Request
from vinovits.convert.features.source import check_file, read_json
from vinovits.convert.features.tokenizer import write_vocabulary
from vinovits.errors import CheckpointError
from vinovits.features.manifest import G2pwManifest
from vinovits.manifests import file_sums

GRAPHS = ("g2pw.onnx", "g2pW.onnx")
"""Names of the graph in different releases."""
_POLYPHONIC, _MONOPHONIC = "POLYPHONIC_CHARS.txt", "MONOPHONIC_CHARS.txt"
_PINYIN = "bopomofo_to_pinyin_wo_tune_dict.json"
_INPUTS = (
    *("input_ids", "token_type_ids", "attention_mask"),
    *("phoneme_mask", "char_ids", "position_ids"),
)
_POSITIONS = 512
"""Of the BERT within, which the released code never lets grow longer."""
_SMALLEST = 1024
"""Numbers; smaller matrices stay float32."""


def is_g2pw(folder: Path) -> bool:
    """Does a folder hold g2pW?"""
    return any((folder / name).is_file() for name in GRAPHS)


def convert_g2pw(request: Request, folder: Path) -> G2pwManifest:
    """Write graph, tables and tokenizer into `folder`.

    Raises:
        CheckpointError: A file is missing or damaged, or the tables don't belong to the graph.
    """
    from vinovits.convert.compact import write_graph

    source = request.source
    path = next(source / name for name in GRAPHS if (source / name).is_file())
    tables = _tables(source)
    model = _read_graph(path, len(tables["readings"]))
    if not (source / "vocab.txt").is_file():
        raise CheckpointError(
            f"{source / 'vocab.txt'} is missing. g2pW is released without it: copy the one of "
            "Erlangshen-MegatronBert-1.3B-Chinese there, or of bert-base-chinese."
        )
    ids = write_vocabulary(source / "vocab.txt", folder)
    if request.precision == "int8":
        _compress(model)
    write_graph(model, folder / "model.xml", half=request.precision == "f16")
    text = json.dumps(tables, ensure_ascii=False, separators=(",", ":")) + "\n"
    (folder / "tables.json").write_text(text, encoding="utf-8", newline="\n")
    request.progress(1, 1)
    return G2pwManifest(
        name=request.name,
        kind=G2pwManifest.KIND,
        architecture="g2pw",
        precision=request.precision,
        source=request.origin,
        licence=request.licence,
        files=file_sums(folder),
        max_length=_POSITIONS,
        first_id=ids["[CLS]"],
        last_id=ids["[SEP]"],
        unknown_id=ids["[UNK]"],
    )


def _tables(source: Path) -> dict[str, Any]:
    """What vinovits.features.g2pw reads from tables.json."""
    several = _read_pairs(source / _POLYPHONIC)
    readings = sorted({reading for _, reading in several})
    numbers = {reading: number for number, reading in enumerate(readings)}
    polyphonic: dict[str, list[int]] = {character: [] for character, _ in sorted(several)}
    for character, reading in several:
        polyphonic[character].append(numbers[reading])
    return {
        "readings": readings,
        "polyphonic": polyphonic,
        "monophonic": dict(_read_pairs(source / _MONOPHONIC)),
        "pinyin": read_json(source / _PINYIN),
    }


def _read_pairs(path: Path) -> list[tuple[str, str]]:
    """The lines of a table: a character, a tab, a reading."""
    check_file(path)
    try:
        lines = path.read_text(encoding="utf-8").strip().splitlines()
        pairs = [(first, second) for first, second in (line.split("\t") for line in lines)]
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{path} isn't a table of characters and readings: {error}. Download it again."
        ) from None
    return pairs


def _read_graph(path: Path, readings: int) -> Any:
    """The openvino.Model of an ONNX file, checked against the tables."""
    from vinovits.devices import core

    check_file(path)
    try:
        model = core().read_model(path)
    except RuntimeError as error:
        line = str(error).strip().splitlines()[-1]
        raise CheckpointError(f"{path} isn't a graph that OpenVINO can read: {line}") from None
    names = tuple(port.get_any_name() for port in model.inputs)
    if names != _INPUTS or [port.get_any_name() for port in model.outputs] != ["probs"]:
        raise CheckpointError(
            f"{path} takes {', '.join(names)}, but g2pW takes {', '.join(_INPUTS)} and gives probs."
        )
    width = model.inputs[3].get_partial_shape()[1]
    if width.is_static and width.get_length() != readings:
        raise CheckpointError(
            f"{path} knows {width.get_length()} readings, but {_POLYPHONIC} lists {readings}: they "
            "don't belong together."
        )
    return model


def _compress(model: Any) -> None:
    """Store matrices in int8 as `GraphBuilder.matrix` does: those of layers, and of embeddings."""
    from vinovits.runtime import openvino

    ops: Any = openvino.opset13

    def node_of(values: NDArray[np.float32], ids: Any = None) -> Any:
        levels, zero, scale = quantise_rows(values)
        parts = [ops.constant(array) for array in (levels, zero, scale)]
        if ids is not None:
            parts = [ops.gather(part, ids, ops.constant(0)) for part in parts]
        shifted = ops.subtract(ops.convert(parts[0], "f32"), ops.convert(parts[1], "f32"))
        return ops.multiply(shifted, parts[2])

    for node in model.get_ordered_ops():
        kind = node.get_type_name()
        if kind not in ("MatMul", "Gather"):
            continue
        at = 1 if kind == "MatMul" else 0
        weight = node.input_value(at).get_node()
        if weight.get_type_name() != "Constant" or len(weight.shape) != 2:
            continue
        values = weight.data
        if values.dtype != np.float32 or values.size < _SMALLEST:
            continue
        if kind == "Gather":
            new = node_of(values, node.input_value(1))
        else:
            turned = node.get_attributes()["transpose_b"]
            rows = values if turned else np.ascontiguousarray(values.T)
            new = ops.matmul(
                node.input_value(0), node_of(rows), node.get_attributes()["transpose_a"], True
            )
        node.output(0).replace(new.output(0))
    model.validate_nodes_and_infer_types()
