"""Who speaks in tests of lists and works."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

import numpy as np

from vinovits.batch.speakers import VoiceFacts
from vinovits.engine.result import Chunk
from vinovits.errors import VinovitsError


class Listed:
    """A speaker who notes what is asked; some texts fail, some are long in coming."""

    def __init__(
        self,
        width: int,
        failing: Mapping[str, VinovitsError] | None = None,
        slow: Mapping[str, Future[list[Chunk]]] | None = None,
    ) -> None:
        self.width = width
        self.asked: list[str] = []
        self._failing = failing or {}
        self._slow = slow or {}

    def facts(self, voice: str) -> VoiceFacts:
        return VoiceFacts(f"stamp of {voice}", 8000, 0.0)

    def speak(self, voice: str, text: str, settings: Mapping[str, Any]) -> Future[list[Chunk]]:
        self.asked.append(text)
        made: Future[list[Chunk]] = Future()
        if text in self._slow:
            return self._slow[text]
        if text in self._failing:
            made.set_exception(self._failing[text])
        else:
            made.set_result(click())
        return made

    def stop(self) -> None:
        pass

    def close(self) -> None:
        pass


def click() -> list[Chunk]:
    """Speech that takes no time."""
    return [Chunk(np.full(8, 0.1, np.float32), 0, 0, True, None)]
