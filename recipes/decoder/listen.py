"""DNSMOS of what a decoder makes of latents, for a look at it while it is trained."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))
from speech_metrics import DnsMos, Mos, resample


class DecodedMos:
    """Scores of held-out clips, decoded from their posterior and from the first mix of the flow."""

    def __init__(self, clips: list[dict[str, Any]], g: Tensor, rate: int) -> None:
        self.clips, self.g, self.rate = clips, g, rate
        self.score = DnsMos()

    @torch.no_grad()
    def __call__(self, decoder: Callable[[Tensor, Tensor], Tensor]) -> dict[str, float]:
        """Overall and speech scores by kind of latent."""
        found = {}
        for name in ("posterior", "flowed"):
            scores = []
            for clip in self.clips:
                z = clip["m_q"] if name == "posterior" else clip["flowed"][0]
                wave = decoder(z.float().unsqueeze(0), self.g)[0, 0].numpy()
                scores.append(self.score(resample(wave, self.rate)))
            mean = Mos.mean(scores)
            found |= {f"{name}_ovrl": mean.ovrl, f"{name}_sig": mean.sig}
        return found
