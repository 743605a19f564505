"""Feature models to OpenVINO: a Hugging Face folder in, a feature folder out.

The graph is written with OpenVINO's operations straight from the weights. Nothing is traced, so
that neither torch nor transformers is needed, every length works, and one tensor at a time is in
memory uncompressed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from vinovits.errors import CheckpointError, MissingExtraError, UsageError
from vinovits.features.manifest import REQUIRED_FILES, FeatureManifest, write_manifest
from vinovits.manifests import sha256
from vinovits.output.atomic import atomic_folder

Precision = Literal["int8", "f16", "f32"]
Node = Any
"""An openvino.Node; openvino has no types."""

_FIRST, _LAST = "[CLS]", "[SEP]"


def convert_bert(
    source: Path,
    out: Path,
    layer: int,
    precision: Precision = "int8",
    *,
    name: str | None = None,
    origin: str = "",
    licence: str = "",
) -> FeatureManifest:
    """Convert a BERT to a feature folder.

    Args:
        source: Folder with config.json, model.safetensors and tokenizer.json.
        out: The folder to make; it must not exist, or be empty.
        layer: Which of the hidden states is wanted, counted as Hugging Face does: 0 is the
            embedding, 1 the state after the first layer, -1 the last one. What comes after it is
            left out.
        precision: How weights are stored: "int8" with a scale and a zero point for each row, "f16"
            or "f32". Computation is in float32 in any case.
        name: The model's name; by default that of the folder `out`.
        origin: Where the weights come from, for people.
        licence: SPDX identifier of the weights' licence.

    Returns:
        What features.json says.

    Raises:
        CheckpointError: The source lacks a file or a tensor, or isn't what its config says.
        UsageError: There is no such layer or precision.
        OutputError: The folder can't be written.
        MissingExtraError: safetensors isn't installed.
    """
    from vinovits.runtime import openvino

    if precision not in get_args(Precision):
        known = ", ".join(get_args(Precision))
        raise UsageError(f"There is no precision {precision!r}. There are: {known}.")
    config = _Config(source / "config.json")
    architecture = ARCHITECTURES.get(config.text("model_type"))
    if architecture is None:
        raise CheckpointError(
            f"{config.path} describes a {config.text('model_type')!r} model. "
            f"vinovits makes features from: {', '.join(ARCHITECTURES)}."
        )
    states = config.number("num_hidden_layers") + 1
    if not -states <= layer < states:
        raise UsageError(
            f"There is no hidden state {layer} in {source}: it has {states}, numbered "
            f"0 to {states - 1} or -{states} to -1."
        )
    layers = layer % states
    vocabulary = config.number("vocab_size")
    tokenizer, first_id, last_id = _clean_tokenizer(source / "tokenizer.json", vocabulary)
    builder = GraphBuilder(_Weights(source / "model.safetensors", architecture.prefix), precision)
    model = architecture.build(config, builder, layers)
    builder.weights.check()
    with atomic_folder(out) as folder:
        openvino.save_model(model, folder / "model.xml", compress_to_fp16=False)
        (folder / "tokenizer.json").write_text(tokenizer, encoding="utf-8", newline="\n")
        manifest = FeatureManifest(
            name=name or out.name,
            kind="bert",
            architecture=config.text("model_type"),
            width=config.number("hidden_size"),
            layer=layers,
            max_length=config.number("max_position_embeddings"),
            vocabulary=vocabulary,
            first_id=first_id,
            last_id=last_id,
            precision=precision,
            source=origin,
            licence=licence,
            files={file: sha256(folder / file) for file in REQUIRED_FILES},
        )
        write_manifest(manifest, folder)
    return manifest


class GraphBuilder:
    """The pieces that encoders are made of, as OpenVINO operations over named weights."""

    def __init__(self, weights: _Weights, precision: Precision) -> None:
        from vinovits.runtime import openvino

        self.ops: Any = openvino.opset13
        self.weights = weights
        self.precision = precision

    def ints(self, *values: int) -> Node:
        """A constant of int64 (len(values),)."""
        return self.ops.constant(np.array(values, np.int64))

    def matrix(self, name: str, rows: int, columns: int, ids: Node | None = None) -> Node:
        """A stored matrix as float32, compressed as asked: all of it, or the rows of some ids.

        Args:
            name: Tensor to read, of shape (rows, columns).
            rows: Expected number of rows.
            columns: Expected number of columns.
            ids: int64 node (T,); the rows are gathered first and only they are decompressed.

        Returns:
            A float32 node (rows, columns), or (T, columns).
        """
        values = self.weights.take(name, rows, columns)

        def rows_of(array: NDArray[Any]) -> Node:
            node = self.ops.constant(array)
            return node if ids is None else self.ops.gather(node, ids, self.ops.constant(0))

        if self.precision == "f32":
            return rows_of(values)
        if self.precision == "f16":
            return self.ops.convert(rows_of(values.astype(np.float16)), "f32")
        levels, zero, scale = quantise_rows(values)
        shifted = self.ops.subtract(
            self.ops.convert(rows_of(levels), "f32"), self.ops.convert(rows_of(zero), "f32")
        )
        return self.ops.multiply(shifted, rows_of(scale))

    def linear(self, x: Node, name: str, outputs: int, inputs: int) -> Node:
        """Multiply x (T, inputs) by the transposed weight and add the bias: (T, outputs)."""
        product = self.ops.matmul(x, self.matrix(f"{name}.weight", outputs, inputs), False, True)
        return self.ops.add(product, self.ops.constant(self.weights.take(f"{name}.bias", outputs)))

    def layer_norm(self, x: Node, name: str, width: int, epsilon: float) -> Node:
        """Layer normalisation of the last axis of x (T, width)."""
        normal = self.ops.mvn(x, self.ints(-1), True, epsilon, "inside_sqrt")
        scaled = self.ops.multiply(
            normal, self.ops.constant(self.weights.take(f"{name}.weight", width))
        )
        return self.ops.add(scaled, self.ops.constant(self.weights.take(f"{name}.bias", width)))

    def activation(self, x: Node, kind: str, config: _Config) -> Node:
        """The activation of the feed-forward layers by its name in config.json."""
        match kind:
            case "gelu":
                return self.ops.gelu(x, "ERF")
            case "gelu_new" | "gelu_pytorch_tanh":
                return self.ops.gelu(x, "TANH")
            case "relu":
                return self.ops.relu(x)
        raise CheckpointError(
            f"{config.path} asks for the activation {kind!r}; vinovits knows gelu, gelu_new, "
            "gelu_pytorch_tanh and relu."
        )

    def finish(self, output: Node, inputs: list[Node], name: str) -> Any:
        """Make the openvino.Model.

        Nodes are named by their order: the same weights give the same file.
        """
        from vinovits.runtime import openvino

        output.get_output_tensor(0).set_names({"features"})
        model = openvino.Model([output], inputs, name)
        for node in inputs:
            node.get_output_tensor(0).set_names({node.get_friendly_name()})
        for index, node in enumerate(model.get_ordered_ops()):
            if node.get_type_name() != "Parameter":
                node.set_friendly_name(f"{node.get_type_name()}_{index}")
        if self.precision == "int8":
            # Some CPUs would round the activations to int8 as well: 1 ms less for a sentence, but
            # numbers that differ from those of other CPUs by more than float32 rounding does.
            model.set_rt_info("0", ["runtime_options", "DYNAMIC_QUANTIZATION_GROUP_SIZE"])
        return model


def quantise_rows(
    values: NDArray[np.float32],
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float32]]:
    """Eight bits for each value, with a range of its own for each row.

    Args:
        values: Finite array of shape (R, C).

    Returns:
        (levels, zero, scale) of shapes (R, C), (R, 1) and (R, 1), with
        values ~ (levels - zero) * scale. Zero is exact, and no value is off by more than the scale
        of its row.
    """
    low = np.minimum(values.min(axis=1, keepdims=True), 0.0)
    high = np.maximum(values.max(axis=1, keepdims=True), 0.0)
    scale = ((high - low) / 255).astype(np.float32)
    # Rows of zeros, or so near that float32 can't divide by their scale.
    scale[scale < np.finfo(np.float32).tiny] = 1.0
    zero = np.round(-low / scale)
    levels = np.clip(np.round(values / scale) + zero, 0, 255)
    return levels.astype(np.uint8), zero.astype(np.uint8), scale


def _build_bert(config: _Config, graph: GraphBuilder, layers: int) -> Any:
    """BERT (Devlin et al., 2019), post-norm, with absolute positions: (T) ids to (T, width)."""
    ops = graph.ops
    width, inner = config.number("hidden_size"), config.number("intermediate_size")
    heads, epsilon = config.number("num_attention_heads"), config.real("layer_norm_eps")
    if width % heads:
        raise CheckpointError(f"{config.path}: a width of {width} can't be cut into {heads} heads.")
    if config.text("position_embedding_type", "absolute") != "absolute":
        raise CheckpointError(
            f"{config.path} asks for relative positions; vinovits knows absolute ones."
        )
    ids = ops.parameter([-1], np.int64, name="input_ids")
    mask = ops.parameter([-1], np.bool_, name="mask")  # False where padding is.

    words = graph.matrix(
        "embeddings.word_embeddings.weight", config.number("vocab_size"), width, ids
    )
    # A text is always the first segment, so that its row is a part of every position.
    segments = config.number("type_vocab_size")
    positions = (
        graph.weights.take(
            "embeddings.position_embeddings.weight", config.number("max_position_embeddings"), width
        )
        + graph.weights.take("embeddings.token_type_embeddings.weight", segments, width)[0]
    )
    there = ops.slice(
        ops.constant(positions), graph.ints(0), ops.shape_of(ids), graph.ints(1), graph.ints(0)
    )
    x = graph.layer_norm(ops.add(words, there), "embeddings.LayerNorm", width, epsilon)
    seen = ops.unsqueeze(mask, graph.ints(0, 1, 2))

    def by_head(y: Node) -> Node:
        split = ops.reshape(y, graph.ints(1, -1, heads, width // heads), False)
        return ops.transpose(split, graph.ints(0, 2, 1, 3))

    for index in range(layers):
        at = f"encoder.layer.{index}"
        query, key, value = (
            by_head(graph.linear(x, f"{at}.attention.self.{role}", width, width))
            for role in ("query", "key", "value")
        )
        mixed = ops.scaled_dot_product_attention(query, key, value, seen)
        joined = ops.reshape(
            ops.transpose(mixed, graph.ints(0, 2, 1, 3)), graph.ints(-1, width), False
        )
        attended = graph.linear(joined, f"{at}.attention.output.dense", width, width)
        x = graph.layer_norm(
            ops.add(x, attended), f"{at}.attention.output.LayerNorm", width, epsilon
        )
        wide = graph.linear(x, f"{at}.intermediate.dense", inner, width)
        active = graph.activation(wide, config.text("hidden_act"), config)
        narrow = graph.linear(active, f"{at}.output.dense", width, inner)
        x = graph.layer_norm(ops.add(x, narrow), f"{at}.output.LayerNorm", width, epsilon)
    return graph.finish(x, [ids, mask], "bert")


@dataclass(frozen=True, slots=True)
class Architecture:
    """How one family of networks becomes a graph."""

    build: Callable[[_Config, GraphBuilder, int], Any]
    """From config, builder and number of layers to a model with the inputs input_ids (T), int64,
    and mask (T), bool, and the output features (T, width)."""
    prefix: str
    """What stands before the tensors' names when the file holds a head as well."""


