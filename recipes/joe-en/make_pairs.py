"""Make pairs of speech and its latent by the voice itself, for `train_base.py`.

    python recipes/joe-en/make_pairs.py CHECKPOINT TEXTS OUT [--seconds 1500] [--seed 0]

CHECKPOINT is a folder with G_0.pth and config.json. TEXTS is a file with a sentence a line, or a
folder of Debian's `fortunes`, of which plain sentences of 30 to 170 characters are taken. OUT gets
pairs.pt: waves (int16) and latents behind the flow (float16) of the sentences, said at various
speeds, with various amounts of noise, so that the posterior encoder meets what the voice can do.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))
from pieces import VARIANT, load_network, save, speaker_of

from vinovits.nets.synthesizer import Synthesizer
from vinovits.nets.text_encoder import TextInputs
from vinovits.text.front_ends import read
from vinovits.text.sequence import to_sequence

_PLAIN = re.compile(r"[A-Z][A-Za-z ,;:'’-]{28,168}[.!?]")
NO_PIECES: list[tuple[int, int, int]] = []


def sentences(texts: Path) -> list[str]:
    """Plain sentences of a file, or of a folder of fortunes."""
    if texts.is_file():
        return [line for line in texts.read_text(encoding="utf-8").splitlines() if line.strip()]
    found: set[str] = set()
    for path in sorted(texts.iterdir()):
        if path.suffix or not path.is_file():
            continue
        for piece in path.read_text(encoding="utf-8", errors="replace").split("\n%\n"):
            whole = " ".join(piece.split())
            for sentence in re.split(r"(?<=[.!?])\s+", whole):
                if _PLAIN.fullmatch(sentence) and not re.search(r"\b[A-Z]{2,}\b", sentence):
                    found.add(sentence)
    return sorted(found)


@torch.no_grad()
def said(network: Synthesizer, text: str) -> dict[str, Any]:
    """One sentence: its wave and its latent (channels, F)."""
    [sentence, *_] = read(text, ["en"], VARIANT.name)
    sequence = to_sequence(sentence, VARIANT.table, lambda _: lambda _: NO_PIECES)
    ids = (sequence.phones, sequence.tones, sequence.languages)
    inputs = TextInputs(*(torch.from_numpy(part).unsqueeze(0) for part in ids), {}, {})
    g = speaker_of(network)
    count = inputs.phones.shape[1]
    mask = torch.ones(1, 1, count)
    scale, speed = float(0.3 + 0.5 * torch.rand(())), float(0.85 + 0.3 * torch.rand(()))
    rhythm = 0.6 * torch.randn(1, 2, count)
    m, logs, sampled, regressed = network.encode(inputs, mask, g, rhythm)
    log_frames = 0.2 * sampled + 0.8 * regressed
    frames = torch.ceil(torch.exp(log_frames) * speed)[0, 0].long().clamp(min=1)
    m_p, logs_p = (x.repeat_interleave(frames, dim=2) for x in (m, logs))
    z_p = m_p + scale * torch.exp(logs_p) * torch.randn_like(m_p)
    z = network.flow(z_p, torch.ones_like(z_p[:, :1]), g, reverse=True)
    wave = network.dec(z, g)[0, 0]
    return {
        "text": text,
        "z": z[0].half(),
        "wave": (wave * 32767).round().to(torch.int16),
    }


def main() -> None:
    """Parse the command line and write the pairs."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("checkpoint", "texts", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--seconds", type=float, default=1500)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    network = load_network(options.checkpoint)
    rate = network.config.sampling_rate
    texts = sentences(options.texts)
    random.Random(options.seed).shuffle(texts)
    pairs: list[dict[str, Any]] = []
    seconds = 0.0
    for text in texts:
        if seconds > options.seconds:
            break
        pairs.append(said(network, text))
        seconds += len(pairs[-1]["wave"]) / rate
    options.out.mkdir(parents=True, exist_ok=True)
    save(pairs, options.out / "pairs.pt")
    print(f"{len(pairs)} sentences of {len(texts)}, {seconds:.0f} s")


if __name__ == "__main__":
    main()
