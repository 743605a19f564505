"""Train a decoder against its judges, on latents that were made once.

    python recipes/decoder/train.py CHECKPOINT CACHE RUN --config FILE [--steps N]

CHECKPOINT is a folder with G_0.pth and config.json. CACHE has clips.pt and eval.pt, lists of clips:
`wave` (int16), the posterior's `m_q` and `logs_q` (channels, F), and `flowed` (n, channels, F),
other latents of the same wave. FILE is a YAML file whose section `decoder` has the settings.
RUN/state.pt holds all that goes on (weights, averages, optimisers, random numbers); it is written
about every five minutes and at SIGTERM, and the next call takes it up. RUN/best.pt has the averaged
decoder that DNSMOS liked best, RUN/log.jsonl a line for each check. Where the CPU multiplies
bfloat16 by itself, convolutions are computed in it.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
from pathlib import Path
from typing import Any

import torch
from judges import Judges
from listen import DecodedMos
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parents[1]))
from pieces import (
    InFloat32,
    averaged,
    has_bfloat16,
    load_network,
    mel_distance,
    save,
    settings,
    sizes_of,
    speaker_of,
    train,
)

from vinovits.nets.decoder import Decoder
from vinovits.nets.discriminators import Judgement
from vinovits.nets.weight_norm import add_weight_norm
from vinovits.train.losses import discriminator_parts, generator_parts


class Segments:
    """Random segments of all clips: latents and the samples that belong to them."""

    def __init__(self, clips: list[dict[str, Any]], chosen: dict[str, Any], hop: int) -> None:
        self.frames, self.margin, self.hop = chosen["frames"], chosen["margin"], hop
        self.chosen = chosen
        self.clips = [clip for clip in clips if clip["m_q"].shape[1] >= self.frames]
        lengths = torch.tensor([clip["m_q"].shape[1] for clip in self.clips])
        self.weights = (lengths - self.frames + 1).double()

    def draw(self) -> tuple[Tensor, Tensor]:
        """A batch: z (B, channels, frames), and samples (B, 1, N) without the margins."""
        latents, waves = [], []
        for index in torch.multinomial(self.weights, self.chosen["batch"], replacement=True):
            clip = self.clips[int(index)]
            start = int(torch.randint(int(self.weights[index]), ()))
            end = start + self.frames
            if torch.rand(()) < self.chosen["posterior"]:
                m, logs = clip["m_q"][:, start:end].float(), clip["logs_q"][:, start:end].float()
                scale = self.chosen["posterior_noise"] * torch.rand(())
                latents.append(m + scale * torch.randn_like(m) * torch.exp(logs))
            else:
                mix = int(torch.randint(len(clip["flowed"]), ()))
                latents.append(clip["flowed"][mix][:, start:end].float())
            first, last = (start + self.margin) * self.hop, (end - self.margin) * self.hop
            waves.append(clip["wave"][first:last].float() / 32767)
        return torch.stack(latents), torch.stack(waves).unsqueeze(1)


def relative_distance(real: list[Judgement], fake: list[Judgement]) -> Tensor:
    """Mean over all maps of their absolute differences, as shares of the real map's size.

    Relative, as in EnCodec (https://arxiv.org/abs/2210.13438): maps of new judges are small, and
    their absolute differences would count for nothing beside the mel loss.
    """
    total, count = torch.zeros(()), 0
    for aims, founds in zip(real, fake, strict=True):
        for aim, found in zip(aims.maps, founds.maps, strict=True):
            aim = aim.detach()
            total = total + (aim - found).abs().mean().float() / (aim.abs().mean() + 1e-4).float()
            count += 1
    return total / count


class Run:
    """The networks, their optimisers, and what has been done."""

    def __init__(self, decoder: Decoder, g: Tensor, chosen: dict[str, Any], rate: int) -> None:
        self.chosen, self.g, self.rate = chosen, g, rate
        decoder.conv_post = InFloat32(decoder.conv_post)
        self.decoder = decoder
        self.average = copy.deepcopy(decoder).requires_grad_(False)
        self.judges = Judges(
            chosen["periods"],
            chosen["judge_channels"],
            chosen["transforms"],
            chosen["spectrum_channels"],
        )
        betas = tuple(chosen["betas"])
        self.decoding = torch.optim.AdamW(decoder.parameters(), chosen["learning_rate"], betas)
        self.judging = torch.optim.AdamW(self.judges.parameters(), chosen["judge_rate"], betas)
        self.steps = 0
        self.seconds = 0.0
        self.best = 0.0
        self.bfloat16 = has_bfloat16()

    def step(self, z: Tensor, wave: Tensor) -> dict[str, float]:
        """Train all by one batch; judges and decoder learn from the same judgements."""
        chosen = self.chosen
        alone = self.steps < chosen["alone"]
        margin = chosen["margin"] * (wave.shape[2] // (chosen["frames"] - 2 * chosen["margin"]))
        factor = 0.5 ** (self.steps / chosen["halved_every"])
        for optimiser, name in ((self.decoding, "learning_rate"), (self.judging, "judge_rate")):
            for group in optimiser.param_groups:
                group["lr"] = chosen[name] * factor
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
            made = self.decoder(z, self.g.expand(len(z), -1, -1))[..., margin:-margin].float()
            shown = made.detach().requires_grad_()
            real, fake = self.judges(wave), self.judges(shown)
        losses = {}
        if not alone:
            adversarial = generator_parts(judgement.logits for judgement in fake).sum()
            features = relative_distance(real, fake)
            aim = adversarial + chosen["feature_weight"] * features
            # The graph of the judgements serves twice: for the decoder here, for the judges below.
            [heard] = torch.autograd.grad(aim, shown, retain_graph=True)
            mel = mel_distance(made.squeeze(1), wave.squeeze(1), self.rate)
            self.decoding.zero_grad()
            [seen] = torch.autograd.grad(chosen["mel_weight"] * mel, made)
            made.backward(heard + seen)
            norm = nn.utils.clip_grad_norm_(self.decoder.parameters(), 1000.0)
            self.decoding.step()
            averaged(self.average, self.decoder, chosen["average"])
            losses = {
                "mel": mel.item(),
                "adversarial": adversarial.item(),
                "features": features.item(),
                "norm": norm.item(),
            }
        parts = discriminator_parts(
            [judgement.logits for judgement in real], [judgement.logits for judgement in fake]
        )
        judged = parts[0].sum() + parts[1].sum()
        self.judging.zero_grad()
        judged.backward(inputs=list(self.judges.parameters()))
        self.judging.step()
        self.steps += 1
        return losses | {"judged": judged.item()}

    def state(self) -> dict[str, Any]:
        """All that goes on."""
        return {
            "steps": self.steps,
            "seconds": self.seconds,
            "best": self.best,
            "decoder": self.decoder.state_dict(),
            "average": self.average.state_dict(),
            "judges": self.judges.state_dict(),
            "decoding": self.decoding.state_dict(),
            "judging": self.judging.state_dict(),
            "random": torch.get_rng_state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what `state` gave."""
        self.steps, self.seconds, self.best = state["steps"], state["seconds"], state["best"]
        for name in ("decoder", "average", "judges", "decoding", "judging"):
            getattr(self, name).load_state_dict(state[name])
        torch.set_rng_state(state["random"])

    @torch.no_grad()
    def check(self, clips: list[dict[str, Any]]) -> dict[str, float]:
        """Mel distances of the averaged decoder on held-out clips, from both kinds of latent."""
        sums = {"posterior": 0.0, "flowed": 0.0}
        for clip in clips:
            wave = clip["wave"].float().unsqueeze(0) / 32767
            for name, z in (("posterior", clip["m_q"]), ("flowed", clip["flowed"][0])):
                made = self.average(z.float().unsqueeze(0), self.g).squeeze(1)
                sums[name] += float(mel_distance(made, wave, self.rate)) / len(clips)
        return sums


def main() -> None:
    """Parse the command line, take up the run and go on with it."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("checkpoint", "cache", "run"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--steps", type=int, default=100_000, help="steps in all")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--config", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    chosen = settings(options.config)["decoder"]
    torch.manual_seed(chosen["seed"])
    network = load_network(options.checkpoint)
    add_weight_norm(network)
    g, rate = speaker_of(network), network.config.sampling_rate
    run = Run(network.dec.train(), g, chosen, rate)
    options.run.mkdir(parents=True, exist_ok=True)
    if (options.run / "state.pt").exists():
        run.restore(torch.load(options.run / "state.pt", weights_only=True))
    clips = torch.load(options.cache / "clips.pt", weights_only=True)
    segments = Segments(clips, chosen, sizes_of(network.config).hop_length)
    held = torch.load(options.cache / "eval.pt", weights_only=True)[:12]
    listen = DecodedMos(held, g, rate)

    def report(losses: dict[str, float]) -> None:
        found = {"steps": run.steps, "cpu_seconds": run.seconds} | losses | run.check(held)
        if run.steps % chosen["listen_every"] == 0 or not losses:
            heard = listen(run.average)
            found |= heard
            score = (heard["posterior_ovrl"] + heard["flowed_ovrl"]) / 2
            if score > run.best:
                run.best = score
                best = {"steps": run.steps, "average": run.average.state_dict()}
                save(best, options.run / "best.pt")
        line = {name: round(value, 4) for name, value in found.items()}
        with (options.run / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")

    if run.steps == 0:
        report({})
    for losses in train(run, segments.draw, options.run / "state.pt", options.steps):
        report(losses)


if __name__ == "__main__":
    main()
