"""From words to sentences within the limits of one pass of the network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate

from vinovits.text.reading import Sentence, Word

MAX_PHONES = 400
"""Counts marks. The last place of a sentence is kept for a full stop."""
_CLAUSE_ENDS = frozenset("!?….,-")


def sentences_of(
    words: Sequence[Word], text: str, start: int, end: int, notes: Sequence[str], final: bool
) -> Iterator[Sentence]:
    """Cut the words of text[start:end] into sentences within the limits.

    Args:
        words: All words and marks of the sentence, in order.
        text: The original text.
        start: Where the sentence begins in it.
        end: Where it ends.
        notes: Go with the first sentence made.
        final: Whether a sentence without a mark at its end gets a full stop.

    Yields:
        Sentences that touch each other, each with a word in it.
    """
    rest = list(words)
    begin = start
    while rest:
        count = _fitting(rest)
        part, rest = rest[:count], rest[count:]
        if all(word.is_punctuation for word in rest):
            part, rest, stop = part + rest[: MAX_PHONES // 4], [], end
        else:
            stop = max(rest[0].start, begin)
        if any(not word.is_punctuation for word in part):
            while stop > begin and text[stop - 1].isspace():
                stop -= 1
            if final and not part[-1].is_punctuation:
                part.append(Word(".", part[-1].end, part[-1].end, (".",), (0,), True, (1,)))
            yield Sentence(text[begin:stop], begin, stop, tuple(part), "ja", tuple(notes))
            notes = ()
            begin = stop


def _fitting(words: Sequence[Word]) -> int:
    """How many of the words make the next sentence: all, or up to the best place to cut."""
    sums = accumulate(len(word.phones) for word in words)
    fits = next((index for index, phones in enumerate(sums) if phones >= MAX_PHONES), len(words))
    if fits == len(words):
        return fits
    for index in range(fits, fits // 3, -1):
        if words[index - 1].text in _CLAUSE_ENDS and not words[index].is_punctuation:
            return index
    return max(fits, 1)
