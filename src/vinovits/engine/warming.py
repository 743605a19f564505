"""Compiling the usual shapes of static graphs in the background, before they are asked for."""

from __future__ import annotations

import atexit
import logging
import threading
import weakref
from collections.abc import Mapping, Sequence

from vinovits.errors import VinovitsError
from vinovits.graphs import Runnable

_log = logging.getLogger(__name__)
_stopping = threading.Event()
_threads: weakref.WeakSet[threading.Thread] = weakref.WeakSet()

Job = tuple[Runnable, Mapping[str, int]]
"""A graph, and lengths as its `prepare` takes them."""


def warm(jobs: Sequence[Job]) -> threading.Thread:
    """Prepare graphs one after the other in a thread of their own.

    What fails there is logged and left to the call that needs it. Graphs that nobody else holds any
    more are skipped. The thread ends with the interpreter, as soon as what it compiles is done:
    OpenVINO can't be stopped within it.

    Args:
        jobs: The most usual shapes first.

    Returns:
        The thread, already running.
    """
    waiting = [(weakref.ref(graph), lengths) for graph, lengths in jobs]
    thread = threading.Thread(target=_run, args=(waiting,), name="vinovits-warm", daemon=True)
    _threads.add(thread)
    thread.start()
    return thread


def _run(waiting: Sequence[tuple[weakref.ref[Runnable], Mapping[str, int]]]) -> None:
    for reference, lengths in waiting:
        if _stopping.is_set():
            return
        graph = reference()
        if graph is None:
            continue
        try:
            graph.prepare(lengths)
        except VinovitsError as error:
            _log.warning("Not compiled ahead: %s", error)
        except Exception:
            _log.warning("Compiling ahead failed.", exc_info=True)
        del graph


@atexit.register
def _stop() -> None:
    # A daemon thread that is inside OpenVINO while the process ends would crash it.
    _stopping.set()
    for thread in list(_threads):
        thread.join()
