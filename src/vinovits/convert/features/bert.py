"""BERT and its kin: token ids in, one row of features for each out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from vinovits.convert.features.builder import GraphBuilder, Node
from vinovits.convert.features.request import Request
from vinovits.convert.features.source import Config, Weights, read_json
from vinovits.errors import CheckpointError, UsageError
from vinovits.features.manifest import BertManifest
from vinovits.manifests import file_sums

DEFAULT_LAYER = -3
"""What the text encoders of Bert-VITS2 were trained on."""
_FIRST, _LAST = "[CLS]", "[SEP]"


def convert_bert(config: Config, request: Request, folder: Path) -> BertManifest:
    """Write the graph and the tokenizer of a BERT into `folder`."""
    from vinovits.runtime import openvino

    source = request.source
    states = config.number("num_hidden_layers") + 1
    layer = DEFAULT_LAYER if request.layer is None else request.layer
    if not -states <= layer < states:
        raise UsageError(
            f"There is no hidden state {layer} in {source}: it has {states}, numbered "
            f"0 to {states - 1} or -{states} to -1."
        )
    layers = layer % states
    vocabulary = config.number("vocab_size")
    tokenizer, first_id, last_id = _clean_tokenizer(source / "tokenizer.json", vocabulary)
    graph = GraphBuilder(Weights(source, "bert."), request.precision)
    model = _build_bert(config, graph, layers)
    openvino.save_model(model, folder / "model.xml", compress_to_fp16=False)
    (folder / "tokenizer.json").write_text(tokenizer, encoding="utf-8", newline="\n")
    return BertManifest(
        name=request.name,
        kind=BertManifest.KIND,
        architecture=config.text("model_type"),
        precision=request.precision,
        source=request.origin,
        licence=request.licence,
        files=file_sums(folder),
        width=config.number("hidden_size"),
        layer=layers,
        max_length=config.number("max_position_embeddings"),
        vocabulary=vocabulary,
        first_id=first_id,
        last_id=last_id,
    )


def _build_bert(config: Config, graph: GraphBuilder, layers: int) -> Any:
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
    return graph.finish({"features": x}, [ids, mask], "bert")


def _clean_tokenizer(path: Path, vocabulary: int) -> tuple[str, int, int]:
    """tokenizer.json without its truncation and padding; the ids of [CLS] and [SEP]."""
    content = read_json(path)
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
