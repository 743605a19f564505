"""Emotion prompts: from a text or a recording to the vector that a voice takes."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from vinovits.errors import UsageError, VoiceError

if TYPE_CHECKING:
    from vinovits.features.clap import ClapFeatures
    from vinovits.features.emotion import EmotionFeatures

Array = npt.NDArray[np.float32]
Recording = str | Path | tuple[Array, int]
"""A sound file; or samples (n,) in [-1, 1] and their rate in Hz."""


class EmotionPrompts:
    """What a voice's emotion model makes of prompts. The model is loaded with the first of them.

    Args:
        model: Name of the feature model, a CLAP or an emotion regressor.
        width: Channels of the vector that the voice takes.
        device: The OpenVINO device to run on.
        cache_dir: Where compiled graphs are kept.
    """

    def __init__(self, model: str, width: int, device: str, cache_dir: Path) -> None:
        self._name, self._width = model, width
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

        model = self._model()
        if not isinstance(model, ClapFeatures):
            raise UsageError(
                "This voice takes its emotion from a recording or by number, not from a text: its "
                f"model, {self._name}, can't read."
            )
        return model.text(prompt)

    def audio(self, recording: Recording, seed: int = 0) -> Array:
        """The vector (width,) of a recording.

        Args:
            recording: A sound file, or samples and their rate.
            seed: Chooses the parts of a clip that is longer than CLAP hears at once.

        Raises:
            UsageError: The recording can't be read, or can't be a prompt: silent, too short or too
                long, or not finite.
            VoiceError: As `text`.
        """
        from vinovits.features.audio import read_audio
        from vinovits.features.clap import ClapFeatures

        if isinstance(recording, str | Path):
            samples, rate = read_audio(Path(recording))
        elif isinstance(recording, tuple) and len(recording) == 2:
            samples, rate = recording
        else:
            raise UsageError(
                "An audio prompt is a path, or a tuple of samples and sampling rate, not "
                f"{type(recording).__name__}."
            )
        model = self._model()
        if isinstance(model, ClapFeatures):
            return model.audio(samples, rate, seed)
        return model.audio(samples, rate)

    def _model(self) -> ClapFeatures | EmotionFeatures:
        from vinovits.features.clap import ClapFeatures
        from vinovits.features.emotion import EmotionFeatures
        from vinovits.features.manifest import ClapManifest, FeatureManifest, read_manifest
        from vinovits.features.store import find_features, shared

        with self._lock:
            if self._loaded is None:
                folder = find_features(self._name)
                place = folder, self._device, self._cache_dir
                model: ClapFeatures | EmotionFeatures
                if isinstance(read_manifest(folder, FeatureManifest), ClapManifest):
                    model = shared(ClapFeatures, *place)
                else:
                    model = shared(EmotionFeatures, *place)
                if model.width != self._width:
                    raise VoiceError(
                        f"The emotion model {self._name} gives {model.width} numbers, but the "
                        f"voice takes {self._width}. Convert the model that the voice was trained "
                        "with."
                    )
                self._loaded = model
            return self._loaded
