"""How time and memory grow with the length of a text, the number of voices and of speakers.

    python bench/scale.py [text] [voices] [speakers] [--voice joe] [--quick] [--json FILE]
                          [--plot FILE.svg]

Every row is measured in a process of its own, whose peak memory (resident set) is shown; graphs are
in the cache already, and the voice has spoken before.

text: a text of 10 to 100,000 characters is streamed, its chunks thrown away. Texts up to 1,000
characters are five different ones, of which the median counts. A straight line is fitted to the
times; R² is the share of their variance that it explains.

voices: 1 to 20 copies of the voice's folder are loaded and speak a text of about 10 s each, one
after the other. What voices share when they want the same feature model is shared here too.

speakers: 1 to 16 threads stream texts of about 10 s from one voice at once. Throughput is seconds
of sound for each second of the clock, all speakers together; first sound is that of all their
texts. Underruns are those of players that play in real time, as in bench/latency.py.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from latency import TEN_SECONDS, Recording, record, underruns
from rich.console import Console
from rich.progress import track
from rich.table import Table
from texts import text_of

POINTS = {
    "text": (10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000),
    "voices": (1, 2, 5, 10, 15, 20),
    "speakers": (1, 2, 4, 8, 16),
}
QUICK = {"text": (10, 100, 1_000, 3_000), "voices": (1, 2, 3), "speakers": (1, 2, 4)}
WARM_UP = 3
TEXTS_EACH = 4
"""That one of several speakers streams."""
FLAT_FROM = 1_000
"""Characters from which on memory shouldn't grow."""


def speak_text(voice: str, characters: int) -> dict[str, Any]:
    """A text of a length, in this process."""
    import vinovits

    loaded = vinovits.load(voice)
    language = warm_up(loaded)
    runs = [
        record(loaded, text_of(characters, language, number))
        for number in range(5 if characters <= 1_000 else 1)
    ]
    return {
        "wall_s": statistics.median(sum(run.works) for run in runs),
        "audio_s": statistics.median(run.audio for run in runs),
        "first_sound_s": statistics.median(run.first_sound for run in runs),
    }


def load_voices(voice: str, count: int) -> dict[str, Any]:
    """Several voices, in this process."""
    import vinovits
    from vinovits.voices.store import find_voice

    with tempfile.TemporaryDirectory() as scratch:
        folders = [Path(scratch) / f"voice-{number}" for number in range(count)]
        for folder in folders:
            shutil.copytree(find_voice(voice), folder)
        began = time.perf_counter()
        voices = [vinovits.load(folder) for folder in folders]
        seconds = time.perf_counter() - began
        runs = []
        for number, one in enumerate(voices):
            language = warm_up(one)
            runs.append(record(one, text_of(TEN_SECONDS[language], language, 3 * number)))
        return {
            "load_s": seconds,
            "real_time_factor": statistics.median(run.real_time_factor for run in runs),
            "first_sound_s": statistics.median(run.first_sound for run in runs),
        }


def speak_together(voice: str, count: int) -> dict[str, Any]:
    """Several speakers of one voice, in this process."""
    import vinovits

    loaded = vinovits.load(voice)
    language = warm_up(loaded)
    ready = threading.Barrier(count + 1)

    def speaker(number: int) -> list[Recording]:
        record(loaded, text_of(TEN_SECONDS[language], language, number))
        ready.wait()
        first = count + number * TEXTS_EACH
        return [
            record(loaded, text_of(TEN_SECONDS[language], language, 3 * (first + index)))
            for index in range(TEXTS_EACH)
        ]

    with ThreadPoolExecutor(count) as pool:
        futures = [pool.submit(speaker, number) for number in range(count)]
        ready.wait()
        began = time.perf_counter()
        runs = [run for future in futures for run in future.result()]
        wall = time.perf_counter() - began
    silences = [silence for run in runs for silence in underruns(run)]
    return {
        "throughput": sum(run.audio for run in runs) / wall,
        "first_sound_s": statistics.median(run.first_sound for run in runs),
        "first_sound_worst_s": max(run.first_sound for run in runs),
        "underruns": len(silences),
        "silence_s": sum(silences),
    }


PARTS = {"text": speak_text, "voices": load_voices, "speakers": speak_together}
PICTURES: dict[str, tuple[tuple[str, dict[str, str]], ...]] = {
    "text": (("time, s", {"wall_s": "measured"}), ("memory, MB", {"peak_mb": "peak"})),
    "voices": (
        ("first sound, s", {"first_sound_s": "median"}),
        ("memory, MB", {"peak_mb": "peak"}),
    ),
    "speakers": (
        ("first sound, s", {"first_sound_s": "median", "first_sound_worst_s": "worst"}),
        ("throughput, × real time", {"throughput": "all together"}),
    ),
}
"""Labels of the axes, and the curves with theirs."""


def warm_up(voice: Any) -> str:
    """Have a voice speak before it is timed; returns its language."""
    language: str = voice.manifest.languages[0]
    for number in range(WARM_UP):
        record(voice, text_of(TEN_SECONDS[language], language, -1 - number))
    return language


