"""Running the stages in torch and in OpenVINO on the same inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from vinovits.convert.graphs import condition_shapes
from vinovits.engine.synthesis import expand, frames_per_phone, mix_durations
from vinovits.graphs import Graph, compile_graph
from vinovits.nets.synthesizer import Synthesizer
from vinovits.nets.text_encoder import TextInputs

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything that one utterance needs, noise included."""

    phones: npt.NDArray[np.int64]
    """(1, T), as are the next two."""
    tones: npt.NDArray[np.int64]
    languages: npt.NDArray[np.int64]
    features: dict[str, Array]
    """By name (1, width, T)."""
    conditions: dict[str, npt.NDArray[Any]]
    """By name: style or emotion (1, width), emotion_row (1,)."""
    noise_sdp: Array
    """Normal draw (1, 2, T)."""
    noise_prior: Array
    """Normal draw (1, inter, at least F)."""
    sdp_ratio: float
    noise: float
    noise_w: float
    length_scale: float
    speaker: int = 0
    spectrogram: Array | None = None
    """(1, bins, F) for a network with a reference encoder."""


@dataclass(frozen=True, slots=True)
class StageDifference:
    """How far two runs of one stage are apart."""

    stage: str
    absolute: float
    """Largest absolute difference."""
    peak: float
    """Largest magnitude of the reference."""

    @property
    def relative(self) -> float:
        """The difference as a part of the peak."""
        return self.absolute / self.peak if self.peak else self.absolute


def difference(stage: str, found: Array, expected: Array) -> StageDifference:
    """Compare two arrays; arrays of different shapes are infinitely far apart."""
    if found.shape != expected.shape:
        return StageDifference(stage, float("inf"), 1.0)
    gap = np.abs(found.astype(np.float64) - expected)
    # NaN must not pass for small.
    absolute = float("inf") if np.isnan(gap).any() else float(gap.max())
    return StageDifference(stage, absolute, float(np.abs(expected).max()))


def text_inputs(inputs: Inputs) -> TextInputs:
    """What the text encoder reads of an utterance."""
    return TextInputs(
        torch.from_numpy(inputs.phones),
        torch.from_numpy(inputs.tones),
        torch.from_numpy(inputs.languages),
        {name: torch.from_numpy(array) for name, array in inputs.features.items()},
        {name: torch.from_numpy(array) for name, array in inputs.conditions.items()},
    )


def run_torch(network: Synthesizer, inputs: Inputs) -> dict[str, npt.NDArray[Any]]:
    """Run all stages in torch.

    Returns:
        g, m_p, logs_p, logw_sdp, logw_dp, logw, frames, z_p, z and audio, shaped as recorded.
    """
    with torch.no_grad():
        if inputs.spectrogram is not None:
            g: Tensor = network.ref_enc(torch.from_numpy(inputs.spectrogram))
        else:
            g = network.emb_g(torch.tensor([inputs.speaker])).unsqueeze(-1)
        mask = torch.ones(1, 1, inputs.phones.shape[1])
        m_p, logs_p, logw_sdp, logw_dp = network.encode(
            text_inputs(inputs),
            mask,
            g,
            torch.from_numpy(inputs.noise_sdp * np.float32(inputs.noise_w)),
        )
        encoded: dict[str, npt.NDArray[Any]] = {
            "g": g.numpy(),
            "m_p": m_p.numpy(),
            "logs_p": logs_p.numpy(),
            "logw_sdp": logw_sdp.numpy(),
            "logw_dp": logw_dp.numpy(),
        }
        encoded.update(between(encoded, inputs))
        z_p = torch.from_numpy(encoded["z_p"])
        z = network.flow(z_p, torch.ones(1, 1, z_p.shape[2]), g, reverse=True)
        return encoded | {"z": z.numpy(), "audio": network.dec(z, g).numpy()}


def between(encoded: Mapping[str, Array], inputs: Inputs) -> dict[str, npt.NDArray[Any]]:
    """The numpy stages between encoder and flow: logw, frames and z_p."""
    logw = mix_durations(encoded["logw_sdp"], encoded["logw_dp"], inputs.sdp_ratio)
    frames = frames_per_phone(logw, inputs.length_scale)
    # Cut where the noise ends: checkpoints may draw random phones out without end, and recorded
    # noise is as long as the right durations.
    ends = np.minimum(np.cumsum(frames, axis=2), inputs.noise_prior.shape[2])
    frames = np.diff(ends, axis=2, prepend=0)
    noise = inputs.noise_prior[:, :, : int(frames.sum())]
    z_p = expand(encoded["m_p"], encoded["logs_p"], frames, noise, inputs.noise)
    return {"logw": logw, "frames": frames, "z_p": z_p}


