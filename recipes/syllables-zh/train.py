"""Train the recogniser of Mandarin syllables that bench/quality_zh.py listens with.

    python recipes/syllables-zh/train.py OUT FOLDER... [--epochs 60]

Each FOLDER has clips and list.txt (`file|voice|ZH|text`), as recipes/kokoro/speak.py writes them.
Every 20th clip of each folder is held out. OUT is the recogniser; beside it, OUT.json has the share
of wrong syllables on what was held out, by voice, and OUT.state what the next call takes up. All
are written every five epochs.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))
from pieces import has_bfloat16, save
from syllables import (
    RATE,
    Labels,
    SyllableListener,
    SyllableNetwork,
    heard_as,
    known,
    syllables,
)

from vinovits.edit_distance import edit_distance

SIZES = {"width": 192, "blocks": 6, "size": 17}
BATCH_FRAMES = 6000
RATE_AT_MOST = 2e-3
HELD_OUT = 20
SPEEDS = (0.92, 1.0, 1.0, 1.1)
"""Factors at which an epoch hears its clips: pitch and tempo change together."""


def wave_of(path: Path, speed: float = 1.0) -> NDArray[np.float32]:
    """Samples at 16 kHz, played at another speed."""
    samples, own = soundfile.read(path, dtype="float32")
    made: NDArray[np.float32] = soxr.resample(samples, own * speed, RATE)
    return made


def masked(mel: Tensor) -> Tensor:
    """SpecAugment (https://arxiv.org/abs/1904.08779): some bands and some moments are missing."""
    mel = mel + 0.1 * torch.randn_like(mel) * torch.rand(())
    for _ in range(2):
        width = random.randrange(12)
        low = random.randrange(mel.shape[0] - width)
        mel[low : low + width] = 0
        width = min(random.randrange(12), mel.shape[1] - 1)
        low = random.randrange(mel.shape[1] - width)
        mel[:, low : low + width] = 0
    return mel


def batches(items: list[tuple[Tensor, Tensor]]) -> list[list[tuple[Tensor, Tensor]]]:
    """Items of similar length together, in random order."""
    items = sorted(items, key=lambda item: item[0].shape[1] * random.uniform(0.9, 1.1))
    found: list[list[tuple[Tensor, Tensor]]] = [[]]
    for item in items:
        if item[0].shape[1] * (len(found[-1]) + 1) > BATCH_FRAMES and found[-1]:
            found.append([])
        found[-1].append(item)
    random.shuffle(found)
    return found


def loss_of(network: SyllableNetwork, batch: list[tuple[Tensor, Tensor]]) -> Tensor:
    """CTC loss of a label."""
    frames = torch.tensor([mel.shape[1] for mel, _ in batch])
    padded = torch.zeros(len(batch), batch[0][0].shape[0], int(frames.max()))
    for row, (mel, _) in enumerate(batch):
        padded[row, :, : mel.shape[1]] = masked(mel.clone())
    with torch.autocast("cpu", torch.bfloat16, enabled=has_bfloat16()):
        scores, counts = network(padded, frames)
    wanted = torch.cat([labels for _, labels in batch])
    lengths = torch.tensor([len(labels) for _, labels in batch])
    return F.ctc_loss(scores.float().transpose(0, 1), wanted, counts, lengths, zero_infinity=True)


def main() -> None:
    """Parse the command line, train, and tell how well it hears."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--epochs", type=int, default=60)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    random.seed(0)
    train: list[tuple[Path, str]] = []
    held: list[tuple[str, Path, str]] = []
    for folder in options.folders:
        for row, line in enumerate((folder / "list.txt").read_text("utf-8").splitlines()):
            file, voice, _, text = line.split("|")
            if row % HELD_OUT:
                train.append((folder / file, text))
            else:
                held.append((voice, folder / file, text))
    said = [syllables(text) for _, text in train]
    labels = Labels.of(said)
    wanted = [torch.tensor(labels.numbered(one)) for one in said]
    print(f"{len(train)} clips, {sum(map(len, said))} syllables, {len(labels.names)} labels")
    features = {
        speed: [heard_as(wave_of(path, speed)) for path, _ in train] for speed in set(SPEEDS)
    }
    network = SyllableNetwork(len(labels.names) + 1, **SIZES, dropout=0.1)
    optimiser = torch.optim.AdamW(network.parameters(), RATE_AT_MOST, weight_decay=0.02)
    state = options.out.with_suffix(".state")
    first = 0
    if state.exists():
        found = torch.load(state, weights_only=True)
        network.load_state_dict(found["network"])
        optimiser.load_state_dict(found["optimiser"])
        first = found["epochs"]
    started = time.process_time()
    for epoch in range(first, options.epochs):
        share = epoch / options.epochs
        items = [(features[random.choice(SPEEDS)][row], wanted[row]) for row in range(len(train))]
        total, count = 0.0, 0
        network.train()
        for batch in batches(items):
            warmed = min(1.0, (epoch * 60 + count + 1) / 120)
            for group in optimiser.param_groups:
                group["lr"] = RATE_AT_MOST * warmed * (1.02 - share)
            loss = loss_of(network, batch)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            total, count = total + loss.item(), count + 1
        print(f"{epoch} {total / count:.4f} {time.process_time() - started:.0f} s", flush=True)
        if epoch % 5 == 4 or epoch == options.epochs - 1:
            write(options.out, network, labels)
            states = {"network": network.state_dict(), "optimiser": optimiser.state_dict()}
            save({**states, "epochs": epoch + 1}, state)
            report = judged(SyllableListener(options.out), held)
            print(report, flush=True)
            options.out.with_suffix(".json").write_text(json.dumps(report, indent=1) + "\n")


def write(out: Path, network: SyllableNetwork, labels: Labels) -> None:
    """The recogniser in float16."""
    weights = {name: tensor.half() for name, tensor in network.state_dict().items()}
    save(
        {
            "initials": list(labels.initials),
            "finals": list(labels.finals),
            "sizes": SIZES,
            "network": weights,
        },
        out,
    )


def judged(listen: SyllableListener, held: list[tuple[str, Path, str]]) -> dict[str, Any]:
    """Shares of wrong syllables, by voice and of all."""
    wrong: dict[str, int] = {}
    counts: dict[str, int] = {}
    for voice, path, text in held:
        expected = syllables(text)
        if not known(listen.labels, expected):
            continue
        for name in (voice, "all"):
            wrong[name] = wrong.get(name, 0) + edit_distance(expected, listen(wave_of(path)))
            counts[name] = counts.get(name, 0) + len(expected)
    return {name: round(wrong[name] / counts[name], 4) for name in wrong}


if __name__ == "__main__":
    main()
