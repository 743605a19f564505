"""What of a text isn't spoken, told to the user: nothing vanishes in silence."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import replace

from vinovits.text.cutting import listing
from vinovits.text.reading import Sentence

_SIGNS = frozenset("|~<>=+")
"""Signs of ASCII that are marks rather than words."""


def reported(sentences: Iterable[Sentence], text: str) -> Iterator[Sentence]:
    """Sentences with notes on what no front end has made a sentence of.

    Args:
        sentences: Of a text, in order. Those without a word only hold notes, and vanish.
        text: That text.

    Yields:
        Sentences with at least one word; what is before one is told with it, and what is behind
        the last with that.
    """
    waiting: Sentence | None = None
    notes: tuple[str, ...] = ()
    position = 0
    for sentence in sentences:
        notes += unread_between(text, position, sentence.start)
        position = max(position, sentence.end)
        if not sentence.words:
            notes += sentence.notes
            continue
        if waiting is not None:
            yield waiting
        waiting = replace(sentence, notes=notes + sentence.notes) if notes else sentence
        notes = ()
    notes += unread_between(text, position, len(text))
    if waiting is not None:
        yield replace(waiting, notes=waiting.notes + notes) if notes else waiting


def unread_between(text: str, start: int, end: int) -> tuple[str, ...]:
    """A note on the letters, digits and signs of text[start:end]; none if it has none."""
    if text[start:end].isspace():
        return ()
    lost = [character for character in text[start:end] if has_to_be_told(character)]
    return (f"Left out characters that can't be read: {listing(lost)}.",) if lost else ()


def has_to_be_told(character: str) -> bool:
    """Whether a character that isn't spoken is missed: neither space, mark nor invisible."""
    category = unicodedata.category(character)
    if category[0] in "LN" or category in ("Sc", "Sm", "So"):
        return unicodedata.normalize("NFKC", character) not in _SIGNS
    return category in ("Co", "Cs", "Cn")
