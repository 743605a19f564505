"""How well a base gives back what it hears.

    python recipes/joe-en/check_base.py CHECKPOINT PAIRS

Prints, over the pairs that train_base.py held out, the log mel L1 (natural logarithm, 80 bins, at
the network's own spectrogram) between a wave and what the base's decoder makes of the posterior's
mean, of a sample of the posterior, and of the true latent. The last isn't 0 where the decoder was
trained on since it made the wave. Exits 1 if the first is more than 1.5 times the last.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parents[1]))
from pieces import load_network, sizes_of, speaker_of
from train_base import HELD_OUT

from vinovits.train.spectrogram import linear_spectrogram, log_mel

LIMIT = 1.5


@torch.no_grad()
def main(checkpoint: Path, pairs: Path) -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    network = load_network(checkpoint)
    g, sizes = speaker_of(network), sizes_of(network.config)
    sums = {"mean": 0.0, "sample": 0.0, "true latent": 0.0}
    held = torch.load(pairs, weights_only=True)[:HELD_OUT]
    for pair in held:
        wave, true = pair["wave"].float().unsqueeze(0) / 32767, pair["z"].float().unsqueeze(0)
        spectrogram = linear_spectrogram(wave, sizes)
        sample, mean, _ = network.enc_q(
            spectrogram, torch.ones_like(true[:, :1]), g, torch.randn_like(true)
        )
        for name, z in (("mean", mean), ("sample", sample), ("true latent", true)):
            made = linear_spectrogram(network.dec(z, g).squeeze(1), sizes)
            apart: Tensor = log_mel(made, sizes) - log_mel(spectrogram, sizes)
            sums[name] += float(apart.abs().mean()) / len(held)
    print(", ".join(f"{name} {value:.4f}" for name, value in sums.items()))
    if sums["mean"] > LIMIT * sums["true latent"]:
        sys.exit(f"The round trip is more than {LIMIT} times as far as the true latent.")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*map(Path, sys.argv[1:]))
