"""OpenVINO graphs: devices, compilation with a disk cache, and requests that callers own.

Below both `engine` and `features`, which run graphs of their own.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from vinovits import graph_cache
from vinovits.errors import DeviceError, VoiceError
from vinovits.manifests import sha256

if TYPE_CHECKING:
    import openvino as ov

_log = logging.getLogger(__name__)


@functools.cache
def core() -> ov.Core:
    """The process's one OpenVINO runtime; made at the first call, as it costs memory and time."""
    from vinovits.runtime import openvino as ov

    return ov.Core()


def default_cache_dir() -> Path:
    """Where compiled graphs are kept: below the user's cache folder (XDG_CACHE_HOME)."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("vinovits", appauthor=False)) / "graphs"


def find_device(name: str) -> str:
    """OpenVINO's name of a device.

    Args:
        name: "cpu", "gpu", "gpu.1", "npu" in any case.

    Raises:
        DeviceError: OpenVINO doesn't see such a device; the message names those it sees.
    """
    wanted = name.strip().upper()
    devices = [str(device) for device in core().available_devices]
    if wanted in devices or f"{wanted}.0" in devices:
        return wanted
    raise DeviceError(
        f"There is no device {name!r} here. OpenVINO sees: {', '.join(devices)}. "
        "If one is missing, its driver may be: `vinovits doctor` tells more."
    )


@dataclass(frozen=True, slots=True)
class GraphInfo:
    """Where a graph really runs, as OpenVINO tells it."""

    devices: tuple[str, ...]
    precision: str
    """What it computes in, such as "f32"."""


class Graph:
    """A compiled graph that many threads may call at once."""

    def __init__(self, compiled: ov.CompiledModel) -> None:
        self._compiled = compiled
        self._idle: list[ov.InferRequest] = []
        self._lock = threading.Lock()
        self.inputs = frozenset(port.get_any_name() for port in compiled.inputs)
        self._outputs = [port.get_any_name() for port in compiled.outputs]

    def __call__(self, **inputs: npt.NDArray[Any]) -> dict[str, npt.NDArray[np.float32]]:
        """Run once; the arrays that come back are the caller's own."""
        with self._lock:
            request = self._idle.pop() if self._idle else None
        if request is None:
            request = self._compiled.create_infer_request()
        request.infer(inputs, share_inputs=True)
        results = {name: request.get_tensor(name).data.copy() for name in self._outputs}
        # After an error the request isn't given back: its state is unknown.
        with self._lock:
            self._idle.append(request)
        return results

    @property
    def info(self) -> GraphInfo:
        """The devices and the precision that OpenVINO says it uses."""
        devices = self._compiled.get_property("EXECUTION_DEVICES")
        if isinstance(devices, str):
            devices = [devices]
        precision = self._compiled.get_property("INFERENCE_PRECISION_HINT")
        return GraphInfo(tuple(str(device) for device in devices), precision.get_type_name())


def can_compute(device: str, precision: str) -> bool:
    """Whether a device has arithmetic of its own for a precision, "bf16" or "f16".

    Args:
        device: As `find_device` takes it.
        precision: In small letters.

    Raises:
        DeviceError: OpenVINO doesn't see the device.
    """
    capabilities = core().get_property(find_device(device), "OPTIMIZATION_CAPABILITIES")
    names = {"f16": "FP16", "f32": "FP32"}
    return names.get(precision, precision.upper()) in map(str, capabilities)


def compile_graph(
    path: Path,
    device: str,
    cache_dir: Path | None,
    sums: Sequence[str] = (),
    precision: str = "f32",
) -> Graph:
    """Read and compile a graph for latency.

    Args:
        path: The .xml file; its .bin lies beside it.
        device: "cpu", "gpu.1" and so on, as `find_device` takes it.
        cache_dir: Where compiled graphs are kept, or None for no cache. A cache that can't be
            written or read costs time, nothing else.
        sums: sha256 of both files, if they are known; else they are computed for the cache.
        precision: What it computes in, "f32" or "bf16".

    Raises:
        DeviceError: OpenVINO doesn't see the device.
        VoiceError: The files are no graph.
    """
    device = find_device(device)
    config: dict[str, Any] = {
        "PERFORMANCE_HINT": "LATENCY",
        # Some CPUs would choose bf16 by themselves, which is not precise enough for durations.
        "INFERENCE_PRECISION_HINT": precision,
    }
    cached: Path | None = None
    if cache_dir is not None:
        sums = sums or [sha256(path), sha256(path.with_suffix(".bin"))]
        cached = cache_dir / f"{_cache_key(device, config, sums)}{graph_cache.SUFFIX}"
        blob = graph_cache.read(cached)
        if blob is not None:
            try:
                return Graph(core().import_model(blob, device, config))
            except RuntimeError as error:
                _log.warning("The compiled graph %s is made anew: %s", cached, error)
    try:
        compiled = core().compile_model(path, device, config)
    except RuntimeError as error:
        raise VoiceError(
            f"OpenVINO can't compile {path}: {str(error).strip().splitlines()[-1]} "
            "Convert the voice again with this release."
        ) from None
    if cached is not None:
        graph_cache.write(cached, compiled.export_model().getvalue())
    return Graph(compiled)


def _cache_key(device: str, config: dict[str, Any], sums: Sequence[str]) -> str:
    """A name for all that a compiled graph depends on."""
    from vinovits.runtime import openvino as ov

    properties = [str(core().get_property(device, "FULL_DEVICE_NAME"))]
    with contextlib.suppress(RuntimeError):  # not every device has a driver of its own
        properties.append(str(core().get_property(device, "DRIVER_VERSION")))
    parts = [ov.get_version(), device, *properties, *map(str, sorted(config.items())), *sums]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
