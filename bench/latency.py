"""How soon a voice is heard, and whether a player that plays while it speaks ever runs dry.

    python bench/latency.py [--voice joe | --config 2.3|2.4] [--lengths 5 500] [--rounds 5]
                            [--slow-down 1 2 3] [--precision f32] [--threads 1] [--hold SECONDS]
                            [--json FILE] [--plot FILE.svg]

The voice is warm: it has spoken before, but each text is a new one. First sound is the time from
the call to the first chunk. Each chunk's work is the time that `next` took to give it. From these
a player is simulated: it begins with the first chunk, plays in real time, and is silent whenever
the next chunk isn't there yet: an underrun. It asks for chunks as fast as they come; with `--hold`
only while it holds less than that many seconds of sound, as players with a small buffer do.

What streaming costs is told beside: the time of all chunks over that of `speak`, and over that of
`speak` where the decoder takes each sentence in one pass; the median of the same texts, once when
their lengths are new, for which OpenVINO then prepares kernels, and once when they are known.

`--slow-down 3` shows how it would be on a machine that takes three times as long: after each run of
a graph, of the feature model's too, the voice sleeps for twice the time that it took. The real-time
factor is that of the whole text then, from the call to its last chunk. A voice that is hardly
faster than it is heard holds its first chunk back until the rest will come in time; its first sound
is later for that.

`--config` takes voices of full size with random weights, as bench/speed.py has them, and Chinese
texts; `--work FOLDER` keeps them.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table
from speed import prepare
from texts import text_of

LENGTHS = (5, 10, 20, 50, 100, 200, 500, 1000, 2000)
TEN_SECONDS = {"en": 150, "zh": 45}
"""Characters of a text of about 10 s."""
WARM_UP = 100
"""Characters of the texts that are spoken before any is timed."""


@dataclass(frozen=True, slots=True)
class Recording:
    """The chunks of a text as they came."""

    works: list[float]
    """Seconds that were waited for each."""
    lengths: list[float]
    """Seconds of sound in each."""

    @property
    def first_sound(self) -> float:
        """Seconds from the call to the first chunk."""
        return self.works[0]

    @property
    def audio(self) -> float:
        """Seconds of sound in all."""
        return sum(self.lengths)

    @property
    def real_time_factor(self) -> float:
        return sum(self.works) / self.audio


def record(voice: Any, text: str) -> Recording:
    """Have a text spoken and write down when its chunks came; they aren't kept."""
    works, lengths = [], []
    before = time.perf_counter()
    with voice.stream(text) as stream:
        for chunk in stream:
            now = time.perf_counter()
            works.append(now - before)
            lengths.append(len(chunk.samples) / voice.manifest.sampling_rate)
            before = now
    return Recording(works, lengths)


def underruns(recording: Recording, hold: float = math.inf) -> list[float]:
    """Seconds of each silence that a player falls into.

    Args:
        recording: What it plays.
        hold: It asks for the next chunk only while it has at most this many seconds to play.
    """
    clock = recording.first_sound
    dry = clock + recording.lengths[0]
    silences = []
    for work, length in zip(recording.works[1:], recording.lengths[1:], strict=True):
        clock = max(clock, dry - hold) + work
        if clock > dry:
            silences.append(clock - dry)
        dry = max(clock, dry) + length
    return silences


class Slowed:
    """A graph on a machine that takes longer for it."""

    def __init__(self, graph: Any, times: float) -> None:
        self._graph, self.times = graph, times

    def __call__(self, **inputs: Any) -> Any:
        began = time.perf_counter()
        results = self._graph(**inputs)
        time.sleep((self.times - 1) * (time.perf_counter() - began))
        return results

    def __getattr__(self, name: str) -> Any:
        return getattr(self._graph, name)


def slow_down(voice: Any) -> list[Slowed]:
    """Put what can be slowed in the place of all graphs of a voice that has spoken."""
    graphs, models = voice.stages.graphs, voice.stages._bert.values()
    slowed = []
    for name, graph in graphs.items():
        graphs[name] = Slowed(graph, 1.0)
        slowed.append(graphs[name])
    for model in models:
        model.graph = Slowed(model.graph, 1.0)
        slowed.append(model.graph)
    return slowed


