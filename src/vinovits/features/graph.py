"""What feature models need of a compiled graph, and a plain way to get one.

The engine compiles graphs with one OpenVINO runtime for all of them and mends a broken cache; it
hands its own function to the feature models. The one here is for using a feature model by itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vinovits.errors import DeviceError, VoiceError


class Info(Protocol):
    """Where and how a graph runs."""

    @property
    def devices(self) -> tuple[str, ...]:
        """The devices that OpenVINO runs the graph on."""

    @property
    def precision(self) -> str:
        """What it computes in, such as "f32"."""


class Graph(Protocol):
    """A compiled graph that many threads may call at once."""

    def __call__(self, **inputs: NDArray[Any]) -> dict[str, NDArray[np.float32]]:
        """Run once; the arrays that come back are the caller's own."""

    @property
    def info(self) -> Info:
        """What OpenVINO says about it."""


Compile = Callable[[Path, str, Path | None], Graph]
"""Makes a graph from the path of an .xml file, a device and a cache folder, None for no cache."""


def compile_graph(path: Path, device: str, cache_dir: Path | None) -> Graph:
    """Compile a graph for a device, in float32.

    Args:
        path: The .xml file; the .bin file lies beside it.
        device: An OpenVINO device, such as "CPU" or "GPU.0".
        cache_dir: Where OpenVINO keeps compiled graphs; None for nowhere.

    Raises:
        DeviceError: OpenVINO doesn't have this device.
        VoiceError: The graph can't be compiled.
    """
    import openvino

    core = openvino.Core()
    # CPUs with AMX and most GPUs would otherwise compute in 16 bits.
    properties: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    if cache_dir is not None:
        properties["CACHE_DIR"] = str(cache_dir)
    try:
        return _CompiledGraph(core.compile_model(path, device, properties))
    except RuntimeError as error:
        known = core.available_devices
        if device.partition(".")[0] not in {name.partition(".")[0] for name in known}:
            raise DeviceError(
                f"OpenVINO has no device {device!r} here. There are: {', '.join(known)}."
            ) from error
        raise VoiceError(f"OpenVINO can't compile {path} for {device}: {error}") from error


class _CompiledGraph:
    """A Graph that lends each of its infer requests to one caller at a time."""

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled
        self._idle: list[Any] = []
        self._lock = threading.Lock()
        self._outputs = [port.get_any_name() for port in compiled.outputs]

    def __call__(self, **inputs: NDArray[Any]) -> dict[str, NDArray[np.float32]]:
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
    def info(self) -> Info:
        return _Info(
            tuple(self._compiled.get_property("EXECUTION_DEVICES")),
            self._compiled.get_property("INFERENCE_PRECISION_HINT").to_string(),
        )


@dataclass(frozen=True, slots=True)
class _Info:
    devices: tuple[str, ...]
    precision: str
