"""Readings that are given for stretches of a text, through all that is done to it.

A stretch of hanzi with a syllable each stays in the text, where the words beside it are read with
it in sight. For any other a private character stands, which nothing changes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vinovits.errors import TextError
from vinovits.text.chinese.pinyin import NEUTRAL, Syllable, parse
from vinovits.text.reading import Said
from vinovits.text.traced import Span, Traced, joined, substitute

FIRST = 0xF0000
LAST = 0xFFFFD
STAND_INS = f"{chr(FIRST)}-{chr(LAST)}"
"""Private characters of Unicode that stand for what no step may change."""
_STAND_IN = re.compile(f"[{STAND_INS}]")
HANZI = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
"""Characters that are read with one syllable each, as a class of a regular expression."""
_HANZI = re.compile(f"[{HANZI}]+")
_ER = "儿兒"


@dataclass(frozen=True, slots=True)
class Given:
    """How one character of a normalised text is to be read."""

    syllables: tuple[Syllable, ...]
    """At least one."""
    stretch: int | None = None
    """Number of the stretch that it belongs to, which is spoken just so and is no word with what is
    beside it; None: the reading is that of the dictionary, and its tone changes as others do."""
    text: str = ""
    """What the word shows, if that isn't the character itself."""
    reading: str = ""
    """As it was written."""


Readings = Mapping[int, Given]
"""What is given, by the index of the character."""

NOTHING: Readings = {}


@dataclass(frozen=True, slots=True)
class Stretch:
    """Characters of a text whose readings are given."""

    start: int
    end: int
    shown: Traced
    """What is there for the steps to see, unless they would change it."""
    given: tuple[Given | None, ...]
    """One for each character of `shown`; one in all for what no step may see."""

    @property
    def is_fixed(self) -> bool:
        """Whether it is spoken just so."""
        return any(one is not None and one.stretch is not None for one in self.given)


def stretch_of(one: Said, number: int, traced: Traced) -> Stretch:
    """A given reading as the steps need it.

    Args:
        one: The reading, with places in `traced`.
        number: Which of all it is.
        traced: The text.

    Raises:
        TextError: The reading has a syllable that there isn't.
    """
    shown = traced.part(one.start, one.end)
    units = [unit for written in one.reading.split() for unit in _units(written, one)]
    shares = _shared(shown.text, units) if _HANZI.fullmatch(shown.text) else []
    given = [
        Given(
            tuple(unit.syllable for unit in share),
            number,
            reading=" ".join(unit.written for unit in share if unit.written),
        )
        for share in shares
    ]
    whole = Given(tuple(unit.syllable for unit in units), number, shown.text, one.reading)
    return Stretch(one.start, one.end, shown, tuple(given) or (whole,))


def normalised(
    traced: Traced, stretches: Sequence[Stretch], steps: Callable[[Traced], Traced]
) -> tuple[Traced, Readings]:
    """Normalise a text around what is given.

    Args:
        traced: A text.
        stretches: What is given in it, in order, without overlap.
        steps: Normalise a text.

    Returns:
        The text, and what is given in it. Characters with a fixed reading have just the span that
        they had, one that stands for a whole stretch has the stretch's.
    """
    hidden = {number for number, s in enumerate(stretches) if len(s.given) < len(s.shown.text)}
    while True:
        before, stand_ins = _with_stand_ins(traced, stretches, hidden)
        found = steps(before)
        if not stretches:
            return found, NOTHING
        places = {span: at for at, span in enumerate(found.spans)}
        touched = {
            number
            for number, stretch in enumerate(stretches)
            if number not in hidden and not _is_there(stretch, found, places)
        }
        fixed = {number for number in touched if stretches[number].is_fixed}
        if not fixed:
            break
        hidden |= fixed
    readings: dict[int, Given] = {}
    text, spans = list(found.text), list(found.spans)
    for match in _STAND_IN.finditer(found.text):
        at = match.start()
        text[at], spans[at], readings[at] = stand_ins[match[0]]
    for number, stretch in enumerate(stretches):
        if number not in hidden | touched:
            for one, span in zip(stretch.given, stretch.shown.spans, strict=True):
                if one is not None:
                    readings[places[span]] = one
    return Traced("".join(text), spans), readings


def part_of(readings: Readings, start: int, end: int) -> Readings:
    """What is given in [start:end], counted from `start` on."""
    if not readings:
        return NOTHING
    return {at - start: readings[at] for at in range(start, end) if at in readings}


def fixed_in(readings: Readings) -> frozenset[int]:
    """Characters that are spoken just as given."""
    return frozenset(at for at, one in readings.items() if one.stretch is not None)


def borders_of(readings: Readings) -> list[int]:
    """Where what is spoken just as given begins or ends, in order."""
    numbers = {at: one.stretch for at, one in readings.items() if one.stretch is not None}
    ends = {at for at in numbers if numbers.get(at - 1) != numbers[at]}
    ends |= {at + 1 for at in numbers if numbers.get(at + 1) != numbers[at]}
    return sorted(ends)


