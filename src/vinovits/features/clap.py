"""CLAP: how a voice should sound, told by a text or by a sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vinovits.errors import UsageError
from vinovits.features.audio import Samples, check_prompt, fingerprint, resample
from vinovits.features.bert import bucket, read_tokenizer
from vinovits.features.cache import ResultCache
from vinovits.features.lazy import LazyGraph
from vinovits.features.manifest import ClapManifest, read_manifest
from vinovits.features.mel import LogMel, fused

Embedding = NDArray[np.float32]


class ClapFeatures:
    """Embeddings of prompts. Any number of threads may use one object at once.

    There is one graph for texts and one for sounds; each is compiled when it is first needed, and
    results are kept.

    Attributes:
        name: Name of the feature model.
        width: Numbers of an embedding.
        graphs: The graphs, by name: "text" and "audio".
        mel: The spectrogram that it listens to.

    Args:
        folder: A folder with features.json, the graphs and the tokenizer.
        device: The OpenVINO device to run on.
        cache_dir: Where compiled graphs are kept; None for nowhere.

    Raises:
        VoiceError: The folder isn't a sound CLAP (see `read_manifest`).
        DeviceError: OpenVINO doesn't have this device.
    """

    def __init__(self, folder: Path, device: str = "cpu", cache_dir: Path | None = None) -> None:
        self._manifest = manifest = read_manifest(folder, ClapManifest)
        self.name = manifest.name
        self.width = manifest.width
        self.graphs = {
            name: LazyGraph(folder, name, manifest.files, device, cache_dir)
            for name in ("text", "audio")
        }
        self._results = ResultCache()
        self.mel = LogMel(
            manifest.sampling_rate,
            manifest.fft_size,
            manifest.hop_length,
            manifest.mel_bins,
            manifest.lowest_hz,
            manifest.highest_hz,
        )
        self._tokenizer = read_tokenizer(folder / "tokenizer.json")

    def text(self, prompt: str) -> Embedding:
        """The embedding of a description, such as "a calm and gentle voice".

        Args:
            prompt: The text; an empty one has an embedding, too.

        Returns:
            (width,), of length 1.

        Raises:
            UsageError: It is longer than the model reads, or no text.
        """
        tokens = self.tokens(prompt)
        longest = self._manifest.max_length
        if len(tokens) > longest:
            raise UsageError(
                f"The text prompt has {len(tokens)} tokens, but {self.name} reads at most "
                f"{longest}, about {longest * 2 // 3} English words. Shorten it."
            )
        if (known := self._results.get(prompt)) is not None:
            return known
        ids = np.full(bucket(len(tokens), longest), self._manifest.pad_id, np.int64)
        ids[: len(tokens)] = tokens
        mask = np.arange(len(ids)) < len(tokens)
        embedding: Embedding = self.graphs["text"](input_ids=ids, mask=mask)["embedding"][0]
        self._results.put(prompt, embedding)
        return embedding

    def tokens(self, prompt: str) -> list[int]:
        """Ids of the tokens of a text, <s> and </s> around it."""
        if not isinstance(prompt, str):
            raise UsageError(f"A text prompt is a str, not {type(prompt).__name__}.")
        # UTF-8 has no place for lone surrogates.
        ids: list[int] = self._tokenizer.encode(prompt.encode("utf-8", "ignore").decode()).ids
        return ids

    def audio(self, samples: Samples, sampling_rate: int, seed: int = 0) -> Embedding:
        """The embedding of a sound.

        Of a clip longer than the model's window, 10 s, it hears the whole at a glance and three
        parts in detail, one from each third, chosen by the seed.

        Args:
            samples: (n,) in [-1, 1], at least 0.1 s and at most an hour, not silent.
            sampling_rate: Of the samples, in Hz; they are resampled as needed.
            seed: A whole number from 0.

        Returns:
            (width,), of length 1.

        Raises:
            UsageError: The sound can't be a prompt (see `check_prompt`).
        """
        samples = check_prompt(samples, sampling_rate)
        key = fingerprint(samples, sampling_rate), seed
        if (known := self._results.get(key)) is not None:
            return known
        mel = self.spectrograms(samples, sampling_rate, seed)
        embedding: Embedding = self.graphs["audio"](mel=mel)["embedding"][0]
        self._results.put(key, embedding)
        return embedding

    def spectrograms(
        self, samples: Samples, sampling_rate: int, seed: int = 0
    ) -> NDArray[np.float32]:
        """What the graph `audio` gets of a sound: (4, frames, bins) in dB. Arguments as `audio`."""
        heard = resample(samples, sampling_rate, self._manifest.sampling_rate)
        return fused(heard, self.mel, self._manifest.clip_samples, seed)

    def unload(self) -> None:
        """Give the memory of the graphs and of the results back; the next call loads them again."""
        for graph in self.graphs.values():
            graph.unload()
        self._results.clear()
