"""What each stage computes in.

Durations are rounded up to whole frames and the flow carries errors on through its couplings, so
that both want float32. The decoder is two thirds of the work, and its rounding noise isn't heard
where it is low: that of bf16 is measured when a voice is converted, that of f16 on the very device,
as it depends on its driver (`measured_snr`). Feature models whose weights are in int8 may have
their activations rounded to int8 too, by groups.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vinovits import graph_cache
from vinovits.devices import STAGES, by_stage, can_compute, exact_precision, find_device, identity
from vinovits.errors import DeviceError, DeviceFailedError, UsageError
from vinovits.graphs import StaticGraph, recipe

PRECISIONS = ("auto", "f32", "bf16", "f16")
"""Of the graphs of a voice; feature models may be "int8" as well."""

INT8 = "int8"

INT8_FEATURES = "int8-features"
"""Short for features=int8."""

LEAST_SNR = 30.0
"""Decibels between the sound and the noise that rounding adds, where "auto" still rounds."""

_SILENT, _SPOTLESS = -200.0, 200.0
"""Decibels that stand for no sound, or NaN, and for no noise: JSON knows no infinity."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Precisions:
    """What each stage is asked to compute in: one of `PRECISIONS`, or "int8" for `features`."""

    encoder: str = "auto"
    flow: str = "auto"
    decoder: str = "auto"
    reference: str = "auto"
    features: str = "auto"

    def of(self, stage: str) -> str:
        """That of a stage; graphs that aren't known compute as the encoder does."""
        asked: str = getattr(self, stage if stage in STAGES else "encoder")
        return asked


def parse_precision(asked: str) -> Precisions:
    """Read what stages are to compute in.

    Args:
        asked: One of `PRECISIONS`, for the decoder; "int8-features", for the feature models; or
            several by stage, such as "decoder=bf16,features=int8". Stages that aren't named are
            "auto".

    Raises:
        UsageError: There is no such precision or stage, one is named twice, or a part isn't
            stage=precision.
    """
    if not isinstance(asked, str):
        raise UsageError(f"A precision is a name, such as 'f32', not {asked!r:.40}.")
    if asked == INT8_FEATURES:
        return Precisions(features=INT8)
    if "=" not in asked:
        _check(asked, "decoder")
        return Precisions(decoder=asked)
    chosen = by_stage(asked.lower(), "precision", "decoder=bf16")
    for stage, precision in chosen.items():
        _check(precision, stage)
    return Precisions(**chosen)


def _check(asked: str, stage: str) -> None:
    names = (*PRECISIONS, INT8) if stage == "features" else PRECISIONS
    if asked in names:
        return
    message = f"There is no precision {asked!r:.40}"
    if asked == INT8:
        raise UsageError(
            f"{message} of the stage {stage}: only feature models compute in it, as in "
            f"features={INT8}."
        )
    raise UsageError(f"{message}. There are: {', '.join(PRECISIONS)}; {INT8} for features.")


def stage_precision(asked: str, device: str) -> str:
    """Choose the precision of a stage other than the decoder.

    Args:
        asked: "auto" takes the most exact of the device; others are taken as asked, though they may
            move durations.
        device: "cpu", "gpu.1" and so on.

    Raises:
        DeviceError: There is no such device, or it can't compute in what is asked of it.
    """
    if asked == "auto":
        return exact_precision(device)
    _check_device(asked, device)
    return asked


def _check_device(asked: str, device: str) -> None:
    if not can_compute(device, asked):
        raise DeviceError(
            f"The device {device!r} has no instructions for {asked}. Speak with the precision "
            "auto or f32."
        )