def streaming_cost(voice: Any, language: str, rounds: int) -> dict[str, float]:
    """Median times of texts of about 10 s, a pass for each sentence, by `speak`, and streamed.

    Told are what `stream` and `speak` cost over one pass of known lengths, `stream` over `speak`,
    and, with `_new`, `stream` over one pass of lengths that OpenVINO hasn't decoded.
    """
    from vinovits.engine import synthesis
    from vinovits.engine.windows import Window

    windows = synthesis.plan_windows
    # The first also waits for kernels of the other stages, so that it is no side of `_new`.
    ways = ("speak", "one_pass", "stream")
    times: dict[str, list[float]] = {f"{way}{known}": [] for known in ("_new", "") for way in ways}
    for number in range(rounds):
        text = text_of(TEN_SECONDS[language], language, 3 * number)
        for known in ("_new", ""):
            for way in ways:
                if way == "one_pass":
                    synthesis.plan_windows = lambda frames, *_: [
                        Window(0, frames, 0, frames, 0, frames)
                    ]
                began = time.perf_counter()
                if way == "stream":
                    record(voice, text)
                else:
                    voice.speak(text)
                seconds = time.perf_counter() - began
                synthesis.plan_windows = windows
                times[way + known].append(seconds)
    costs = {
        f"{way}_over_{base}": statistics.median(
            other / one for other, one in zip(times[way], times[base], strict=True)
        )
        - 1
        for way, base in (
            ("speak", "one_pass"),
            ("stream", "one_pass"),
            ("stream", "speak"),
            ("stream_new", "one_pass_new"),
        )
    }
    return {name: statistics.median(several) for name, several in times.items()} | costs


def measure(voice: Any, options: argparse.Namespace) -> dict[str, Any]:
    language = voice.manifest.languages[0]
    for number in range(options.warm_up):
        record(voice, text_of(WARM_UP, language, -1 - number))
    record(voice, text_of(4 * WARM_UP, language, -1))
    cost = streaming_cost(voice, language, 2 * options.rounds)
    graphs = slow_down(voice)
    rows: list[dict[str, Any]] = []
    todo = [(times, length) for times in options.slow_down for length in options.lengths]
    for times, length in track(todo, "speaking", console=Console(stderr=True)):
        for graph in graphs:
            graph.times = times
        # The texts of one length begin with different sentences, and no two lengths with the same.
        first = len(rows) * options.rounds
        recordings = [
            record(voice, text_of(length, language, first + number))
            for number in range(options.rounds)
        ]
        rows.append(
            {
                "slower": times,
                "characters": length,
                "audio_s": statistics.mean(one.audio for one in recordings),
                "chunks": statistics.mean(len(one.works) for one in recordings),
                "first_sound_s": statistics.median(one.first_sound for one in recordings),
                "first_sound_worst_s": max(one.first_sound for one in recordings),
                "real_time_factor": statistics.median(one.real_time_factor for one in recordings),
                "underruns": silences(recordings, options.hold),
            }
        )
    return {
        "voice": options.config or options.voice,
        "decoder": voice.graphs()["decoder"].precision,
        "threads": options.threads,
        "rounds": options.rounds,
        "hold_s": None if math.isinf(options.hold) else options.hold,
        "streaming": cost,
        "rows": rows,
    }


def silences(recordings: list[Recording], hold: float) -> dict[str, float]:
    """Number and seconds of all underruns."""
    found = [one for recording in recordings for one in underruns(recording, hold)]
    return {"count": len(found), "seconds": sum(found)}