class _Config:
    """config.json, read entry by entry."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._entries = _read_json(path)

    def number(self, key: str) -> int:
        value = self._entries.get(key)
        if type(value) is not int or value < 1:
            raise CheckpointError(
                f"{self.path}: {key} is {value!r}, but should be a number from 1."
            )
        return value

    def real(self, key: str) -> float:
        value = self._entries.get(key)
        if not isinstance(value, int | float) or not 0 < value < 1:
            raise CheckpointError(
                f"{self.path}: {key} is {value!r}, but should be between 0 and 1."
            )
        return float(value)

    def text(self, key: str, default: str | None = None) -> str:
        value = self._entries.get(key, default)
        if not isinstance(value, str):
            raise CheckpointError(f"{self.path}: {key} is {value!r}, but should be a text.")
        return value


class _Weights:
    """The tensors of a .safetensors file; what is wrong with them is gathered into one message."""

    def __init__(self, path: Path, prefix: str) -> None:
        try:
            from safetensors import SafetensorError, safe_open
        except ModuleNotFoundError as error:
            raise MissingExtraError(
                "Converting needs more packages. Install them with `pip install vinovits[convert]`."
            ) from error
        self._path = path
        self._problems: list[str] = []
        try:
            self._file = cast(Any, safe_open(path, framework="numpy"))  # its methods are untyped
        except FileNotFoundError:
            raise CheckpointError(f"{path} is missing: the weights are read from there.") from None
        except (OSError, SafetensorError) as error:
            raise CheckpointError(f"{path} isn't a sound .safetensors file: {error}.") from error
        self._names = {name.removeprefix(prefix): name for name in self._file.keys()}  # noqa: SIM118

    def take(self, name: str, *shape: int) -> NDArray[np.float32]:
        """The tensor as float32; zeros where it can't be had, which `check` tells at the end."""
        if name not in self._names:
            self._problems.append(f"{name} is missing")
            return np.zeros(shape, np.float32)
        values = np.asarray(self._file.get_tensor(self._names[name]))
        if values.shape != shape:
            self._problems.append(f"{name} has the shape {values.shape}, not {shape}")
            return np.zeros(shape, np.float32)
        if not np.isfinite(values).all():
            self._problems.append(f"{name} holds NaN or infinite values")
            return np.zeros(shape, np.float32)
        return values.astype(np.float32)

    def check(self) -> None:
        """Raise CheckpointError with all that `take` could not give."""
        if self._problems:
            raise CheckpointError(
                f"{self._path} doesn't fit its config.json: {'; '.join(self._problems)}."
            )


