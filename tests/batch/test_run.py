"""In which order units are made, and what becomes of those that fail."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vinovits.batch.run import run
from vinovits.batch.speakers import VoiceFacts, WorkerLostError
from vinovits.batch.store import Unit, UnitStore
from vinovits.engine.result import Chunk
from vinovits.errors import VinovitsError

TEXTS = ("One.", "Two words.", "Short. Short. Short. Short.", "A far longer sentence.", "Last.")


class Listed:
    """A speaker who notes what is asked; some texts fail."""

    def __init__(self, width: int, failing: Mapping[str, VinovitsError] | None = None) -> None:
        self.width = width
        self.asked: list[str] = []
        self._failing = failing or {}

    def facts(self, voice: str) -> VoiceFacts:
        return VoiceFacts(f"stamp of {voice}", 8000, 0.0)

    def speak(self, voice: str, text: str, settings: Mapping[str, Any]) -> Future[list[Chunk]]:
        self.asked.append(text)
        made: Future[list[Chunk]] = Future()
        if text in self._failing:
            made.set_exception(self._failing[text])
        else:
            made.set_result([Chunk(np.full(8, 0.1, np.float32), 0, 0, True, None)])
        return made

    def stop(self) -> None:
        pass

    def close(self) -> None:
        pass


def units(*voices: str) -> list[Unit]:
    return [
        Unit(number, text, 0, voices[number % len(voices)], {}) for number, text in enumerate(TEXTS)
    ]


@pytest.mark.parametrize(
    ("width", "voices", "first"),
    [
        (1, ("joe",), ["A far longer sentence."]),
        (2, ("joe",), ["A far longer sentence.", "Two words."]),
        (1, ("joe", "ann"), ["Short. Short. Short. Short.", "A far longer sentence."]),
    ],
)
def test_the_longest_sentence_of_each_voice_and_speaker_comes_first_and_all_else_in_order(
    tmp_path: Path, width: int, voices: tuple[str, ...], first: list[str]
) -> None:
    speakers = Listed(width)
    with UnitStore(tmp_path) as store:
        store.add("book", units(*voices), {})
        assert run(store, "book", speakers).made == len(TEXTS)
        assert [unit.text for unit, _ in store.pieces("book")] == list(TEXTS)
    assert speakers.asked == [*first, *(text for text in TEXTS if text not in first)]


def test_failures_are_tried_again_and_told_in_the_order_of_the_text(tmp_path: Path) -> None:
    failing = {text: WorkerLostError("gone") for text in (TEXTS[0], TEXTS[3])}
    speakers = Listed(1, failing)
    with UnitStore(tmp_path) as store:
        store.add("book", units("joe"), {})
        outcome = run(store, "book", speakers)
    assert [unit.number for unit in outcome.failed] == [0, 3]
    assert [unit.tries for unit in outcome.failed] == [3, 3]
    assert (outcome.made, len(speakers.asked)) == (3, 9)
