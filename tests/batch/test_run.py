"""In which order units are made, and what becomes of those that fail."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future
from pathlib import Path

import pytest

from vinovits.batch.run import run, spoken
from vinovits.batch.speakers import WorkerLostError
from vinovits.batch.store import Unit, UnitStore
from vinovits.engine.result import Chunk

from .fakes import Listed, click

TEXTS = ("One.", "Two words.", "Short. Short. Short. Short.", "A far longer sentence.", "Last.")


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


def test_what_waits_for_the_same_text_keeps_nobody_else_waiting() -> None:
    slow: Future[list[Chunk]] = Future()
    speakers = Listed(2, slow={"twice": slow})
    waiting = deque(["twice", "twice", "twice", "other"])
    at_work: set[str] = set()

    def begin(text: str):
        if text in at_work:
            return "done" if slow.done() else "later"
        at_work.add(text)
        return text, speakers.speak("joe", text, {})

    told = spoken(waiting, begin, speakers)
    assert next(told)[0] == "other"  # which is spoken while the first one isn't done
    slow.set_result(click())
    assert [text for text, _ in told] == ["twice"]
    assert speakers.asked == ["twice", "other"]
