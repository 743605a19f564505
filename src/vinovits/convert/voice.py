"""A released checkpoint to a voice folder, checked against torch before it is handed over."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import get_args

import numpy as np
import torch

from vinovits.convert.compact import save_graph, save_in_int8
from vinovits.convert.compare import (
    Array,
    GraphStages,
    StageDifference,
    compare_stages,
    probe_inputs,
)
from vinovits.convert.decoder import bf16_snr, decoder_graph
from vinovits.convert.detect import Detection, detect
from vinovits.convert.graphs import (
    encoder_graph,
    flow_graph,
    reference_graph,
    used_features,
)
from vinovits.convert.source import Source, Styles, open_source, own_feature_models
from vinovits.engine.windows import receptive_field
from vinovits.errors import CheckpointError, UsageError
from vinovits.manifests import check_name, sha256
from vinovits.nets.checkpoint import build_network, read_state
from vinovits.nets.config import ModelConfig
from vinovits.nets.synthesizer import Synthesizer
from vinovits.nets.variants import Variant
from vinovits.output.atomic import atomic_folder
from vinovits.text.front_ends import Reading
from vinovits.voices.manifest import (
    Card,
    Defaults,
    EmotionNeed,
    FeatureNeed,
    Spectrogram,
    VoiceManifest,
    write_manifest,
)

LIMIT = 1e-3
"""The largest difference between torch and OpenVINO, relative to a stage's peak."""

PRECISIONS = ("f32", "f16", "int8")


@dataclass(frozen=True, slots=True)
class Conversion:
    """What `convert_checkpoint` made."""

    folder: Path
    manifest: VoiceManifest
    differences: tuple[StageDifference, ...]
    """One per stage, of the test utterance; what the rounding of the weights makes counts too."""
    notes: tuple[str, ...]
    """Sentences for the user: which family was taken and why, and what else was chosen."""