class GraphStages:
    """The graphs of a voice folder, each as one call."""

    def __init__(self, folder: Path) -> None:
        """Compile all graphs of `folder` on the CPU in float32, without a cache."""
        self._graphs: dict[str, Graph] = {
            path.stem: compile_graph(path, "CPU", None) for path in sorted(folder.glob("*.xml"))
        }

    def speaker(self, spectrogram: Array) -> Array:
        """The stage `reference`."""
        return self._graphs["reference"](spectrogram=spectrogram)["speaker"]

    def encode(self, inputs: Inputs, g: Array) -> dict[str, Array]:
        """The stage `encode`."""
        names = self._graphs["encoder"].inputs
        return self._graphs["encoder"](
            phones=inputs.phones,
            tones=inputs.tones,
            languages=inputs.languages,
            mask=np.ones((1, 1, inputs.phones.shape[1]), np.float32),
            speaker=g,
            noise=inputs.noise_sdp * np.float32(inputs.noise_w),
            **{name: array for name, array in inputs.features.items() if name in names},
            **inputs.conditions,
        )

    def flow(self, z_p: Array, g: Array) -> Array:
        """The stage `flow`."""
        mask = np.ones((1, 1, z_p.shape[2]), np.float32)
        return self._graphs["flow"](z_p=z_p, mask=mask, speaker=g)["z"]

    def decode(self, z: Array, g: Array) -> Array:
        """The stage `decode`, in one pass."""
        kept = np.arange(z.shape[2])
        return self._graphs["decoder"](z=z, speaker=g, kept=kept)["audio"]


def compare_stages(
    network: Synthesizer, stages: GraphStages, inputs: Inputs
) -> list[StageDifference]:
    """Compare each graph with torch, each fed with torch's own inputs.

    Weights rounded to float16 may move a duration across a whole frame, after which nothing could
    be compared; fed this way each stage answers for itself.
    """
    expected = run_torch(network, inputs)
    differences = []
    g = expected["g"]
    if inputs.spectrogram is not None:
        differences.append(difference("g", stages.speaker(inputs.spectrogram), g))
    for name, array in stages.encode(inputs, g).items():
        differences.append(difference(name, array, expected[name]))
    differences.append(difference("z", stages.flow(expected["z_p"], g), expected["z"]))
    differences.append(difference("audio", stages.decode(expected["z"], g), expected["audio"]))
    return differences


def probe_inputs(network: Synthesizer, features: Sequence[str]) -> Inputs:
    """A test utterance of random phones, of another length than the traced example."""
    rng = np.random.default_rng(0)
    config, table = network.config, network.variant.table
    phones = 31
    widths = {feature.name: feature.width for feature in network.variant.features}
    return Inputs(
        phones=rng.integers(0, len(table.symbols), (1, phones)),
        tones=rng.integers(0, table.tone_count, (1, phones)),
        languages=rng.integers(0, len(table.languages), (1, phones)),
        features={
            name: rng.standard_normal((1, widths[name], phones), np.float32) for name in features
        },
        conditions={
            # A row below 0 lets the vector decide.
            name: -np.ones(1, np.int64) if name == "emotion_row" else _unit(rng, shape[1])
            for name, shape in condition_shapes(network.variant).items()
        },
        noise_sdp=rng.standard_normal((1, 2, phones), np.float32),
        noise_prior=rng.standard_normal((1, config.inter_channels, 4096), np.float32),
        sdp_ratio=0.5,
        noise=0.6,
        noise_w=0.8,
        length_scale=1.0,
        spectrogram=(
            None
            if config.n_speakers
            else np.abs(rng.standard_normal((1, config.spec_channels, 130), np.float32))
        ),
    )


def _unit(rng: np.random.Generator, width: int) -> Array:
    """A vector (1, width) of length 1, as feature models give them."""
    vector = rng.standard_normal((1, width), np.float32)
    return vector / np.float32(np.linalg.norm(vector))
