"""A graph that is compiled when it is first run, and forgotten when its memory is wanted back."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vinovits.devices import can_compute, exact_precision, find_device
from vinovits.errors import DeviceError
from vinovits.graphs import GraphInfo, Recipe, Runnable, StaticGraph, recipe

_LARGEST_CACHED = 100_000_000
"""Bytes of weights. A CPU compiles a larger graph sooner than it reads the compiled one (0.7 s and
1.3 s for 150 MB), which would also push those of voices out of the cache."""

_GROUP_SIZE, _GROUP = "DYNAMIC_QUANTIZATION_GROUP_SIZE", "64"
"""How many neighbouring activations have a scale of their own in int8; 0: they aren't rounded."""

_SHORTEST = 32
"""The length that a graph of static shapes is compiled for to tell where it runs."""


class LazyGraph:
    """A graph of a feature folder. Any number of threads may run one object at once.

    Args:
        folder: The feature folder.
        name: Of the graph's two files.
        sums: sha256 of the folder's files, by name.
        device: The OpenVINO device to run on.
        cache_dir: Where compiled graphs are kept; None for nowhere.
        static: Compile it for each shape that is asked for, instead of once for all; None: where
            the device isn't the CPU.
        threads: As `graphs.recipe` takes it.
        precision: What it computes in, "f32", "bf16" or "f16"; "int8" rounds activations to int8
            before products with weights in int8; None or "auto" is as the folder says.

    Attributes:
        static: As given, or as it suits the device.

    Raises:
        DeviceError: OpenVINO doesn't have this device.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        sums: Mapping[str, str],
        device: str,
        cache_dir: Path | None,
        static: bool | None = None,
        threads: int | None = None,
        precision: str | None = None,
    ) -> None:
        cpu = find_device(device) == "CPU"
        self._path = folder / f"{name}.xml"
        large = self._path.with_suffix(".bin").stat().st_size > _LARGEST_CACHED
        self._sums = [sums[f"{name}.{end}"] for end in ("xml", "bin")]
        self._device, self._cache_dir = device, None if cpu and large else cache_dir
        self.static = not cpu if static is None else static
        self._threads, self._precision = threads, precision
        self._lock = threading.Lock()
        self._compiled: Runnable | None = None

    def __call__(self, **inputs: NDArray[Any]) -> dict[str, NDArray[np.float32]]:
        """Run once; the arrays that come back are the caller's own."""
        return self._graph()(**inputs)

    @property
    def info(self) -> GraphInfo:
        """Where it really runs and at what precision; compiles it if need be."""
        graph = self._graph()
        if self.static:
            graph.prepare({"": _SHORTEST})
        return graph.info

    @property
    def loaded(self) -> bool:
        """Is it in memory?"""
        return self._compiled is not None

    def load(self) -> None:
        """Compile it now, unless it is."""
        self._graph()

    def unload(self) -> None:
        """Give its memory back; the next call compiles it again."""
        with self._lock:
            self._compiled = None

    def _graph(self) -> Runnable:
        with self._lock:
            if self._compiled is None:
                made = self._recipe()
                self._compiled = StaticGraph(made) if self.static else made.compile()
            return self._compiled

    def _recipe(self) -> Recipe:
        precision, options = exact_precision(self._device), {}
        if self._precision == "int8":
            options[_GROUP_SIZE] = _GROUP
        elif self._precision not in (None, "auto"):
            precision, options[_GROUP_SIZE] = self._precision, "0"
            if not can_compute(self._device, precision):
                raise DeviceError(
                    f"The device {self._device!r} has no instructions for {precision}. Let "
                    "features have the precision auto or f32."
                )
        where = self._path, self._device, self._cache_dir, self._sums
        return recipe(*where, precision, self._threads, options=options)
