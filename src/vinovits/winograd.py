"""Convolutions over time by fewer multiplications, for graphs that a CPU computes in float32.

Minimal filtering (Winograd 1980; Lavin and Gray 2016, https://arxiv.org/abs/1509.09308): of a
convolution with a kernel of r, m outputs that follow each other take m + r - 1 products in place of
m * r, between linear combinations of the inputs and such of the weights. Those of inputs and
outputs are products with small matrices here, and the rest is one product of matrices for each
point, which CPUs do at full speed.

It pays in the feed-forward layers of the transformer flow: two convolutions with a kernel of 5,
whose 8 products for 4 outputs are two fifths. Decoders gain nothing: their combinations are too
long for the cache and cost more time than the products that they save (docs/performance.md).
Rounding errors grow to some 3e-6 of the largest value, which float32 can afford; graphs of lower
precision stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import openvino as ov

Array = npt.NDArray[np.float32]
Node = Any
"""An openvino.Node; openvino has no types."""

VERSION = "minimal filtering 1"
"""Changes whenever graphs that are compiled after it would differ: caches must know."""

_KERNEL = 5
_POINTS = (0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5)
"""Where polynomials are evaluated, infinity besides; small ones keep the rounding errors small."""
_OUTPUTS = len(_POINTS) + 2 - _KERNEL
_REACH = _KERNEL // 2

_LEAST = 2**17
"""Weights of a tap from which on it is known to pay."""


@dataclass(frozen=True, slots=True)
class _FeedForward:
    """Two convolutions with a ReLU and a mask between, as the graph has them."""

    x: Any
    """The output that goes in: (1, C, T)."""
    first: Node
    bias: Node
    mask: Any
    """The output that is the mask: (1, 1, T)."""
    second: Node


def rewrite(model: ov.Model) -> int:
    """Compute the feed-forward layers of a graph by minimal filtering, in place.

    Args:
        model: The graph; all lengths, or one. Where it has no such layers, nothing changes.

    Returns:
        How many there were.
    """
    found = [
        layer
        for node in model.get_ordered_ops()
        if node.get_type_name() == "Convolution" and (layer := _match(node)) is not None
    ]
    for layer in found:
        y = _feed_forward(layer)
        for port in layer.second.output(0).get_target_inputs():
            port.replace_source_output(y.output(0))
    if found:
        model.validate_nodes_and_infer_types()
    return len(found)


def transforms() -> tuple[Array, Array, Array]:
    """The matrices of inputs (n, n), weights (n, r) and outputs (m, n), where n = m + r - 1.

    m outputs of a filter w on inputs x are outputs @ ((weights @ w) * (inputs @ x)). The product of
    two polynomials is found from its values at n - 1 points and its highest coefficient, by
    Lagrange's formula; that algorithm, transposed, is the filter (Toom and Cook).
    """
    points = np.array(_POINTS)
    powers = points[:, None] ** np.arange(len(points) + 1)
    last = np.eye(1, len(points) + 1, len(points))
    inputs, scales = [], []
    for number, point in enumerate(points):
        others = np.delete(points, number)
        basis = np.append(np.poly(others)[::-1], 0)
        # A row of inputs is scaled to 1 and the weights make up for it: no value is large.
        largest = np.abs(basis).max()
        inputs.append(basis / largest)
        scales.append(largest / np.prod(point - others))
    inputs.append(np.poly(points)[::-1])
    largest = np.abs(inputs[-1]).max()
    inputs[-1] = inputs[-1] / largest
    scales.append(largest)
    weights = np.vstack([powers[:, :_KERNEL], last[:, -_KERNEL:]]) * np.array(scales)[:, None]
    outputs = np.vstack([powers[:, :_OUTPUTS], last[:, -_OUTPUTS:]]).T
    return np.array(inputs, np.float32), weights.astype(np.float32), outputs.astype(np.float32)


def _match(second: Node) -> _FeedForward | None:
    """The feed-forward layer that ends with a convolution, if it is one."""
    product = _source(second, 0)
    if not _is_filter(second) or not _is_only(product, "Multiply"):
        return None
    sides = [product.input_value(side) for side in (0, 1)]
    relu, mask = sides if sides[0].get_node().get_type_name() == "Relu" else sides[::-1]
    shape = mask.get_partial_shape()
    if not _is_only(relu.get_node(), "Relu") or shape.rank != 3 or shape[1] != 1:
        return None
    total = _source(relu.get_node(), 0)
    if not _is_only(total, "Add"):
        return None
    first, bias = _source(total, 0), _source(total, 1)
    if not _is_only(first, "Convolution") or not _is_filter(first) or _constant_of(bias) is None:
        return None
    return _FeedForward(first.input_value(0), first, bias, mask, second)


def _source(node: Node, number: int) -> Node:
    return node.input_value(number).get_node()


def _is_only(node: Node, kind: str) -> bool:
    return bool(node.get_type_name() == kind and len(node.output(0).get_target_inputs()) == 1)


def _is_filter(node: Node) -> bool:
    """Is it a convolution of the kind that pays?"""
    weights = _constant_of(_source(node, 1))
    if weights is None or weights.ndim != 3 or weights.shape[2] != _KERNEL:
        return False
    found = node.get_attributes()
    plain = {"strides": [1], "dilations": [1], "pads_begin": [_REACH], "pads_end": [_REACH]}
    return weights[..., 0].size >= _LEAST and all(found[key] == plain[key] for key in plain)


def _constant_of(node: Node) -> npt.NDArray[Any] | None:
    """What a constant holds, in float16 files behind its conversion; None for anything else."""
    if node.get_type_name() == "Convert":
        node = _source(node, 0)
    return node.get_data() if node.get_type_name() == "Constant" else None


def _feed_forward(layer: _FeedForward) -> Node:
    from vinovits.runtime import openvino as ov

    ops: Any = ov.opset13
    zero = ops.constant(np.float32(0))
    # Signals are (m, T / m, C): every m-th step, and each start of that.
    steps = ops.gather(ops.shape_of(layer.x), _ints(2), ops.constant(np.int64(0)))
    missing = ops.floor_mod(ops.negative(steps), _ints(_OUTPUTS))

    def phases(x: Node, channels: int) -> Node:
        rows = ops.reshape(ops.transpose(x, _ints(0, 2, 1)), _ints(-1, channels), False)
        rows = ops.pad(rows, _ints(0, 0), ops.concat([missing, _ints(0)], 0), "constant", zero)
        apart = ops.reshape(rows, _ints(-1, _OUTPUTS, channels), False)
        return ops.transpose(apart, _ints(1, 0, 2))

    channels = layer.first.get_input_partial_shape(0)[1].get_length()
    bias = ops.reshape(layer.bias, _ints(1, 1, -1), False)
    y = ops.relu(ops.add(_filtered(phases(layer.x, channels), layer.first), bias))
    y = _filtered(ops.multiply(y, phases(layer.mask, 1)), layer.second)
    channels = layer.second.get_output_partial_shape(0)[1].get_length()
    rows = ops.reshape(ops.transpose(y, _ints(1, 0, 2)), _ints(1, -1, channels), False)
    rows = ops.slice(rows, _ints(0), steps, _ints(1), _ints(1))
    return ops.transpose(rows, _ints(0, 2, 1))


def _filtered(x: Node, convolution: Node) -> Node:
    """What a convolution makes of x (m, N, C): (m, N, O), without its bias."""
    from vinovits.runtime import openvino as ov

    ops: Any = ov.opset13
    inputs, weights, outputs = transforms()
    taps = np.asarray(_constant_of(_source(convolution, 1)), np.float32)  # (O, C, r)
    width, channels, _ = taps.shape
    points = len(inputs)
    # Input t * m + s - reach is step s of tile t: the end of the tile before, this one, and the
    # beginning of the next.
    padded = ops.pad(x, _ints(0, 1, 0), _ints(0, 1, 0), "constant", ops.constant(np.float32(0)))
    late, early = _OUTPUTS - _REACH, points - _OUTPUTS - _REACH
    tiles = ops.concat(
        [
            ops.slice(padded, _ints(late, 0), _ints(_OUTPUTS, -2), _ints(1, 1), _ints(0, 1)),
            x,
            ops.slice(padded, _ints(0, 2), _ints(early, _END), _ints(1, 1), _ints(0, 1)),
        ],
        0,
    )
    values = ops.matmul(ops.constant(inputs), _flat(tiles, points), False, False)
    values = ops.reshape(values, _ints(points, -1, channels), False)
    spread = ops.constant(
        np.ascontiguousarray(np.tensordot(weights, taps, (1, 2)).transpose(0, 2, 1))
    )
    products = ops.matmul(values, spread, False, False)
    sums = ops.matmul(ops.constant(outputs), _flat(products, points), False, False)
    return ops.reshape(sums, _ints(_OUTPUTS, -1, width), False)


_END = 2**31 - 1


def _flat(x: Node, rows: int) -> Node:
    from vinovits.runtime import openvino as ov

    return ov.opset13.reshape(x, _ints(rows, -1), False)


def _ints(*values: int) -> Node:
    from vinovits.runtime import openvino as ov

    return ov.opset13.constant(np.array(values, np.int64))
