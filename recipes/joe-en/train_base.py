"""Train a posterior encoder for the voice, so that it can be a base for fine-tuning.

    python recipes/joe-en/train_base.py CHECKPOINT PAIRS RUN [--start FOLDER] [--steps 2000]

CHECKPOINT is the folder that make_pairs.py was given, PAIRS the pairs.pt it wrote. The encoder
learns the latent from the spectrogram, by its likelihood under the encoder's normal distribution,
and by the mel distance of what the decoder, which doesn't move, makes of a sample. It starts from
the posterior encoder of the G_0.pth in FOLDER where one is given. RUN/state.pt is taken up where
it exists; it is written every five minutes, at SIGTERM and at the end. RUN/log.jsonl has a line for
each check.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parents[1]))
from pieces import (
    InFloat32,
    averaged,
    has_bfloat16,
    load_network,
    mel_distance,
    settings,
    sizes_of,
    speaker_of,
    train,
)

from vinovits.nets.posterior import PosteriorEncoder
from vinovits.nets.synthesizer import Synthesizer
from vinovits.nets.weight_norm import add_weight_norm
from vinovits.train.spectrogram import linear_spectrogram, log_mel

HELD_OUT = 24
"""The first pairs, by which the encoder is checked."""


class Run:
    """The encoder, its optimiser, and what has been done."""

    def __init__(self, network: Synthesizer, encoder: PosteriorEncoder, chosen: dict[str, Any]):
        self.network, self.encoder, self.chosen = network, encoder, chosen
        self.g, self.sizes = speaker_of(network), sizes_of(network.config)
        self.average = copy.deepcopy(encoder).requires_grad_(False)
        self.optimiser = torch.optim.AdamW(
            encoder.parameters(), chosen["learning_rate"], tuple(chosen["betas"])
        )
        self.steps = 0
        self.seconds = 0.0
        self.bfloat16 = has_bfloat16()

    def draw(self, pairs: list[dict[str, Any]]) -> tuple[Tensor, Tensor]:
        """Crops: latents (B, channels, frames) and waves (B, frames * hop)."""
        frames, hop = self.chosen["frames"], self.sizes.hop_length
        latents, waves = [], []
        lengths = torch.tensor([float(pair["z"].shape[1] - frames) for pair in pairs]).clamp(min=0)
        for index in torch.multinomial(lengths, self.chosen["batch"], replacement=True):
            pair = pairs[int(index)]
            start = int(torch.randint(int(lengths[index]) + 1, ()))
            latents.append(pair["z"][:, start : start + frames].float())
            waves.append(pair["wave"][start * hop : (start + frames) * hop].float() / 32767)
        return torch.stack(latents), torch.stack(waves)

    def step(self, z: Tensor, wave: Tensor) -> dict[str, float]:
        """Train by one batch."""
        chosen, margin, hop = self.chosen, self.chosen["margin"], self.sizes.hop_length
        rate = chosen["learning_rate"] * 0.5 ** (self.steps / chosen["halved_every"])
        for group in self.optimiser.param_groups:
            group["lr"] = rate * min(1, (self.steps + 1) / chosen["warmed"])
        mask = torch.ones_like(z[:, :1])
        spectrogram = linear_spectrogram(wave, self.sizes)
        g = self.g.expand(len(z), -1, -1)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
            _, m, logs = self.encoder(spectrogram, mask, g, torch.zeros_like(z))
        m, logs, aim = (part[..., margin:-margin].float() for part in (m, logs, z))
        likelihood = (0.5 * (aim - m).square() * torch.exp(-2 * logs) + logs).mean()
        some = chosen["decoded"]
        scale = chosen["noise"] * torch.rand(some, 1, 1)
        sample = m[:some] + scale * torch.exp(logs[:some]) * torch.randn_like(m[:some])
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
            made = self.network.dec(sample, g[:some]).squeeze(1).float()
        # The decoder misses its context at both ends.
        inner = slice(4 * hop, -4 * hop)
        wanted = wave[:some, margin * hop : -margin * hop]
        mel = mel_distance(made[:, inner], wanted[:, inner], self.sizes.sampling_rate)
        self.optimiser.zero_grad()
        total = chosen["likelihood_weight"] * likelihood + chosen["mel_weight"] * mel
        total.backward()
        norm = nn.utils.clip_grad_norm_(self.encoder.parameters(), chosen["clip_norm"])
        self.optimiser.step()
        averaged(self.average, self.encoder, chosen["average"])
        self.steps += 1
        return {"likelihood": likelihood.item(), "mel": mel.item(), "norm": norm.item()}

    @torch.no_grad()
    def check(self, pairs: list[dict[str, Any]]) -> dict[str, float]:
        """Of the averaged encoder on whole held-out sentences.

        Share of the latent's variance that its mean explains, and the log mel L1 (at the network's
        own spectrogram) between a sentence and what the decoder makes of the mean.
        """
        errors = variance = distance = 0.0
        for pair in pairs:
            z, wave = pair["z"].float().unsqueeze(0), pair["wave"].float().unsqueeze(0) / 32767
            spectrogram = linear_spectrogram(wave, self.sizes)
            _, m, _ = self.average(
                spectrogram, torch.ones_like(z[:, :1]), self.g, torch.zeros_like(z)
            )
            errors += float((z - m).square().sum())
            variance += float((z - z.mean(2, keepdim=True)).square().sum())
            made = linear_spectrogram(self.network.dec(m, self.g).squeeze(1), self.sizes)
            apart = log_mel(made, self.sizes) - log_mel(spectrogram, self.sizes)
            distance += float(apart.abs().mean()) / len(pairs)
        return {"explained": 1 - errors / variance, "round_trip": distance}

    def state(self) -> dict[str, Any]:
        """All that goes on."""
        return {
            "steps": self.steps,
            "seconds": self.seconds,
            "encoder": self.encoder.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "random": torch.get_rng_state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what `state` gave."""
        self.steps, self.seconds = state["steps"], state["seconds"]
        for name in ("encoder", "average", "optimiser"):
            getattr(self, name).load_state_dict(state[name])
        torch.set_rng_state(state["random"])


