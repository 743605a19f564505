"""Words whose reading is given."""

from __future__ import annotations

from collections.abc import Iterator

from vinovits.text.english.pronounce import to_model
from vinovits.text.reading import Said, Word

_MAX_PHONES = 100
"""Of a word: longer readings are said by several words of one span, so that sentences can be cut
between them."""


def said_words(said: Said, written: str, start: int, consonant_tone: int) -> Iterator[Word]:
    """The words of a stretch whose reading is given: one, unless it is very long.

    Args:
        said: The reading.
        written: The stretch.
        start: Where it begins in the original text.
        consonant_tone: See `EnglishRules`.
    """
    text = " ".join(written.split()) or written
    phones = tuple(said.reading.split())
    for first in range(0, len(phones), _MAX_PHONES):
        part = phones[first : first + _MAX_PHONES]
        names, tones = to_model(part, consonant_tone)
        reading = " ".join(part)
        end = start + len(written)
        yield Word(text, start, end, names, tones, reading=reading, source=said.source)
