"""How fast the built-in voice speaks, beside eager torch with the same weights in the same run.

    python bench/say.py [--checkpoint FOLDER] [--rounds 5] [--long] [--json FILE]

Measured, each in processes of their own that take turns: real-time factor and first sound on texts
of about 10 s, a new one in every call, as in use; load time with an empty cache of compiled graphs
and with a filled one; peak memory of `vinovits say`. Where the chip has bf16 instructions, the
decoder takes them by default; then all is measured with `precision="f32"` as well. Torch runs the
network of `vinovits.nets` eagerly, one sentence at a time and each in one pass, with weight norm
computed anew in every call, all as the released code does; the text and feature stages are ours,
which is generous to it.
`--long` adds the peak memory (resident set) of `vinovits say` for texts of 1,000 and 20,000 words
and how far they lie apart, which takes a while.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

RECORDED = Path(__file__).parent / "data" / "joe_recorded.json"
WARM_UP = 5
"""Texts that are spoken before any is timed."""
DEFAULT_CHECKPOINT = Path(__file__).parent.parent.parent / "shared" / "voices" / "joe-en"


def measure_openvino(rounds: int, precision: Any, cache: Path) -> dict[str, Any]:
    """In a process of its own: load and speak."""
    began = time.perf_counter()
    import vinovits

    voice = vinovits.load("joe", precision=precision, cache_dir=cache)
    loaded = time.perf_counter() - began
    runs = [voice.speak(text, pause=0).stats for text in texts(WARM_UP + rounds)]
    timed = runs[WARM_UP:]
    again = [voice.speak(texts(1)[0], pause=0).stats for _ in range(rounds)]
    return {
        "load_s": loaded,
        "decoder": voice.graphs()["decoder"].precision,
        "first_call_first_sound_s": runs[0].first_chunk_seconds,
        "audio_s": [stats.audio_seconds for stats in timed],
        "work_s": [stats.wall_seconds for stats in timed],
        "again_factors": [stats.real_time_factor for stats in again],
        "first_sounds_s": [stats.first_chunk_seconds for stats in timed],
    }


def measure_torch(rounds: int, folder: Path, cache: Path) -> dict[str, Any]:
    """In a process of its own: the same sentences and noise through eager torch."""
    import numpy as np
    import torch
    from eager import load_network

    import vinovits
    from vinovits.engine import synthesis
    from vinovits.nets.text_encoder import TextInputs
    from vinovits.nets.variants import VARIANTS
    from vinovits.text import english
    from vinovits.text.sequence import to_sequence

    voice = vinovits.load("joe", cache_dir=cache)
    defaults = voice.manifest.defaults
    variant = VARIANTS["2.3"]
    network = load_network(folder, "2.3")
    torch.set_num_threads(os.cpu_count() or 1)

    @torch.inference_mode()
    def speak(text: str) -> tuple[float, float, float]:
        began = time.perf_counter()
        first = samples = 0.0
        g = network.emb_g(torch.tensor([0])).unsqueeze(-1)
        for number, sentence in enumerate(english.read(text)):
            sequence = to_sequence(sentence, variant.table, voice.stages.pieces)
            features = {
                name: torch.from_numpy(rows)
                for name, rows in voice.stages.features(sequence).items()
            }
            rng = np.random.default_rng((0, number))
            steps = len(sequence.phones)
            noise = rng.standard_normal((1, 2, steps), np.float32) * np.float32(defaults.noise_w)
            words = TextInputs(
                torch.from_numpy(sequence.phones[None]),
                torch.from_numpy(sequence.tones[None]),
                torch.from_numpy(sequence.languages[None]),
                features,
                conditions={},
            )
            m_p, logs_p, sdp, dp = network.encode(
                words, torch.ones(1, 1, steps), g, torch.from_numpy(noise)
            )
            logw = synthesis.mix_durations(sdp.numpy(), dp.numpy(), defaults.sdp_ratio)
            frames = synthesis.frames_per_phone(logw, 1.0)
            prior = rng.standard_normal((1, m_p.shape[1], int(frames.sum())), np.float32)
            z_p = torch.from_numpy(
                synthesis.expand(m_p.numpy(), logs_p.numpy(), frames, prior, defaults.noise)
            )
            z = network.flow(z_p, torch.ones(1, 1, z_p.shape[2]), g, reverse=True)
            samples += network.dec(z, g).shape[-1]
            first = first or time.perf_counter() - began
        return time.perf_counter() - began, first, samples / voice.manifest.sampling_rate

    runs = [speak(text) for text in texts(WARM_UP + rounds)][WARM_UP:]
    again = [speak(texts(1)[0]) for _ in range(rounds)]
    return {
        "audio_s": [seconds for _, _, seconds in runs],
        "work_s": [wall for wall, _, _ in runs],
        "again_factors": [wall / seconds for wall, _, seconds in again],
        "first_sounds_s": [first for _, first, _ in runs],
    }


def texts(count: int) -> list[str]:
    """Different texts of about 10 s, from the recorded sentences: nobody hears one text twice."""
    cases = json.loads(RECORDED.read_text(encoding="utf-8"))["sentences"]
    sentences = [case["ref"] for case in cases]
    return [" ".join(sentences[3 * i % 60 : 3 * i % 60 + 3]) for i in range(count)]


def say_process(text: str, cache: Path, *options: str) -> dict[str, float]:
    """Run `vinovits say` once; returns its wall time and peak memory."""
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / "text.txt"
        source.write_text(text, encoding="utf-8")
        out = Path(scratch) / "out.wav"
        command = [sys.executable, "-m", "vinovits", "say", "--quiet", "--file", str(source)]
        began = time.perf_counter()
        process = subprocess.Popen(
            [*command, "--out", str(out), *options],
            env={**os.environ, "XDG_CACHE_HOME": str(cache)},
        )
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise SystemExit(f"vinovits say failed with status {status}.")
        return {"wall_s": time.perf_counter() - began, "peak_mb": usage.ru_maxrss / 1024}


def child(kind: str, *arguments: str) -> dict[str, Any]:
    """Run one of the measurements of this file in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--child", kind, *arguments],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def long_text(words: int) -> str:
    """A text of exactly that many words; no two sentences are alike."""
    subjects = [
        "river",
        "engine",
        "teacher",
        "harbour",
        "winter",
        "letter",
        "garden",
        "machine",
        "village",
        "story",
    ]
    verbs = [
        "carries",
        "follows",
        "answers",
        "remembers",
        "crosses",
        "measures",
        "opens",
        "returns",
    ]
    parts, count, number = [], 0, 0
    while count < words:
        number += 1
        sentence = (
            f"The {subjects[number % 10]} {verbs[number % 8]} {number} "
            f"{subjects[(number * 7) % 10]}s before the {subjects[(number // 3) % 10]} is ready."
        )
        parts.append(sentence)
        count += len(sentence.split())
    return " ".join(" ".join(parts).split()[:words])


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        cache = Path(scratch)
        graphs = str(cache / "vinovits" / "graphs")
        cold = child("openvino", str(arguments.rounds), "auto", graphs)
        ours, exact, theirs = [], [], []
        for _ in range(3):
            ours.append(child("openvino", str(arguments.rounds), "auto", graphs))
            if cold["decoder"] != "f32":
                exact.append(child("openvino", str(arguments.rounds), "f32", graphs))
            if arguments.checkpoint.is_dir():
                theirs.append(
                    child("torch", str(arguments.rounds), str(arguments.checkpoint), graphs)
                )
        result: dict[str, Any] = {
            "audio_s": statistics.mean(cold["audio_s"]),
            "load_cold_s": cold["load_s"],
            "load_warm_s": min(run["load_s"] for run in ours),
            "decoder": cold["decoder"],
            "openvino": _summary(ours),
            "openvino_f32": _summary(exact) if exact else None,
            "torch": _summary(theirs) if theirs else None,
            "say": say_process(texts(1)[0], cache),
            "say_without_features": say_process(texts(1)[0], cache, "--features", "none"),
        }
        for engine in ("openvino", "openvino_f32"):
            if theirs and result[engine]:
                result[engine] |= {
                    "times_faster_than_torch": result["torch"]["real_time_factor"]
                    / result[engine]["real_time_factor"],
                    "times_faster_same_text": result["torch"]["again_factor"]
                    / result[engine]["again_factor"],
                }
        if arguments.long:
            result["say_1000_words"] = say_process(long_text(1_000), cache)
            result["say_20000_words"] = say_process(long_text(20_000), cache)
            result["long_grows_mb"] = (
                result["say_20000_words"]["peak_mb"] - result["say_1000_words"]["peak_mb"]
            )
    return result


