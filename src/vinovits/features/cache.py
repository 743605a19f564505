"""Results that are kept for when the same is asked again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LIMIT = 4_000_000
"""Bytes that one model keeps by default: about 40 long sentences of the widest model."""
_OVERHEAD = 500
"""Bytes that an entry takes beside its numbers, roughly."""


@dataclass(slots=True)
class Counts:
    """How often something was asked for."""

    found: int = 0
    """It was kept."""
    missed: int = 0
    """It had to be made."""


counts = Counts()
"""Of all caches of this process."""
_counting = threading.Lock()


class ResultCache:
    """Arrays by what they were made from; those used longest ago go first.

    Any number of threads may use one object at once.

    Args:
        limit: The most bytes that it holds; 0 keeps nothing.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._entries: OrderedDict[Hashable, NDArray[np.float32]] = OrderedDict()
        self._bytes = 0

    def get(self, key: Hashable) -> NDArray[np.float32] | None:
        """A copy of what was kept under `key`, or None."""
        with self._lock:
            found = self._entries.get(key)
            if found is not None:
                self._entries.move_to_end(key)
        with _counting:
            counts.found += found is not None
            counts.missed += found is None
        return None if found is None else found.copy()

    def put(self, key: Hashable, value: NDArray[np.float32]) -> None:
        """Keep a copy of an array, unless it alone is beyond the limit."""
        size = value.nbytes + _OVERHEAD
        if size > self._limit:
            return
        kept = value.copy()
        with self._lock:
            before = self._entries.pop(key, None)
            self._entries[key] = kept
            self._bytes += size - (0 if before is None else before.nbytes + _OVERHEAD)
            while self._bytes > self._limit:
                _, dropped = self._entries.popitem(last=False)
                self._bytes -= dropped.nbytes + _OVERHEAD

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
            self._bytes = 0

    @property
    def size(self) -> int:
        """Bytes in use."""
        return self._bytes
