"""OpenVINO graphs: compilation with a disk cache, and requests that callers own.

Below both `engine` and `features`, which run graphs of their own.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from vinovits import devices, graph_cache, winograd
from vinovits.errors import DeviceFailedError, VoiceError
from vinovits.manifests import sha256
from vinovits.threads import limit, processors

if TYPE_CHECKING:
    import openvino as ov

_log = logging.getLogger(__name__)

_MOST_SHAPES = 16
"""Shapes of one static graph that stay in memory: its buckets, and some of sentences with a shape
of their own."""

Shape = tuple[int, ...]
Shapes = tuple[tuple[str, Shape], ...]
"""Of every input of a graph, by name; none: they are dynamic."""


def default_cache_dir() -> Path:
    """Where compiled graphs are kept: below the user's cache folder (XDG_CACHE_HOME)."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("vinovits", appauthor=False)) / "graphs"


@dataclass(frozen=True, slots=True)
class GraphInfo:
    """Where a graph really runs, as OpenVINO tells it."""

    devices: tuple[str, ...]
    precision: str
    """What it computes in, such as "f32"."""
    shapes: str = "dynamic"
    """"dynamic": one compiled graph takes all lengths; "static": there is one for each."""
    note: str = ""
    """Why it isn't where "auto" wanted it; "" if it is."""


class Runnable(Protocol):
    """What can be run: many threads may call it at once."""

    @property
    def inputs(self) -> frozenset[str]:
        """Names of the inputs."""

    @property
    def static(self) -> bool:
        """Is every new shape compiled anew, so that callers should keep to few?"""

    @property
    def info(self) -> GraphInfo:
        """The devices and the precision that OpenVINO says it uses."""

    def __call__(self, **inputs: npt.NDArray[Any]) -> dict[str, npt.NDArray[np.float32]]:
        """Run once; the arrays that come back are the caller's own."""

    def prepare(self, lengths: Mapping[str, int]) -> None:
        """Compile for inputs whose dynamic dimensions have these lengths, if that is needed."""


class Graph:
    """A compiled graph that many threads may call at once."""

    static = False

    def __init__(
        self, compiled: ov.CompiledModel, name: str, device: str, held: object = None
    ) -> None:
        """Wrap what OpenVINO has compiled.

        Args:
            compiled: The graph.
            name: What to call it in messages.
            device: Where it was compiled for.
            held: The memory that it was imported from, which it goes on to use.
        """
        self._compiled = compiled
        self._name, self._device = name, device
        self._idle: list[ov.InferRequest] = []
        self._lock = threading.Lock()
        self.inputs = frozenset(port.get_any_name() for port in compiled.inputs)
        self._outputs = [port.get_any_name() for port in compiled.outputs]
        self._held = held  # the last to go

    def __call__(self, **inputs: npt.NDArray[Any]) -> dict[str, npt.NDArray[np.float32]]:
        """Run once; the arrays that come back are the caller's own.

        Raises:
            DeviceFailedError: A device other than the CPU, such as one that was unplugged, can't.
        """
        with self._lock:
            request = self._idle.pop() if self._idle else None
        try:
            if request is None:
                request = self._compiled.create_infer_request()
            request.infer(inputs, share_inputs=True)
            results = {name: request.get_tensor(name).data.copy() for name in self._outputs}
        except RuntimeError as error:
            if self._device == "CPU":
                raise  # no fault of the machine
            shapes = tuple(sorted((name, array.shape) for name, array in inputs.items()))
            raise DeviceFailedError(
                f"The device {self._device} failed to run the graph {self._name!r} for "
                f"{_in_words(shapes)}: {_last_line(error)} Speak on another device, such as cpu."
            ) from error
        # After an error the request isn't given back: its state is unknown.
        with self._lock:
            self._idle.append(request)
        return results

    def prepare(self, lengths: Mapping[str, int]) -> None:
        """Nothing is left to do: it takes all lengths."""

    @property
    def info(self) -> GraphInfo:
        """The devices and the precision that OpenVINO says it uses."""
        found = self._compiled.get_property("EXECUTION_DEVICES")
        if isinstance(found, str):
            found = [found]
        precision = self._compiled.get_property("INFERENCE_PRECISION_HINT")
        return GraphInfo(tuple(str(device) for device in found), precision.get_type_name())


