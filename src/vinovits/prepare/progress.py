"""How far a preparation is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Is told how far each stage is."""

    def __call__(self, stage: str, done: float, total: float) -> None:
        """Take note: stage "listening", "cutting", "transcribing", "reading" or "features"."""


def silent(stage: str, done: float, total: float) -> None:
    """Progress that nobody watches."""
