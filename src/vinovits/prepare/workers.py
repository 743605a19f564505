"""Threads that work through jobs, a few ahead of what is taken, and stop at once when told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import TypeVar

T = TypeVar("T")

_AHEAD = 2
"""Jobs that wait, for each thread: their samples are in memory."""


class Stopped(Exception):  # noqa: N818 (no error: somebody wanted it)
    """Raised in a job that is to end."""


class Workers:
    """Threads. What takes the time here runs without Python's lock: decoding, networks, FFTs.

    Args:
        count: How many.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="prepare")
        self._stop = threading.Event()

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def each(self, jobs: Iterable[Callable[[], T]]) -> Iterator[T]:
        """Do jobs, which are drawn a few at a time.

        Yields:
            Their results as they come, in no order. The first error of a job is raised.
        """
        waiting: set[Future[T]] = set()
        for job in jobs:
            waiting.add(self._pool.submit(job))
            if len(waiting) >= self._count * (1 + _AHEAD):
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)

    def watched(self, stream: Iterable[T]) -> Iterator[T]:
        """A stream that ends with `Stopped` when the workers are to end."""
        for one in stream:
            if self._stop.is_set():
                raise Stopped
            yield one