@dataclass(slots=True)
class _Slot:
    """One shape of a static graph."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    graph: Graph | None = None


class StaticGraph:
    """A graph that is compiled for each shape that is asked for, once, and read once for all.

    Any number of threads may use it at once: those who ask for different shapes don't wait for each
    other's compilation.
    """

    static = True

    def __init__(self, recipe: Recipe) -> None:
        """Read the graph; nothing is compiled yet.

        Raises:
            VoiceError: The files are no graph.
        """
        self._recipe = recipe
        self._model = recipe.read()
        self.inputs = frozenset(port.get_any_name() for port in self._model.inputs)
        self._slots: OrderedDict[Shapes, _Slot] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, **inputs: npt.NDArray[Any]) -> dict[str, npt.NDArray[np.float32]]:
        """Run once; the arrays that come back are the caller's own.

        Raises:
            DeviceFailedError: The device can't compile the graph for these shapes, or run it.
        """
        return self._graph({name: array.shape for name, array in inputs.items()})(**inputs)

    def prepare(self, lengths: Mapping[str, int]) -> None:
        """Compile it, unless it is, for inputs of certain lengths.

        Args:
            lengths: By input, how long its dynamic dimension is; "" stands for all others.

        Raises:
            DeviceFailedError: As for a call.
        """
        self._graph({name: self.shape(name, lengths) for name in self.inputs})

    def shape(self, name: str, lengths: Mapping[str, int]) -> Shape:
        """The shape of an input whose dynamic dimension has a length, given as for `prepare`."""
        length = lengths.get(name, lengths[""])
        return tuple(
            extent.get_length() if extent.is_static else length
            for extent in self._model.input(name).get_partial_shape()
        )

    @property
    def shapes(self) -> tuple[Shapes, ...]:
        """Those that it is compiled for now."""
        with self._lock:
            return tuple(shapes for shapes, slot in self._slots.items() if slot.graph is not None)

    @property
    def info(self) -> GraphInfo:
        """Where it runs for the shape that was used last; some shape must have been prepared."""
        with self._lock:
            graph = next(
                slot.graph for slot in reversed(self._slots.values()) if slot.graph is not None
            )
        found = graph.info
        return GraphInfo(found.devices, found.precision, "static")

    def _graph(self, by_name: Mapping[str, Shape]) -> Graph:
        shapes = tuple(sorted((name, tuple(shape)) for name, shape in by_name.items()))
        with self._lock:
            slot = self._slots.setdefault(shapes, _Slot())
            self._slots.move_to_end(shapes)
            if len(self._slots) > _MOST_SHAPES:
                self._slots.popitem(last=False)
        with slot.lock:
            if slot.graph is None:
                slot.graph = self._recipe.compile(shapes, self._model)
            return slot.graph


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that a compiled graph depends on but its shapes."""

    path: Path
    """The .xml file; its .bin lies beside it."""
    device: str
    """OpenVINO's name of it."""
    identity: tuple[str, ...]
    """What the device and its driver are; nothing without a cache."""
    cache_dir: Path | None
    sums: tuple[str, ...]
    """sha256 of both files; none without a cache."""
    config: tuple[tuple[str, str], ...]

    def read(self) -> ov.Model:
        """The graph of the files, as the device is to compute it; its weights are mapped, not read.

        Raises:
            VoiceError: The files are no graph.
        """
        try:
            model = devices.core().read_model(self.path)
        except RuntimeError as error:
            raise VoiceError(
                f"OpenVINO can't read {self.path}: {_last_line(error)} Convert the voice again "
                "with this release."
            ) from None
        if self.device == "CPU" and dict(self.config)["INFERENCE_PRECISION_HINT"] == "f32":
            winograd.rewrite(model)
        return model

    def compile(self, shapes: Shapes = (), model: ov.Model | None = None) -> Graph:
        """Take the compiled graph from the cache, or compile it and keep it there.

        Args:
            shapes: Of all inputs; none leaves them dynamic.
            model: What `read` gave, if it was called.

        Raises:
            VoiceError: The files are no graph.
            DeviceFailedError: The device can't compile it.
        """
        from vinovits.runtime import openvino as ov

        name, core, config = self.path.stem, devices.core(), dict(self.config)
        cached: Path | None = None
        if self.cache_dir is not None:
            cached = self.cache_dir / f"{self._key(shapes)}{graph_cache.SUFFIX}"
            blob = graph_cache.read(cached)
            if blob is not None:
                try:
                    tensor = ov.Tensor(blob, shared_memory=True)
                    compiled = core.import_model(tensor, self.device, config)
                    return Graph(compiled, name, self.device, held=blob)
                except RuntimeError as error:
                    _log.warning("The compiled graph %s is made anew: %s", cached, error)
        model = self.read() if model is None else model
        try:
            if shapes:
                model = model.clone()
                model.reshape({input: list(shape) for input, shape in shapes})
            compiled = core.compile_model(model, self.device, config)
        except RuntimeError as error:
            if self.device == "CPU":
                raise VoiceError(
                    f"OpenVINO can't compile {self.path} for {_in_words(shapes)}: "
                    f"{_last_line(error)} Convert the voice again with this release."
                ) from None
            raise DeviceFailedError(
                f"The device {self.device} can't compile the graph {name!r} for "
                f"{_in_words(shapes)}: {_last_line(error)} Place it elsewhere, such as on the "
                "cpu, or update the driver."
            ) from error
        if cached is not None:
            try:
                graph_cache.write(cached, compiled.export_model().getvalue())
            except RuntimeError as error:  # not every driver can
                _log.warning(
                    "%s can't keep the compiled graph %r: %s", self.device, name, _last_line(error)
                )
        return Graph(compiled, name, self.device)

    def _key(self, shapes: Shapes) -> str:
        """A name for all that the compiled graph depends on."""
        from vinovits.runtime import openvino as ov

        parts = [ov.get_version(), winograd.VERSION, self.device, *self.identity]
        parts += [*map(str, self.config), *self.sums, *map(str, shapes)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def recipe(
    path: Path,
    device: str,
    cache_dir: Path | None,
    sums: Sequence[str] = (),
    precision: str = "f32",
    threads: int | None = None,
    streams: int = 1,
    options: Mapping[str, str] | None = None,
) -> Recipe:
    """How to compile a graph: for latency, or for several calls at once.

    Args:
        path: The .xml file; its .bin lies beside it.
        device: "cpu", "gpu.1" and so on, as `find_device` takes it.
        cache_dir: Where compiled graphs are kept, or None for no cache. A cache that can't be
            written or read costs time, nothing else.
        sums: sha256 of both files, if they are known; else they are computed for the cache.
        precision: What it computes in, "f32", "bf16" or "f16".
        threads: At most that many of the CPU, all streams together; None as `threads.limit` has
            it.
        streams: How many calls the CPU computes side by side, each with its share of the threads.
        options: Other properties of OpenVINO's.

    Raises:
        DeviceError: OpenVINO doesn't see the device.
        VoiceError: A file is missing.
    """
    device = devices.find_device(device)
    config = {
        "PERFORMANCE_HINT": "LATENCY",
        # Some CPUs would choose bf16 by themselves, and GPUs f16, which is not precise enough for
        # durations.
        "INFERENCE_PRECISION_HINT": precision,
        **(options or {}),
    }
    if device == "CPU":
        if (most := limit(threads)) is not None:
            config["INFERENCE_NUM_THREADS"] = str(most)
            if most < processors():
                # Pinned, threads of all such processes would share the first processors.
                config["ENABLE_CPU_PINNING"] = "NO"
        if streams > 1:
            config["NUM_STREAMS"] = str(streams)
    if cache_dir is not None and not sums:
        sums = [sha256(path), sha256(path.with_suffix(".bin"))]
    identity = () if cache_dir is None else devices.identity(device)
    return Recipe(path, device, identity, cache_dir, tuple(sums), tuple(sorted(config.items())))


def compile_graph(
    path: Path,
    device: str,
    cache_dir: Path | None,
    sums: Sequence[str] = (),
    precision: str = "f32",
    threads: int | None = None,
    streams: int = 1,
) -> Graph:
    """Read and compile a graph that takes all lengths. Arguments as `recipe`.

    Raises:
        DeviceError: OpenVINO doesn't see the device.
        DeviceFailedError: The device can't compile it.
        VoiceError: The files are no graph.
    """
    return recipe(path, device, cache_dir, sums, precision, threads, streams).compile()


def _in_words(shapes: Shapes) -> str:
    if not shapes:
        return "dynamic shapes"
    return ", ".join(f"{name} {'x'.join(map(str, shape))}" for name, shape in shapes)


def _last_line(error: RuntimeError) -> str:
    """The end of OpenVINO's message, which begins with places in its source, as a sentence."""
    last = (str(error).strip().splitlines() or ["no reason given"])[-1].strip()
    return last if last.endswith((".", "!", "?")) else f"{last}."
