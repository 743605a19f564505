"""HTS-AT (Chen et al., 2022), the ears of CLAP: a Swin transformer over a folded spectrogram."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vinovits.convert.features.builder import GraphBuilder, Node
from vinovits.convert.features.layers import (
    Sizes,
    attend,
    bert_attention,
    convolve,
    feed_forward,
    normalise,
)
from vinovits.convert.features.source import Config
from vinovits.errors import CheckpointError

CROPS = 3
"""Spectrograms of parts of a clip, beside that of the whole."""
_EPSILON = 1e-5
"""Of the normalisations for which config.json has no entry."""
_APART = -100.0
"""What Swin adds to the scores of places that only a shift has brought together."""
_AT = "audio_model.audio_encoder"


def listen(config: Config, graph: GraphBuilder, mel: Node, frames: int, bins: int) -> Node:
    """What HTS-AT hears in four spectrograms: the whole clip, and three crops fused into it.

    Args:
        config: The audio_config of CLAP.
        graph: Where it is built.
        mel: (4, frames, bins) in dB.
        frames: Of a spectrogram.
        bins: Numbers of a frame.

    Returns:
        (1, hidden_size).
    """
    if not config.flag("enable_fusion", False) or config.get("fusion_type") == "channel_map":
        raise CheckpointError(
            f"{config.path} describes a CLAP without feature fusion, or with another kind of it; "
            "vinovits knows that of laion/clap-htsat-fused."
        )
    depths = config.numbers("depths", (2, 2, 6, 2))
    heads = config.numbers("num_attention_heads", (4, 8, 16, 32))
    width = config.number("patch_embeds_hidden_size", 96)
    hidden = width * 2 ** (len(depths) - 1)
    if len(heads) != len(depths) or hidden != config.number("hidden_size", 768):
        raise CheckpointError(
            f"{config.path}: depths, num_attention_heads and hidden_size don't belong together; "
            f"{len(depths)} stages from a width of {width} end {hidden} wide."
        )
    x, side = _embed_patches(config, graph, _fold(config, graph, mel, frames, bins))
    for stage, depth in enumerate(depths):
        if stage:
            x = _merge(config, graph, x, f"{_AT}.layers.{stage - 1}.downsample", width, side)
            width, side = 2 * width, side // 2
        sizes = Sizes(
            width,
            _inner(config, width),
            heads[stage],
            config.real("layer_norm_eps", _EPSILON),
            config.text("hidden_act", "gelu"),
            config,
        )
        for index in range(depth):
            at = f"{_AT}.layers.{stage}.blocks.{index}"
            x = _swin_block(config, graph, x, at, sizes, side, shifted=index % 2 == 1)
            graph.progress(sum(depths[:stage]) + index + 1, sum(depths))
    x = graph.layer_norm(x, f"{_AT}.norm", width, _EPSILON)
    return graph.ops.reduce_mean(x, graph.ints(1), False)


def _fold(config: Config, graph: GraphBuilder, mel: Node, frames: int, bins: int) -> Node:
    """Normalise spectrograms and fold their time, so that they become images.

    (4, frames, bins) to (4, 1, side, side): parts of the time lie below one another, low bins
    first.
    """
    ops = graph.ops
    side = config.number("spec_size", 256)
    known = config.number("num_mel_bins", 64)
    parts = side // bins
    if bins != known or side % parts or frames > side * parts:
        raise CheckpointError(
            f"{config.path} folds {known} mel bins into an image of {side} by {side}, but "
            f"preprocessor_config.json makes {bins} bins and {frames} frames of a clip."
        )
    slope, offset = _batch_norm(graph, f"{_AT}.batch_norm", bins)
    x = ops.add(ops.multiply(mel, ops.constant(slope)), ops.constant(offset))
    height = side // parts
    for axis, have, wanted in ((1, frames, side * parts), (2, bins, height)):
        if have < wanted:
            x = ops.interpolate(
                x,
                graph.ints(wanted),
                mode="cubic",
                shape_calculation_mode="sizes",
                coordinate_transformation_mode="align_corners",
                cube_coeff=-0.75,
                axes=graph.ints(axis),
            )
    x = ops.reshape(x, graph.ints(1 + CROPS, parts, side, height), False)
    x = ops.transpose(x, graph.ints(0, 1, 3, 2))
    return ops.reshape(x, graph.ints(1 + CROPS, 1, side, side), False)


def _embed_patches(config: Config, graph: GraphBuilder, images: Node) -> tuple[Node, int]:
    """Patches of the whole clip, those of the crops fused in: (1, side * side, width), and side."""
    ops = graph.ops
    at = f"{_AT}.patch_embed"
    image, width = config.number("spec_size", 256), config.number("patch_embeds_hidden_size", 96)
    patch, stride = _pair(config, "patch_size"), _pair(config, "patch_stride")
    padding = [(size - step) // 2 for size, step in zip(patch, stride, strict=True)]
    # A patch of a crop is three times as long, so that three crops side by side are as wide.
    long_patch, long_stride = [patch[0], patch[1] * CROPS], [stride[0], stride[1] * CROPS]
    side = image // stride[0]
    columns = (image + 2 * padding[1] - long_patch[1]) // long_stride[1] + 1
    fits = all(
        (image + 2 * pad - size) // step + 1 == side
        for pad, size, step in zip(padding, patch, stride, strict=True)
    )
    if not fits or columns * CROPS > side or config.number("patch_embed_input_channels", 1) != 1:
        raise CheckpointError(
            f"{config.path}: patches of {patch} by steps of {stride} don't cover an image of one "
            f"channel, {image} by {image}."
        )

    def part(first: int, last: int) -> Node:
        ends = graph.ints(first), graph.ints(last)
        return ops.slice(images, *ends, graph.ints(1), graph.ints(0))

    x = convolve(graph, part(0, 1), f"{at}.proj", (width, 1, *patch), stride, padding)
    x = ops.transpose(ops.reshape(x, graph.ints(width, side * side), False), graph.ints(1, 0))
    kernel = (width, 1, *long_patch)
    crops = part(1, 1 + CROPS)
    local = convolve(graph, crops, f"{at}.mel_conv2d", kernel, long_stride, padding)
    local = ops.transpose(local, graph.ints(2, 0, 3, 1))
    local = ops.reshape(local, graph.ints(side, columns * CROPS, width), False)
    missing = graph.ints(0, side - columns * CROPS, 0)
    local = ops.pad(local, graph.ints(0, 0, 0), missing, "constant")
    local = ops.reshape(local, graph.ints(side * side, width), False)

    x = _fuse(config, graph, x, local, f"{at}.fusion_model", width)
    if config.flag("enable_patch_layer_norm", True):
        x = graph.layer_norm(x, f"{at}.norm", width, _EPSILON)
    return ops.unsqueeze(x, graph.ints(0)), side


def _fuse(
    config: Config, graph: GraphBuilder, whole: Node, local: Node, at: str, width: int
) -> Node:
    """Attentional feature fusion (Dai et al., 2021) of two (n, width)."""
    ops = graph.ops
    inner = width // config.number("aff_block_r", 4)

    def dense(x: Node, name: str, norm: str, outputs: int, inputs: int) -> Node:
        slope, offset = _batch_norm(graph, f"{at}.{norm}", outputs)
        weight = graph.weights.take(f"{at}.{name}.weight", outputs, inputs, 1, 1)[:, :, 0, 0]
        bias = graph.weights.take(f"{at}.{name}.bias", outputs) * slope + offset
        product = ops.matmul(x, graph.compressed(weight * slope[:, None]), False, True)
        return ops.add(product, ops.constant(bias))

    def score(x: Node, name: str, first: int) -> Node:
        x = ops.relu(dense(x, f"{name}.{first}", f"{name}.{first + 1}", inner, width))
        return dense(x, f"{name}.{first + 3}", f"{name}.{first + 4}", width, inner)

    both = ops.add(whole, local)
    mean = ops.reduce_mean(both, graph.ints(0), True)
    share = ops.sigmoid(ops.add(score(both, "local_att", 0), score(mean, "global_att", 1)))
    mixed = ops.add(local, ops.multiply(ops.subtract(whole, local), share))
    return ops.multiply(mixed, ops.constant(np.float32(2)))


def _swin_block(
    config: Config, graph: GraphBuilder, x: Node, at: str, sizes: Sizes, side: int, *, shifted: bool
) -> Node:
    """A block of a Swin transformer (Liu et al., 2021): attention within windows.

    x is (1, side * side, width).
    """
    ops = graph.ops
    window = config.number("window_size", 8)
    if side % window:
        raise CheckpointError(
            f"{config.path}: a stage of {side} by {side} places can't be cut into windows of "
            f"{window} by {window}."
        )
    # Where one window covers all there is nothing to shift.
    shift = window // 2 if shifted and side > window else 0
    table = f"{at}.attention.self.relative_position_bias_table"
    offsets = graph.weights.take(table, (2 * window - 1) ** 2, sizes.heads)
    bias = ops.constant(_relative_bias(offsets, window)[None])
    if shift:
        bias = ops.add(bias, ops.constant(_shift_mask(side, window, shift)[:, None]))
    order = _windows(side, window, shift)

    y = _reorder(graph, normalise(graph, x, f"{at}.layernorm_before", sizes), order)
    y = ops.reshape(y, graph.ints(-1, window * window, sizes.width), False)
    y = attend(graph, y, bert_attention(f"{at}.attention"), sizes, bias)
    y = ops.reshape(y, graph.ints(1, side * side, sizes.width), False)
    x = ops.add(x, _reorder(graph, y, np.argsort(order)))
    y = normalise(graph, x, f"{at}.layernorm_after", sizes)
    dense = f"{at}.intermediate.dense", f"{at}.output.dense"
    return ops.add(x, feed_forward(graph, y, *dense, sizes))


def _merge(config: Config, graph: GraphBuilder, x: Node, at: str, width: int, side: int) -> Node:
    """Four neighbours become one place, twice as wide: (1, n, width) to (1, n / 4, 2 * width)."""
    if side % 2:
        raise CheckpointError(f"{config.path}: {side} places can't be halved after a stage.")
    places = np.arange(side * side).reshape(side // 2, 2, side // 2, 2)
    # Of the four, those of the left column come first.
    order = places.transpose(0, 2, 3, 1).reshape(-1)
    four = graph.ops.reshape(_reorder(graph, x, order), graph.ints(1, -1, 4 * width), False)
    normal = graph.layer_norm(four, f"{at}.norm", 4 * width, _EPSILON)
    matrix = graph.matrix(f"{at}.reduction.weight", 2 * width, 4 * width)
    return graph.ops.matmul(normal, matrix, False, True)


def _windows(side: int, window: int, shift: int) -> NDArray[np.int64]:
    """Numbers of the places of a square, window by window, after a cyclic shift: (side * side,)."""
    places = np.roll(np.arange(side * side).reshape(side, side), (-shift, -shift), (0, 1))
    return _cut(places, window).reshape(-1)


def _shift_mask(side: int, window: int, shift: int) -> NDArray[np.float32]:
    """What keeps apart places that the shift has made neighbours: (windows, n, n)."""
    region = np.zeros(side, np.int64)
    region[side - window : side - shift] = 1
    region[side - shift :] = 2
    regions = _cut(region[:, None] * 3 + region[None, :], window)
    same = regions[:, :, None] == regions[:, None, :]
    return np.where(same, 0, _APART).astype(np.float32)


def _cut(square: NDArray[np.int64], window: int) -> NDArray[np.int64]:
    """Cut a square into windows: (windows, window * window)."""
    count = len(square) // window
    parts = square.reshape(count, window, count, window).transpose(0, 2, 1, 3)
    return parts.reshape(count * count, window * window)


def _relative_bias(table: NDArray[np.float32], window: int) -> NDArray[np.float32]:
    """Biases by how far two places of a window lie apart: (heads, n, n)."""
    rows, columns = np.divmod(np.arange(window * window), window)
    down = rows[:, None] - rows[None, :] + window - 1
    right = columns[:, None] - columns[None, :] + window - 1
    return np.ascontiguousarray(table[down * (2 * window - 1) + right].transpose(2, 0, 1))


def _reorder(graph: GraphBuilder, x: Node, order: NDArray[np.int64]) -> Node:
    """The rows of x (1, n, width) in another order."""
    return graph.ops.gather(x, graph.ops.constant(order), graph.ops.constant(1))


def _batch_norm(
    graph: GraphBuilder, name: str, width: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Slope and offset (width,) of a batch normalisation as it is after training."""
    weight, bias, mean, variance = (
        graph.weights.take(f"{name}.{part}", width).astype(np.float64)
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    slope = weight / np.sqrt(variance + _EPSILON)
    return slope.astype(np.float32), (bias - mean * slope).astype(np.float32)


def _inner(config: Config, width: int) -> int:
    ratio = config.get("mlp_ratio")
    ratio = 4.0 if ratio is None else ratio
    if not isinstance(ratio, int | float) or not 0 < ratio < 100 or int(ratio * width) < 1:
        raise CheckpointError(f"{config.path}: mlp_ratio is {ratio!r}, but should be a number.")
    return int(ratio * width)


def _pair(config: Config, key: str) -> list[int]:
    """A number for rows and one for columns, or one for both."""
    if isinstance(config.get(key), list):
        pair = config.numbers(key)
    else:
        pair = (config.number(key, 4),) * 2
    if len(pair) != 2:
        raise CheckpointError(f"{config.path}: {key} is {list(pair)}, but should be two numbers.")
    return list(pair)