def encoder_of(network: Synthesizer, start: Path | None) -> PosteriorEncoder:
    """A posterior encoder with weight norm: a new one, or that of the checkpoint in a folder."""
    source = network if start is None else load_network(start)
    if not hasattr(source, "enc_q"):
        source.enc_q = PosteriorEncoder(network.config)
    add_weight_norm(source)
    return source.enc_q


def main() -> None:
    """Parse the command line, take up the run and go on with it."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("checkpoint", "pairs", "run"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--start", type=Path)
    parser.add_argument("--steps", type=int, default=2000, help="steps in all")
    parser.add_argument("--config", type=Path, default=Path(__file__).with_name("base.yaml"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    chosen = settings(options.config)["posterior"]
    torch.manual_seed(chosen["seed"])
    network = load_network(options.checkpoint).requires_grad_(False)
    encoder = encoder_of(load_network(options.checkpoint), options.start).requires_grad_().train()
    run = Run(network, encoder, chosen)
    options.run.mkdir(parents=True, exist_ok=True)
    state = options.run / "state.pt"
    if state.exists():
        run.restore(torch.load(state, weights_only=True))
    pairs = torch.load(options.pairs, weights_only=True)
    held, pairs = pairs[:HELD_OUT], pairs[HELD_OUT:]

    def report(losses: dict[str, float]) -> None:
        found = {"steps": run.steps, "cpu_seconds": run.seconds} | losses | run.check(held)
        line = {name: round(value, 4) for name, value in found.items()}
        with (options.run / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")

    if run.steps == 0:
        report({})
    # The decoder's last layer alone is kept in float32 while it trains; checks are as they are.
    network.dec.conv_post = InFloat32(network.dec.conv_post)
    for losses in train(run, lambda: run.draw(pairs), state, options.steps):
        report(losses)


if __name__ == "__main__":
    main()
