"""Compare torch and OpenVINO with recorded cases, stage by stage.

    python bench/parity.py FOLDER [--json FILE]

FOLDER has one folder per variant, each with config.json, G_0.pth (and perhaps G_0_release.pth) or
model.safetensors, and recorded cases `*.npz`; a folder of one variant is taken too. The family is
found as `vinovits convert` finds it. For every case both networks run with the recorded inputs and
noise, from the first stage to the last. Exits with 1 if the frames per phone or the picked rows of
a codebook differ anywhere, or a stage is off by more than 1e-4 of its peak.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from vinovits.convert.compare import (
    Array,
    GraphStages,
    Inputs,
    between,
    difference,
    run_torch,
    text_inputs,
)
from vinovits.convert.detect import detect
from vinovits.convert.graphs import condition_shapes
from vinovits.convert.voice import convert_checkpoint
from vinovits.errors import VinovitsError
from vinovits.nets.checkpoint import build_network, read_state
from vinovits.nets.config import ModelConfig, read_config
from vinovits.nets.synthesizer import Synthesizer
from vinovits.nets.variants import Variant

LIMIT = 1e-4
WHOLE = ("frames", "emo_codes")
"""Compared for equality."""
STAGES = (
    "g",
    "emo_emb",
    "style_emb",
    "x_hidden",
    "m_p",
    "logs_p",
    "logw_sdp",
    "logw_dp",
    "logw",
    "z_p",
    "z",
    "audio",
)


RELEASED = ("G_0_release.pth",)


@dataclass(frozen=True)
class Row:
    case: str
    engine: str
    stage: str
    absolute: float
    relative: float
    passed: bool


@dataclass(frozen=True)
class Case:
    """A checkpoint and one recorded utterance; `outputs` may lack what `inputs` has."""

    name: str
    config: Path
    checkpoint: Path
    inputs: Path
    outputs: Path


def find_cases(folder: Path) -> Iterator[Case]:
    """All cases below `folder`; short_release.npz has outputs only, for the inputs of short.npz."""
    folders = [folder] if (folder / "config.json").is_file() else sorted(folder.iterdir())
    for variant in folders:
        if not (variant / "config.json").is_file():
            continue
        for outputs in sorted(variant.glob("*.npz")):
            base = outputs.stem.removesuffix("_release")
            names = ("G_0.pth", "model.safetensors") if base == outputs.stem else RELEASED
            checkpoint = next((variant / n for n in names if (variant / n).is_file()), None)
            if checkpoint is None or not (variant / f"{base}.npz").is_file():
                continue  # a part of the layout is welcome too
            yield Case(
                name=f"{variant.name}/{outputs.stem}",
                config=variant / "config.json",
                checkpoint=checkpoint,
                inputs=variant / f"{base}.npz",
                outputs=outputs,
            )


def load_network(case: Case, rows: Array | None) -> Synthesizer:
    """The network of a case, with the codebook that its checkpoint lacks."""
    tensors, config = read_state(case.checkpoint), read_config(case.config)
    variant = detect(tensors, config).variant
    network = build_network(
        tensors, ModelConfig.from_dict(config, variant), variant, case.checkpoint
    )
    if rows is not None:
        network.enc_p.emo_codebook = torch.from_numpy(rows)
    return network


def read_inputs(path: Path, variant: Variant) -> Inputs:
    """What was recorded in the names that `Inputs` has; a class of emotions is a row's number."""
    with np.load(path, allow_pickle=False) as recorded:
        conditions = {}
        for name, shape in condition_shapes(variant).items():
            key = {"emotion": "emo", "style": "style_vec", "emotion_row": "emo_cls"}[name]
            whole = name == "emotion_row"
            absent = np.full(shape, -1, np.int64) if whole else np.zeros(shape, np.float32)
            given = recorded[key].reshape(shape) if key in recorded else absent
            conditions[name] = given.astype(absent.dtype)
        return Inputs(
            phones=recorded["x"],
            tones=recorded["tone"],
            languages=recorded["language"],
            features={f.name: recorded[f.name].astype(np.float32) for f in variant.features},
            conditions=conditions,
            noise_sdp=recorded["noise_sdp"],
            noise_prior=recorded["noise_prior"],
            sdp_ratio=float(recorded["sdp_ratio"]),
            noise=float(recorded["noise_scale"]),
            noise_w=float(recorded["noise_scale_w"]),
            length_scale=float(recorded["length_scale"]),
            speaker=int(recorded["sid"][0]) if "sid" in recorded else 0,
            spectrogram=recorded["y"].astype(np.float32) if "y" in recorded else None,
        )


