"""What a conversion is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vinovits.convert.features.builder import Precision, Progress


@dataclass(frozen=True, slots=True)
class Request:
    """The arguments of `convert_features`, checked."""

    source: Path
    """Folder as Hugging Face has it."""
    precision: Precision
    """How weights are stored."""
    layer: int | None
    """The hidden state that is wanted, counted as Hugging Face does; None for the model's usual
    one. Models of which something else is used have none."""
    name: str
    """The name of the feature model."""
    origin: str
    """Where the weights come from, for people."""
    licence: str
    """SPDX identifier of the weights' licence."""
    progress: Progress
    """To be called with the parts that are done and how many there are."""
