"""Units made on a Ray cluster: an actor on each node has the voices loaded.

https://docs.ray.io/en/latest/ray-core/actors.html
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from vinovits.batch.make import Stopped
from vinovits.batch.speakers import VoiceFacts, WorkerLostError
from vinovits.errors import MissingExtraError, UsageError, VinovitsError

if TYPE_CHECKING:
    from vinovits.engine.result import Chunk

_log = logging.getLogger(__name__)

_CONNECT_SECONDS = 10.0
_START_SECONDS = 60.0
"""For which a worker may wait for a free processor."""
_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
"""How HTTP/2 begins, which Ray speaks: its mark and empty settings (RFC 9113, 3.4)."""


class RaySpeakers:
    """Actors of a Ray cluster, which must have vinovits and the voices on every node."""

    def __init__(self, address: str, options: Mapping[str, Any], actors: int | None = None) -> None:
        """Connect, and start actors.

        Args:
            address: "local" starts a cluster on this machine; "auto" takes the one that runs here,
                or RAY_ADDRESS; else an address such as "10.0.0.1:6379".
            options: What `vinovits.load` takes, beside the name; threads are those of each actor.
            actors: How many; None for one on each node, or one for each two processors where there
                is only one node.

        Raises:
            MissingExtraError: Ray isn't installed.
            UsageError: Nothing answers at the address, or no processor is free there.
        """
        try:
            import ray
        except ModuleNotFoundError:
            raise MissingExtraError(
                "A cluster needs Ray, which isn't installed: run `pip install 'vinovits[cluster]'`."
            ) from None
        self._ray: Any = ray
        self._owns = not ray.is_initialized()
        if self._owns:
            connect(address)
        nodes = [
            node for node in self._ray.nodes() if node["Alive"] and node["Resources"].get("CPU")
        ]
        if not nodes:
            raise UsageError(f"The cluster at {address} has no node with a processor.")
        processors = [int(node["Resources"]["CPU"]) for node in nodes]
        count = actors or (len(nodes) if len(nodes) > 1 else max(1, processors[0] // 2))
        share = max(1, sum(processors) // count)
        own = {**options, "threads": options.get("threads") or share}
        # An actor that dies is started again, and what it was at is tried again by it.
        remote = self._ray.remote(num_cpus=min(share, *processors), max_restarts=-1)(_Actor)
        try:
            self._actors = self._ready([remote.remote(own) for _ in range(count)])
        except BaseException:
            if self._owns:
                self._ray.shutdown()
            raise
        self.width = len(self._actors)
        self._free = list(self._actors)
        self._changed = threading.Condition()
        self._pool = ThreadPoolExecutor(self.width, "vinovits-ray")
        self._stop = threading.Event()
        self._known: dict[str, VoiceFacts] = {}

    def _ready(self, actors: list[Any]) -> list[Any]:
        """The actors that have got a processor; the others are given up."""
        asked = {actor.ready.remote(): actor for actor in actors}
        began, late = self._ray.wait(list(asked), num_returns=len(asked), timeout=_START_SECONDS)
        for reference in late:
            self._ray.kill(asked[reference])
        if not began:
            raise UsageError(
                f"No processor of the cluster was free for {_START_SECONDS:.0f} seconds: others "
                "use all of them. Wait for their end, ask for less by --workers, or add nodes."
            )
        if late:
            _log.warning(
                "%d of %d workers found no free processor; the others do the work.",
                len(late),
                len(actors),
            )
        return [asked[reference] for reference in began]

    def facts(self, voice: str) -> VoiceFacts:
        """See `Speakers`: all actors must agree, else parts of a book would sound apart."""
        if voice not in self._known:
            asked = [actor.facts.remote(voice) for actor in self._actors]
            told = [self._result(one) for one in asked]
            if len(set(told)) > 1:
                raise UsageError(
                    f"The nodes of the cluster don't have the same voice {voice!r}, or run it in "
                    "another precision. Give all the same voice folder, lexicons and --precision."
                )
            self._known[voice] = told[0]
        return self._known[voice]

    def speak(self, voice: str, text: str, settings: Mapping[str, Any]) -> Future[list[Chunk]]:
        """See `Speakers`."""
        return self._pool.submit(self._speak, voice, text, dict(settings))

    def stop(self) -> None:
        """See `Speakers`."""
        self._stop.set()
        with self._changed:
            self._changed.notify_all()
        for actor in self._actors:
            self._ray.kill(actor)

    def close(self) -> None:
        """See `Speakers`."""
        if not self._stop.is_set():
            self.stop()
        self._pool.shutdown(cancel_futures=True)
        if self._owns:
            self._ray.shutdown()

    def _speak(self, voice: str, text: str, settings: dict[str, Any]) -> list[Chunk]:
        with self._changed:
            while not self._free and not self._stop.is_set():
                self._changed.wait(1.0)
            if self._stop.is_set():
                raise Stopped
            actor = self._free.pop()
        try:
            made: list[Chunk] = self._result(actor.speak.remote(voice, text, settings))
            return made
        finally:
            with self._changed:
                self._free.append(actor)
                self._changed.notify()

    def _result(self, reference: Any) -> Any:
        """What a task gives.

        Raises:
            WorkerLostError: Its node or process is gone.
            VinovitsError: As the task raised it.
        """
        errors = self._ray.exceptions
        try:
            return self._ray.get(reference)
        except errors.RayTaskError as error:
            if isinstance(error.cause, VinovitsError):
                raise error.cause from None
            raise
        except errors.RayError as error:
            if self._stop.is_set():
                raise Stopped from None
            raise WorkerLostError(f"A worker of the cluster is gone: {error}") from None


class _Actor:
    """Voices in the memory of a node."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        from vinovits.batch.speakers import LoadedVoices

        self._loaded = LoadedVoices(options)

    def ready(self) -> None:
        """Return as soon as the actor has its place."""

    def facts(self, voice: str) -> VoiceFacts:
        return self._loaded.facts(voice)

    def speak(self, voice: str, text: str, settings: Mapping[str, Any]) -> list[Chunk]:
        return self._loaded.speak(voice, text, settings, threading.Event())


