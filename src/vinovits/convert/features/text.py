"""Networks that read text: one row of features for each token."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vinovits.convert.features import bert, deberta
from vinovits.convert.features.builder import GraphBuilder
from vinovits.convert.features.known import find_known
from vinovits.convert.features.request import Request
from vinovits.convert.features.source import Config, Weights
from vinovits.convert.features.tokenizer import WORD_PIECES, write_tokenizers
from vinovits.errors import UsageError
from vinovits.features.manifest import BertManifest
from vinovits.manifests import file_sums

DEFAULT_LAYER = -3
"""What the text encoders of Bert-VITS2 were trained on."""

_WIDE, _GROUP = 1024, 64
"""Networks from this width on round activations to int8 by groups: a sentence takes a third of the
time (24 ms for 88 ms, 4 layers of 2048). Of all-MiniLM-L6-v2, which is narrower and saves 1 ms, the
least cosine of a row to float32 goes from 0.99922 to 0.99899."""


@dataclass(frozen=True, slots=True)
class TextNetwork:
    """How one family of networks becomes a graph."""

    build: Callable[[Config, GraphBuilder, int], Any]
    """From config, builder and number of layers to a model with the inputs input_ids (T), int64,
    and mask (T), bool, and the output features (T, width)."""
    prefix: str
    """What stands before the tensors' names when the file holds a head as well."""
    max_length: Callable[[Config], int]
    """The longest sequence that it takes."""
    normalise: str = ""
    """What is done to the rows after the graph: see BertManifest.normalise."""


def _positions(config: Config) -> int:
    return config.number("max_position_embeddings")


NETWORKS = {
    "bert": TextNetwork(bert.build_bert, "bert.", _positions),
    "megatron-bert": TextNetwork(bert.build_megatron, "bert.", _positions, normalise="columns"),
    # Without absolute positions any length works; attention takes memory by its square.
    "deberta-v2": TextNetwork(deberta.build_deberta, "deberta.", lambda config: 2048),
}
"""By the `model_type` of config.json."""


def convert_text(config: Config, request: Request, folder: Path) -> BertManifest:
    """Write the graph and the tokenizer of a text network into `folder`.

    Raises:
        CheckpointError: The source lacks a file or a tensor, or isn't what its config says.
        UsageError: There is no such layer.
    """
    from vinovits.convert.compact import write_graph

    source = request.source
    network = NETWORKS[config.text("model_type")]
    states = config.number("num_hidden_layers") + 1
    layer = DEFAULT_LAYER if request.layer is None else request.layer
    if not -states <= layer < states:
        raise UsageError(
            f"There is no hidden state {layer} in {source}: it has {states}, numbered "
            f"0 to {states - 1} or -{states} to -1."
        )
    layers = layer % states
    vocabulary = config.number("vocab_size")
    first_id, last_id = write_tokenizers(source, folder, vocabulary)
    known = find_known(config, request.name)
    if known is not None and known.ends is not None:
        first_id, last_id = known.ends
    graph = GraphBuilder(Weights(source, network.prefix), request.precision, request.progress)
    if config.number("hidden_size") >= _WIDE:
        graph.activation_group = _GROUP
    model = network.build(config, graph, layers)
    write_graph(model, folder / "model.xml")
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
        max_length=network.max_length(config),
        vocabulary=vocabulary,
        first_id=first_id,
        last_id=last_id,
        normalise=network.normalise,
        word_splitter="mecab" if (folder / WORD_PIECES).exists() else "",
    )
