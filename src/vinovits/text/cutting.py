"""From words to sentences within the limits of one pass of the network: for all front ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from vinovits.text.reading import Sentence, Word

MAX_PHONES = 400
MAX_WORDS = 100
"""Both count punctuation. The last place of a sentence is kept for a full stop."""
_CLAUSE_ENDS = frozenset("!?….,-")


def sentences_of(
    words: Sequence[Word],
    text: str,
    start: int,
    end: int,
    language: str,
    notes: Sequence[str],
    closed: bool = True,
) -> Iterator[Sentence]:
    """Cut the words of text[start:end] into sentences within the limits.

    Args:
        words: All words and marks of the sentence, in order.
        text: The text that their places are in.
        start: Where the sentence begins in it.
        end: Where it ends.
        language: Code of the language of the words that don't name theirs.
        notes: Go with the first sentence made. Marks that no sentence has room for are told there
            or in the next one.
        closed: Give a full stop to those that end without a mark.

    Yields:
        Sentences that touch each other, each with a word in it.
    """
    rest = list(words)
    begin = start
    while rest:
        count = _fitting(rest)
        part, rest = rest[:count], rest[count:]
        if all(word.is_punctuation for word in rest):
            room = MAX_WORDS - 1 - len(part)
            if rest[room:]:
                notes = (*notes, left_out(rest[room:], text))
            part, rest, stop = part + rest[:room], [], end
        else:
            stop = max(rest[0].start, begin)
        if any(not word.is_punctuation for word in part):
            while stop > begin and text[stop - 1].isspace():
                stop -= 1
            stop = max(stop, part[-1].end)  # the mark of a line break is a space in the text
            spoken = tuple(_closed(part) if closed else part)
            yield Sentence(text[begin:stop], begin, stop, spoken, language, tuple(notes))
            notes = ()
            begin = stop
        else:
            notes = (*notes, left_out(part, text))


def left_out(marks: Iterable[Word], text: str) -> str:
    """A note about marks of a text that go with no sentence."""
    return f"Left out marks without a word: {listing(text[m.start : m.end] for m in marks)}."


def listing(written: Iterable[str]) -> str:
    """Characters, or a few together, for a note to the user: each once, at most ten."""
    shown = [
        one if one.isprintable() else "".join(f"U+{ord(character):04X}" for character in one)
        for one in dict.fromkeys(written)
    ]
    return " ".join(shown[:10]) + (" ..." if len(shown) > 10 else "")


def _closed(words: Sequence[Word]) -> Sequence[Word]:
    """The words with a mark at their end."""
    for word in reversed(words):
        if not word.is_punctuation:
            break
        if word.text in _CLAUSE_ENDS:
            return words
    last = words[-1]
    mark = Word(".", last.end, last.end, (".",), (0,), True, (1,), language=last.language)
    return (*words, mark)


def _fitting(words: Sequence[Word]) -> int:
    """How many of the words make the next sentence: all, or up to the best place to cut."""
    phones = 0
    fits = len(words)
    for index, word in enumerate(words):
        phones += len(word.phones)
        if phones > MAX_PHONES - 1 or index + 1 > MAX_WORDS - 1:
            fits = index
            break
    if fits == len(words):
        return fits
    for index in range(fits, fits // 3, -1):
        if words[index - 1].text in _CLAUSE_ENDS and not words[index].is_punctuation:
            return index
    for index in range(fits, fits // 3, -1):
        if words[index].start >= words[index - 1].end:
            return index
    return max(fits, 1)