def connect(address: str) -> None:
    """Connect this process to a cluster.

    Args:
        address: As `RaySpeakers` takes it.

    Raises:
        UsageError: Nothing answers there.
    """
    import ray

    options: dict[str, Any] = {
        "logging_level": logging.ERROR,
        "log_to_driver": False,
        "include_dashboard": False if address == "local" else None,
    }
    known = os.environ.get("RAY_ADDRESS") if address == "auto" else address
    if known not in (None, "", "local", "auto"):
        _check_answer(known)
    try:
        ray.init(address=address, **{k: v for k, v in options.items() if v is not None})
    except (ConnectionError, RuntimeError, ValueError) as error:
        what = " ".join(str(error).split())
        raise UsageError(f"No Ray cluster answers at {address}: {what:.200}") from None


def _check_answer(address: str) -> None:
    """Find what Ray itself would try for many minutes: nobody is there, or nobody answers."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        raise UsageError(f"{address!r} is no address of a cluster, such as 10.0.0.1:6379.")
    try:
        with socket.create_connection((host, int(port)), _CONNECT_SECONDS) as connection:
            connection.sendall(_HELLO)
            answer = connection.recv(4)
    except TimeoutError:
        why = f"nothing came back for {_CONNECT_SECONDS:.0f} seconds"
    except (OSError, OverflowError) as error:
        why = (getattr(error, "strerror", None) or str(error)).lower()
    else:
        if answer not in (b"", b"HTTP"):
            return
        why = "what answers there is something else"
    raise UsageError(f"No Ray cluster answers at {address}: {why}.")
