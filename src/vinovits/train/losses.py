"""What training makes small.

VITS, https://arxiv.org/abs/2106.06103 (reconstruction, KL, durations); HiFi-GAN,
https://arxiv.org/abs/2010.05646 (feature matching); least squares for the adversarial terms, Mao et
al. 2017, https://arxiv.org/abs/1611.04076.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor


def full(x: Tensor) -> Tensor:
    """As it is, or in float32 where autocast has made it half as wide: losses need the digits."""
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x


def discriminator_parts(real: Iterable[Tensor], fake: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
    """What a discriminator learns: to say 1 of recorded and 0 of generated things.

    Args:
        real: Judgements of recorded things, one tensor of any shape for each part that judges.
        fake: Judgements of generated ones.

    Returns:
        Losses of each part (n,), for recorded and for generated things; the loss is their sum.
    """
    return (
        torch.stack([(1 - full(judged)).square().mean() for judged in real]),
        torch.stack([full(judged).square().mean() for judged in fake]),
    )


def generator_parts(fake: Iterable[Tensor]) -> Tensor:
    """Losses (n,) of the generator where a part judges its work other than 1; summed in the loss.

    Args:
        fake: Judgements, as in `discriminator_parts`.
    """
    return torch.stack([(1 - full(judged)).square().mean() for judged in fake])


def feature_distances(real: Sequence[Tensor], fake: Sequence[Tensor]) -> Tensor:
    """Mean absolute differences (n,) of the maps inside of the discriminators.

    The loss is twice their sum. Recorded speech is what is aimed at: no gradient goes there.
    """
    pairs = zip(real, fake, strict=True)
    return torch.stack([(full(aim.detach()) - full(found)).abs().mean() for aim, found in pairs])


def kl_divergence(z_p: Tensor, logs_q: Tensor, m_p: Tensor, logs_p: Tensor, mask: Tensor) -> Tensor:
    """Of the posterior from the prior, by the one sample there is; a mean over real frames.

    Args:
        z_p: Sample of the posterior behind the flow (B, C, F).
        logs_q: Logarithms of the posterior's deviations (B, C, F).
        m_p: Prior means (B, C, F).
        logs_p: Logarithms of the prior's deviations (B, C, F).
        mask: (B, 1, F).
    """
    distance = 0.5 * (z_p - m_p).square() * torch.exp(-2 * logs_p)
    return ((logs_p - logs_q - 0.5 + distance) * mask).sum() / mask.sum()


def duration_distance(found: Tensor, aim: Tensor, mask: Tensor) -> Tensor:
    """Squared differences of log durations, per item (B,).

    Args:
        found: Predictions (B, 1, T).
        aim: Logarithms of the frames that the alignment found (B, 1, T).
        mask: (B, 1, T); its sum, that of the whole batch, is what items are divided by.
    """
    return ((found - aim).square() * mask).sum((1, 2)) / mask.sum()
