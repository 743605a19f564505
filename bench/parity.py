"""Compare torch and OpenVINO with recorded cases, stage by stage.

    python bench/parity.py FOLDER [--json FILE]

FOLDER has one folder per variant, each with config.json, G_0.pth (and perhaps G_0_release.pth) and
recorded cases `*.npz`; a folder of one variant is taken too. For every case both networks run with
the recorded inputs and noise, from the first stage to the last. Exits with 1 if the frames per
phone differ anywhere, or a stage is off by more than 1e-4 of its peak.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from vinovits.convert.compare import Array, GraphStages, Inputs, between, difference, run_torch
from vinovits.convert.voice import convert_checkpoint
from vinovits.errors import VinovitsError
from vinovits.nets.checkpoint import load_checkpoint
from vinovits.nets.config import ModelConfig
from vinovits.nets.variants import VARIANTS

LIMIT = 1e-4
STAGES = ("g", "m_p", "logs_p", "logw_sdp", "logw_dp", "logw", "z_p", "z", "audio")


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
            checkpoint = variant / ("G_0_release.pth" if base != outputs.stem else "G_0.pth")
            if not (checkpoint.is_file() and (variant / f"{base}.npz").is_file()):
                continue  # a part of the layout is welcome too
            yield Case(
                name=f"{variant.name}/{outputs.stem}",
                config=variant / "config.json",
                checkpoint=checkpoint,
                inputs=variant / f"{base}.npz",
                outputs=outputs,
            )


def variant_of(case: Case) -> str | None:
    """The family of a case, or None if this release doesn't know it."""
    meta = case.config.parent / "meta.json"
    if not meta.is_file():
        return "2.3"
    name = str(json.loads(meta.read_text(encoding="utf-8"))["variant"])
    return next((known for known in VARIANTS if name.startswith(f"v{known}")), None)


def read_inputs(path: Path, features: tuple[str, ...]) -> Inputs:
    with np.load(path, allow_pickle=False) as recorded:
        return Inputs(
            phones=recorded["x"],
            tones=recorded["tone"],
            languages=recorded["language"],
            features={name: recorded[name].astype(np.float32) for name in features},
            noise_sdp=recorded["noise_sdp"],
            noise_prior=recorded["noise_prior"],
            sdp_ratio=float(recorded["sdp_ratio"]),
            noise=float(recorded["noise_scale"]),
            noise_w=float(recorded["noise_scale_w"]),
            length_scale=float(recorded["length_scale"]),
            speaker=int(recorded["sid"][0]) if "sid" in recorded else 0,
            spectrogram=recorded["y"].astype(np.float32) if "y" in recorded else None,
        )


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


def run_case(case: Case, variant_name: str) -> list[Row]:
    variant = VARIANTS[variant_name]
    config = ModelConfig.from_file(case.config, variant)
    network = load_checkpoint(case.checkpoint, config, variant)
    inputs = read_inputs(case.inputs, tuple(f.name for f in variant.features))
    with tempfile.TemporaryDirectory() as scratch:
        voice = convert_checkpoint(
            case.checkpoint, case.config, Path(scratch) / "voice", precision="f32"
        )
        engines = {
            "torch": run_torch(network, inputs),
            "openvino": run_openvino(voice.folder, inputs),
        }
    with np.load(case.inputs, allow_pickle=False) as first, np.load(case.outputs) as second:
        # What the inputs of a released file are recorded with belongs to the full checkpoint.
        expected = dict(first) if case.inputs == case.outputs else dict(second)
    rows = []
    for engine, found in engines.items():
        same = np.array_equal(found["frames"], expected["w_ceil"])
        wrong = int((found["frames"] != expected["w_ceil"]).sum())
        rows.append(Row(case.name, engine, "frames", wrong, wrong / expected["w_ceil"].size, same))
        for stage in STAGES:
            if stage in expected:
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
    skipped: list[str] = []
    failures: list[str] = []
    for case in find_cases(arguments.folder):
        variant = variant_of(case)
        if variant is None:
            skipped.append(case.name)
            continue
        try:
            rows += run_case(case, variant)
        except VinovitsError as error:
            failures.append(f"{case.name}: {error}")
    for row in rows:
        mark = "ok" if row.passed else "[red]FAIL"
        table.add_row(
            row.case, row.engine, row.stage, f"{row.absolute:.1e}", f"{row.relative:.1e}", mark
        )
    console.print(table)
    if skipped:
        console.print("Families that this release doesn't know, not run: " + ", ".join(skipped))
    for failure in failures:
        console.print(f"[red]{failure}")
    bad = sum(not row.passed for row in rows)
    worst = max((row.relative for row in rows if row.stage != "frames"), default=0.0)
    console.print(f"{len(rows)} rows, {bad} failed, worst {worst:.1e} of a peak (limit {LIMIT}).")
    if arguments.json:
        result = {
            "limit": LIMIT,
            "rows": [vars(row) for row in rows],
            "skipped": skipped,
            "failures": failures,
        }
        arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if not rows and not failures:
        console.print(f"[red]There is no case in {arguments.folder}.")
    return 0 if rows and not bad and not failures else 1


if __name__ == "__main__":
    sys.exit(main())
