"""Notices when a training goes wrong while its numbers are still finite."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

_SMOOTHING = 0.95
_SETTLED = 50
"""Steps before anything is judged."""
_WORSE = 2.0
"""Times the best mel loss, smoothed, at which the generator is lost."""
_QUIET = 0.02
"""Share of the recording's loudness below which the generated speech is silence."""


@dataclass(slots=True)
class Health:
    """What was seen so far."""

    steps: int = 0
    mel: float = 0.0
    """The mel loss, smoothed."""
    best: float = float("inf")
    """Its least value."""
    loudness: float = 1.0
    """Of generated speech as a share of that of the recordings, smoothed."""

    def see(self, mel: float, loudness: float) -> str:
        """Look at one step.

        Args:
            mel: The mel loss.
            loudness: Deviation of the generated samples divided by that of the recorded ones.

        Returns:
            What is wrong, as half a sentence; "" if nothing is.
        """
        share = _SMOOTHING if self.steps else 0.0
        self.steps += 1
        self.mel = share * self.mel + (1 - share) * mel
        self.loudness = share * self.loudness + (1 - share) * min(loudness, 10.0)
        if self.steps < _SETTLED:
            return ""
        self.best = min(self.best, self.mel)
        if self.mel > _WORSE * self.best:
            return f"the mel loss has risen from {self.best:.1f} to {self.mel:.1f}"
        if self.loudness < _QUIET:
            return "the generated speech has fallen silent"
        return ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)
