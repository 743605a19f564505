"""Making all units of a work: some at once, each kept as soon as it is made."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from heapq import nsmallest
from itertools import chain
from typing import TYPE_CHECKING, Literal, TypeVar

from vinovits.batch.make import Stopped
from vinovits.batch.speakers import Speakers, VoiceFacts
from vinovits.batch.store import Unit, UnitStore
from vinovits.errors import OutputError, TextError, UsageError, VinovitsError
from vinovits.text.sentences import split_sentences

if TYPE_CHECKING:
    from vinovits.engine.result import Chunk

Item = TypeVar("Item")
Task = TypeVar("Task")
Begun = tuple[Task, "Future[list[Chunk]]"]
"""What is being spoken, and what will come of it."""

MOST_TRIES = 3
"""Of a unit that fails for no fault of its text."""
_AHEAD = 1
"""Units beside those at work that are handed out, so that nobody waits for work."""
_MOST_PASSED = 100
"""Of those that wait for others, how many are looked behind at a time for one that doesn't."""


@dataclass(frozen=True, slots=True)
class Step:
    """A unit is done, or given up."""

    unit: Unit
    seconds: float
    """Audio that was made for it now; 0 where it was there or failed."""
    error: str = ""
    """Why it was given up."""


@dataclass(slots=True)
class Outcome:
    """What has become of a work."""

    made: int = 0
    """Units that were spoken now."""
    found: int = 0
    """Units that had been spoken before."""
    seconds: float = 0.0
    """Audio that was made now."""
    failed: list[Unit] = field(default_factory=list)
    """Units that were given up, with their errors, in the order of the text."""


def run(
    store: UnitStore,
    work: str,
    speakers: Speakers,
    *,
    stop: threading.Event | None = None,
    tell: Callable[[Step], None] = lambda step: None,
) -> Outcome:
    """Make the units of a work that aren't done.

    Each is recorded when it is whole, so that a process that is killed loses those at work only:
    the same call goes on there. A unit that fails is tried again, unless its text is at fault, and
    stops no other. Those with the longest sentences come first, the others in their order.

    Args:
        store: Has the work.
        work: Its name.
        speakers: Make the units.
        stop: Ends it early, with what is done kept.
        tell: Called when a unit is done or given up.

    Returns:
        What has become of it.

    Raises:
        Stopped: The event was set.
        OutputError: A piece can't be written: the disk is full or gone.
        VinovitsError: A voice can't be loaded.
    """
    outcome = Outcome()
    voices: dict[str, VoiceFacts] = {}
    waiting = deque(_in_order(store, work, speakers.width))
    at_work: set[str] = set()

    def begin(number: int) -> Begun[_Task] | Literal["done", "later"]:
        unit = store.unit(work, number)
        if unit.voice not in voices:
            voices[unit.voice] = speakers.facts(unit.voice)
        key = voices[unit.voice].key(unit.text, unit.settings)
        if key in at_work:
            # The same text is being spoken: its piece will be found.
            return "later"
        if store.done(work, number, key):
            outcome.found += 1
            tell(Step(unit, 0.0))
            return "done"
        at_work.add(key)
        return _Task(unit, key), speakers.speak(unit.voice, unit.text, unit.settings)

    for task, made in spoken(waiting, begin, speakers, stop):
        at_work.discard(task.key)
        if isinstance(made, VinovitsError):
            tries = store.failed(work, task.unit.number, str(made))
            if tries < MOST_TRIES and not isinstance(made, TextError | UsageError):
                waiting.appendleft(task.unit.number)
                continue
            outcome.failed.append(store.unit(work, task.unit.number))
            tell(Step(task.unit, 0.0, str(made)))
            continue
        seconds = store.make(task.key, voices[task.unit.voice].sampling_rate, made)
        store.done(work, task.unit.number, task.key)
        outcome.made += 1
        outcome.seconds += seconds
        tell(Step(task.unit, seconds))
    outcome.failed.sort(key=lambda unit: unit.number)
    return outcome


def recheck(
    store: UnitStore,
    work: str,
    speakers: Speakers,
    others: Callable[[Unit], Iterable[Unit]] = lambda unit: (),
) -> None:
    """Have the units made again whose voice, or a word of the user's lexicons, has changed since.

    Args:
        store: Has the work.
        work: Its name.
        speakers: Know the voices.
        others: Units whose speech may stand for that of one.

    Raises:
        VinovitsError: A voice can't be loaded.
    """
    voices: dict[str, VoiceFacts] = {}
    for unit, piece in store.done_units(work):
        if unit.voice not in voices:
            voices[unit.voice] = speakers.facts(unit.voice)
        facts = voices[unit.voice]
        if all(facts.key(one.text, one.settings) != piece for one in chain([unit], others(unit))):
            store.undo(work, unit.number)


def _in_order(store: UnitStore, work: str, width: int) -> list[int]:
    """Numbers of the units that aren't done, as they are begun.

    OpenVINO keeps the memory that the longest sentence took. For each voice and speaker, such a
    sentence comes first: if a book is too much for a machine, that is seen at once and not in the
    middle of the night, and later nothing grows.
    """
    found: dict[str, list[tuple[int, int]]] = {}
    numbers = []
    for unit in store.waiting_units(work):
        longest = max((end - start for start, end in split_sentences(unit.text)), default=0)
        found.setdefault(unit.voice, []).append((-longest, unit.number))
        numbers.append(unit.number)
    first = [number for units in found.values() for _, number in nsmallest(width, units)]
    taken = set(first)
    return [*first, *(number for number in numbers if number not in taken)]


@dataclass(frozen=True, slots=True)
class _Task:
    """A unit that is being spoken."""

    unit: Unit
    key: str


def spoken(
    waiting: deque[Item],
    begin: Callable[[Item], Begun[Task] | Literal["done", "later"]],
    speakers: Speakers,
    stop: threading.Event | None = None,
) -> Iterator[tuple[Task, list[Chunk] | VinovitsError]]:
    """Have things spoken, some at once, and give them as they are done.

    No more are begun than are spoken at once, and one, so that memory doesn't grow with the work.

    Args:
        waiting: What is to be spoken; the caller may add to it until the end.
        begin: Begins one, and tells what to call it; "done": there is nothing to speak; "later":
            it waits for others.
        speakers: Who speaks.
        stop: Ends it early.

    Yields:
        What it is called, and its speech or why it can't be spoken.

    Raises:
        Stopped: The event was set.
    """
    begun: dict[Future[list[Chunk]], Task] = {}
    finished = False
    try:
        while waiting or begun:
            passed = 0
            while passed < min(len(waiting), _MOST_PASSED) and len(begun) < speakers.width + _AHEAD:
                _check(stop)
                item = waiting.popleft()
                task = begin(item)
                if task == "later":
                    waiting.append(item)
                    passed += 1
                elif task != "done":
                    begun[task[1]] = task[0]
            ended, _ = wait(begun, timeout=0.5, return_when=FIRST_COMPLETED)
            _check(stop)
            for future in ended:
                yield begun.pop(future), _result(future)
        finished = True
    finally:
        if not finished:
            speakers.stop()


def _result(future: Future[list[Chunk]]) -> list[Chunk] | VinovitsError:
    try:
        return future.result()
    except OutputError:
        raise
    except VinovitsError as error:
        return error


def _check(stop: threading.Event | None) -> None:
    if stop is not None and stop.is_set():
        raise Stopped
