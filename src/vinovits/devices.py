"""Which devices there are, what they can compute, and which stage runs on which."""

from __future__ import annotations

import contextlib
import difflib
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vinovits.errors import DeviceError, DeviceFailedError, UsageError

if TYPE_CHECKING:
    import openvino as ov

STAGES = ("encoder", "flow", "decoder", "reference", "features")
"""What can be placed: the graphs of a voice, and the feature models that it hears text by."""

AUTO = "auto"

_HEAVY = ("flow", "decoder")
"""What "auto" gives to a GPU. The encoder and the feature models are short work, and its rounding
would move durations."""


@functools.cache
def core() -> ov.Core:
    """The process's one OpenVINO runtime; made at the first call, as it costs memory and time."""
    from vinovits.runtime import openvino as ov

    return ov.Core()


def available() -> list[str]:
    """OpenVINO's names of the devices that it sees, such as "CPU", "GPU.0"."""
    return [str(device) for device in core().available_devices]


def find_device(name: str) -> str:
    """OpenVINO's name of a device.

    Args:
        name: "cpu", "gpu", "gpu.1", "npu" in any case.

    Raises:
        DeviceError: OpenVINO doesn't see such a device; the message suggests the closest and names
            those that it sees.
    """
    wanted = name.strip().upper()
    devices = available()
    # A lone GPU is listed as "GPU" and answers to "GPU.0", too; the first of several to "GPU".
    if wanted in devices or f"{wanted}.0" in devices or wanted.removesuffix(".0") in devices:
        return wanted
    close = difflib.get_close_matches(wanted, [*devices, AUTO.upper()], n=1)
    raise DeviceError(
        f"There is no device {name.strip()!r:.40} here."
        + (f" Did you mean {close[0].lower()!r}?" if close else "")
        + f" OpenVINO sees: {', '.join(devices)}. "
        "If one is missing, its driver may be: `vinovits doctor` tells more."
    )


def can_compute(device: str, precision: str) -> bool:
    """Whether a device has arithmetic of its own for a precision, "f32", "bf16" or "f16".

    Args:
        device: As `find_device` takes it.
        precision: In small letters.

    Raises:
        DeviceError: OpenVINO doesn't see the device.
    """
    capabilities = _property(find_device(device), "OPTIMIZATION_CAPABILITIES")
    names = {"f16": "FP16", "f32": "FP32"}
    return names.get(precision, precision.upper()) in map(str, capabilities)


def exact_precision(device: str) -> str:
    """The most exact precision of a device: "f32", or "f16" of an NPU that has no other."""
    return "f32" if can_compute(device, "f32") else "f16"


def identity(device: str) -> tuple[str, ...]:
    """What tells a device from others for which compiled graphs and measurements don't hold.

    Args:
        device: OpenVINO's name of it.

    Returns:
        Its full name, and the version of its driver if it has one.
    """
    return (str(_property(device, "FULL_DEVICE_NAME")), *driver(device))


def driver(device: str) -> tuple[str, ...]:
    """The version of a device's driver; nothing for one without."""
    kind = device.partition(".")[0]
    with contextlib.suppress(DeviceFailedError):  # OpenVINO's plugins have a name each for it
        return (str(_property(device, f"{kind}_DRIVER_VERSION")),)
    return ()


def is_discrete(device: str) -> bool:
    """Whether a device is a card of its own, with memory of its own."""
    with contextlib.suppress(DeviceFailedError):
        return "DISCRETE" in str(_property(device, "DEVICE_TYPE")).upper()
    return False


def _property(device: str, name: str) -> Any:
    try:
        return core().get_property(device, name)
    except RuntimeError as error:
        reason = (str(error).strip().splitlines() or ["no reason given"])[-1]
        raise DeviceFailedError(
            f"The device {device} doesn't tell its {name}: {reason} Was it unplugged, or its "
            "driver updated? `vinovits doctor` tells more."
        ) from error


@dataclass(frozen=True, slots=True)
class Placement:
    """Where each stage runs: OpenVINO's names of devices, the one to try first in front.

    A stage whose device was named has that one alone.
    """

    encoder: tuple[str, ...] = ("CPU",)
    flow: tuple[str, ...] = ("CPU",)
    decoder: tuple[str, ...] = ("CPU",)
    reference: tuple[str, ...] = ("CPU",)
    features: tuple[str, ...] = ("CPU",)

    def of(self, stage: str) -> tuple[str, ...]:
        """The devices of a stage; graphs that no placement knows run with the encoder."""
        devices: tuple[str, ...] = getattr(self, stage if stage in STAGES else "encoder")
        return devices

    def __str__(self) -> str:
        """As people read it, such as "flow, decoder: GPU.1, else CPU; the rest: CPU"."""
        places: dict[tuple[str, ...], list[str]] = {}
        for stage in STAGES:
            places.setdefault(self.of(stage), []).append(stage)
        if len(places) == 1:
            return f"all: {', else '.join(self.encoder)}"
        return "; ".join(
            f"{', '.join(stages)}: {', else '.join(devices)}" for devices, stages in places.items()
        )


def parse_placement(asked: str) -> Placement:
    """Read where stages are to run.

    Args:
        asked: "cpu", "gpu", "gpu.1", "npu": all stages there. "auto": `flow` and `decoder` on the
            first GPU that can, discrete ones before integrated ones, else on the CPU, and the rest
            on the CPU. Or by stage, such as "encoder=cpu,flow=gpu,decoder=auto,features=npu": those
            of `STAGES` that aren't named run on the CPU.

    Raises:
        DeviceError: OpenVINO doesn't see a device that is named.
        UsageError: There is no such stage, one is named twice, or a part isn't stage=device.
    """
    if "=" not in asked:
        if "," in asked:
            raise UsageError(
                f"{asked!r:.80} names several devices. Say which stage runs on which, as in "
                "flow=gpu,decoder=gpu."
            )
        return Placement(**{stage: _candidates(stage, asked) for stage in STAGES})
    chosen = by_stage(asked, "device", "decoder=gpu")
    return Placement(**{stage: _candidates(stage, device) for stage, device in chosen.items()})


def by_stage(asked: str, what: str, example: str) -> dict[str, str]:
    """Read what is asked stage by stage, such as "decoder=gpu, flow=cpu".

    Args:
        asked: Parts with commas between.
        what: What each stage is given, for messages: "device".
        example: A right part, for messages.

    Returns:
        What is asked, by stages, which are some of `STAGES`.

    Raises:
        UsageError: There is no such stage, one is named twice, or a part isn't of this form.
    """
    chosen: dict[str, str] = {}
    for part in asked.split(","):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        stage = name.lower()
        if not (name and equals and value):
            raise UsageError(
                f"{part.strip()!r:.40} in {asked!r:.80} isn't a stage and its {what}, as in "
                f"{example}."
            )
        if stage not in STAGES:
            close = difflib.get_close_matches(stage, STAGES, n=1)
            raise UsageError(
                f"There is no stage {name!r:.40} to give a {what} to."
                + (f" Did you mean {close[0]!r}?" if close else "")
                + f" There are: {', '.join(STAGES)}."
            )
        if stage in chosen:
            raise UsageError(f"{asked!r:.80} names a {what} for {stage} twice.")
        chosen[stage] = value
    return chosen


def _candidates(stage: str, asked: str) -> tuple[str, ...]:
    if asked.strip().lower() != AUTO:
        return (find_device(asked),)
    if stage not in _HEAVY:
        return ("CPU",)
    gpus = [device for device in available() if device.partition(".")[0] == "GPU"]
    return (*sorted(gpus, key=lambda device: not is_discrete(device)), "CPU")
