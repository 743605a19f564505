"""What the recipes share: networks, files, averages, distances of waves, making voice folders."""

from __future__ import annotations

import json
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

import torch
import yaml
from torch import Tensor, nn

from vinovits.convert.voice import convert_checkpoint
from vinovits.nets.checkpoint import load_checkpoint
from vinovits.nets.config import ModelConfig
from vinovits.nets.synthesizer import Synthesizer
from vinovits.nets.variants import VARIANTS
from vinovits.output.atomic import atomic_file
from vinovits.train.spectrogram import SpectrogramSizes, linear_spectrogram, log_mel
from vinovits.voices.manifest import Card

VARIANT = VARIANTS["2.3"]
BANDS = {512: 60, 1024: 80, 2048: 120}
"""Mel bins of the spectrograms that are compared, by the size of the transform."""
SAVE_SECONDS = 300


class Run(Protocol):
    """A training as far as it is."""

    steps: int
    seconds: float
    """Of CPU that its steps took."""
    chosen: dict[str, Any]
    """Settings, among them `check_every`."""

    def step(self, z: Tensor, wave: Tensor) -> dict[str, float]:
        """Learn from a batch of latents and samples; the losses by name."""

    def state(self) -> dict[str, Any]:
        """All that it takes to go on."""


def settings(path: Path) -> dict[str, Any]:
    """A recipe's settings, of a YAML file."""
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def load_network(folder: Path) -> Synthesizer:
    """The generator of a folder's G_0.pth and config.json, in evaluation mode."""
    config = ModelConfig.from_file(folder / "config.json", VARIANT)
    return load_checkpoint(folder / "G_0.pth", config, VARIANT)


def speaker_of(network: Synthesizer) -> Tensor:
    """The vector (1, gin, 1) of the only speaker."""
    return network.emb_g.weight.detach()[:1].unsqueeze(-1)


def sizes_of(config: ModelConfig) -> SpectrogramSizes:
    """The spectrogram that a network reads, with 80 mel bins for the loss."""
    return SpectrogramSizes(
        config.sampling_rate, config.filter_length, config.hop_length, config.win_length, 80
    )


def mel_distance(found: Tensor, aim: Tensor, rate: int) -> Tensor:
    """Mean absolute difference of log mel spectrograms at several resolutions, of waves (B, N)."""
    total = torch.zeros(())
    for size, bands in BANDS.items():
        sizes = SpectrogramSizes(rate, size, size // 4, size, bands)
        made = log_mel(linear_spectrogram(found, sizes), sizes)
        with torch.no_grad():
            wanted = log_mel(linear_spectrogram(aim, sizes), sizes)
        total = total + (made - wanted).abs().mean()
    return total / len(BANDS)


class InFloat32(nn.Module):
    """A decoder's last layer under autocast: in bfloat16 the samples would have 8 bits."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """As the layer does it."""
        with torch.autocast("cpu", enabled=False):
            found: Tensor = self.layer(x.float())
        return found


def has_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 by itself, so that it is worth it."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def averaged(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Move the weights of `average` a little towards those of `network`."""
    with torch.no_grad():
        for kept, new in zip(average.parameters(), network.parameters(), strict=True):
            kept.lerp_(new, 1 - decay)


def train(
    run: Run, draw: Callable[[], tuple[Tensor, Tensor]], path: Path, steps: int
) -> Iterator[dict[str, float]]:
    """Go on to `steps` steps, or until SIGTERM; the state is written every five minutes and then.

    Args:
        run: Is changed.
        draw: Makes a batch.
        path: Of the state.
        steps: In all.

    Yields:
        Mean losses, as often as the settings want checks.
    """
    stopped: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        stopped.append(number)

    signal.signal(signal.SIGTERM, stop)
    sums: dict[str, float] = {}
    saved = time.monotonic()
    while run.steps < steps and not stopped:
        start = time.process_time()
        for name, value in run.step(*draw()).items():
            sums[name] = sums.get(name, 0.0) + value / run.chosen["check_every"]
        run.seconds += time.process_time() - start
        if run.steps % run.chosen["check_every"] == 0:
            yield sums
            sums = {}
        if time.monotonic() - saved > SAVE_SECONDS:
            save(run.state(), path)
            saved = time.monotonic()
    save(run.state(), path)


def save(thing: Any, path: Path) -> None:
    """Write by torch, whole or not at all."""
    with atomic_file(path) as part:
        torch.save(thing, part)


def make_voice(source: Path, out: Path, card: Path, **options: Any) -> None:
    """Convert a checkpoint into a voice folder, replacing it, and print how far it is from torch.

    Args:
        source: A folder with G_0.pth and config.json.
        out: The voice's folder.
        card: A JSON file with the voice's `Card`.
        **options: Of `convert_checkpoint`.
    """
    shutil.rmtree(out, ignore_errors=True)
    conversion = convert_checkpoint(
        source / "G_0.pth",
        source / "config.json",
        out,
        precision="f16",
        card=Card(**json.loads(card.read_text(encoding="utf-8"))),
        **options,
    )
    for found in conversion.differences:
        print(f"{found.stage:9} {found.relative:.1e} of its peak from torch")