def _clean_tokenizer(path: Path, vocabulary: int) -> tuple[str, int, int]:
    """tokenizer.json without its truncation and padding; the ids of [CLS] and [SEP]."""
    content = _read_json(path)
    model = content.get("model")
    vocab = model.get("vocab") if isinstance(model, dict) else None
    if not isinstance(vocab, dict) or not all(type(index) is int for index in vocab.values()):
        raise CheckpointError(f"{path} isn't a tokenizer with a vocabulary of word pieces.")
    if missing := [token for token in (_FIRST, _LAST) if token not in vocab]:
        raise CheckpointError(f"The vocabulary of {path} lacks {', '.join(missing)}.")
    if max(vocab.values()) >= vocabulary:
        raise CheckpointError(
            f"{path} has ids up to {max(vocab.values())}, but the model has {vocabulary} "
            "embeddings: they don't belong together."
        )
    content["truncation"] = content["padding"] = None
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n"
    return text, vocab[_FIRST], vocab[_LAST]


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise CheckpointError(
            f"{path} is missing. A folder as Hugging Face has it is needed, with config.json, "
            "model.safetensors and tokenizer.json."
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} can't be read as JSON: {error}.") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} should hold one JSON object.")
    return content


ARCHITECTURES = {"bert": Architecture(_build_bert, prefix="bert.")}
"""By the `model_type` of config.json."""
