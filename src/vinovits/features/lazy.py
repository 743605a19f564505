"""A graph that is compiled when it is first run, and forgotten when its memory is wanted back."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vinovits.devices import exact_precision, find_device
from vinovits.graphs import GraphInfo, Runnable, StaticGraph, compile_graph, recipe

_LARGEST_CACHED = 100_000_000
"""Bytes of weights. A CPU compiles a larger graph sooner than it reads the compiled one (0.7 s and
1.3 s for 150 MB), which would also push those of voices out of the cache."""

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
    ) -> None:
        cpu = find_device(device) == "CPU"
        self._path = folder / f"{name}.xml"
        large = self._path.with_suffix(".bin").stat().st_size > _LARGEST_CACHED
        self._sums = [sums[f"{name}.{end}"] for end in ("xml", "bin")]
        self._device, self._cache_dir = device, None if cpu and large else cache_dir
        self.static = not cpu if static is None else static
        self._threads = threads
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
                precision = exact_precision(self._device)
                how = (
                    *(self._path, self._device, self._cache_dir, self._sums),
                    *(precision, self._threads),
                )
                self._compiled = StaticGraph(recipe(*how)) if self.static else compile_graph(*how)
            return self._compiled