def show(result: dict[str, Any]) -> None:
    rows = result["rows"]
    hold = "" if result["hold_s"] is None else f", the player holds {result['hold_s']:g} s"
    threads = f", {result['threads']} threads" if result["threads"] else ""
    table = Table(
        *("slower", "characters", "audio", "chunks", "first sound", "worst", "real-time factor"),
        "underruns",
        title=f"{result['voice']}, decoder {result['decoder']}{threads}, "
        f"{result['rounds']} texts{hold}",
    )
    for row in rows:
        found = row["underruns"]
        table.add_row(
            f"{row['slower']:g} ×",
            f"{row['characters']:,}",
            f"{row['audio_s']:.1f} s",
            f"{row['chunks']:.1f}",
            f"{1000 * row['first_sound_s']:.0f} ms",
            f"{1000 * row['first_sound_worst_s']:.0f} ms",
            f"{row['real_time_factor']:.3f}",
            f"{found['count']}, {found['seconds']:.1f} s" if found["count"] else "0",
        )
    console = Console(width=130)
    console.print(table)
    cost = result["streaming"]
    console.print(
        f"Streaming costs {cost['stream_over_speak']:.1%} over `speak`; over one pass for each "
        f"sentence {cost['stream_new_over_one_pass_new']:.1%} where lengths are new, "
        f"{cost['stream_over_one_pass']:.1%} where they are known."
    )


def plot(result: dict[str, Any], path: Path) -> None:
    """First sound and real-time factor by length."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    sound, factors = figure.subplots(1, 2)
    for times in dict.fromkeys(row["slower"] for row in result["rows"]):
        rows = [row for row in result["rows"] if row["slower"] == times]
        characters = [row["characters"] for row in rows]
        label = "as measured" if times == 1 else f"{times:g} × slower"
        sound.plot(characters, [row["first_sound_s"] for row in rows], "o-", label=label)
        (line,) = factors.plot(
            characters, [row["real_time_factor"] for row in rows], "o-", label=label
        )
        dry = [row for row in rows if row["underruns"]["count"]]
        factors.plot(
            [row["characters"] for row in dry],
            [row["real_time_factor"] for row in dry],
            "x",
            markersize=12,
            color=line.get_color(),
        )
    sound.set(title="First sound", ylabel="s", ylim=(0, None))
    factors.set(title="Real-time factor (×: underruns)", ylim=(0, None))
    for axes in (sound, factors):
        axes.set(xlabel="characters of text", xscale="log")
        axes.grid(alpha=0.3)
        axes.legend()
    figure.suptitle(f"{result['voice']}, decoder in {result['decoder']}")
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--voice", default="joe", help="name or folder of a voice")
    which.add_argument("--config", choices=("2.3", "2.4"), help="a voice of full size instead")
    parser.add_argument("--lengths", type=int, nargs="+", default=LENGTHS, help="characters")
    parser.add_argument("--rounds", type=int, default=5, help="texts of each length")
    parser.add_argument("--warm-up", type=int, default=5, help="texts that aren't timed")
    parser.add_argument("--slow-down", type=float, nargs="+", default=(1.0,), help="factors")
    parser.add_argument("--precision", help="as `vinovits say` takes it")
    parser.add_argument("--threads", type=int, help="as `vinovits say` takes it")
    parser.add_argument("--hold", type=float, default=math.inf, help="seconds a player holds")
    parser.add_argument("--work", type=Path, help="keep voices of full size here")
    parser.add_argument("--json", type=Path, help="write the result here too")
    parser.add_argument("--plot", type=Path, help="draw it to this .svg or .png")
    options = parser.parse_args()
    if min(options.lengths) < 5 or options.rounds < 1:
        parser.error("--lengths are at least 5 characters, and --rounds at least 1.")
    if min(options.slow_down) < 1:
        parser.error("--slow-down is at least 1.")
    import vinovits

    with tempfile.TemporaryDirectory() as scratch:
        work = (options.work or Path(scratch)).absolute()
        if options.config:
            folders = prepare(options.config, work)
            os.environ["VINOVITS_FEATURES"] = str(work / "features")
            name, cache = folders["voice"], work / "cache"
        else:
            name, cache = options.voice, None
        voice = vinovits.load(
            name, precision=options.precision, threads=options.threads, cache_dir=cache
        )
        result = measure(voice, options)
    show(result)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if options.plot:
        plot(result, options.plot)


if __name__ == "__main__":
    main()
