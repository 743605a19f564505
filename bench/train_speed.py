"""How fast `vinovits train` makes its steps, and where their time goes.

    python bench/train_speed.py [--base joe] [--data FOLDER] [--batch 4] [--judge-width 0.25]
        [--precision f32,bf16] [--threads N] [--seconds 15] [--json FILE]

Steps of the real training are timed first, after two that aren't counted; their parts then each by
itself, forward and backward, on the shapes of one of these steps, so that the parts add up to the
step but for rounding and caches. BASE is a base as `vinovits train` takes it, `joe` without one.
DATA is a prepared set; without one, clips of noise with made-up phones, of 2 to 7 s. `--seconds`
bounds the timing of each precision. CPU seconds are shown beside those of the clock: where they are
less than `threads` times as many, something else ran on the machine, or threads waited.
"""

from __future__ import annotations

import argparse
import copy
import json
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor
from training_sides import Side

from vinovits.train.base import open_base
from vinovits.train.building import in_bf16
from vinovits.train.dataset import Clip, Facts, write_data
from vinovits.train.generator import Batch, generate, length_mask
from vinovits.train.losses import discriminator_parts, feature_distances
from vinovits.train.segments import cut
from vinovits.train.spectrogram import linear_spectrogram, log_mel
from vinovits.train.step import Segments, Trainer

COUNTED_FROM = 2
"""Steps before were warming up."""


@dataclass(frozen=True, slots=True)
class Timed:
    """One part of a step."""

    part: str
    forward: float
    """Seconds, the median of several times."""
    both: float
    """Seconds of forward and backward."""
    times: int
    """How often a step does it."""

    @property
    def total(self) -> float:
        """Seconds of a step."""
        return self.times * self.both


def noise_clips(folder: Path, rate: int, count: int = 16, seed: int = 0) -> None:
    """Write a prepared set of noise, of the lengths that clips of speech have."""
    rng = np.random.default_rng(seed)
    clips = []
    for number, seconds in enumerate(np.linspace(2.0, 7.0, count)):
        phones = ("_", *rng.choice(["ah", "t", "n", "s", "ih", "l"], int(12 * seconds)), "_")
        name = f"{number}.wav"
        soundfile.write(folder / name, 0.1 * rng.standard_normal(int(seconds * rate)), rate)
        clips.append(
            Clip(
                path=name,
                speaker="noise",
                language="en",
                text="Noise.",
                phones=tuple(str(phone) for phone in phones),
                tones=(0,) * len(phones),
                word2ph=(1,) * len(phones),
            )
        )
    write_data(folder, Facts(rate, family="2.3"), clips)


class Bench(Side):
    """A training whose steps are timed."""

    def steps(self, bf16: bool, seconds: float) -> dict[str, float]:
        """Seconds of whole steps and of the reading of their clips, by the clock and the CPU."""
        trainer = Trainer(self.networks, bf16=bf16)
        trainer.set_rate(1e-6)
        clock, work, read = [], [], []
        until = time.perf_counter() + seconds
        for number, clips in enumerate(self.batches()):
            began = time.perf_counter()
            batch = self.loader.batch(clips)
            read.append(time.perf_counter() - began)
            draws = self.drawn(batch, number)
            began, worked = time.perf_counter(), time.process_time()
            trainer.step(batch, draws, number)
            clock.append(time.perf_counter() - began)
            work.append(time.process_time() - worked)
            if number > COUNTED_FROM and time.perf_counter() > until:
                break
        kept = slice(COUNTED_FROM, None)
        step = statistics.fmean(clock[kept])
        return {
            "steps_per_second": 1 / step,
            "step": step,
            "cpu_of_step": statistics.fmean(work[kept]),
            "steps": len(clock[kept]),
            "read": statistics.fmean(read[kept]),
        }

    def parts(self, bf16: bool, seconds: float) -> list[Timed]:
        """Each part by itself, on a batch of the middle."""
        middle = sorted(self.chosen.train, key=lambda clip: clip.seconds)
        half = len(middle) // 2
        batch = self.loader.batch(middle[half : half + self.settings.batch_size])
        found = []
        works = self._works(batch)
        for name, (forward, times) in works.items():
            found.append(_timed(name, forward, times, bf16, seconds / (len(works) + 1)))
        trainer = Trainer(self.networks)
        trainer.set_rate(1e-9)
        for parameter in (p for _, network in trainer.parts() for p in network.parameters()):
            parameter.grad = torch.zeros_like(parameter)

        def optimise() -> list[Tensor]:
            for optimiser in trainer.optimisers.values():
                optimiser.step()
            return []

        found.append(_timed("optimisers", optimise, 1, False, seconds / (len(works) + 1)))
        return found

    def _works(self, batch: Batch) -> dict[str, tuple[Callable[[], list[Tensor]], int]]:
        """What gives the outputs whose gradients are taken, and how often a step does it."""
        networks, config = self.networks, self.networks.config
        network, sizes = networks.generator, config.spectrogram
        frames, draws = config.segment_frames, self.drawn(batch, 0)
        with torch.no_grad():
            made = generate(network, batch, draws, networks.recipe, frames)
            pieces = Segments.of(batch, made, config)
        spectrograms = batch.spectrograms
        mask = length_mask(batch.frame_counts, spectrograms.shape[2], spectrograms)
        text_mask, g = made.text_mask, made.g
        z = cut(made.z, made.starts, frames)
        durations = made.path.sum(1, keepdim=True)
        shown = pieces.generated.detach().requires_grad_()

        def rhythm() -> list[Tensor]:
            regressed = network.dp(made.hidden, text_mask, g)
            nll = network.sdp.nll(made.hidden, text_mask, g, durations, draws.durations)
            if draws.sampled_durations is None:
                return [regressed, nll]
            return [
                regressed, nll, network.sdp(made.hidden, text_mask, g, draws.sampled_durations)
            ]  # fmt: skip

        def align() -> list[Tensor]:
            from vinovits.train.alignment import log_likelihood, search

            with torch.no_grad():
                scores = log_likelihood(made.z_p, made.text_m, made.text_logs)
                search(scores, batch.frame_counts, batch.phone_counts)
            return []

        def mel() -> list[Tensor]:
            wave = shown.squeeze(1)
            return [log_mel(linear_spectrogram(wave, sizes), sizes)]

        works: dict[str, tuple[Callable[[], list[Tensor]], int]] = {
            "text encoder": (lambda: list(network.enc_p(batch.text, text_mask, g)), 1),
            "posterior encoder": (
                lambda: list(network.enc_q(spectrograms, mask, g, draws.posterior)),
                1,
            ),
            "flow": (lambda: [network.flow(made.z, mask, g)], 1),
            "alignment": (align, 1),
            "durations": (rhythm, 1),
            "decoder": (lambda: [network.dec(z, g)], 1),
            "mel spectrogram": (mel, 1),
        }
        for judge in networks.waves.discriminators:
            name = f"judge of period {judge.period}" if hasattr(judge, "period") else "judge"
            works[f"{name}, its own step"] = (_judging(judge, pieces), 1)
            works[f"{name}, for the generator"] = (_judged(judge, pieces, shown), 1)
        return works


