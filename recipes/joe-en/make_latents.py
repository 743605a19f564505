"""Latents of the pairs for recipes/decoder/train.py, by a trained posterior encoder.

    python recipes/joe-en/make_latents.py CHECKPOINT PAIRS OUT

CHECKPOINT is a folder whose G_0.pth has the encoder, as recipes/decoder/export.py writes it; PAIRS
the file of make_pairs.py. OUT gets eval.pt, of the pairs that train_base.py held out, and clips.pt,
of the others; the other latent of a clip is the true one.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))
from pieces import load_network, save, sizes_of, speaker_of
from train_base import HELD_OUT

from vinovits.train.spectrogram import linear_spectrogram


@torch.no_grad()
def main(checkpoint: Path, pairs: Path, out: Path) -> None:
    """Encode all pairs."""
    torch.set_num_threads(1)
    network = load_network(checkpoint)
    g, sizes = speaker_of(network), sizes_of(network.config)
    clips: list[dict[str, Any]] = []
    for pair in torch.load(pairs, weights_only=True):
        spectrogram = linear_spectrogram(pair["wave"].float().unsqueeze(0) / 32767, sizes)
        none = torch.zeros_like(pair["z"].float().unsqueeze(0))
        _, m, logs = network.enc_q(spectrogram, torch.ones_like(none[:, :1]), g, none)
        clips.append(
            {
                "wave": pair["wave"],
                "m_q": m[0].half(),
                "logs_q": logs[0].half(),
                "flowed": pair["z"].unsqueeze(0),
            }
        )
    out.mkdir(parents=True, exist_ok=True)
    save(clips[:HELD_OUT], out / "eval.pt")
    save(clips[HELD_OUT:], out / "clips.pt")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*map(Path, sys.argv[1:]))
