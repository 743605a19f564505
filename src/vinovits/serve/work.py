"""The queue before the engine: bounded, in threads, and left as soon as nobody listens."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, copy_context
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from vinovits.serve.errors import busy, draining, late
from vinovits.serve.log import request
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


class WorkerDiedError(Exception):
    """The thread that worked on it is gone."""


class _End:
    pass


class Job(Generic[T]):
    """What one request asks for: made by `put` in a worker, read by `get` in the event loop."""

    def __init__(
        self,
        work: Work,
        deadline: float,
        owner: str | None,
        context: Context,
        task: Callable[[Job[T]], None],
    ) -> None:
        """Begin; `Work.submit` does.

        Args:
            work: The queue that it is in.
            deadline: Seconds from now.
            owner: Name of the API key; None where none is needed.
            context: That the task runs in.
            task: What a worker does.
        """
        self._work, self._context, self._task = work, context, task
        self.owner = owner
        """Name of the API key; None where none is needed."""
        self._loop = asyncio.get_running_loop()
        self._seconds = deadline
        self._deadline = self._loop.time() + deadline
        self._items: asyncio.Queue[tuple[T | _Failed | _End, int]] = asyncio.Queue()
        self._stopped = False
        self._unread = 0

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
        self._work.leave(self)
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

    def run(self) -> None:
        """Do the work, in a worker."""
        last: _Failed | _End = _End()
        try:
            self._context.run(self._task, self)
        except Stopped:
            return
        except Exception as error:
            last = _Failed(error)
        except BaseException:
            # The worker dies of it; another takes its place, and the reader needn't wait.
            self._hand_on(_Failed(WorkerDiedError("A worker has died.")), 0)
            raise
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
    """Workers, and the jobs that wait for them: owners take turns.

    `submit`, `call` and `stop` are for the event loop.
    """

    def __init__(self, workers: int, most_waiting: int, deadline: float, metrics: Metrics) -> None:
        """Start no thread yet.

        Args:
            workers: Jobs that run at once.
            most_waiting: Jobs that may wait; beyond them, one of each owner who has none there.
            deadline: Seconds that a job has, its wait included.
            metrics: Told how many wait and run.
        """
        self._workers, self._most_waiting, self._deadline = workers, most_waiting, deadline
        self._metrics = metrics
        self._threads: list[threading.Thread] = []
        self._ready = threading.Condition()
        self._queues: OrderedDict[str | None, deque[Job[Any]]] = OrderedDict()
        """What waits, by owner, the one whose turn is next in front; guarded by `_ready`."""
        self._running: set[Job[Any]] = set()
        self._closed = False
        self._mean = _FIRST_GUESS
        self.changed = threading.Condition()
        self.held = 0
        """Bytes that wait for their readers; guarded by `changed`."""
        self.draining = False
        """Nothing new is taken on."""

    @property
    def running(self) -> int:
        """Jobs at work."""
        return len(self._running)

    @property
    def waiting(self) -> int:
        """Jobs that wait."""
        with self._ready:
            return sum(map(len, self._queues.values()))

    def submit(self, task: Callable[[Job[T]], None]) -> Job[T]:
        """Take on a job, or refuse it at once.

        Args:
            task: Done in a worker thread, in the context of this call; it hands on what it makes.

        Raises:
            ApiError: The queue is full, or the server about to end.
        """
        if self.draining:
            raise draining()
        record = request.get()
        owner = None if record is None else record.key
        job: Job[T] = Job(self, self._deadline, owner, copy_context(), task)
        with self._ready:
            waiting = sum(map(len, self._queues.values()))
            # Who has a key can't be kept out by others who fill the queue.
            has_place = owner is not None and owner not in self._queues
            free = self._workers + self._most_waiting - len(self._running) - waiting
            if (free <= 0 and not has_place) or self.held > _MOST_HELD:
                raise busy(self._mean * (waiting + 1) / self._workers)
            self._queues.setdefault(owner, deque()).append(job)
            self._ready.notify()
        self.keep_working()
        self._count()
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
        with self._ready:
            every = [*self._running, *(job for queue in self._queues.values() for job in queue)]
        for job in every:
            job.abandon()

    def close(self) -> None:
        """Stop all jobs and wait for their threads."""
        self.stop()
        with self._ready:
            self._closed = True
            self._ready.notify_all()
        for thread in self._threads:
            thread.join()

    def keep_working(self) -> None:
        """Begin a thread for each that there should be and isn't, or isn't any more."""
        with self._ready:
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            while len(self._threads) < self._workers and not self._closed:
                thread = threading.Thread(target=self._run, name="vinovits-worker", daemon=True)
                self._threads.append(thread)
                thread.start()

    def leave(self, job: Job[Any]) -> None:
        """Take a job out of the queue, if it waits there."""
        with self._ready:
            queue = self._queues.get(job.owner)
            if queue is not None and job in queue:
                queue.remove(job)
                if not queue:
                    del self._queues[job.owner]
        self._count()

    def _run(self) -> None:
        """What a thread does until the end."""
        while True:
            with self._ready:
                self._ready.wait_for(lambda: self._queues or self._closed)
                if not self._queues:
                    return
                owner, queue = self._queues.popitem(last=False)
                job = queue.popleft()
                if queue:
                    self._queues[owner] = queue  # behind all others
                self._running.add(job)
            self._count()
            began = time.monotonic()
            try:
                job.run()
            finally:
                with self._ready:
                    self._running.discard(job)
                    took = time.monotonic() - began
                    self._mean = _MEMORY * self._mean + (1 - _MEMORY) * took
                self._count()

    def _count(self) -> None:
        self._metrics.running.set(self.running)
        self._metrics.waiting.set(self.waiting)
