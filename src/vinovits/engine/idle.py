"""Giving memory back when a voice hasn't been used for a while."""

from __future__ import annotations

import atexit
import ctypes
import gc
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_timers: weakref.WeakSet[threading.Timer] = weakref.WeakSet()


class IdleTimer:
    """Counts the calls in flight; when there have been none for some time, it acts once.

    Any number of threads may use it at once.
    """

    def __init__(self, seconds: float | None, act: Callable[[], None]) -> None:
        """Wait for the first use.

        Args:
            seconds: Without use before it acts; None for never.
            act: What to do, in a thread of its own.
        """
        self._seconds, self._act = seconds, act
        # The garbage collector may end a forgotten call at any place, such as within this lock.
        self._lock = threading.RLock()
        self._uses = 0
        self._timer: threading.Timer | None = None

    def enter(self) -> None:
        """A call begins."""
        with self._lock:
            self._uses += 1
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def leave(self) -> None:
        """A call has ended."""
        with self._lock:
            self._uses -= 1
            if self._seconds is None or self._uses:
                return
            self._timer = threading.Timer(self._seconds, self._fire)
            self._timer.name, self._timer.daemon = "vinovits-idle", True
            _timers.add(self._timer)
            self._timer.start()

    @contextmanager
    def use(self) -> Iterator[None]:
        """A call, for as long as the block runs."""
        self.enter()
        try:
            yield
        finally:
            self.leave()

    def _fire(self) -> None:
        with self._lock:
            if self._uses or threading.current_thread() is not self._timer:
                return  # a call has come in between
            self._timer = None
        self._act()


def give_memory_back() -> None:
    """Let the system have what is free: glibc keeps most of what a graph leaves behind."""
    gc.collect()
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # other C libraries have no such call
            ctypes.CDLL(None).malloc_trim(0)


@atexit.register
def _stop() -> None:
    # A daemon thread that is inside OpenVINO while the process ends would crash it.
    for timer in list(_timers):
        timer.cancel()
        timer.join()