def child(part: str, voice: str, point: int) -> dict[str, Any]:
    """Measure one point in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--child", part, voice, str(point)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {part: point, **found}


def measure(options: argparse.Namespace) -> dict[str, Any]:
    parts = options.parts or list(PARTS)
    points = QUICK if options.quick else POINTS
    child("text", options.voice, 10)  # compiles the graphs
    todo = [(part, point) for part in parts for point in points[part]]
    result: dict[str, Any] = {"voice": options.voice, **{part: [] for part in parts}}
    for part, point in track(todo, "measuring", console=Console(stderr=True)):
        result[part].append(child(part, options.voice, point))
    if "text" in result:
        rows = result["text"]
        result["time_fit"] = line([(row["text"], row["wall_s"]) for row in rows])
        peaks = [row["peak_mb"] for row in rows if row["text"] >= FLAT_FROM]
        middle = (max(peaks) + min(peaks)) / 2
        result["memory_varies"] = (max(peaks) - middle) / middle
    if "voices" in result:
        result["memory_fit"] = line([(row["voices"], row["peak_mb"]) for row in result["voices"]])
    return result


def line(points: list[tuple[float, float]]) -> dict[str, float]:
    """The straight line of least squares."""
    xs, ys = zip(*points, strict=True)
    slope, start = statistics.linear_regression(xs, ys)
    return {"start": start, "slope": slope, "r2": statistics.correlation(xs, ys) ** 2}


def show(result: dict[str, Any]) -> None:
    console = Console(width=110)
    if "text" in result:
        table = Table("characters", "audio", "time", "real-time factor", "first sound", "peak")
        for row in result["text"]:
            table.add_row(
                f"{row['text']:,}",
                f"{row['audio_s']:.1f} s",
                f"{row['wall_s']:.2f} s",
                f"{row['wall_s'] / row['audio_s']:.3f}",
                f"{1000 * row['first_sound_s']:.0f} ms",
                f"{row['peak_mb']:.0f} MB",
            )
        console.print(table)
        fit = result["time_fit"]
        console.print(
            f"Time: {fit['start']:.2f} s and {1000 * fit['slope']:.2f} s for 1,000 characters, "
            f"R² {fit['r2']:.4f}. Peak memory from {FLAT_FROM:,} characters on: "
            f"± {result['memory_varies']:.1%}."
        )
    if "voices" in result:
        table = Table("voices", "load all", "real-time factor", "first sound", "peak")
        for row in result["voices"]:
            table.add_row(
                str(row["voices"]),
                f"{row['load_s']:.2f} s",
                f"{row['real_time_factor']:.3f}",
                f"{1000 * row['first_sound_s']:.0f} ms",
                f"{row['peak_mb']:.0f} MB",
            )
        console.print(table)
        fit = result["memory_fit"]
        console.print(
            f"Peak memory: {fit['start']:.0f} MB and {fit['slope']:.0f} MB for each voice."
        )
    if "speakers" in result:
        table = Table("speakers", "throughput", "first sound", "worst", "underruns", "peak")
        for row in result["speakers"]:
            table.add_row(
                str(row["speakers"]),
                f"{row['throughput']:.1f} × real time",
                f"{1000 * row['first_sound_s']:.0f} ms",
                f"{1000 * row['first_sound_worst_s']:.0f} ms",
                f"{row['underruns']}, {row['silence_s']:.1f} s" if row["underruns"] else "0",
                f"{row['peak_mb']:.0f} MB",
            )
        console.print(table)


def plot(result: dict[str, Any], path: Path) -> None:
    """Two pictures for each part that was measured."""
    from matplotlib.figure import Figure

    parts = [part for part in PARTS if part in result]
    figure = Figure(figsize=(10, 3.6 * len(parts)), layout="constrained")
    grid = figure.subplots(len(parts), 2, squeeze=False)
    for part, row_of_axes in zip(parts, grid, strict=True):
        points = [row[part] for row in result[part]]
        for axes, (label, keys) in zip(row_of_axes, PICTURES[part], strict=True):
            for key in keys:
                axes.plot(points, [row[key] for row in result[part]], "o-", label=keys[key])
            if label == "time, s":
                fit = result["time_fit"]
                fitted = [fit["start"] + fit["slope"] * point for point in points]
                axes.plot(points, fitted, "--", label=f"straight line, R² {fit['r2']:.4f}")
                axes.set(yscale="log")
            else:
                axes.set(ylim=(0, 1.1 * axes.get_ylim()[1]))
            if part == "text":
                axes.set(xlabel="characters of text", xscale="log", ylabel=label)
            else:
                axes.set(xlabel=f"number of {part}", xticks=points, ylabel=label)
            axes.grid(alpha=0.3)
            axes.legend()
    figure.suptitle(result["voice"])
    figure.savefig(path)


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        part, voice, point = sys.argv[2:]
        found = PARTS[part](voice, int(point))
        found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(found))
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", choices=list(PARTS), help="all, if not named")
    parser.add_argument("--voice", default="joe", help="name or folder of a voice")
    parser.add_argument("--quick", action="store_true", help="small ranges: does it run?")
    parser.add_argument("--json", type=Path, help="write the result here too")
    parser.add_argument("--plot", type=Path, help="draw it to this .svg or .png")
    options = parser.parse_args()
    result = measure(options)
    show(result)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if options.plot:
        plot(result, options.plot)


if __name__ == "__main__":
    main()