def _summary(runs: list[dict[str, Any]]) -> dict[str, float]:
    return {
        "real_time_factor": statistics.median(
            sum(run["work_s"]) / sum(run["audio_s"]) for run in runs
        ),
        "again_factor": statistics.median(f for run in runs for f in run["again_factors"]),
        "first_sound_s": statistics.median(f for run in runs for f in run["first_sounds_s"]),
    }


def show(result: dict[str, Any]) -> None:
    columns = {f"OpenVINO, decoder {result['decoder']}": result["openvino"]}
    if result["openvino_f32"]:
        columns["OpenVINO f32"] = result["openvino_f32"]
    if result["torch"]:
        columns["eager torch"] = result["torch"]
    table = Table("measured", *columns)
    for key, title, unit in (
        ("real_time_factor", f"real-time factor, text of {result['audio_s']:.1f} s", ""),
        ("again_factor", "the same, one text again and again", ""),
        ("first_sound_s", "first sound, warm", " s"),
        ("times_faster_than_torch", "times as fast as torch", ""),
        ("times_faster_same_text", "the same, one text again and again", ""),
    ):
        cells = [f"{found[key]:.3f}{unit}" if key in found else "" for found in columns.values()]
        table.add_row(title, *cells)
    table.add_row("import and load, empty cache", f"{result['load_cold_s']:.3f} s")
    table.add_row("import and load, filled cache", f"{result['load_warm_s']:.3f} s")
    for key, title in (
        ("say", "`vinovits say`"),
        ("say_without_features", "  --features none"),
        ("say_1000_words", "  1,000 words"),
        ("say_20000_words", "  20,000 words"),
    ):
        if key in result:
            found = result[key]
            table.add_row(title, f"{found['wall_s']:.1f} s, peak {found['peak_mb']:.0f} MB")
    if "long_grows_mb" in result:
        table.add_row("  peak of 20,000 - of 1,000", f"{result['long_grows_mb']:+.0f} MB")
    Console(width=110).print(table)


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        kind, rounds, *rest = sys.argv[2:]
        found = (
            measure_openvino(int(rounds), rest[0], Path(rest[1]))
            if kind == "openvino"
            else measure_torch(int(rounds), Path(rest[0]), Path(rest[1]))
        )
        print(json.dumps(found))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, default=DEFAULT_CHECKPOINT)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--json", type=Path, help="write the result here too")
    arguments = parser.parse_args()
    result = run(arguments)
    show(result)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
