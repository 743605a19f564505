"""What each precision costs and gives: speed, distance to float32, and how well it is understood.

    pip install nncf  # for the rows of int8 decoders; without it they are left out
    python bench/precision.py [--voice joe] [--n 12] [--speak 20] [--no-listening] [--no-int8]
                              [--json FILE] [--plot FILE.svg]

Each row is a precision as `--precision` of `vinovits say` takes it; all speak the same sentences of
bench/data/joe_recorded.json with the same seed, in one process, taking turns sentence by sentence.
Speed is the median over sentences of milliseconds for a second of audio, of each stage and of all
of them together. The distance is to the row "f32": the signal-to-noise ratio, where the row
moves no duration, and the root mean square difference of log-mel spectra (80 bands, 20 ms every
10 ms, natural logarithm; frames below -60 dB of the loudest are left out), after the shorter of the
two where durations moved. Word error rate and DNSMOS are as in bench/quality.py, on the first
`--speak` sentences.

The rows of int8 decoders are made by NNCF's quantisation after training, calibrated with latents of
other sentences: "int8" as NNCF has it by default (symmetric activations, fast bias correction),
"int8 mixed" with asymmetric activations, and what is sensitive (the first and the last convolution
and the transposed ones) left in float; "int8 accuracy-aware" lets NNCF take layers back to float
until the log-mel distance is at most `--drop`. They are no precision of vinovits.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table
from texts import english

Array = NDArray[np.float32]

REFERENCE = "f32"
ROWS = {
    REFERENCE: "decoder=f32,features=f32",
    "bf16": "decoder=bf16,features=f32",
    "f16": "decoder=f16,features=f32",
    "int8-features": "decoder=f32,features=int8",
    "flow in bf16": "decoder=f32,flow=bf16,features=f32",
    "encoder in bf16": "decoder=f32,encoder=bf16,features=f32",
    "all in bf16": "encoder=bf16,flow=bf16,decoder=bf16,features=bf16",
}
CALIBRATION = 40
"""Sentences that int8 decoders are calibrated with; others than those that are measured."""


@dataclass(slots=True)
class Side:
    """A voice in one precision."""

    voice: Any
    note: str = ""


def voices(options: argparse.Namespace, cache: Path) -> dict[str, Side]:
    """A voice for each row; rows that the chip can't compute are left out and told."""
    import vinovits

    found: dict[str, Side] = {}
    for name, precision in ROWS.items():
        if options.rows and name not in (REFERENCE, *options.rows):
            continue
        try:
            voice = vinovits.load(options.voice, precision=precision, cache_dir=cache)
        except vinovits.DeviceError as error:
            print(f"{name}: {error}", file=sys.stderr)
            continue
        found[name] = Side(voice)
    return found


class Latents:
    """A decoder that keeps what it is asked for."""

    def __init__(self, graph: Any) -> None:
        self._graph, self.inputs, self.static = graph, graph.inputs, graph.static
        self.info = graph.info
        self.seen: list[dict[str, Any]] = []

    def __call__(self, **inputs: Any) -> Any:
        self.seen.append({name: array.copy() for name, array in inputs.items()})
        return self._graph(**inputs)


def calibration(voice: Any, sentences: list[str]) -> list[dict[str, Any]]:
    """What the decoder of a voice is given for sentences."""
    graphs = voice.stages.graphs
    plain = graphs["decoder"]
    graphs["decoder"] = recorder = Latents(plain)
    try:
        for sentence in sentences:
            voice.speak(sentence)
    finally:
        graphs["decoder"] = plain
    return recorder.seen


