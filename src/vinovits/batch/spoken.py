"""Timings of sentences as plain data, and moved to where a unit begins."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

from vinovits.engine.result import MarkTiming, PhoneTiming, SpokenSentence, WordTiming
from vinovits.text.hidden import Shown, Stretch


def to_json(sentences: Iterable[SpokenSentence]) -> str:
    """All that is known of some sentences."""
    return json.dumps([asdict(sentence) for sentence in sentences])


def from_json(data: str) -> list[SpokenSentence]:
    """The sentences of `to_json`."""
    return [_sentence(entry) for entry in json.loads(data)]


def moved(sentence: SpokenSentence, seconds: float, characters: int) -> SpokenSentence:
    """A sentence of a unit, with its times and places in the whole.

    Args:
        sentence: Of the unit.
        seconds: When the unit begins.
        characters: Where its text begins.
    """
    shown = sentence.shown
    return replace(
        sentence,
        start_char=sentence.start_char + characters,
        end_char=sentence.end_char + characters,
        start=sentence.start + seconds,
        end=sentence.end + seconds,
        words=tuple(
            replace(
                word,
                start_char=word.start_char + characters,
                end_char=word.end_char + characters,
                start=word.start + seconds,
                end=word.end + seconds,
            )
            for word in sentence.words
        ),
        phones=tuple(
            replace(phone, start=phone.start + seconds, end=phone.end + seconds)
            for phone in sentence.phones
        ),
        marks=tuple(
            replace(mark, char=mark.char + characters, time=mark.time + seconds)
            for mark in sentence.marks
        ),
        shown=None
        if shown is None
        else Shown(
            shown.text,
            tuple(
                Stretch(
                    stretch.start,
                    stretch.origin + characters,
                    None if stretch.behind is None else stretch.behind + characters,
                )
                for stretch in shown.stretches
            ),
        ),
    )


def _sentence(entry: dict[str, Any]) -> SpokenSentence:
    shown = entry["shown"]
    known: dict[str, Any] = {
        **entry,
        "words": tuple(WordTiming(**word) for word in entry["words"]),
        "phones": tuple(PhoneTiming(**phone) for phone in entry["phones"]),
        "marks": tuple(MarkTiming(**mark) for mark in entry["marks"]),
        "notes": tuple(entry["notes"]),
    }
    if shown is not None:
        stretches = tuple(Stretch(**one) for one in shown["stretches"])
        known["shown"] = Shown(shown["text"], stretches)
    return SpokenSentence(**known)
