"""What feature models cost: compressing their weights, and the largest of them at its real size.

    python bench/features.py FOLDER [--layer -3] [--json FILE]

FOLDER is a BERT as Hugging Face has it. It is converted at every precision and run, each in a
process of its own, over the sentences of bench/data/joe_recorded.json. Differences are from f32.

    python bench/features.py --large [--precision int8] [--layers 24] [--json FILE]

makes a folder of the size of Erlangshen-MegatronBert-1.3B (24 layers, 2048 wide, 21248 tokens) with
random weights in f16, converts it, and runs sentences of 20 and 100 characters through it and
through the same network in eager torch, each in a process of its own. Needs 8 GB of disk in the
folder for temporary files and 8 GB of memory.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

SENTENCES = Path(__file__).parent / "data" / "joe_recorded.json"
PRECISIONS = ("f32", "f16", "int8")
CHARACTERS = (20, 100)
TIMES = 9
"""Sentences of each length; the quickest is reported, as other work on a machine only adds."""


def run(folder: Path, out: Path) -> None:
    """Run one converted model; write its rows to an .npz and print its figures as JSON."""
    import openvino  # noqa: F401  (not a part of what a feature model costs)

    from vinovits.features.bert import BertFeatures

    process = psutil.Process()
    before = process.memory_info().rss
    start = time.perf_counter()
    bert = BertFeatures(folder)
    load_seconds = time.perf_counter() - start
    refs = [row["ref"] for row in json.loads(SENTENCES.read_text(encoding="utf-8"))["sentences"]]
    texts = [[piece for word in ref.split() for piece in bert.pieces(word)] for ref in refs]
    rows = [bert.features(text) for text in texts]
    seconds = []
    for text in texts:
        start = time.perf_counter()
        bert.features(text)
        seconds.append(time.perf_counter() - start)
    np.savez(out, rows=np.concatenate(rows))
    figures = {
        "load_seconds": load_seconds,
        "milliseconds_per_sentence": 1000 * float(np.median(seconds)),
        "memory_bytes": process.memory_info().rss - before,
    }
    print(json.dumps(figures))


def measure(source: Path, layer: int, scratch: Path) -> dict[str, dict[str, Any]]:
    """Figures of every precision."""
    from vinovits.convert.features import convert_features

    results: dict[str, dict[str, Any]] = {}
    exact = None
    for precision in PRECISIONS:
        folder, out = scratch / precision, scratch / f"{precision}.npz"
        convert_features(source, folder, layer, precision)
        command = [sys.executable, __file__, "--run", str(folder), str(out)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        rows = np.load(out)["rows"].astype(np.float64)
        exact = rows if exact is None else exact
        lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(exact, axis=1)
        cosines = (rows * exact).sum(axis=1) / lengths
        results[precision] = {
            "folder_bytes": sum(path.stat().st_size for path in folder.iterdir()),
            **json.loads(done.stdout),
            "cosine_min": float(cosines.min()),
            "cosine_mean": float(cosines.mean()),
            "rms_difference": float(np.sqrt(np.mean((rows - exact) ** 2))),
            "max_difference": float(np.abs(rows - exact).max()),
            "rms": float(np.sqrt(np.mean(exact**2))),
            "peak": float(np.abs(exact).max()),
        }
    return results


def sentences() -> list[list[list[int]]]:
    """Token ids of random sentences, all different, for each length."""
    rng = np.random.default_rng(0)
    return [
        [rng.integers(5, 21128, length).tolist() for _ in range(TIMES + 1)] for length in CHARACTERS
    ]


def timed(features: Callable[[list[int]], np.ndarray], out: Path) -> dict[str, Any]:
    """Seconds per sentence; the rows of the first sentence of each length go to `out`."""
    figures, rows = {}, {}
    for length, texts in zip(CHARACTERS, sentences(), strict=True):
        rows[str(length)] = features(texts[0])
        seconds = []
        for text in texts[1:]:
            start = time.perf_counter()
            features(text)
            seconds.append(time.perf_counter() - start)
        figures[f"milliseconds_{length}"] = 1000 * min(seconds)
        figures[f"median_milliseconds_{length}"] = 1000 * float(np.median(seconds))
    np.savez(out, **rows)
    return figures


def part_convert(source: Path, out: Path, precision: Any) -> dict[str, Any]:
    from vinovits.convert.features import convert_features

    start = time.perf_counter()
    convert_features(source, out, precision=precision)
    return {
        "seconds": time.perf_counter() - start,
        "graph_bytes": sum((out / name).stat().st_size for name in ("model.xml", "model.bin")),
    }


def part_openvino(folder: Path, out: Path) -> dict[str, Any]:
    from vinovits.devices import core
    from vinovits.features.bert import BertFeatures

    core()  # not a part of what a feature model costs
    process = psutil.Process()
    before = process.memory_info().rss
    start = time.perf_counter()
    bert = BertFeatures(folder)
    bert.features([5])
    loading = time.perf_counter() - start
    figures = {"load_seconds": loading, **timed(bert.states, out)}
    memory = process.memory_info()
    figures["memory_bytes"] = memory.rss - before
    figures["mapped_bytes"] = memory.shared
    bert.unload()
    figures["after_unload_bytes"] = process.memory_info().rss - before
    return figures


def part_torch(folder: Path, out: Path) -> dict[str, Any]:
    from eager import load_features

    process = psutil.Process()
    before = process.memory_info().rss
    start = time.perf_counter()
    features = load_features(folder)
    loading = time.perf_counter() - start
    figures = {"load_seconds": loading, **timed(features, out)}
    figures["memory_bytes"] = process.memory_info().rss - before
    return figures


def part(*arguments: str) -> dict[str, Any]:
    """Run one part in a process of its own; its figures and its peak of memory."""
    command = [sys.executable, __file__, "--part", *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def measure_large(precision: str, layers: int, scratch: Path) -> dict[str, dict[str, Any]]:
    from full_size import MEGATRON, write_features

    source, made = scratch / "source", scratch / "made"
    write_features(source, {**MEGATRON, "num_hidden_layers": layers})
    results = {"convert": part("convert", str(source), str(made), precision)}
    for name, folder in (("openvino", made), ("torch", source)):
        results[name] = part(name, str(folder), str(scratch / f"{name}.npz"))
    rows, exact = np.load(scratch / "openvino.npz"), np.load(scratch / "torch.npz")
    cosines = [
        (rows[key] * exact[key]).sum(axis=1)
        / (np.linalg.norm(rows[key], axis=1) * np.linalg.norm(exact[key], axis=1))
        for key in exact.files
    ]
    results["openvino"]["cosine_min"] = float(np.concatenate(cosines).min())
    results["source"] = {"bytes": (source / "pytorch_model.bin").stat().st_size}
    return results


def show_large(console: Console, results: dict[str, dict[str, Any]]) -> None:
    made = results["convert"]
    console.print(
        f"{results['source']['bytes'] / 1e9:.2f} GB of f16 weights, converted in "
        f"{made['seconds']:.0f} s with at most {made['peak_bytes'] / 1e9:.1f} GB of memory; "
        f"the graph has {made['graph_bytes'] / 1e9:.2f} GB."
    )
    table = Table("", "OpenVINO", "torch, eager, f32, all layers")
    both = results["openvino"], results["torch"]
    table.add_row("load", *(f"{one['load_seconds']:.1f} s" for one in both))
    for length in CHARACTERS:
        times = (f"{one[f'milliseconds_{length}']:.0f} ms" for one in both)
        table.add_row(f"sentence of {length} characters", *times)
    table.add_row("memory", *(f"{one['memory_bytes'] / 1e9:.2f} GB" for one in both))
    table.add_row("of it files, mapped", f"{both[0]['mapped_bytes'] / 1e9:.2f} GB", "")
    table.add_row("at most, all included", *(f"{one['peak_bytes'] / 1e9:.2f} GB" for one in both))
    table.add_row("after unload()", f"{both[0]['after_unload_bytes'] / 1e9:.2f} GB", "")
    console.print(table)
    console.print(f"Least cosine of a row to torch's: {both[0]['cosine_min']:.5f}.")
    console.print(f"{os.cpu_count()} CPUs; load before: {os.getloadavg()[0]:.1f}.")


def main() -> None:
    if sys.argv[1:2] == ["--run"]:
        run(Path(sys.argv[2]), Path(sys.argv[3]))
        return
    if sys.argv[1:2] == ["--part"]:
        name, *arguments = sys.argv[2:]
        parts = {"convert": part_convert, "openvino": part_openvino, "torch": part_torch}
        figures = parts[name](*map(Path, arguments[:2]), *arguments[2:])
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps({**figures, "peak_bytes": peak}))
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--precision", choices=PRECISIONS, default="int8")
    parser.add_argument("--layers", type=int, default=24)
    parser.add_argument("--layer", type=int, default=-3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    console = Console()
    if options.large:
        with tempfile.TemporaryDirectory() as scratch:
            large = measure_large(options.precision, options.layers, Path(scratch))
        show_large(console, large)
        if options.json:
            options.json.write_text(json.dumps(large, indent=1) + "\n", encoding="utf-8")
        return
    if options.folder is None:
        parser.error("name a folder, or --large")
    with tempfile.TemporaryDirectory() as scratch:
        results = measure(options.folder, options.layer, Path(scratch))
    table = Table("weights", *results)
    for label, text in (
        ("folder", lambda one: f"{one['folder_bytes'] / 1e6:.1f} MB"),
        ("memory", lambda one: f"{one['memory_bytes'] / 1e6:.0f} MB"),
        ("load", lambda one: f"{one['load_seconds']:.2f} s"),
        ("one sentence", lambda one: f"{one['milliseconds_per_sentence']:.1f} ms"),
        ("cosine, least", lambda one: f"{one['cosine_min']:.5f}"),
        ("cosine, mean", lambda one: f"{one['cosine_mean']:.5f}"),
        ("difference, rms", lambda one: f"{one['rms_difference']:.5f}"),
        ("difference, largest", lambda one: f"{one['max_difference']:.4f}"),
    ):
        table.add_row(label, *map(text, results.values()))
    console.print(table)
    exact = results["f32"]
    console.print(f"The rows themselves: rms {exact['rms']:.2g}, peak {exact['peak']:.3g}.")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
