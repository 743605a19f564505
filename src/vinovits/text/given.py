"""Readings that are given, and the sentences around them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vinovits.text.reading import Said
from vinovits.text.sentences import Span, split_sentences


def sentences_around(text: str, said: Sequence[Said]) -> Iterator[Span]:
    """The sentences of a text, as `split_sentences` has them, none of which ends within a stretch.

    Args:
        text: Any text.
        said: Given readings, in order. Marks and spaces in their stretches end no sentence, since
            they are spoken: "Yahoo!" goes on.

    Yields:
        Spans in order; every stretch lies in one of them.
    """
    return split_sentences(_masked(text, said), [(one.start, one.end) for one in said])


def _masked(text: str, said: Sequence[Said]) -> str:
    """The text with letters in the stretches only."""
    if all(text[one.start : one.end].isalnum() for one in said):
        return text
    parts: list[str] = []
    position = 0
    for one in said:
        parts.append(text[position : one.start])
        parts += [c if c.isalnum() else "x" for c in text[one.start : one.end]]
        position = one.end
    return "".join([*parts, text[position:]])