def run_inside(network: Synthesizer, inputs: Inputs, g: Array) -> dict[str, Array]:
    """What the stage `encode` has inside, which is no output of its graph."""
    encoder = network.enc_p
    text = text_inputs(inputs)
    with torch.no_grad():
        x, _, _ = encoder(text, torch.ones(1, 1, text.phones.shape[1]), torch.from_numpy(g))
        found = {"x_hidden": x.numpy()}
        image = encoder.condition(text.conditions)
        if image is not None:
            found["emo_emb"] = found["style_emb"] = image.unsqueeze(1).numpy()
        if hasattr(encoder, "emo_vq"):
            codes = encoder.emo_vq.codes(encoder.in_feature_net(text.conditions["emotion"]))
            found["emo_codes"] = codes.unsqueeze(1).numpy()
    return found


def run_openvino(folder: Path, inputs: Inputs) -> dict[str, Array]:
    """All stages, each fed with what the one before gave."""
    stages = GraphStages(folder)
    if inputs.spectrogram is not None:
        g = stages.speaker(inputs.spectrogram)
    else:
        g = np.load(folder / "speakers.npy")[inputs.speaker].reshape(1, -1, 1)
    found = {"g": g, **stages.encode(inputs, g)}
    found |= between(found, inputs)
    found["z"] = stages.flow(found["z_p"], g)
    found["audio"] = stages.decode(found["z"], g)
    return found


def converted(case: Case, rows: Array | None, scratch: Path) -> Path:
    """The voice folder of a case's checkpoint, made once for all cases below `scratch`."""
    content = (b"" if rows is None else rows.tobytes()) + bytes(case.checkpoint)
    folder = scratch / hashlib.sha256(content).hexdigest()
    if not folder.exists():
        convert_checkpoint(case.checkpoint, case.config, folder, emotion_rows=rows)
    return folder


def run_case(case: Case, scratch: Path) -> list[Row]:
    with np.load(case.inputs, allow_pickle=False) as first, np.load(case.outputs) as second:
        # What the inputs of a released file are recorded with belongs to the full checkpoint.
        expected = dict(first) if case.inputs == case.outputs else dict(second)
        emotion_rows = first.get("emo_codebook")
    network = load_network(case, emotion_rows)
    inputs = read_inputs(case.inputs, network.variant)
    in_torch = run_torch(network, inputs)
    engines = {
        "torch": in_torch | run_inside(network, inputs, in_torch["g"]),
        "openvino": run_openvino(converted(case, emotion_rows, scratch), inputs),
    }
    expected["frames"] = expected["w_ceil"]
    rows = []
    for engine, found in engines.items():
        for stage in WHOLE:
            if stage in expected and stage in found:
                wrong = int((found[stage] != expected[stage]).sum())
                share = wrong / expected[stage].size
                rows.append(Row(case.name, engine, stage, wrong, share, wrong == 0))
        for stage in STAGES:
            if stage in expected and stage in found:
                gap = difference(stage, found[stage], expected[stage])
                passed = gap.relative <= LIMIT
                rows.append(Row(case.name, engine, stage, gap.absolute, gap.relative, passed))
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", type=Path, help="write the rows here too")
    arguments = parser.parse_args()
    console = Console(width=100)
    table = Table("case", "engine", "stage", "absolute", "of peak", "")
    rows: list[Row] = []
    failures: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        for case in find_cases(arguments.folder):
            print(case.name, file=sys.stderr)
            try:
                rows += run_case(case, Path(scratch))
            except (VinovitsError, ValueError, KeyError, RuntimeError) as error:
                failures.append(f"{case.name}: {type(error).__name__}: {error}")
    for row in rows:
        mark = "ok" if row.passed else "[red]FAIL"
        table.add_row(
            row.case, row.engine, row.stage, f"{row.absolute:.1e}", f"{row.relative:.1e}", mark
        )
    console.print(table)
    for failure in failures:
        console.print(f"[red]{failure}")
    bad = sum(not row.passed for row in rows)
    worst = max((row.relative for row in rows if row.stage not in WHOLE), default=0.0)
    console.print(f"{len(rows)} rows, {bad} failed, worst {worst:.1e} of a peak (limit {LIMIT}).")
    if arguments.json:
        result = {
            "limit": LIMIT,
            "rows": [vars(row) for row in rows],
            "failures": failures,
        }
        arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if not rows and not failures:
        console.print(f"[red]There is no case in {arguments.folder}.")
    return 0 if rows and not bad and not failures else 1


if __name__ == "__main__":
    sys.exit(main())