def int8_decoders(
    options: argparse.Namespace, side: Side, sentences: list[str]
) -> dict[str, Callable[[], Any]]:
    """What makes a quantised decoder, by the name of its row."""
    # It reports how it is used; not from here.
    sys.modules["openvino_telemetry"] = None
    import nncf

    from vinovits.devices import core

    seen = calibration(side.voice, sentences)
    path = side.voice.folder / "decoder.xml"
    dataset = nncf.Dataset(seen)
    exact = core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    expected = [exact(one)["audio"][0, 0].copy() for one in seen[:12]]

    def sensitive() -> Any:
        model = core().read_model(path)
        convolutions = [
            node.get_friendly_name()
            for node in model.get_ordered_ops()
            if node.get_type_name() in ("Convolution", "GroupConvolution")
        ]
        transposed = [
            node.get_friendly_name()
            for node in model.get_ordered_ops()
            if "BackpropData" in node.get_type_name()
        ]
        return nncf.IgnoredScope(
            names=[*dict.fromkeys([convolutions[0], convolutions[-1], *transposed])]
        )

    def plain() -> Any:
        return nncf.quantize(core().read_model(path), dataset, subset_size=len(seen))

    def mixed() -> Any:
        return nncf.quantize(
            core().read_model(path),
            dataset,
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(seen),
            fast_bias_correction=False,
            ignored_scope=sensitive(),
        )

    def distance(compiled: Any, _: Any) -> tuple[float, None]:
        apart = [
            mel_distance(wave, compiled(one)["audio"][0, 0], side.voice.manifest.sampling_rate)
            for one, wave in zip(seen, expected, strict=False)
        ]
        return 10.0 - statistics.mean(apart), None  # a metric that is 0 is divided by

    def aware() -> Any:
        return nncf.quantize_with_accuracy_control(
            core().read_model(path),
            calibration_dataset=dataset,
            validation_dataset=nncf.Dataset([None]),
            validation_fn=distance,
            max_drop=options.drop,
            subset_size=len(seen),
        )

    return {"int8": plain, "int8 mixed": mixed, "int8 accuracy-aware": aware}


def add_int8(options: argparse.Namespace, sides: dict[str, Side], cache: Path) -> None:
    """Voices whose decoder is in int8."""
    import vinovits
    from vinovits.devices import core
    from vinovits.graphs import Graph

    makers = int8_decoders(options, sides[REFERENCE], english()[-CALIBRATION:])
    for name in options.int8 or makers:
        began = time.perf_counter()
        try:
            model = makers[name]()
        except Exception as error:  # what NNCF raises is its own affair
            print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
            continue
        kinds = [node.get_type_name() for node in model.get_ordered_ops()]
        voice = vinovits.load(options.voice, precision=ROWS[REFERENCE], cache_dir=cache)
        hints = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
        compiled = core().compile_model(model, "CPU", hints)
        voice.stages.graphs["decoder"] = Graph(compiled, "decoder", "CPU")
        note = (
            f"{kinds.count('FakeQuantize')} quantisers, made in {time.perf_counter() - began:.0f} s"
        )
        sides[name] = Side(voice, note)
        print(f"{name}: {note}", file=sys.stderr)


def log_mel(samples: Array, rate: int) -> NDArray[np.float64]:
    """Natural logarithms of mel energies (frames, 80)."""
    size, hop, bands = round(0.02 * rate), round(0.01 * rate), 80
    frames = np.lib.stride_tricks.sliding_window_view(
        np.pad(samples.astype(np.float64), size // 2), size
    )
    power = np.abs(np.fft.rfft(frames[::hop] * np.hanning(size), axis=1)) ** 2
    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + rate / 1400), bands + 2) / 2595) - 1)
    bins = np.fft.rfftfreq(size, 1 / rate)
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    energies = power @ np.maximum(0, np.minimum(rising, falling)).T
    return np.log(np.maximum(energies, 1e-9))


def mel_distance(exact: Array, other: Array, rate: int) -> float:
    """Root mean square difference of log-mel spectra where there is sound."""
    least = min(len(exact), len(other))
    one, two = log_mel(exact[:least], rate), log_mel(other[:least], rate)
    level = one.max(axis=1)
    loud = level > level.max() - 6 * np.log(10)
    return float(np.sqrt(np.square(one[loud] - two[loud]).mean()))


def decibels(exact: Array, other: Array) -> float:
    noise = np.square(exact.astype(np.float64) - other).sum()
    return float(10 * np.log10(np.square(exact, dtype=np.float64).sum() / max(noise, 1e-20)))


