"""Which entries count where in a text."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from vinovits.text.lexicon.borders import is_possessive
from vinovits.text.lexicon.entry import LexiconEntry
from vinovits.text.lexicon.folding import fold, has_capital, lower
from vinovits.text.lexicon.index import Done, Index, is_written_so
from vinovits.text.lexicon.surroundings import Surroundings
from vinovits.text.script import Script, Span

LONGEST_CHAIN = 20
"""Aliases that lead to one another; the text of the last is read as it stands."""


class Match(NamedTuple):
    """A word of a text, and the entry that counts for it."""

    start: int
    end: int
    """Behind the word, and behind the 's that an English reading is to have too."""
    entry: LexiconEntry
    is_possessive: bool


def matches(
    script: Script,
    languages: Sequence[str],
    layers: Sequence[Index],
    chain: Sequence[LexiconEntry] = (),
) -> Iterator[Match]:
    """Find the words of lexicons in a text.

    Args:
        script: The text.
        languages: Codes of the languages that the voice speaks.
        layers: The lexicons, the one first that goes before the others.
        chain: Aliases that have led to this text. They don't count in it.

    Yields:
        Words in order, without overlap.
    """
    seen = fold(script.text)
    place: Callable[[int, int], Span] = _unmoved if seen.is_all else seen.span
    around = Surroundings(script, languages)
    done = Done()
    reached = 0
    found = heapq.merge(
        *(_found(lower(seen.text), done, layer, index) for layer, index in enumerate(layers))
    )
    for (start, minus_end), candidates in groupby(found, key=itemgetter(0, 1)):
        if start < done.position:
            continue
        end = -minus_end
        span = place(start, end)
        # A letter with its marks may be several characters folded, and one place.
        if span[0] < reached or not around.is_free(*span):
            continue
        owns = is_possessive(seen.text, end)
        fitting = [
            (-entry.priority, layer, entry)
            for _, _, layer, number in candidates
            if (entry := _usable(layers[layer], number, languages, chain)) is not None
            and is_written_so(entry, seen.text[start:end])
            and (entry.alias or entry.language == "en" or not owns)
            and around.allows(entry, *span)
        ]
        if fitting:
            entry = fitting[0][2] if len(fitting) == 1 else _best(fitting, around, span[0])
            done.position = end
            owns = owns and not entry.alias
            reached = place(start, end + 2)[1] if owns else span[1]
            yield Match(span[0], reached, entry, owns)


def _unmoved(start: int, end: int) -> Span:
    return start, end


def _found(text: str, done: Done, layer: int, index: Index) -> Iterator[tuple[int, int, int, int]]:
    return ((start, end, layer, number) for start, end, number in index.found(text, done))


def _usable(
    index: Index, number: int, languages: Sequence[str], chain: Sequence[LexiconEntry]
) -> LexiconEntry | None:
    """An entry with its reading checked, if the voice speaks it and it leads to an end."""
    entry = index.entries[number]
    if entry.language and entry.language not in languages:
        return None
    if entry.alias:
        return None if entry in chain or len(chain) == LONGEST_CHAIN else entry
    readable = index.readable(number)
    return readable if readable is not None and readable.language in languages else None


def _best(
    fitting: Sequence[tuple[int, int, LexiconEntry]], around: Surroundings, start: int
) -> LexiconEntry:
    """Of several entries for one word the one that counts.

    Args:
        fitting: Each with its priority, negative, and the number of its lexicon.
        around: What stands around the word.
        start: Where it begins.
    """
    return min(
        fitting,
        key=lambda one: (
            *one[:2],
            not one[2].context,
            not has_capital(one[2].written),
            one[2].language != around.main_language(start),
        ),
    )[2]
