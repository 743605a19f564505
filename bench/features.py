"""What compressing the weights of a feature model costs and saves.

    python bench/features.py FOLDER [--layer -3] [--json FILE]

FOLDER is a BERT as Hugging Face has it. It is converted at every precision and run, each in a
process of its own, over the sentences of bench/data/joe_recorded.json. Differences are from f32.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

SENTENCES = Path(__file__).parent / "data" / "joe_recorded.json"
PRECISIONS = ("f32", "f16", "int8")


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


def main() -> None:
    if sys.argv[1:2] == ["--run"]:
        run(Path(sys.argv[2]), Path(sys.argv[3]))
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--layer", type=int, default=-3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
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
    console = Console()
    console.print(table)
    exact = results["f32"]
    console.print(f"The rows themselves: rms {exact['rms']:.2g}, peak {exact['peak']:.3g}.")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
