"""The sizes of a network, read from the config.json that is released with a checkpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vinovits.errors import CheckpointError
from vinovits.nets.variants import Variant


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Every dimension of the generator; names as in the released configs."""

    sampling_rate: int
    """Samples per second."""
    filter_length: int
    """FFT size of the linear spectrogram."""
    hop_length: int
    """Samples per frame."""
    win_length: int
    """Window of the spectrogram, in samples."""
    spec_channels: int
    """Rows of the spectrogram that the posterior encoder reads."""
    inter_channels: int
    """Channels of the latent z."""
    hidden_channels: int
    filter_channels: int
    n_heads: int
    n_layers: int
    kernel_size: int
    p_dropout: float
    resblock: str
    """Kind of the decoder's residual block: "1" or "2"."""
    resblock_kernel_sizes: tuple[int, ...]
    resblock_dilation_sizes: tuple[tuple[int, ...], ...]
    upsample_rates: tuple[int, ...]
    upsample_initial_channel: int
    upsample_kernel_sizes: tuple[int, ...]
    n_speakers: int
    """Rows of the speaker table; 0 means that a reference encoder makes the speaker vector."""
    gin_channels: int
    """Width of the speaker vector."""
    transformer_flow: bool
    couplings: int
    """Coupling layers of the flow."""
    flow_layers: int
    """Layers inside each coupling of the flow."""
    speakers: dict[str, int]
    """Speaker names and their rows."""

    def __post_init__(self) -> None:
        _check_sizes(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], variant: Variant) -> ModelConfig:
        """Read a released config.

        Args:
            data: The parsed config.json, with its sections "data" and "model".
            variant: The family; gives the sizes that its configs leave out.

        Raises:
            CheckpointError: A key is missing, of the wrong type, or of an impossible value, or the
                config asks for what no released code builds.
        """
        model, audio = _section(data, "model"), _section(data, "data")
        flow = {} if variant.fixed_flow else model
        if flow.get("flow_share_parameter"):
            raise CheckpointError(
                "The config sets flow_share_parameter, which no released code can build. "
                "Set it to false if the checkpoint was trained without it."
            )
        if not model.get("use_spk_conditioned_encoder", True):
            raise CheckpointError(
                "The config sets use_spk_conditioned_encoder to false, which no released code of "
                f"{variant.name} can build. Set it to true if the checkpoint has "
                "enc_p.encoder.spk_emb_linear."
            )
        transformer = bool(flow.get("use_transformer_flow", True))
        # Only the string "1" stands for that kind, and each kind uses so many of its dilations.
        resblock, dilations = ("1", 3) if model.get("resblock") == "1" else ("2", 2)
        try:
            filter_length = int(audio["filter_length"])
            mel_posterior = bool(model.get("use_mel_posterior_encoder", False))
            sizes: dict[str, Any] = {name: int(model[name]) for name in _MODEL_SIZES}
            config = cls(
                **sizes,
                sampling_rate=int(audio["sampling_rate"]),
                filter_length=filter_length,
                hop_length=int(audio["hop_length"]),
                win_length=int(audio["win_length"]),
                spec_channels=(
                    int(audio["n_mel_channels"]) if mel_posterior else filter_length // 2 + 1
                ),
                p_dropout=float(model["p_dropout"]),
                resblock=resblock,
                resblock_kernel_sizes=_ints(model["resblock_kernel_sizes"]),
                resblock_dilation_sizes=tuple(
                    _ints(sizes)[:dilations] for sizes in model["resblock_dilation_sizes"]
                ),
                upsample_rates=_ints(model["upsample_rates"]),
                upsample_kernel_sizes=_ints(model["upsample_kernel_sizes"]),
                n_speakers=int(audio["n_speakers"]),
                transformer_flow=transformer,
                couplings=(
                    int(flow.get("n_flow_layer", variant.couplings))
                    if transformer
                    else variant.couplings
                ),
                flow_layers=(
                    int(flow.get("n_layers_trans_flow", variant.transformer_flow_layers))
                    if transformer
                    else int(flow.get("n_flow_layer", variant.wavenet_flow_layers))
                ),
                speakers={str(k): int(v) for k, v in dict(audio.get("spk2id", {})).items()},
            )
            _check_depth(config, variant.speaker_layer + 1)
            return config
        except KeyError as error:
            raise CheckpointError(
                f"The config has no {error.args[0]!r}. Is this the config.json that was released "
                "with the checkpoint?"
            ) from None
        except (TypeError, ValueError, OverflowError) as error:
            raise CheckpointError(f"The config holds a value of the wrong kind: {error}.") from None

    @classmethod
    def from_file(cls, path: Path, variant: Variant) -> ModelConfig:
        """Read config.json at `path`; errors as in `from_dict`."""
        return cls.from_dict(read_config(path), variant)


