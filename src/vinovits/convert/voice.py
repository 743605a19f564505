"""A released checkpoint to a voice folder, checked against torch before it is handed over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vinovits.convert.compare import StageDifference, compare_stages, probe_inputs
from vinovits.convert.graphs import (
    decoder_graph,
    encoder_graph,
    flow_graph,
    reference_graph,
    used_features,
)
from vinovits.engine.windows import receptive_field
from vinovits.errors import CheckpointError, OutputError, UsageError
from vinovits.manifests import sha256
from vinovits.nets.checkpoint import load_checkpoint
from vinovits.nets.config import ModelConfig, read_config
from vinovits.nets.synthesizer import Synthesizer
from vinovits.nets.variants import VARIANTS, Variant
from vinovits.output.atomic import atomic_folder
from vinovits.runtime import openvino as ov
from vinovits.voices.manifest import (
    Card,
    Defaults,
    FeatureNeed,
    Spectrogram,
    VoiceManifest,
    write_manifest,
)

LIMIT = 1e-3
"""The largest difference between torch and OpenVINO, relative to a stage's peak."""

PRECISIONS = ("f32", "f16")


@dataclass(frozen=True, slots=True)
class Conversion:
    """What `convert_checkpoint` made."""

    folder: Path
    manifest: VoiceManifest
    differences: tuple[StageDifference, ...]
    """One per stage, of the test utterance."""


def convert_checkpoint(
    checkpoint: Path,
    config: Path,
    out: Path,
    *,
    precision: str = "f32",
    name: str | None = None,
    languages: Sequence[str] | None = None,
    feature_models: Mapping[str, str] | None = None,
    defaults: Defaults | None = None,
    card: Card | None = None,
) -> Conversion:
    """Convert a released checkpoint into a voice folder.

    The folder is made beside `out` and renamed when it has passed its own test: each stage runs in
    torch and in OpenVINO on the same test utterance. If anything fails, nothing is left.

    Args:
        checkpoint: `G_*.pth`.
        config: Its config.json.
        out: The folder to make; it must not exist or be empty, and its parent must exist.
        precision: Of the stored weights, "f32" or "f16".
        name: Of the voice; the folder's if not given.
        languages: Codes of the languages that the voice was trained to speak; all of its family's
            if not given.
        feature_models: Names of the feature folders that replace the family's, by feature input.
        defaults: Settings that suit the voice.
        card: Author, licence and so on.

    Raises:
        CheckpointError: The checkpoint or config can't be read, or the result fails its test.
        OutputError: `out` holds files already or can't be written.
        UsageError: An unknown precision, language or feature input.
    """
    variant = VARIANTS["2.3"]
    _check_arguments(variant, precision, languages, feature_models)
    sizes = ModelConfig.from_dict(read_config(config), variant)
    with atomic_folder(out) as work:
        network = load_checkpoint(checkpoint, sizes, variant)
        features = used_features(network)
        _write_graphs(network, features, work, precision)
        differences = compare_stages(network, work, probe_inputs(network, features))
        _check_differences(differences)
        models = {need.name: need.model for need in variant.features} | dict(feature_models or {})
        manifest = VoiceManifest(
            name=name or out.name,
            variant=variant.name,
            precision=precision,
            sampling_rate=sizes.sampling_rate,
            hop_length=sizes.hop_length,
            latent_channels=sizes.inter_channels,
            speaker_channels=sizes.gin_channels,
            decoder_context=receptive_field(
                sizes.upsample_rates,
                sizes.upsample_kernel_sizes,
                sizes.resblock,
                sizes.resblock_kernel_sizes,
                sizes.resblock_dilation_sizes,
            ),
            languages=tuple(languages or variant.table.languages),
            speakers=_speakers(sizes),
            table=variant.table,
            features=tuple(
                FeatureNeed(need.name, need.width, need.language, models[need.name])
                for need in variant.features
                if need.name in features
            ),
            files={path.name: sha256(path) for path in sorted(work.iterdir())},
            defaults=defaults or Defaults(),
            card=card or Card(),
            spectrogram=(
                None if sizes.n_speakers else Spectrogram(sizes.filter_length, sizes.win_length)
            ),
        )
        write_manifest(manifest, work)
    return Conversion(out, manifest, tuple(differences))


def _check_arguments(
    variant: Variant,
    precision: str,
    languages: Sequence[str] | None,
    feature_models: Mapping[str, str] | None,
) -> None:
    if precision not in PRECISIONS:
        raise UsageError(f"Unknown precision {precision!r}; there are {', '.join(PRECISIONS)}.")
    for code in languages or ():
        if code not in variant.table.languages:
            known = ", ".join(variant.table.languages)
            raise UsageError(f"A {variant.name} voice can't speak {code!r}; it knows {known}.")
    inputs = [need.name for need in variant.features]
    for key in feature_models or {}:
        if key not in inputs:
            raise UsageError(f"There is no feature input {key!r}; there are {', '.join(inputs)}.")


def _write_graphs(
    network: Synthesizer, features: Sequence[str], folder: Path, precision: str
) -> None:
    graphs = {
        "encoder": encoder_graph(network, features),
        "flow": flow_graph(network),
        "decoder": decoder_graph(network),
    }
    if network.config.n_speakers == 0:
        graphs["reference"] = reference_graph(network)
    else:
        table = network.emb_g.weight.detach().numpy().astype(np.float32)
        np.save(folder / "speakers.npy", table, allow_pickle=False)
    for name, graph in graphs.items():
        try:
            ov.save_model(graph, folder / f"{name}.xml", compress_to_fp16=precision == "f16")
        except RuntimeError as error:  # what OpenVINO makes of a full disk
            raise OutputError(f"{folder} can't be written: {error} Is the disk full?") from None


def _check_differences(differences: Sequence[StageDifference]) -> None:
    bad = [d for d in differences if not d.relative <= LIMIT]
    if bad:
        raise CheckpointError(
            "The converted graphs don't give what torch gives: "
            + ", ".join(f"{d.stage} is off by {d.relative:.1e} of its peak" for d in bad)
            + f" (at most {LIMIT:.0e}). Nothing was written. Try --precision f32; if that fails "
            "too, please report the checkpoint."
        )


def _speakers(config: ModelConfig) -> dict[str, int]:
    if config.n_speakers == 0:
        return {}
    named = {k: v for k, v in config.speakers.items() if 0 <= v < config.n_speakers}
    return named or {str(i): i for i in range(config.n_speakers)}
