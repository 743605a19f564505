"""The emotion of recorded speech, as a wav2vec 2.0 hears it that was trained to rate emotions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vinovits.features.audio import Samples, check_prompt, fingerprint, resample
from vinovits.features.cache import ResultCache
from vinovits.features.lazy import LazyGraph
from vinovits.features.manifest import EmotionManifest, read_manifest

LONGEST = 60.0
"""Seconds that are heard. The attention's memory grows with their square, and voices were trained
on clips of some seconds."""
_EPSILON = 1e-7


class EmotionFeatures:
    """Emotion vectors of recordings. Any number of threads may use one object at once.

    Attributes:
        name: Name of the feature model.
        width: Numbers of a vector.
        graph: The graph, compiled when it is first needed.

    Args:
        folder: A folder with features.json and the graph.
        device: The OpenVINO device to run on.
        cache_dir: Where compiled graphs are kept; None for nowhere.

    Raises:
        VoiceError: The folder isn't a sound emotion model (see `read_manifest`).
        DeviceError: OpenVINO doesn't have this device.
    """

    def __init__(self, folder: Path, device: str = "cpu", cache_dir: Path | None = None) -> None:
        self._manifest = manifest = read_manifest(folder, EmotionManifest)
        self.name = manifest.name
        self.width = manifest.width
        self.graph = LazyGraph(folder, "model", manifest.files, device, cache_dir)
        self._results = ResultCache()

    def audio(self, samples: Samples, sampling_rate: int) -> NDArray[np.float32]:
        """The emotion vector of a recording: the mean of the last hidden state over its frames.

        Args:
            samples: (n,) in [-1, 1], 0.1 s to `LONGEST`, not silent.
            sampling_rate: Of the samples, in Hz; they are resampled as needed.

        Returns:
            (width,).

        Raises:
            UsageError: The recording can't be a prompt (see `check_prompt`).
        """
        samples = check_prompt(samples, sampling_rate, LONGEST)
        key = fingerprint(samples, sampling_rate)
        if (known := self._results.get(key)) is not None:
            return known
        vector = self.graph(wave=self.wave(samples, sampling_rate))["features"]
        self._results.put(key, vector)
        return vector

    def wave(self, samples: Samples, sampling_rate: int) -> Samples:
        """What the graph gets of a recording. Arguments as `audio`.

        Returns:
            (m,) at the model's rate; of zero mean and unit variance if it was trained so.
        """
        manifest = self._manifest
        wave = resample(samples, sampling_rate, manifest.sampling_rate, manifest.shortest)
        if manifest.normalise:
            wave = (wave - wave.mean()) / np.sqrt(wave.var() + np.float32(_EPSILON))
        return wave

    def unload(self) -> None:
        """Give memory back; the next call loads the graph again."""
        self.graph.unload()
        self._results.clear()
