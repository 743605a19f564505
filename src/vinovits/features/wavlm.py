"""All hidden states of WavLM, by which training compares generated speech with recorded speech."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vinovits.features.audio import Samples, check_prompt, resample
from vinovits.features.lazy import LazyGraph
from vinovits.features.manifest import WavlmManifest, read_manifest

LONGEST = 60.0
"""Seconds of speech that are heard at once: the attention's memory grows with their square."""


class WavlmFeatures:
    """Hidden states of speech. Any number of threads may use one object at once.

    Attributes:
        name: Name of the feature model.
        width: Numbers in a row.
        states: Hidden states, the one before the first layer included.
        graph: The graph, compiled when it is first needed.

    Args:
        folder: A folder with features.json and the graph.
        device: The OpenVINO device to run on.
        cache_dir: Where compiled graphs are kept; None for nowhere.

    Raises:
        VoiceError: The folder isn't a sound WavLM (see `read_manifest`).
        DeviceError: OpenVINO doesn't have this device.
    """

    def __init__(self, folder: Path, device: str = "cpu", cache_dir: Path | None = None) -> None:
        self._manifest = manifest = read_manifest(folder, WavlmManifest)
        self.name = manifest.name
        self.width = manifest.width
        self.states = manifest.states
        self.graph = LazyGraph(folder, "model", manifest.files, device, cache_dir)

    def hidden_states(self, samples: Samples, sampling_rate: int) -> NDArray[np.float32]:
        """The state before the first layer and after each.

        Args:
            samples: (n,) in [-1, 1], 0.1 s to `LONGEST`, not silent. Their level counts: nothing is
                normalised.
            sampling_rate: Of the samples, in Hz; they are resampled as needed.

        Returns:
            (states, F, width) with a frame for every 20 ms or so.

        Raises:
            UsageError: The recording can't be used (see `check_prompt`).
        """
        manifest = self._manifest
        samples = check_prompt(samples, sampling_rate, LONGEST)
        wave = resample(samples, sampling_rate, manifest.sampling_rate, manifest.shortest)
        return self.graph(wave=wave)["hidden_states"]

    def unload(self) -> None:
        """Give memory back; the next call loads the graph again."""
        self.graph.unload()
