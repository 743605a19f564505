"""OpenVINO graphs: devices, compilation with a disk cache, and requests that callers own.

Below both `engine` and `features`, which run graphs of their own.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from vinovits.errors import DeviceError, VoiceError

if TYPE_CHECKING:
    import openvino as ov

_log = logging.getLogger(__name__)
_compile_lock = threading.Lock()


@functools.cache
def core() -> ov.Core:
    """The process's one OpenVINO runtime; made at the first call, as it costs memory and time."""
    import openvino as ov

    return ov.Core()


def default_cache_dir() -> Path:
    """Where compiled graphs are kept: below the user's cache folder (XDG_CACHE_HOME)."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("vinovits", appauthor=False)) / "graphs"


CACHE_LIMIT = 2_000_000_000
"""Bytes of compiled graphs that are kept. A full-size voice takes about 300 MB."""


def prune_cache(cache_dir: Path, limit: int = CACHE_LIMIT) -> None:
    """Remove the oldest compiled graphs beyond `limit` bytes; OpenVINO itself never removes any."""
    files = []
    for path in cache_dir.glob("*.blob"):
        # Another process may prune at the same time.
        with contextlib.suppress(OSError):
            files.append((path.stat().st_mtime, path.stat().st_size, path))
    total = sum(size for _, size, _ in files)
    for _, size, path in sorted(files, key=lambda entry: entry[0]):
        if total <= limit:
            return
        with contextlib.suppress(OSError):
            path.unlink()
        total -= size


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


def compile_graph(path: Path, device: str, cache_dir: Path | None) -> Graph:
    """Read and compile a graph for latency in float32.

    Args:
        path: The .xml file; its .bin lies beside it.
        device: "cpu", "gpu.1" and so on, as `find_device` takes it.
        cache_dir: Where compiled graphs are kept, or None for no cache. A cache that OpenVINO
            can't read is removed and made anew.

    Raises:
        DeviceError: OpenVINO doesn't see the device.
        VoiceError: The files are no graph.
    """
    device = find_device(device)
    config: dict[str, Any] = {
        "PERFORMANCE_HINT": "LATENCY",
        # Some CPUs would choose bf16 by themselves, which is not precise enough for durations.
        "INFERENCE_PRECISION_HINT": "f32",
    }
    if cache_dir is not None:
        config["CACHE_DIR"] = str(cache_dir)
    with _compile_lock:
        try:
            return Graph(core().compile_model(path, device, config))
        except RuntimeError as error:
            if cache_dir is None or not cache_dir.is_dir():
                raise _unreadable(path, error) from None
            _log.warning("The cache of compiled graphs %s failed and is made anew.", cache_dir)
            shutil.rmtree(cache_dir, ignore_errors=True)
        try:
            return Graph(core().compile_model(path, device, config))
        except RuntimeError as error:
            raise _unreadable(path, error) from None


def _unreadable(path: Path, error: RuntimeError) -> VoiceError:
    return VoiceError(
        f"OpenVINO can't compile {path}: {str(error).strip().splitlines()[-1]} "
        "Convert the voice again with this release."
    )