def convert_checkpoint(
    checkpoint: Path,
    config: Path | None,
    out: Path,
    *,
    variant: str | None = None,
    precision: str = "f32",
    name: str | None = None,
    languages: Sequence[str] | None = None,
    feature_models: Mapping[str, str] | None = None,
    defaults: Defaults | None = None,
    reading: Reading = "better",
    card: Card | None = None,
    emotion_rows: Array | None = None,
) -> Conversion:
    """Convert a released checkpoint into a voice folder.

    The folder is made beside `out` and renamed when it has passed its own test: each stage runs in
    torch and in OpenVINO on the same test utterance. If anything fails, nothing is left.

    Args:
        checkpoint: `G_*.pth`, .safetensors, .aivm, or a folder (see `open_source`).
        config: Its config.json; looked for beside the checkpoint if None.
        out: The folder to make; it must not exist or be empty, and its parent must exist.
        variant: Name of its family, where several would fit; found by itself if None.
        precision: Of the stored weights, "f32", "f16", or "int8": f16 in the decoder, and matrices
            of the other graphs in int8.
        name: Of the voice; the folder's if not given.
        languages: Codes of the languages that the voice was trained to speak; those that its maker
            lists, or else all of its family's, if not given.
        feature_models: Names of the feature folders that replace the family's, or those that the
            config of a checkpoint by `vinovits train` names, by feature input.
        defaults: Settings that suit the voice.
        reading: How its texts are read unless the caller says otherwise.
        card: Author, licence and so on; fields that are empty are filled from the source.
        emotion_rows: The numbered emotions (rows, width) of a family whose checkpoints don't hold
            them, where those of one run of upstream are to be reproduced.

    Raises:
        CheckpointError: The checkpoint or config can't be read, or the result fails its test.
        OutputError: `out` holds files already or can't be written.
        UsageError: An unknown precision, reading, language or feature input, or an impossible name.
    """
    if precision not in PRECISIONS:
        raise UsageError(f"Unknown precision {precision!r}; there are {', '.join(PRECISIONS)}.")
    if reading not in get_args(Reading):
        raise UsageError(f"Unknown reading {reading!r}; there are {', '.join(get_args(Reading))}.")
    source = open_source(checkpoint, config)
    if name is None and source.name is not None:
        # The user gave none, and what a file calls itself is the file's fault.
        name = source.name
        check_name(name, f"The name in {source.weights} (--name gives another)", CheckpointError)
    name = out.resolve().name if name is None else name
    check_name(name, "The name of the voice", UsageError)
    tensors = {
        tensor: value
        for tensor, value in read_state(source.weights).items()
        # The posterior encoder serves training only.
        if not tensor.startswith("enc_q.")
    }
    found = detect(tensors, source.config, variant)
    family = found.variant
    _check_claims(source, found)
    spoken = tuple(languages or source.languages or family.languages)
    own = own_feature_models(source.config)
    models = {need.name: own.get(need.language, need.model) for need in family.features}
    models |= feature_models or {}
    _check_arguments(family, spoken, models)
    sizes = ModelConfig.from_dict(source.config, family)
    speakers, speaker_notes = _speakers(source, sizes)
    styles = _styles(source, family)
    with atomic_folder(out) as work:
        network = build_network(tensors, sizes, family, source.weights)
        if emotion_rows is not None:
            network.enc_p.emo_codebook = torch.from_numpy(emotion_rows)
        # Rounding is what the user asked for; that the graphs compute what torch does is checked
        # on the weights that they hold.
        stored = network if precision == "f32" else copy.deepcopy(network).half().float()
        features = used_features(stored)
        _write_graphs(stored, features, work, half=precision != "f32")
        probe, stages = probe_inputs(network, features), GraphStages(work)
        differences = compare_stages(stored, stages, probe)
        _check_differences(differences)
        if precision == "int8":
            for name in ("encoder", "flow"):
                save_in_int8(work / f"{name}.xml")
            stages = GraphStages(work)
        if stored is not network:
            differences = compare_stages(network, stages, probe)
        if styles is not None:
            np.save(work / "styles.npy", styles.vectors, allow_pickle=False)
        icon = _write_icon(source, work)
        reach = receptive_field(
            sizes.upsample_rates,
            sizes.upsample_kernel_sizes,
            sizes.resblock,
            sizes.resblock_kernel_sizes,
            sizes.resblock_dilation_sizes,
        )
        manifest = VoiceManifest(
            name=name,
            variant=family.name,
            precision=precision,
            sampling_rate=sizes.sampling_rate,
            hop_length=sizes.hop_length,
            latent_channels=sizes.inter_channels,
            speaker_channels=sizes.gin_channels,
            decoder_context=reach.context,
            decoder_late_context=reach.late,
            languages=spoken,
            speakers=speakers,
            table=family.table,
            features=tuple(
                FeatureNeed(need.name, need.width, need.language, models[need.name])
                for need in family.features
                if need.name in features
            ),
            files={path.name: sha256(path) for path in sorted(work.iterdir())},
            defaults=defaults or Defaults(),
            reading=reading,
            card=_filled(card or Card(), source.card),
            spectrogram=(
                None if sizes.n_speakers else Spectrogram(sizes.filter_length, sizes.win_length)
            ),
            emotion=_emotion(family),
            styles=styles.names if styles is not None else {},
            icon=icon,
            bf16_snr=round(bf16_snr(network), 1),
        )
        write_manifest(manifest, work)
    notes = (found.reason, *source.notes, *speaker_notes)
    return Conversion(out, manifest, tuple(differences), notes)


def _check_claims(source: Source, found: Detection) -> None:
    """A maker who lies about the family may lie about the rest."""
    if source.claimed not in (None, found.variant.name):
        raise CheckpointError(
            f"{source.weights} says that it is of the family {source.claimed}, but its tensors "
            f"are of {found.variant.name}. Get the file from its maker."
        )
    for code in source.languages or ():
        if code not in found.variant.languages:
            raise CheckpointError(
                f"{source.weights} says that it speaks {code!r}, but voices of the family "
                f"{found.variant.name} know {', '.join(found.variant.languages)} only."
            )


