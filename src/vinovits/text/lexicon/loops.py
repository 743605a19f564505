"""Aliases that lead back to themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from vinovits.errors import LexiconError
from vinovits.text.lexicon.entry import LexiconEntry
from vinovits.text.lexicon.folding import fold, lower
from vinovits.text.lexicon.index import Done, Index, is_written_so

_SHOWN = 10
"""Words of a loop in its message."""


def check_loops(entries: Iterable[LexiconEntry]) -> None:
    """Refuse a lexicon whose aliases would be read without end.

    Whether their contexts could be met together isn't asked.

    Raises:
        LexiconError: There is a loop; the message names the words of the first.
    """
    aliases = [entry for entry in entries if entry.alias]
    index = Index(aliases)
    done: set[int] = set()
    for first in range(len(aliases)):
        loop = _loop_from(first, index, done)
        if loop:
            words = [aliases[number].written for number in loop]
            shown = words if len(words) <= _SHOWN else [*words[: _SHOWN - 1], "...", words[-1]]
            raise LexiconError(
                f"These aliases lead in a loop: {' -> '.join((*shown, words[0]))}. Give one of "
                "them a text without the next word, or a reading."
            )


def _loop_from(first: int, index: Index, done: set[int]) -> Sequence[int]:
    """Numbers of the entries of a loop that can be reached from one, if there is one.

    Args:
        first: Number of the entry.
        index: All aliases.
        done: Entries from which no loop can be reached; those that are found are added.
    """
    if first in done:
        return ()
    path = {first: None}  # in order, and quick to look up
    steps = [_used_by(first, index)]
    while path:
        following = next(steps[-1], None)
        if following is None:
            done.add(path.popitem()[0])
            steps.pop()
        elif following in path:
            numbers = list(path)
            return numbers[numbers.index(following) :]
        elif following not in done:
            path[following] = None
            steps.append(_used_by(following, index))
    return ()


def _used_by(number: int, index: Index) -> Iterator[int]:
    """Aliases whose words are in the text of one."""
    folded = fold(index.entries[number].alias).text
    for start, minus_end, other in index.found(lower(folded), Done()):
        if is_written_so(index.entries[other], folded[start:-minus_end]):
            yield other