def measure(options: argparse.Namespace, sides: dict[str, Side]) -> list[dict[str, Any]]:
    """Speed and distance of every row."""
    sentences = english()[: options.n]
    for side in sides.values():
        for _ in range(2):
            side.voice.speak(sentences[0])
    audios: dict[str, list[Any]] = {name: [] for name in sides}
    for sentence in track(sentences, "speaking", console=Console(stderr=True)):
        for name, side in sides.items():
            side.voice.speak(sentence)  # its lengths are new
            for model in side.voice.stages._bert.values():
                model._results.clear()
            audios[name].append(side.voice.speak(sentence))
    rows = []
    for name, several in audios.items():
        same = [
            decibels(exact.samples, audio.samples)
            for exact, audio in zip(audios[REFERENCE], several, strict=True)
            if len(exact.samples) == len(audio.samples)
        ]
        rate = several[0].sampling_rate
        apart = [
            mel_distance(exact.samples, audio.samples, rate)
            for exact, audio in zip(audios[REFERENCE], several, strict=True)
        ]
        stages = {
            stage: 1000
            * statistics.median(audio.stats.stages[stage] / audio.seconds for audio in several)
            for stage in ("features", "encode", "flow", "decode")
        }
        rows.append(
            {
                "precision": name,
                "note": sides[name].note,
                "ms_per_second": stages,
                "ms": sum(stages.values()),
                "moved": len(several) - len(same),
                "snr_db": statistics.median(same) if same else None,
                "mel_distance": statistics.mean(apart),
            }
        )
    return rows


def listen(options: argparse.Namespace, sides: dict[str, Side], rows: list[dict[str, Any]]) -> None:
    from quality import measure as judge

    for row in rows:
        found = judge(sides[row["precision"]].voice, english()[: options.speak], {"seed": 0})
        row |= {name: found[name] for name in ("wer", "errors", "words", "dnsmos")}


def show(result: dict[str, Any]) -> None:
    table = Table(
        "precision", "ms for 1 s", "features", "encode", "flow", "decode", "SNR", "log-mel", "moved"
    )
    table.add_column("word errors")
    table.add_column("DNSMOS")
    for row in result["rows"]:
        stages = row["ms_per_second"]
        reference = row["precision"] == REFERENCE
        snr = "" if reference or row["snr_db"] is None else f"{row['snr_db']:.1f} dB"
        table.add_row(
            row["precision"],
            f"{row['ms']:.1f}",
            *(f"{stages[name]:.1f}" for name in ("features", "encode", "flow", "decode")),
            snr,
            "" if reference else f"{row['mel_distance']:.3f}",
            str(row["moved"]),
            f"{row['wer']:.2%}" if "wer" in row else "",
            f"{row['dnsmos']['ovrl']:.3f}" if "dnsmos" in row else "",
        )
    Console(width=130).print(table)


def plot(result: dict[str, Any], path: Path) -> None:
    """Time against distance."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for row in result["rows"]:
        axes.plot(row["ms"], row["mel_distance"], "o")
        axes.annotate(
            row["precision"],
            (row["ms"], row["mel_distance"]),
            textcoords="offset points",
            xytext=(6, 4),
        )
    axes.set(xlabel="ms for a second of audio", ylabel="log-mel distance to f32", xlim=(0, None))
    axes.margins(x=0.2)
    axes.grid(alpha=0.3)
    figure.suptitle(result["voice"])
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--voice", default="joe", help="name or folder of an English voice")
    parser.add_argument("--n", type=int, default=12, help="sentences that are timed and compared")
    parser.add_argument("--speak", type=int, default=20, help="sentences that are listened to")
    parser.add_argument("--no-listening", action="store_true", help="leave WER and DNSMOS out")
    parser.add_argument("--no-int8", action="store_true", help="leave int8 decoders out")
    parser.add_argument("--rows", nargs="+", choices=list(ROWS), help="only these, and f32")
    parser.add_argument("--int8", nargs="*", help="only these rows of int8 decoders")
    parser.add_argument("--drop", type=float, default=0.3, help="of the accuracy-aware row")
    parser.add_argument("--json", type=Path, help="write the result here too")
    parser.add_argument("--plot", type=Path, help="draw it to this .svg or .png")
    options = parser.parse_args()
    if options.n < 1 or options.speak < 1:
        parser.error("--n and --speak are at least 1.")
    with tempfile.TemporaryDirectory() as scratch:
        cache = Path(scratch)
        sides = voices(options, cache)
        if not options.no_int8:
            if find_spec("nncf") is None:
                print("int8 decoders are left out: they need `pip install nncf`.", file=sys.stderr)
            else:
                add_int8(options, sides, cache)
        rows = measure(options, sides)
        if not options.no_listening:
            listen(options, sides, rows)
    result = {"voice": options.voice, "sentences": options.n, "heard": options.speak, "rows": rows}
    show(result)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if options.plot:
        plot(result, options.plot)


if __name__ == "__main__":
    main()
