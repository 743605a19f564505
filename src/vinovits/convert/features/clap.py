"""CLAP with fused features (Wu et al., 2023): text or sound in, a point on one sphere out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from vinovits.convert.features.builder import GraphBuilder, Node
from vinovits.convert.features.htsat import CROPS, listen
from vinovits.convert.features.layers import (
    Sizes,
    attend,
    bert_attention,
    feed_forward,
    normalise,
)
from vinovits.convert.features.request import Request
from vinovits.convert.features.roberta_tokenizer import roberta_tokenizer
from vinovits.convert.features.source import Config, Weights
from vinovits.errors import CheckpointError
from vinovits.features.manifest import ClapManifest
from vinovits.manifests import file_sums


def convert_clap(config: Config, request: Request, folder: Path) -> ClapManifest:
    """Write both towers and the tokenizer of a CLAP into `folder`."""
    from vinovits.convert.compact import write_graph

    text, audio = config.part("text_config"), config.part("audio_config")
    sound = Config(request.source / "preprocessor_config.json")
    for key, only in (("truncation", "fusion"), ("padding", "repeatpad")):
        if sound.text(key) != only:
            raise CheckpointError(
                f"{sound.path} asks for the {key} {sound.text(key)!r}; vinovits knows {only!r}, "
                "that of laion/clap-htsat-fused."
            )
    bins, hop = sound.number("feature_size"), sound.number("hop_length")
    clip = sound.number("nb_max_samples")
    vocabulary, longest = _vocabulary(text), _positions(text) - _padding(text) - 1
    tokenizer = roberta_tokenizer(request.source, vocabulary)
    weights = Weights(request.source)
    graph = GraphBuilder(weights, request.precision, request.progress)
    write_graph(_text_tower(config, text, graph), folder / "text.xml")
    write_graph(_audio_tower(config, audio, graph, clip // hop + 1, bins), folder / "audio.xml")
    (folder / "tokenizer.json").write_text(tokenizer, encoding="utf-8", newline="\n")
    return ClapManifest(
        name=request.name,
        kind=ClapManifest.KIND,
        architecture=config.text("model_type"),
        precision=request.precision,
        source=request.origin,
        licence=request.licence,
        files=file_sums(folder),
        width=_width(config),
        max_length=longest,
        vocabulary=vocabulary,
        pad_id=_padding(text),
        sampling_rate=sound.number("sampling_rate"),
        fft_size=sound.number("fft_window_size"),
        hop_length=hop,
        mel_bins=bins,
        lowest_hz=_hertz(sound, "frequency_min"),
        highest_hz=_hertz(sound, "frequency_max"),
        clip_samples=clip,
    )


def _text_tower(whole: Config, config: Config, graph: GraphBuilder) -> Any:
    """RoBERTa (Liu et al., 2019); its first token is pooled and projected.

    Inputs: input_ids int64 (T), mask bool (T), false where padding is. Outputs: pooled (1, hidden),
    projected and embedding (1, width).
    """
    ops = graph.ops
    sizes = Sizes(
        config.number("hidden_size", 768),
        config.number("intermediate_size", 3072),
        config.number("num_attention_heads", 12),
        config.real("layer_norm_eps", 1e-12),
        config.text("hidden_act", "gelu"),
        config,
    )
    if config.text("position_embedding_type", "absolute") != "absolute":
        raise CheckpointError(
            f"{config.path} asks for relative positions; vinovits knows absolute ones."
        )
    ids = ops.parameter([-1], np.int64, name="input_ids")
    mask = ops.parameter([-1], np.bool_, name="mask")
    at = "text_model.embeddings"
    words = graph.matrix(f"{at}.word_embeddings.weight", _vocabulary(config), sizes.width, ids)
    # A text is always the first segment, so that its row is a part of every position.
    segments = config.number("type_vocab_size", 1)
    positions = (
        graph.weights.take(f"{at}.position_embeddings.weight", _positions(config), sizes.width)
        + graph.weights.take(f"{at}.token_type_embeddings.weight", segments, sizes.width)[0]
    )
    # Positions are counted from behind the padding's. Padding isn't counted, not even where a text
    # spells it out.
    padding = graph.ints(_padding(config))
    counted = ops.convert(ops.not_equal(ids, padding), "i64")
    places = ops.add(ops.multiply(ops.cum_sum(counted, ops.constant(0)), counted), padding)
    there = ops.gather(ops.constant(positions), places, ops.constant(0))
    x = ops.unsqueeze(ops.add(words, there), graph.ints(0))
    x = normalise(graph, x, f"{at}.LayerNorm", sizes)
    seen = ops.unsqueeze(mask, graph.ints(0, 1, 2))
    layers = config.number("num_hidden_layers", 12)
    for index in range(layers):
        at = f"text_model.encoder.layer.{index}"
        mixed = attend(graph, x, bert_attention(f"{at}.attention"), sizes, seen)
        x = normalise(graph, ops.add(x, mixed), f"{at}.attention.output.LayerNorm", sizes)
        further = feed_forward(graph, x, f"{at}.intermediate.dense", f"{at}.output.dense", sizes)
        x = normalise(graph, ops.add(x, further), f"{at}.output.LayerNorm", sizes)
        graph.progress(index + 1, layers)
    first = ops.gather(x, ops.constant(0), ops.constant(1))
    pooled = ops.tanh(graph.linear(first, "text_model.pooler.dense", sizes.width, sizes.width))
    outputs = _project(whole, graph, pooled, "text_projection", sizes.width)
    return graph.finish(outputs, [ids, mask], "clap_text")


def _audio_tower(whole: Config, config: Config, graph: GraphBuilder, frames: int, bins: int) -> Any:
    """HTS-AT.

    Input: mel float32 (4, frames, bins) in dB. Outputs: pooled (1, hidden), projected and embedding
    (1, width).
    """
    mel = graph.ops.parameter([1 + CROPS, frames, bins], np.float32, name="mel")
    pooled = listen(config, graph, mel, frames, bins)
    hidden = config.number("hidden_size", 768)
    return graph.finish(
        _project(whole, graph, pooled, "audio_projection", hidden), [mel], "clap_audio"
    )


def _project(
    config: Config, graph: GraphBuilder, pooled: Node, at: str, width: int
) -> dict[str, Node]:
    """The outputs of a tower, from (1, width): two linear layers, then unit length."""
    outputs = _width(config)
    wide = graph.linear(pooled, f"{at}.linear1", outputs, width)
    active = graph.activation(wide, config.text("projection_hidden_act", "relu"), config)
    projected = graph.linear(active, f"{at}.linear2", outputs, outputs)
    embedding = graph.ops.normalize_l2(projected, graph.ints(1), 1e-24, "max")
    return {"pooled": pooled, "projected": projected, "embedding": embedding}


def _hertz(sound: Config, key: str) -> float:
    value = sound.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e6:
        raise CheckpointError(f"{sound.path}: {key} is {value!r}, but should be a frequency.")
    return float(value)


def _width(config: Config) -> int:
    return config.number("projection_dim", 512)


def _vocabulary(text: Config) -> int:
    return text.number("vocab_size", 50265)


def _positions(text: Config) -> int:
    return text.number("max_position_embeddings", 514)


def _padding(text: Config) -> int:
    return text.number("pad_token_id", 1, least=0)
