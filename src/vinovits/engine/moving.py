"""A graph that "auto" places: on the first of several devices that can run it, never in silence."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from vinovits.errors import DeviceError, DeviceFailedError
from vinovits.graphs import GraphInfo, Runnable

R = TypeVar("R")
_log = logging.getLogger(__name__)


class MovingGraph:
    """Runs on the first device; when that fails, on the next, and says so in `info` and the log.

    Any number of threads may use it at once.
    """

    def __init__(self, name: str, makers: Sequence[Callable[[], Runnable]]) -> None:
        """Make the graph on the first device that can.

        Args:
            name: Of the graph.
            makers: One for each device, the best first. They raise a `DeviceError` where the device
                can't.

        Raises:
            DeviceError: No device can.
        """
        self._name = name
        self._left = list(makers)
        self._notes: list[str] = []
        self._lock = threading.Lock()
        self._graph = self._next()

    @property
    def inputs(self) -> frozenset[str]:
        """Names of the inputs."""
        return self._graph.inputs

    @property
    def static(self) -> bool:
        """Does the device that runs it now ask for few shapes?"""
        return self._graph.static

    @property
    def info(self) -> GraphInfo:
        """Where it runs now, and why not where it was meant to."""
        return replace(self._graph.info, note=" ".join(self._notes))

    def __call__(self, **inputs: npt.NDArray[Any]) -> dict[str, npt.NDArray[np.float32]]:
        """Run once; the arrays that come back are the caller's own.

        Raises:
            DeviceFailedError: The last device failed, too.
        """
        return self._try(lambda graph: graph(**inputs))

    def prepare(self, lengths: Mapping[str, int]) -> None:
        """Compile for inputs of certain lengths, as `StaticGraph.prepare`."""
        self._try(lambda graph: graph.prepare(lengths))

    def _try(self, work: Callable[[Runnable], R]) -> R:
        while True:
            graph = self._graph
            try:
                return work(graph)
            except DeviceFailedError as failure:
                with self._lock:
                    if self._graph is graph:  # else another thread has moved it already
                        self._note(failure)
                        self._graph = self._next()

    def _next(self) -> Runnable:
        while True:
            make = self._left.pop(0)
            try:
                return make()
            except DeviceError as failure:
                self._note(failure)

    def _note(self, failure: DeviceError) -> None:
        if not self._left:
            raise failure
        self._notes.append(str(failure))
        _log.warning("The graph %r moves to the next device: %s", self._name, failure)
