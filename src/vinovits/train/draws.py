"""All that is random in a step, as a function of the seed and the step's number.

So nothing random needs to be kept in a checkpoint: a training that goes on draws what one that was
never stopped would have drawn, on every device.
"""

from __future__ import annotations

import torch

from vinovits.nets.conditioning import CodebookDraws
from vinovits.nets.synthesizer import Synthesizer
from vinovits.train.generator import Batch, Draws
from vinovits.train.recipe import Recipe


def seed_of(*numbers: int) -> int:
    """One number of 63 bits from several of any size, all of which count."""
    mixed = 0
    for number in numbers:
        # The finaliser of splitmix64, https://doi.org/10.1145/2714064.2660195.
        mixed = (mixed + number + 1) * 0x9E3779B97F4A7C15 % 2**64
        mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB % 2**64
        mixed ^= mixed >> 31
    return mixed >> 1


def draw(
    batch: Batch, network: Synthesizer, recipe: Recipe, seed: int, noisy_alignment: bool
) -> Draws:
    """The draws of a step, on the device of its batch.

    Args:
        batch: What was recorded.
        network: The generator.
        recipe: Of its family.
        seed: Of this step, batch and process.
        noisy_alignment: The alignment search may be blurred.
    """
    own = torch.Generator().manual_seed(seed)
    count, _, frames = batch.spectrograms.shape
    phones = batch.text.phones.shape[1]

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=own).to(batch.spectrograms)

    def uniform(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=own).to(batch.spectrograms)

    condition = network.variant.condition
    codebook = None
    if condition is not None and condition.kind == "clap":
        codebook = CodebookDraws(
            uniform(condition.heads, count, condition.rows),
            torch.randint(0, count, (condition.heads, condition.rows), generator=own).to(
                batch.spectrograms.device
            ),
        )
    return Draws(
        posterior=normal(count, network.config.inter_channels, frames),
        durations=normal(count, 2, phones),
        segments=uniform(count),
        alignment=normal(count, frames, phones) if noisy_alignment else None,
        sampled_durations=normal(count, 2, phones) if recipe.samples_durations else None,
        codebook=codebook,
    )