def _check_arguments(
    variant: Variant, languages: Sequence[str], feature_models: Mapping[str, str]
) -> None:
    for code in languages:
        if code not in variant.languages:
            known = ", ".join(variant.languages)
            raise UsageError(f"A {variant.name} voice can't speak {code!r}; it knows {known}.")
    inputs = [need.name for need in variant.features]
    for key, model in feature_models.items():
        if key not in inputs:
            raise UsageError(f"There is no feature input {key!r}; there are {', '.join(inputs)}.")
        check_name(model, f"The feature model of {key}", UsageError)


def _write_graphs(
    network: Synthesizer, features: Sequence[str], folder: Path, *, half: bool
) -> None:
    graphs = {
        "encoder": encoder_graph(network, features),
        "flow": flow_graph(network),
        "decoder": decoder_graph(network),
    }
    if network.config.n_speakers == 0:
        graphs["reference"] = reference_graph(network)
    else:
        table = network.emb_g.weight.detach().numpy()
        if half:
            table = table.astype(np.float16)
        np.save(folder / "speakers.npy", table, allow_pickle=False)
    for name, graph in graphs.items():
        save_graph(graph, folder / f"{name}.xml", half=half)


def _check_differences(differences: Sequence[StageDifference]) -> None:
    bad = [d for d in differences if not d.relative <= LIMIT]
    if bad:
        raise CheckpointError(
            "The converted graphs don't give what torch gives: "
            + ", ".join(f"{d.stage} is off by {d.relative:.1e} of its peak" for d in bad)
            + f" (at most {LIMIT:.0e}). Nothing was written. Try --precision f32; if that fails "
            "too, please report the checkpoint."
        )


def _speakers(source: Source, config: ModelConfig) -> tuple[dict[str, int], tuple[str, ...]]:
    """Names and rows of the speakers, and sentences about names that were left out."""
    if config.n_speakers == 0:
        return {}, ()
    given = source.speakers if source.speakers is not None else config.speakers
    named = {name: row for name, row in given.items() if 0 <= row < config.n_speakers}
    lost = [f"{name} (row {row})" for name, row in given.items() if name not in named]
    if given and not named:
        raise CheckpointError(
            f"The checkpoint's table has {config.n_speakers} speakers, but all of its names stand "
            f"for rows beyond: {', '.join(lost[:5])}. Is this the config that belongs to it?"
        )
    notes = (
        f"{len(lost)} speakers were left out, the checkpoint's table has {config.n_speakers} rows "
        f"only: {', '.join(lost[:5])}{' and others' if len(lost) > 5 else ''}."
    )
    return named or {str(i): i for i in range(config.n_speakers)}, (notes,) if lost else ()


def _styles(source: Source, variant: Variant) -> Styles | None:
    condition = variant.condition
    if condition is None or condition.input != "style":
        return None
    if source.styles is None:
        raise CheckpointError(
            f"A {variant.name} voice needs its style vectors: put style_vectors.npy, which was "
            f"released with the checkpoint, beside {source.weights}."
        )
    width = source.styles.vectors.shape[1]
    if width != condition.width:
        raise CheckpointError(
            f"The style vectors have {width} channels, but voices of the family {variant.name} "
            f"take {condition.width}."
        )
    return source.styles


def _emotion(variant: Variant) -> EmotionNeed | None:
    condition = variant.condition
    if condition is None or condition.input != "emotion":
        return None
    rows = condition.rows if condition.rows_by_number else 0
    return EmotionNeed(condition.kind, condition.width, condition.model, rows)


def _write_icon(source: Source, folder: Path) -> str:
    if source.icon is None:
        return ""
    name = "icon.png" if source.icon.startswith(b"\x89PNG") else "icon.jpg"
    (folder / name).write_bytes(source.icon)
    return name


def _filled(card: Card, other: Card) -> Card:
    return Card(**{**asdict(other), **{k: v for k, v in asdict(card).items() if v}})
