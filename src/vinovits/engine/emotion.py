"""Emotion prompts: from a text or a recording to the vector that a voice takes."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from vinovits.errors import UsageError, VoiceError
from vinovits.voices.manifest import EmotionNeed

if TYPE_CHECKING:
    from vinovits.features.clap import ClapFeatures
    from vinovits.features.emotion import EmotionFeatures

Array = npt.NDArray[np.float32]


class EmotionPrompts:
    """What a voice's emotion model makes of prompts. The model is loaded with the first of them.

    Args:
        need: What the voice takes.
        device: The OpenVINO device to run on.
        cache_dir: Where compiled graphs are kept.
    """

    def __init__(self, need: EmotionNeed, device: str, cache_dir: Path) -> None:
        self._need = need
        self._device, self._cache_dir = device, cache_dir
        self._lock = threading.Lock()
        self._loaded: ClapFeatures | EmotionFeatures | None = None

    def text(self, prompt: str) -> Array:
        """The vector (width,) of a description, such as "a calm voice, almost whispering".

        Raises:
            UsageError: The voice's model hears only, or the text is longer than it reads.
            VoiceError: The model isn't there or doesn't fit the voice; the message says how to get
                it.
        """
        from vinovits.features.clap import ClapFeatures

        if self._need.kind != "clap":
            raise UsageError(
                "This voice takes no description of an emotion, but a number from 0 to "
                f"{self._need.rows - 1}, or recorded speech."
            )
        model = self._model()
        assert isinstance(model, ClapFeatures)
        return model.text(prompt)

    def audio(self, samples: Array, sampling_rate: int, seed: int = 0) -> Array:
        """The vector (width,) of a recording.

        Args:
            samples: (n,) in [-1, 1], at least 0.1 s, not silent; at most an hour for CLAP, a minute
                for a model of speech.
            sampling_rate: Of the samples, in Hz.
            seed: Chooses the parts of a clip that is longer than CLAP hears at once.

        Raises:
            UsageError: The recording can't be a prompt.
            VoiceError: As `text`.
        """
        from vinovits.features.emotion import EmotionFeatures

        model = self._model()
        if isinstance(model, EmotionFeatures):
            return model.audio(samples, sampling_rate)
        return model.audio(samples, sampling_rate, seed)

    def unload(self) -> None:
        """Let go of the model, which goes with the last who has it; the next prompt loads it."""
        with self._lock:
            self._loaded = None

    def _model(self) -> ClapFeatures | EmotionFeatures:
        from vinovits.features.clap import ClapFeatures
        from vinovits.features.emotion import EmotionFeatures
        from vinovits.features.store import find_features, shared

        need = self._need
        with self._lock:
            if self._loaded is None:
                place = find_features(need.model), self._device, self._cache_dir
                model: ClapFeatures | EmotionFeatures
                if need.kind == "clap":
                    model = shared(ClapFeatures, *place)
                else:
                    model = shared(EmotionFeatures, *place)
                if model.width != need.width:
                    raise VoiceError(
                        f"The emotion model {need.model} gives {model.width} numbers, but the "
                        f"voice takes {need.width}. Convert the model that the voice was trained "
                        "with."
                    )
                self._loaded = model
            return self._loaded