def read_config(path: Path) -> dict[str, Any]:
    """Parse a config.json.

    Raises:
        CheckpointError: The file can't be read, or isn't a JSON object.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise CheckpointError(f"The config {path} can't be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"The config {path} isn't valid JSON: {error}.") from None
    if not isinstance(data, dict):
        raise CheckpointError(f"The config {path} holds no JSON object.")
    return data


def _section(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = data.get(name)
    if not isinstance(section, Mapping):
        raise CheckpointError(
            f"The config has no section {name!r}. Is this the config.json that was released with "
            "the checkpoint?"
        )
    return section


def _ints(values: Any) -> tuple[int, ...]:
    return tuple(int(value) for value in values)


_MODEL_SIZES = (
    *("inter_channels", "hidden_channels", "filter_channels", "n_heads", "n_layers"),
    *("kernel_size", "gin_channels", "upsample_initial_channel"),
)
"""Whole numbers of the config's section "model"."""

_LARGEST = 1_000_000
"""Of any size: far beyond every released model, and small enough to be multiplied."""

_MOST_LAYERS = 100
"""Of any kind: building them takes time even where they take no memory."""


def _check_sizes(config: ModelConfig) -> None:
    audio = ("sampling_rate", "filter_length", "hop_length", "win_length", "spec_channels")
    for name in (*audio, *_MODEL_SIZES, "couplings", "flow_layers"):
        size = getattr(config, name)
        most = _MOST_LAYERS if name in ("n_layers", "couplings", "flow_layers") else _LARGEST
        if not 1 <= size <= most:
            raise CheckpointError(
                f"The config has {name} {size}; it must be at least 1 and at most {most}."
            )
    if not 0 <= config.p_dropout <= 1:  # NaN is in no range
        raise CheckpointError(
            f"The config has p_dropout {config.p_dropout}; it must be from 0 to 1."
        )
    if config.n_speakers < 0:
        raise CheckpointError(
            f"The config has n_speakers {config.n_speakers}; it can't be negative."
        )
    if config.hidden_channels % config.n_heads:
        raise CheckpointError(
            f"The config has {config.hidden_channels} hidden_channels, which {config.n_heads} "
            "n_heads can't share evenly."
        )
    if config.inter_channels % 2:
        raise CheckpointError("The config has an odd inter_channels; the flow splits it in halves.")
    if len(config.upsample_rates) != len(config.upsample_kernel_sizes):
        raise CheckpointError(
            "The config has upsample_rates and upsample_kernel_sizes of two lengths."
        )
    for rate, kernel in zip(config.upsample_rates, config.upsample_kernel_sizes, strict=True):
        if kernel < rate or (kernel - rate) % 2:
            raise CheckpointError(
                f"The config upsamples by {rate} with a kernel of {kernel}: a frame doesn't become "
                "a whole number of samples unless the kernel is as large, or larger by an even "
                "number."
            )
    if len(config.resblock_kernel_sizes) != len(config.resblock_dilation_sizes):
        raise CheckpointError(
            "The config has resblock_kernel_sizes and resblock_dilation_sizes of two lengths."
        )
    product = 1
    for rate in config.upsample_rates:
        product *= rate
    if product != config.hop_length:
        raise CheckpointError(
            f"The config's upsample_rates multiply to {product}, but its hop_length is "
            f"{config.hop_length}: a frame must become hop_length samples."
        )


def _check_depth(config: ModelConfig, minimum: int) -> None:
    """The layer before which the speaker vector enters must be there."""
    layers = [("n_layers", config.n_layers)]
    if config.transformer_flow:
        layers.append(("n_layers_trans_flow", config.flow_layers))
    for name, count in layers:
        if count < minimum:
            raise CheckpointError(f"The config has {name} {count}; it must be at least {minimum}.")