def with_readings(
    syllables: Iterable[Syllable], readings: Readings, start: int = 0
) -> list[Syllable]:
    """Syllables of the characters from `start` on, with the given ones in their places."""
    if not readings:
        return list(syllables)
    return [
        readings[at].syllables[0] if at in readings else syllable
        for at, syllable in enumerate(syllables, start)
    ]


class Tones(list[int]):
    """Tones of characters, some of which stay what they are, whatever is said of them."""

    def __init__(self, tones: Iterable[int], fixed: Collection[int]) -> None:
        """Begin with `tones`; those at `fixed` stay."""
        super().__init__(tones)
        self._fixed = fixed

    def __setitem__(self, index: Any, tone: Any) -> None:
        """Change one tone."""
        if index % len(self) not in self._fixed:
            super().__setitem__(index, tone)


def _with_stand_ins(
    traced: Traced, stretches: Sequence[Stretch], hidden: Collection[int]
) -> tuple[Traced, dict[str, tuple[str, Span, Given]]]:
    """The text with private characters for some stretches.

    Returns:
        The text; and by its private characters what comes in their place at last, which stretch of
        the original that is, and how it is read.
    """
    parts: list[Traced] = []
    stand_ins: dict[str, tuple[str, Span, Given]] = {}
    position = 0
    for number, stretch in enumerate(stretches):
        parts.append(_without_foreign(traced.part(position, stretch.start)))
        position = stretch.end
        if number not in hidden:
            parts.append(stretch.shown)
            continue
        whole = len(stretch.given) < len(stretch.shown.text)
        spans = [stretch.shown.span(0, len(stretch.shown.text))] if whole else stretch.shown.spans
        for at, (one, span) in enumerate(zip(stretch.given, spans, strict=True)):
            assert one is not None
            sign = chr(FIRST + len(stand_ins))
            stand_ins[sign] = (sign if whole else stretch.shown.text[at], span, one)
            parts.append(Traced(sign, [span]))
    parts.append(_without_foreign(traced.part(position, len(traced.text))))
    return joined(parts), stand_ins


def _without_foreign(traced: Traced) -> Traced:
    """The text without private characters of its own."""
    if _STAND_IN.search(traced.text):
        return substitute(traced, _STAND_IN, lambda match: "")
    return traced


def _is_there(stretch: Stretch, found: Traced, places: Mapping[Span, int]) -> bool:
    """Whether the characters of a stretch are still there one by one, and nothing covers them."""
    at: list[int] = []
    for one, span in zip(stretch.given, stretch.shown.spans, strict=True):
        if one is not None:
            place = places.get(span)
            if place is None or not _HANZI.match(found.text[place]):
                return False
            at.append(place)
    if not stretch.is_fixed:
        return True
    start, end = stretch.shown.span(0, len(stretch.shown.text))
    first, last = at[0], at[-1]
    return (
        at == list(range(first, last + 1))
        and (first == 0 or found.spans[first - 1][1] <= start)
        and (last + 1 == len(found.spans) or found.spans[last + 1][0] >= end)
    )


@dataclass(frozen=True, slots=True)
class _Unit:
    """One syllable of a reading."""

    syllable: Syllable
    written: str
    """"" for the r of "wanr2", which is a syllable of its own in the families' symbols."""
    is_r: bool
    """Whether it is nothing but the r of the one before."""


def _units(written: str, one: Said) -> Iterator[_Unit]:
    name = re.sub("^([ln])ue", r"\1ve", written.lower().replace("u:", "v").replace("ü", "v"))
    er = Syllable("er", NEUTRAL, one.source)
    if name == "r5":
        yield _Unit(er, written, True)
        return
    syllable = parse(name, one.source)
    if syllable is not None and syllable.phones:
        yield _Unit(syllable, written, False)
        return
    stem = parse(re.sub(r"r(?=\d)", "", name), one.source)
    if stem is None or not stem.phones:
        raise TextError(
            f'There is no syllable "{written:.20}" in pinyin (reading "{one.reading:.60}"). Write '
            "each with its tone, such as hang2 zhang3, and 5 for none."
        )
    yield _Unit(stem, written, False)
    yield _Unit(er, "", True)


def _shared(text: str, units: Sequence[_Unit]) -> list[list[_Unit]]:
    """The syllables of each hanzi; [] if they don't fit.

    The r of 玩儿 is that of 儿 where it is written, else it goes with the hanzi before.
    """
    if len(text) == len(units) and all(
        character in _ER or not unit.is_r for character, unit in zip(text, units, strict=True)
    ):
        return [[unit] for unit in units]
    shares: list[list[_Unit]] = []
    for unit in units:
        following = text[len(shares) : len(shares) + 1]
        may_lean = unit.is_r or (unit.syllable.name, unit.syllable.tone) == ("er", NEUTRAL)
        if shares and may_lean and (not following or following not in _ER):
            shares[-1].append(unit)
        elif following:
            shares.append([unit])
        else:
            return []
    return shares if len(shares) == len(text) else []
