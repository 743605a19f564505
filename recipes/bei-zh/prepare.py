"""Step 1: what the decoder learns from, made once, so that a step of training costs the decoder
and its judges alone.

    python recipes/bei-zh/prepare.py CHECKPOINT TEACHER OUT [--config config.yaml]

CHECKPOINT is a folder with G_0.pth (with its posterior encoder) and config.json; TEACHER has
list.txt, eval.txt and the clips. OUT/clips.pt and OUT/eval.pt are written: waves, the posterior's
latent of each clip, and latents as the flow gives them when it starts from text.

The latter are made on the path that the alignment search finds: z_p = m_p + s * (c * r + (1 - c^2)
** 0.5 * e * exp(logs_p)), where r is what the true z_p differs by from the text's prior m_p, and e
is normal. With s as the noise of synthesis such latents are distributed as they are when the voice
speaks, and are still those of the recorded wave, so that the decoder can learn one from the other.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import torch
from common import Clip, held_out, listed, numbered
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parents[1]))
from pieces import load_network, save, settings, sizes_of, speaker_of

from vinovits.nets.synthesizer import Synthesizer
from vinovits.train.alignment import log_likelihood, search
from vinovits.train.spectrogram import linear_spectrogram


@torch.no_grad()
def encoded(network: Synthesizer, clip: Clip, mixes: list[list[float]]) -> dict[str, Any]:
    """A clip as the decoder needs it: everything but the wave in float16, (channels, frames)."""
    config = network.config
    wave = clip.wave(config.sampling_rate)
    wave = wave[: len(wave) // config.hop_length * config.hop_length]
    spectrogram = linear_spectrogram(wave.unsqueeze(0), sizes_of(config))
    g = speaker_of(network)
    frames = spectrogram.shape[2]
    mask = torch.ones(1, 1, frames)
    noise = torch.zeros(1, config.inter_channels, frames)
    _, m_q, logs_q = network.enc_q(spectrogram, mask, g, noise)

    text = numbered(clip.text)
    count = text.phones.shape[1]
    _, m, logs = network.enc_p(text, torch.ones(1, 1, count), g)
    z_p = network.flow(m_q, mask, g)
    scores = log_likelihood(z_p, m, logs)
    path = search(scores, torch.tensor([frames]), torch.tensor([count]))
    m_p, logs_p = m @ path.transpose(1, 2), logs @ path.transpose(1, 2)
    return {
        "name": clip.name,
        "text": clip.text,
        "wave": (wave * 32767).round().to(torch.int16),
        "m_q": m_q[0].half(),
        "logs_q": logs_q[0].half(),
        "frames": path[0].sum(0).to(torch.int16),
        "score": float((scores * path).sum() / frames / config.inter_channels),
        "flowed": torch.stack(
            [flowed(network, z_p, m_p, logs_p, g, scale, share) for scale, share in mixes]
        ).half(),
    }


def flowed(
    network: Synthesizer,
    z_p: Tensor,
    m_p: Tensor,
    logs_p: Tensor,
    g: Tensor,
    scale: float,
    share: float,
) -> Tensor:
    """The latent (channels, F) of a mix, as the module's text has it."""
    random = torch.randn_like(m_p) * torch.exp(logs_p)
    residual = share * (z_p - m_p) + (1 - share**2) ** 0.5 * random
    mask = torch.ones_like(m_p[:, :1])
    z: Tensor = network.flow(m_p + scale * residual, mask, g, reverse=True)
    return z[0]


def main() -> None:
    """Parse the command line and write both files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("teacher", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--config", type=Path, default=Path(__file__).with_name("config.yaml"))
    options = parser.parse_args()
    mixes = settings(options.config)["latents"]["mixes"]
    torch.manual_seed(0)
    torch.set_num_threads(1)
    network = load_network(options.checkpoint)
    options.out.mkdir(parents=True, exist_ok=True)
    for name, clips in (("eval", held_out(options.teacher)), ("clips", listed(options.teacher))):
        start = time.monotonic()
        made = [encoded(network, clip, mixes) for clip in clips]
        save(made, options.out / f"{name}.pt")
        frames = sum(clip["m_q"].shape[1] for clip in made)
        score = sum(clip["score"] for clip in made) / len(made)
        print(
            f"{name}: {len(made)} clips, {frames} frames, log likelihood {score:.3f} a number, "
            f"{time.monotonic() - start:.0f} s"
        )


if __name__ == "__main__":
    main()
