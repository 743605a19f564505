"""The pieces that encoders are made of, as OpenVINO operations over named weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vinovits.convert.features.source import Config, Weights
from vinovits.errors import CheckpointError

Precision = Literal["int8", "f16", "f32"]
Progress = Callable[[int, int], None]
Node = Any
"""An openvino.Node; openvino has no types."""


class GraphBuilder:
    """Makes nodes from the tensors of one model.

    Attributes:
        ops: The set of operations, for what has no method here.
        weights: The tensors.
        precision: How matrices are stored.
        progress: To be called with the parts that are done and how many there are.
        activation_group: With weights in int8, how many neighbouring activations of a token are
            rounded to 8 bits with one scale before they meet a matrix, on CPUs that multiply such
            numbers faster; 0 for none. Other CPUs' numbers then differ by more than float32
            rounding does.
    """

    def __init__(
        self, weights: Weights, precision: Precision, progress: Progress = lambda done, all: None
    ) -> None:
        from vinovits.runtime import openvino

        self.ops: Any = openvino.opset13
        self.weights = weights
        self.precision = precision
        self.progress = progress
        self.activation_group = 0

    def ints(self, *values: int) -> Node:
        """A constant of int64 (len(values),)."""
        return self.ops.constant(np.array(values, np.int64))

    def vector(self, name: str, *shape: int) -> Node:
        """A stored tensor as float32, whatever the precision."""
        return self.ops.constant(self.weights.take(name, *shape))

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
        return self.compressed(self.weights.take(name, rows, columns), ids)

    def compressed(self, values: NDArray[np.float32], ids: Node | None = None) -> Node:
        """The same for a matrix (rows, columns) that is at hand."""

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
        return self.ops.add(product, self.vector(f"{name}.bias", outputs))

    def by_head(self, x: Node, heads: int) -> Node:
        """Cut x (T, width) for attention: (1, heads, T, width / heads)."""
        size = x.get_output_partial_shape(0)[1].get_length() // heads
        split = self.ops.reshape(x, self.ints(1, -1, heads, size), False)
        return self.ops.transpose(split, self.ints(0, 2, 1, 3))

    def joined(self, x: Node, width: int) -> Node:
        """Put the heads of x (1, heads, T, width / heads) side by side again: (T, width)."""
        return self.ops.reshape(
            self.ops.transpose(x, self.ints(0, 2, 1, 3)), self.ints(-1, width), False
        )

    def layer_norm(self, x: Node, name: str, width: int, epsilon: float) -> Node:
        """Layer normalisation of the last axis of x (T, width)."""
        normal = self.ops.mvn(x, self.ints(-1), True, epsilon, "inside_sqrt")
        scaled = self.ops.multiply(normal, self.vector(f"{name}.weight", width))
        return self.ops.add(scaled, self.vector(f"{name}.bias", width))

    def activation(self, x: Node, kind: str, config: Config) -> Node:
        """The activation of the feed-forward layers by its name in config.json."""
        match kind:
            case "gelu":
                return self.ops.gelu(x, "ERF")
            case "gelu_new" | "gelu_pytorch_tanh":
                return self.ops.gelu(x, "TANH")
            case "relu":
                return self.ops.relu(x)
            case "tanh":
                return self.ops.tanh(x)
        raise CheckpointError(
            f"{config.path} asks for the activation {kind!r}; vinovits knows gelu, gelu_new, "
            "gelu_pytorch_tanh, relu and tanh."
        )

    def finish(self, outputs: Mapping[str, Node], inputs: list[Node], name: str) -> Any:
        """Make the openvino.Model, and check that all weights were there.

        Nodes are named by their order: the same weights give the same file.

        Args:
            outputs: Nodes by the names that they are asked for.
            inputs: Parameters, named already.
            name: Of the model.

        Raises:
            CheckpointError: Tensors are missing, of another shape, or hold NaN.
        """
        from vinovits.runtime import openvino

        self.weights.check()
        for label, node in outputs.items():
            node.get_output_tensor(0).set_names({label})
        model = openvino.Model(list(outputs.values()), inputs, name)
        for node in inputs:
            node.get_output_tensor(0).set_names({node.get_friendly_name()})
        for index, node in enumerate(model.get_ordered_ops()):
            if node.get_type_name() != "Parameter":
                node.set_friendly_name(f"{node.get_type_name()}_{index}")
        if self.precision == "int8":
            group = str(self.activation_group)
            model.set_rt_info(group, ["runtime_options", "DYNAMIC_QUANTIZATION_GROUP_SIZE"])
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
