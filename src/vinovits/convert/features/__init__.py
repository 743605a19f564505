"""Feature models to OpenVINO: a Hugging Face folder in, a feature folder out.

Graphs are written with OpenVINO's operations straight from the weights. Nothing is traced, so that
every length works and one tensor at a time is in memory uncompressed. A module per kin of networks:
each has a function that writes graphs and tables into a folder and returns its manifest, and is a
row of ARCHITECTURES.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import get_args

from vinovits.convert.features.builder import GraphBuilder, Precision, Progress, quantise_rows
from vinovits.convert.features.clap import convert_clap
from vinovits.convert.features.g2pw import convert_g2pw, is_g2pw
from vinovits.convert.features.request import Request
from vinovits.convert.features.source import Config
from vinovits.convert.features.text import NETWORKS, convert_text
from vinovits.convert.features.wav2vec2 import convert_emotion
from vinovits.convert.features.wavlm import convert_wavlm
from vinovits.errors import CheckpointError, UsageError
from vinovits.features.manifest import FeatureManifest, write_manifest
from vinovits.manifests import check_name
from vinovits.output.atomic import atomic_folder

__all__ = ["ARCHITECTURES", "GraphBuilder", "Precision", "convert_features", "quantise_rows"]

ARCHITECTURES: dict[str, Callable[[Config, Request, Path], FeatureManifest]] = {
    **dict.fromkeys(NETWORKS, convert_text),
    "clap": convert_clap,
    "wav2vec2": convert_emotion,
    "wavlm": convert_wavlm,
}
"""What converts a model, by the `model_type` of its config.json."""


def convert_features(
    source: Path,
    out: Path,
    layer: int | None = None,
    precision: Precision | None = None,
    *,
    name: str | None = None,
    origin: str = "",
    licence: str = "",
    progress: Progress = lambda done, all: None,
) -> FeatureManifest:
    """Convert a feature model to a feature folder.

    Args:
        source: Folder as Hugging Face has it: config.json, weights, and what its text or audio
            front end needs.
        out: The folder to make; it must not exist, or be empty.
        layer: Which of the hidden states is wanted, counted as Hugging Face does: 0 is the
            embedding, 1 the state after the first layer, -1 the last one. What comes after it is
            left out. None for the one that voices were trained on.
        precision: How weights are stored: "int8" with a scale and a zero point for each row, "f16"
            or "f32". Computation is in float32 in any case. None for int8, but f16 for g2pW, whose
            result is a choice that int8 turns now and then.
        name: The model's name; by default that of the folder `out`.
        origin: Where the weights come from, for people.
        licence: SPDX identifier of the weights' licence.
        progress: Called with the layers that are done and how many there are.

    Returns:
        What features.json says.

    Raises:
        CheckpointError: The source lacks a file or a tensor, or isn't what its config says.
        UsageError: There is no such layer or precision, or the name can't be one.
        OutputError: The folder can't be written.
        MissingExtraError: torch or safetensors isn't installed.
    """
    if precision is None:
        precision = "f16" if is_g2pw(source) else "int8"
    if precision not in get_args(Precision):
        known = ", ".join(get_args(Precision))
        raise UsageError(f"There is no precision {precision!r}. There are: {known}.")
    name = out.name if name is None else name
    check_name(name, "The name of the model", UsageError)
    kind, convert = _converter(source)
    if layer is not None and kind not in NETWORKS:
        raise UsageError(f"Voices take one thing of a model of kind {kind}: leave out the layer.")
    request = Request(source, precision, layer, name, origin, licence, progress)
    with atomic_folder(out) as folder:
        manifest = convert(request, folder)
        write_manifest(manifest, folder)
    return manifest


def _converter(source: Path) -> tuple[str, Callable[[Request, Path], FeatureManifest]]:
    """What the model of a folder is, and what converts it."""
    if source.is_file():
        raise CheckpointError(f"{source} is a file. Name the folder that it lies in.")
    if is_g2pw(source):
        return "g2pw", convert_g2pw
    config = Config(source / "config.json")
    kind = config.text("model_type")
    convert = ARCHITECTURES.get(kind)
    if convert is None:
        raise CheckpointError(
            f"{config.path} describes a {kind!r} model. vinovits makes features from: "
            f"{', '.join(ARCHITECTURES)}, and g2pW."
        )
    return kind, partial(convert, config)