def decoder_precision(
    asked: str, device: str, bf16_snr: float, f16_snr: Callable[[], float]
) -> str:
    """Choose the precision of the decoder.

    Args:
        asked: "auto" takes bf16 on a CPU that has instructions for it (AMX or AVX-512 BF16), for a
            voice whose noise was measured to be low enough, and f16 on a GPU where it is low enough
            there; any other is taken as asked.
        device: "cpu", "gpu.1" and so on.
        bf16_snr: Of the voice, in decibels; 0 if not known.
        f16_snr: Tells that of the voice on the device; asked where it counts.

    Returns:
        "f32", "bf16" or "f16".

    Raises:
        DeviceError: There is no such device, it can't compute in what is asked of it, or all that
            it can is too noisy.
    """
    if asked != "auto":
        _check_device(asked, device)
        return asked
    if find_device(device) == "CPU":
        quick = can_compute(device, "bf16")
        return "bf16" if quick and bf16_snr >= LEAST_SNR else "f32"
    if can_compute(device, "f16") and f16_snr() >= LEAST_SNR:
        return "f16"
    if not can_compute(device, "f32"):
        raise DeviceError(
            f"The device {device!r} computes in f16 only, and the noise that this makes in the "
            f"decoder is less than {LEAST_SNR:g} dB below the sound. Place the decoder elsewhere, "
            "as in decoder=cpu, or speak with the precision f16 in spite of it."
        )
    return "f32"


def measured_snr(
    path: Path,
    sums: tuple[str, str],
    device: str,
    cache_dir: Path,
    lengths: dict[str, int],
) -> float:
    """How far below the sound the noise lies that a decoder makes in f16 on a device, in decibels.

    It decodes one random window in f16, and in f32: there too, or on the CPU where the device has
    no f32. The result is remembered in the cache folder, for this decoder, device, driver and
    release of OpenVINO.

    Args:
        path: The decoder's .xml.
        sums: sha256 of its two files.
        device: OpenVINO's name of it.
        cache_dir: Where compiled graphs are kept.
        lengths: Of the window, as `StaticGraph.prepare` takes them.

    Raises:
        DeviceFailedError: The device can't decode in f32.
        VoiceError: The graph is broken.
    """
    from vinovits.runtime import openvino as ov

    facts = {
        "decoder": list(sums),
        "device": list(identity(device)),
        "openvino": str(ov.get_version()),
        "window": lengths[""],
    }
    name = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]
    remembered = cache_dir / f"{name}.f16.json"
    if (known := _recall(remembered)) is not None:
        return known
    exact = device if exact_precision(device) == "f32" else "CPU"
    reference = _decode(path, sums, exact, cache_dir, lengths, "f32")
    try:
        snr = _decibels(reference, _decode(path, sums, device, cache_dir, lengths, "f16"))
    except DeviceFailedError as failure:
        _log.warning("f16 isn't used: %s", failure)
        return _SILENT  # not remembered: it may be for want of memory
    _log.info("f16 on %s: noise %.1f dB below the sound of %s.", device, snr, path)
    graph_cache.replace(remembered, json.dumps({"snr": round(snr, 2), **facts}).encode())
    return snr


def _recall(path: Path) -> float | None:
    try:
        snr = json.loads(path.read_bytes())["snr"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return float(snr) if isinstance(snr, int | float) and math.isfinite(snr) else None


def _decode(
    path: Path,
    sums: tuple[str, str],
    device: str,
    cache_dir: Path,
    lengths: dict[str, int],
    precision: str,
) -> npt.NDArray[np.float32]:
    """The samples of a window of random latents, the same for every device."""
    graph = StaticGraph(recipe(path, device, cache_dir, sums, precision))
    generator = np.random.default_rng(0)
    z, speaker = (
        generator.standard_normal(shape, np.float32)
        for shape in (graph.shape("z", lengths), graph.shape("speaker", lengths))
    )
    kept = np.arange(lengths["kept"])
    return graph(z=z, speaker=speaker, kept=kept)["audio"]


def _decibels(exact: npt.NDArray[np.float32], rounded: npt.NDArray[np.float32]) -> float:
    sound = float(np.square(exact, dtype=np.float64).sum())
    noise = float(np.square(rounded.astype(np.float64) - exact).sum())
    if not (math.isfinite(sound) and math.isfinite(noise)) or sound == 0:
        return _SILENT
    if noise == 0:
        return _SPOTLESS
    return float(np.clip(10 * math.log10(sound / noise), _SILENT, _SPOTLESS))
