"""The queue before the engine: bounded, in threads, and left as soon as nobody listens."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from vinovits.serve.errors import busy, draining, late
from vinovits.serve.metrics import Metrics

T = TypeVar("T")

_MOST_UNREAD = 16 << 20
"""Bytes that a job may be ahead of its reader: a player who reads as he plays must not hold a
worker, nor one who doesn't read fill the memory."""
_MOST_HELD = 256 << 20
"""Bytes that all readers together may leave unread before new requests are refused."""
_FIRST_GUESS = 1.0
"""Seconds that a job takes, before one has."""
_MEMORY = 0.8
"""Of the past, in the mean of what jobs take."""


class Stopped(BaseException):
    """Nobody waits for this work any more. Not an `Exception`: nothing on the way may keep it."""


@dataclass(frozen=True, slots=True)
class _Failed:
    error: Exception


class _End:
    pass


class Job(Generic[T]):
    """What one request asks for: made by `put` in a worker, read by `get` in the event loop."""

    def __init__(self, work: Work, deadline: float) -> None:
        """Begin; `Work.submit` does.

        Args:
            work: The queue that it is in.
            deadline: Seconds from now.
        """
        self._work = work
        self._loop = asyncio.get_running_loop()
        self._seconds = deadline
        self._deadline = self._loop.time() + deadline
        self._items: asyncio.Queue[tuple[T | _Failed | _End, int]] = asyncio.Queue()
        self._stopped = False
        self._unread = 0
        self.future: Future[None] | None = None

    def put(self, item: T, size: int = 0) -> None:
        """Hand on a piece of the work; it waits while the reader is far behind.

        Args:
            item: The piece.
            size: Its bytes.

        Raises:
            Stopped: The reader has left.
        """
        with self._work.changed:
            self._work.changed.wait_for(lambda: self._stopped or self._unread <= _MOST_UNREAD)
            if self._stopped:
                raise Stopped
            self._unread += size
            self._work.held += size
        self._hand_on(item, size)

    def check(self) -> None:
        """Go on only while somebody waits.

        Raises:
            Stopped: The reader has left.
        """
        if self._stopped:
            raise Stopped

    async def get(self) -> T | None:
        """The next piece; None at the end.

        Raises:
            ApiError: The deadline is over.
            Exception: What the work met.
        """
        try:
            async with asyncio.timeout_at(self._deadline if self._items.empty() else None):
                item, size = await self._items.get()
        except TimeoutError:
            self.stop()
            raise late(self._seconds) from None
        with self._work.changed:
            self._forget(size)
        if isinstance(item, _Failed):
            raise item.error
        return None if isinstance(item, _End) else item

    def stop(self) -> None:
        """Leave: work that waits is taken out of the queue; what runs ends at its next `put`."""
        if self.future is not None:
            self.future.cancel()
        with self._work.changed:
            self._stopped = True
            self._forget(self._unread)

    def abandon(self) -> None:
        """Stop, and tell the reader that the server is about to end."""
        self.stop()
        self._hand_on(_Failed(draining()), 0)

    def end(self) -> None:
        """Stop, and tell the reader that this is the end."""
        self.stop()
        self._hand_on(_End(), 0)

    def run(self, task: Callable[[Job[T]], None]) -> None:
        """Do the work, in a worker."""
        last: _Failed | _End = _End()
        try:
            task(self)
        except Stopped:
            return
        except Exception as error:
            last = _Failed(error)
        self._hand_on(last, 0)

    def _hand_on(self, item: T | _Failed | _End, size: int) -> None:
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._items.put_nowait, (item, size))

    def _forget(self, size: int) -> None:
        size = min(size, self._unread)
        self._unread -= size
        self._work.held -= size
        self._work.changed.notify_all()


class Work:
    """Workers, and the jobs that wait for them. Its methods are for the event loop."""

    def __init__(self, workers: int, most_waiting: int, deadline: float, metrics: Metrics) -> None:
        """Start no thread yet.

        Args:
            workers: Jobs that run at once.
            most_waiting: Jobs that may wait.
            deadline: Seconds that a job has, its wait included.
            metrics: Told how many wait and run.
        """
        self._workers, self._most_waiting, self._deadline = workers, most_waiting, deadline
        self._metrics = metrics
        self._threads = ThreadPoolExecutor(workers, "vinovits-worker")
        self._open: set[Job[Any]] = set()
        self._mean = _FIRST_GUESS
        self.changed = threading.Condition()
        self.held = 0
        """Bytes that wait for their readers; guarded by `changed`."""
        self.draining = False
        """Nothing new is taken on."""

    @property
    def running(self) -> int:
        """Jobs at work."""
        return min(len(self._open), self._workers)

    @property
    def waiting(self) -> int:
        """Jobs that wait."""
        return len(self._open) - self.running

    def submit(self, task: Callable[[Job[T]], None]) -> Job[T]:
        """Take on a job, or refuse it at once.

        Args:
            task: Done in a worker thread, in the context of this call; it hands on what it makes.

        Raises:
            ApiError: The queue is full, or the server about to end.
        """
        if self.draining:
            raise draining()
        if len(self._open) >= self._workers + self._most_waiting or self.held > _MOST_HELD:
            raise busy(self._mean * (self.waiting + 1) / self._workers)
        job: Job[T] = Job(self, self._deadline)
        loop = asyncio.get_running_loop()
        job.future = self._threads.submit(copy_context().run, self._timed, job, task)
        self._open.add(job)
        self._count()

        def done(_: Future[None]) -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._leave, job)

        job.future.add_done_callback(done)
        return job

    async def call(self, function: Callable[[], T]) -> T:
        """Run a function in a worker.

        Raises:
            ApiError: As `submit` and `Job.get`.
            Exception: What the function raises.
        """

        def task(job: Job[T]) -> None:
            job.put(function())

        job = self.submit(task)
        try:
            result = await job.get()
            assert result is not None
            return result
        finally:
            job.stop()

    def stop(self) -> None:
        """Stop all jobs, and tell those who wait for them."""
        self.draining = True
        for job in list(self._open):
            job.abandon()

    def close(self) -> None:
        """Stop all jobs and wait for their threads."""
        self.stop()
        self._threads.shutdown(cancel_futures=True)

    def _timed(self, job: Job[T], task: Callable[[Job[T]], None]) -> None:
        began = time.monotonic()
        job.run(task)
        self._mean = _MEMORY * self._mean + (1 - _MEMORY) * (time.monotonic() - began)

    def _leave(self, job: Job[T]) -> None:
        self._open.discard(job)
        self._count()

    def _count(self) -> None:
        self._metrics.running.set(self.running)
        self._metrics.waiting.set(self.waiting)
