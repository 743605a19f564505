"""How each family is trained: one row of data each, and the settings of a released config."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vinovits.errors import CheckpointError
from vinovits.nets.config import ModelConfig
from vinovits.train.spectrogram import SpectrogramSizes


@dataclass(frozen=True, slots=True)
class Recipe:
    """What distinguishes the training of one family."""

    samples_durations: bool = False
    """The stochastic predictor also draws durations; they are compared with the alignment's, and
    judged."""
    clip_norm: float = float("inf")
    """Largest norm of the generator's gradient."""
    needs_duration_judge_for_wavlm: bool = True
    """Quirk: what WavLM says moves the generator only where a duration discriminator is used."""
    commitments: int = 0
    """Quirk: how often the quantiser's commitment counts in the loss; once more where both a
    duration and a WavLM discriminator are used."""
    codebook_decay: float = 0.99
    """Of the moving averages that the codebook's rows are."""
    recorded: bool = True
    """A step of the released code was recorded, and ours agrees with it."""


RECIPES = {
    "2.3": Recipe(samples_durations=True, needs_duration_judge_for_wavlm=False),
    "2.4": Recipe(clip_norm=200.0, codebook_decay=0.85),
    "jp-extra": Recipe(clip_norm=500.0, commitments=1),
    # Nothing was recorded of these two: they follow the families whose networks they have.
    "sbv2": Recipe(recorded=False),
    "sbv2-jp-extra": Recipe(clip_norm=500.0, recorded=False),
}
"""By the name of the variant."""


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """Settings of a run; names as in the released configs."""

    learning_rate: float
    betas: tuple[float, float]
    """Of Adam's two moving averages."""
    eps: float
    """Of Adam."""
    weight_decay: float
    """Of AdamW; released configs don't name it."""
    segment_size: int
    """Samples that the decoder makes of each utterance of a batch."""
    c_mel: float
    """Weight of the mel loss."""
    c_kl: float
    """Weight of the KL divergence."""
    c_commit: float
    """Weight of the quantiser's commitment."""
    noisy_alignment: bool
    """The alignment search is blurred in the first steps."""
    duration_judge: bool
    """A duration discriminator is trained."""
    wavlm_judge: bool
    """A WavLM discriminator is trained."""
    wavlm_rate: int
    """Sampling rate that WavLM hears, in Hz."""
    wavlm_width: int
    """Numbers in a hidden state of WavLM."""
    wavlm_states: int
    """Its hidden states, the one before the first layer included."""
    wavlm_channels: int
    """Channels of the first layer of its discriminator."""
    spectrogram: SpectrogramSizes

    @property
    def segment_frames(self) -> int:
        """Frames of a segment."""
        return self.segment_size // self.spectrogram.hop_length

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], model: ModelConfig) -> TrainingConfig:
        """Read a released config.

        Args:
            data: The parsed config.json.
            model: What was read from it for the network.

        Raises:
            CheckpointError: A key is missing, or a value is of the wrong type.
        """
        try:
            train, audio, network = data["train"], data["data"], data["model"]
            wavlm = network.get("slm", {})
            first, second = train["betas"]
            highest = audio.get("mel_fmax")
            return cls(
                learning_rate=float(train["learning_rate"]),
                betas=(float(first), float(second)),
                eps=float(train["eps"]),
                weight_decay=float(train.get("weight_decay", 0.01)),
                segment_size=int(train["segment_size"]),
                c_mel=float(train["c_mel"]),
                c_kl=float(train["c_kl"]),
                c_commit=float(train.get("c_commit", 100)),
                noisy_alignment=bool(network.get("use_noise_scaled_mas", False)),
                duration_judge=bool(network.get("use_duration_discriminator", False)),
                wavlm_judge=bool(wavlm) and bool(network.get("use_wavlm_discriminator", True)),
                wavlm_rate=int(wavlm.get("sr", 16000)),
                wavlm_width=int(wavlm.get("hidden", 768)),
                wavlm_states=int(wavlm.get("nlayers", 13)),
                wavlm_channels=int(wavlm.get("initial_channel", 64)),
                spectrogram=SpectrogramSizes(
                    sampling_rate=model.sampling_rate,
                    filter_length=model.filter_length,
                    hop_length=model.hop_length,
                    win_length=model.win_length,
                    mel_channels=int(audio["n_mel_channels"]),
                    mel_lowest=float(audio.get("mel_fmin") or 0.0),
                    mel_highest=None if highest is None else float(highest),
                ),
            )
        except KeyError as error:
            raise CheckpointError(
                f"The config has no {error.args[0]!r}, which training needs."
            ) from None
        except (TypeError, ValueError, AttributeError) as error:
            raise CheckpointError(f"The config holds a value of the wrong kind: {error}.") from None