def _judging(judge: torch.nn.Module, pieces: Segments) -> Callable[[], list[Tensor]]:
    def work() -> list[Tensor]:
        real, fake = judge(pieces.wave), judge(pieces.generated)
        return [sum(part.sum() for part in discriminator_parts([real.logits], [fake.logits]))]

    return work


def _judged(judge: torch.nn.Module, pieces: Segments, shown: Tensor) -> Callable[[], list[Tensor]]:
    own = list(judge.parameters())

    def work() -> list[Tensor]:
        for parameter in own:
            parameter.requires_grad_(False)
        with torch.no_grad():
            real = judge(pieces.wave)
        fake = judge(shown)
        for parameter in own:
            parameter.requires_grad_(True)
        return [feature_distances(real.maps, fake.maps).sum() + fake.logits.float().mean()]

    return work


def _timed(
    part: str, forward: Callable[[], list[Tensor]], times: int, bf16: bool, seconds: float
) -> Timed:
    """Median seconds of a part, forward alone and with backward, in turns."""
    alone, both = [], []
    until = time.perf_counter() + seconds
    while len(both) < 3 or (time.perf_counter() < until and len(both) < 50):
        began = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            outputs = [one for one in forward() if isinstance(one, Tensor) and one.requires_grad]
        middle = time.perf_counter()
        if outputs:
            torch.autograd.backward(outputs, [torch.ones_like(one) for one in outputs])
        alone.append(middle - began)
        both.append(time.perf_counter() - began)
    return Timed(part, statistics.median(alone[1:]), statistics.median(both[1:]), times)


def measure(options: argparse.Namespace, data: Path) -> dict[str, Any]:
    """Steps and parts by precision."""
    found: dict[str, Any] = {
        "threads": torch.get_num_threads(),
        "chip_has_bf16": in_bf16("auto", torch.device("cpu")),
        "batch": options.batch,
        "judge_width": options.judge_width,
        "by_precision": {},
    }
    given = {
        "batch_size": options.batch,
        "judge_width": options.judge_width,
        "without_features": True,
        "device": "cpu",
        "seed": 0,
    }
    bench = Bench(data, options.base, given)
    before = copy.deepcopy(bench.networks)
    for precision in options.precision.split(","):
        bench.networks = copy.deepcopy(before)
        bf16 = in_bf16(precision, torch.device("cpu"))
        steps = bench.steps(bf16, options.seconds / 2)
        parts = bench.parts(bf16, options.seconds / 2)
        found["by_precision"][precision] = {
            **steps,
            "parts": [{**asdict(part), "total": part.total} for part in parts],
            "parts_in_all": sum(part.total for part in parts),
        }
    found["memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return found


def show(found: dict[str, Any]) -> None:
    """Print tables."""
    console = Console()
    for precision, one in found["by_precision"].items():
        table = Table(title=f"{precision}, {found['threads']} threads, batch of {found['batch']}")
        for heading in ("part", "forward, s", "and backward, s", "share"):
            table.add_column(heading, justify="left" if heading == "part" else "right")
        for part in sorted(one["parts"], key=lambda part: -part["total"]):
            share = part["total"] / one["parts_in_all"]
            table.add_row(
                part["part"], f"{part['forward']:.3f}", f"{part['both']:.3f}", f"{share:.0%}"
            )
        table.add_row("all parts", "", f"{one['parts_in_all']:.3f}", "")
        console.print(table)
        console.print(
            f"{one['steps_per_second']:.2f} steps a second: {one['step']:.2f} s each "
            f"({one['cpu_of_step']:.2f} s of CPU), mean of {one['steps']}; reading the clips of "
            f"one, which threads do meanwhile, {one['read']:.2f} s"
        )
    console.print(f"Peak memory {found['memory_mb']:.0f} MB")


def main() -> None:
    """Parse the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--base", default="joe", help="a checkpoint, a folder with one, or the name of a base"
    )
    parser.add_argument("--data", type=Path, help="a prepared set")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--judge-width", type=float, default=0.25)
    parser.add_argument("--precision", default="f32,bf16", help="of f32, bf16 and auto")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--seconds", type=float, default=15, help="for each precision")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        data = options.data
        if data is None:
            data = Path(folder)
            noise_clips(data, open_base(options.base, None).config["data"]["sampling_rate"])
        found = measure(options, data)
    show(found)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
