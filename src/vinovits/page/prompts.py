"""Recordings that users give: kept for a while under an id."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict

from vinovits.serve.errors import ApiError
from vinovits.serve.recordings import Recording

_MOST_KEPT = 16
"""A minute at 48 kHz takes 11 MB."""


class Prompts:
    """The last recordings of all users, each under an id that nobody can guess."""

    def __init__(self) -> None:
        """Begin with none."""
        self._kept: OrderedDict[str, Recording] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, recording: Recording) -> str:
        """Keep one, and forget the oldest if there are too many; its id."""
        key = secrets.token_urlsafe(12)
        with self._lock:
            self._kept[key] = recording
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return key

    def get(self, key: str) -> Recording:
        """The one of this id.

        Raises:
            ApiError: It isn't kept any more.
        """
        with self._lock:
            recording = self._kept.get(key)
            if recording is None:
                raise ApiError(
                    400,
                    "The recording isn't kept any more. Upload it again.",
                    "no_such_recording",
                    param="prompt",
                )
            self._kept.move_to_end(key)
            return recording
