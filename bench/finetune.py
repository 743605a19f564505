"""What a short training makes of a base: a voice that no recipe used, before and after.

    python bench/finetune.py CLIPS [--base joe] [--minutes 20] [--plain-minutes 2] [--threads N]
        [--set NAME=VALUE] [--work FOLDER] [--json FILE]

CLIPS is a folder of recordings with texts, as `vinovits prepare` takes it, or a set that it has
prepared. 15 minutes of a Kokoro voice are made by

    python recipes/kokoro/speak.py package/voices af_bella texts.tsv CLIPS --hours 0.27

`vinovits train` trains for `--minutes` with its defaults. Held-out clips are judged with the base
and with the best checkpoint: mel distance of the text spoken in the recording's rhythm (`aligned`)
and of the recording sent through the network (`copied`), and the cosine between resemblyzer's
embeddings of the freely spoken text and of the recordings. Beside it the same steps as the released
loop makes them: float32, discriminators of full width; for `--plain-minutes`, for their rate. Both
are bounded by the process's CPU time for each thread, so that what else runs on the machine
doesn't count. Exits with 1 unless `aligned` falls by 30 %.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from rich.console import Console
from rich.table import Table
from speech_distances import Voiceprint
from speech_metrics import resample
from training_sides import Side

from vinovits.train import run as training
from vinovits.train.session import train
from vinovits.train.step import Trainer
from vinovits.train.validation import validate

FALL = 0.3
"""Least share by which the mel distance falls."""
REFERENCES = 40
"""Clips whose mean is what the speaker is compared with."""
JUDGED = 16


def prepared(clips: Path, base: str, work: Path) -> Path:
    """The training set of a folder of recordings."""
    if (clips / "clips.jsonl").is_file():
        return clips
    # The base has the sampling rate and features of the built-in voice that it belongs to.
    command = [sys.executable, "-m", "vinovits", "prepare", str(clips), str(work / "data")]
    command += ["--base", base if not Path(base).exists() else "joe", "--no-mos"]
    subprocess.run([*command, "--validation", str(JUDGED)], check=True)
    return work / "data"


class Judged(Side):
    """Networks that are judged, or trained plainly, on one set of clips."""

    def judged(self, aim: Voiceprint) -> dict[str, float]:
        """Figures of the clips that are held out."""
        found = validate(
            self.networks.generator,
            self.loader,
            self.chosen.validation[:JUDGED],
            self.networks.config.spectrogram,
            torch.device("cpu"),
            self.settings.seed,
        )
        likeness = [
            aim.likeness(resample(one.spoken, one.sampling_rate))
            for one in found.clips
            if len(one.spoken) > one.sampling_rate // 2
        ]
        return {
            "aligned": found.aligned,
            "copied": found.copied,
            "speaker": float(np.mean(likeness)) if likeness else 0.0,
        }

    def aim(self) -> Voiceprint:
        """The speaker of the recordings that are learnt from."""
        rate = self.networks.config.spectrogram.sampling_rate
        waves = [self.loader.wave(clip) for clip in self.chosen.train[:REFERENCES]]
        return Voiceprint([resample(wave, rate) for wave in waves])

    def recorded(self, aim: Voiceprint) -> float:
        """Likeness of the recordings that are held out."""
        rate = self.networks.config.spectrogram.sampling_rate
        return float(
            np.mean(
                [
                    aim.likeness(resample(self.loader.wave(clip), rate))
                    for clip in self.chosen.validation[:JUDGED]
                ]
            )
        )

    def plain(self, seconds: float) -> dict[str, float]:
        """Steps in float32, one after the other; their rate."""
        trainer = Trainer(self.networks)
        trainer.set_rate(self.settings.learning_rate)
        began, steps = clock(), 0
        for clips in self.batches():
            batch = self.loader.batch(clips)
            trainer.step(batch, self.drawn(batch, steps), steps)
            steps += 1
            if clock() - began > seconds:
                break
        return {"steps": steps, "steps_per_second": steps / (clock() - began)}


def clock() -> float:
    """CPU seconds of this process for each thread of torch."""
    return time.process_time() / torch.get_num_threads()


def measure(options: argparse.Namespace, work: Path) -> dict[str, Any]:
    """Judge, train, judge again."""
    data = prepared(options.clips, options.base, work)
    given: dict[str, Any] = {"device": "cpu", "tensorboard": False, "minutes": options.minutes}
    # Judged at the end only, so that all of the time is training.
    given |= {"validate_every": 10**6, "save_every": 10**6, "base": options.base}
    given |= {name: yaml.safe_load(value) for name, _, value in options.changes}
    before = Judged(data, options.base, given)
    aim = before.aim()
    found: dict[str, Any] = {
        "minutes_of_speech": before.chosen.minutes,
        "clips": len(before.chosen.train),
        "held_out": len(before.chosen.validation),
        "threads": torch.get_num_threads(),
        "recorded_speaker": before.recorded(aim),
        "before": before.judged(aim),
    }
    began, wall = clock(), time.perf_counter()
    # Seconds of a training are those of the clock on the wall; here others may use the machine.
    training.time = _Clock()
    outcome = train(data, work / "run", given, convert=False, tell=print)
    found["training"] = {
        "steps": outcome.steps,
        "minutes": (clock() - began) / 60,
        "wall_minutes": (time.perf_counter() - wall) / 60,
        "steps_per_second": outcome.steps / (clock() - began),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    after = Judged(data, str(work / "run" / "best"), given)
    found["after"] = after.judged(aim)
    found["fall"] = 1 - found["after"]["aligned"] / found["before"]["aligned"]
    if options.plain_minutes:
        side = Judged(data, options.base, given | {"judge_width": 1.0})
        found["plain"] = side.plain(60 * options.plain_minutes)
        found["plain"]["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found["passes"] = found["fall"] >= FALL
    return found


class _Clock:
    """Stands in for the module `time` in the training."""

    @staticmethod
    def monotonic() -> float:
        return clock()


def show(found: dict[str, Any]) -> None:
    """Print a table."""
    table = Table(title=f"{found['clips']} clips, {found['minutes_of_speech']:.1f} minutes")
    for heading in ("", "before", "after"):
        table.add_column(heading, justify="right" if heading else "left")
    for name in ("aligned", "copied", "speaker"):
        table.add_row(name, f"{found['before'][name]:.3f}", f"{found['after'][name]:.3f}")
    console = Console()
    console.print(table)
    one = found["training"]
    console.print(
        f"{one['steps']} steps in {one['minutes']:.1f} minutes of {found['threads']} threads "
        f"({one['wall_minutes']:.1f} by the clock), {one['steps_per_second']:.2f} a second; peak "
        f"memory {one['peak_memory_mb']:.0f} MB. Held-out recordings are "
        f"{found['recorded_speaker']:.3f} like their speaker."
    )
    if plain := found.get("plain"):
        console.print(
            f"In float32 with discriminators of full width {plain['steps_per_second']:.3f} steps a "
            f"second, peak memory {plain['peak_memory_mb']:.0f} MB."
        )
    verdict = "falls" if found["passes"] else "fell only"
    console.print(f"The mel distance {verdict} by {found['fall']:.1%} (least: {FALL:.0%}).")


def _change(given: str) -> tuple[str, str, str]:
    return given.partition("=")


def main() -> int:
    """Parse the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--base", default="joe", help="a checkpoint, a folder with one, or a name")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--plain-minutes", type=float, default=2)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--set", dest="changes", action="append", type=_change, default=[])
    parser.add_argument("--work", type=Path, help="an empty folder for what is made; it is kept")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        work = options.work or Path(folder)
        work.mkdir(parents=True, exist_ok=True)
        found = measure(options, work)
    show(found)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    return 0 if found["passes"] else 1


if __name__ == "__main__":
    sys.exit(main())
