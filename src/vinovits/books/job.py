"""Making a book: units, proof-listening, files; it goes on where it was stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from vinovits.batch.run import Outcome, Step, recheck, run
from vinovits.batch.speakers import Speakers
from vinovits.batch.store import UnitStore
from vinovits.books.model import Cover
from vinovits.books.plan import Plan
from vinovits.books.proof import THRESHOLD, Finding, Listener, other_readings, proof_listen
from vinovits.books.publish import Published, Wanted, check_out, check_room, publish
from vinovits.errors import OutputError

_CHARACTERS_PER_SECOND = 14.0
_IDEOGRAPHS_PER_SECOND = 4.5
"""Of speech, about, and rather less; others from U+2E80 on, such as kana, count as ideographs."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be made."""

    plan: Plan
    want: Wanted
    folder: Path
    """Where units are kept."""
    cover: Cover | None = None
    narrator: str = ""
    gaps: Literal["fail", "mark"] = "fail"
    """What becomes of units that can't be spoken: no book, or a tone in their place."""
    listener: Listener | None = None
    """Hears all English units, and has those spoken again that it doesn't understand."""


@dataclass(slots=True)
class Watch:
    """Is told how far a book is."""

    begun: Callable[[int, int], None] = lambda total, done: None
    """Units in all, and those that were done before."""
    step: Callable[[Step], None] = lambda step: None
    stage: Callable[[str], None] = lambda name: None
    """The name of what comes next: "speaking", "listening", "loudness", "writing"."""
    heard: Callable[[int], None] = lambda number: None
    """The number of a unit that was proof-heard."""


@dataclass(slots=True)
class Made:
    """What has become of a book."""

    outcome: Outcome
    published: Published
    findings: list[Finding] = field(default_factory=list)


class UnspokenError(OutputError):
    """Parts can't be spoken; they are listed in `outcome.failed`."""

    def __init__(self, outcome: Outcome, parts: str = "part", remedy: str = "") -> None:
        """Say how many, and what to do.

        Args:
            outcome: Of the whole.
            parts: What its units are to the user.
            remedy: What else can be done, as a sentence.
        """
        count = len(outcome.failed)
        sentence = (
            f"{count} {parts}{'s' if count > 1 else ''} can't be spoken, so nothing was written. "
            "Mend the text or the cast and run the same command again: all else is kept."
        )
        super().__init__(f"{sentence} {remedy}".rstrip())
        self.outcome = outcome


def make_book(
    order: Order,
    speakers: Speakers,
    *,
    watch: Watch | None = None,
    stop: threading.Event | None = None,
    clean: bool = False,
) -> Made:
    """Make a book, or go on with it.

    Args:
        order: What to make.
        speakers: Make its units.
        watch: Is told how far it is.
        stop: Ends it early, with what is done kept.
        clean: Delete the units in the end.

    Raises:
        UsageError: Another process works in the same folder.
        UnspokenError: Parts can't be spoken, and gaps aren't wanted.
        Stopped: The event was set.
        OutputError: A file can't be written.
        VinovitsError: A voice can't be loaded.
    """
    watch = watch or Watch()
    plan = order.plan
    name = plan.name  # a hash of the whole book
    check_out(order.want)
    with UnitStore(order.folder) as store:
        if store.work(name) is None:
            store.add(name, plan.units, plan.data())
        else:
            store.try_again(name)
            recheck(store, name, speakers, other_readings)
        progress = store.progress(name)
        check_room(order.folder, sum(_seconds(unit.text) for unit in store.waiting_units(name)))
        watch.stage("speaking")
        watch.begun(progress.total, progress.done)
        outcome = run(store, name, speakers, stop=stop, tell=watch.step)
        outcome.found += progress.done
        if outcome.failed and order.gaps == "fail":
            raise UnspokenError(
                outcome, remedy="With --gaps mark, a low tone stands for what can't be spoken."
            )
        findings = []
        if order.listener is not None:
            watch.stage("listening")
            findings = _proof(store, order, speakers, watch)
        rate = max(speakers.facts(name).sampling_rate for name in _voices(plan))
        published = publish(
            store,
            plan,
            order.want,
            rate,
            cover=order.cover,
            narrator=order.narrator,
            tell=watch.stage,
        )
        # What another state of the book had and this one hasn't isn't needed any more.
        for work in store.works():
            if work.id != name:
                store.remove(work.id)
        if clean:
            store.delete()
    return Made(outcome, published, findings)


def _seconds(text: str) -> float:
    """How long a text is about when it is spoken."""
    ideographs = sum(character >= "\u2e80" for character in text)
    return ideographs / _IDEOGRAPHS_PER_SECOND + (len(text) - ideographs) / _CHARACTERS_PER_SECOND


def _proof(store: UnitStore, order: Order, speakers: Speakers, watch: Watch) -> list[Finding]:
    """Hear the units that weren't heard in an earlier run, and remember those that were."""
    assert order.listener is not None
    name = order.plan.name
    work = store.work(name)
    assert work is not None
    known = frozenset(work.data.get("heard", ()))
    heard: list[int] = []

    def tell(number: int) -> None:
        heard.append(number)
        watch.heard(number)

    try:
        return proof_listen(
            store, name, speakers, order.listener, threshold=THRESHOLD, known=known, tell=tell
        )
    finally:
        data = {**work.data, "heard": sorted(known | set(heard))}
        store.set_state(name, "running", data=data)


def _voices(plan: Plan) -> list[str]:
    return list(dict.fromkeys(unit.voice for unit in plan.units))
