"""Words whose reading is given: a private character stands for each while the text is read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vinovits.text.notation import TO_KATAKANA, moras, split_moras
from vinovits.text.reading import Said, Source
from vinovits.text.traced import Span, Traced, joined, substitute

FIRST = 0xF0000
LAST = 0xFFFFD
"""Private characters of Unicode."""
STAND_INS = f"{chr(FIRST)}-{chr(LAST)}"
_STAND_IN = re.compile(f"[{STAND_INS}]")
_MAX_MORAS = 60
"""Of a word: longer readings are said by several words, so that sentences can be cut between."""


@dataclass(frozen=True, slots=True)
class Given:
    """How a word is said."""

    written: str
    """As it stands in the text."""
    kana: str
    """Katakana."""
    accent: int | None
    """Number of the mora behind which the tone falls, from 1; 0: it doesn't; None: not given."""
    source: Source
    span: Span
    """Where it stands in the original text."""

    @property
    def moras(self) -> int:
        """How many moras it has."""
        return moras(self.kana)

    @property
    def reading(self) -> str:
        """As people write it."""
        return self.kana if self.accent is None else f"{self.kana}:{self.accent}"

    @property
    def highs(self) -> list[bool]:
        """For each mora whether it is high, by the accent; [] where none is given."""
        if self.accent is None:
            return []
        return [
            number == 1 if self.accent == 1 else 1 < number <= (self.accent or number)
            for number in range(1, self.moras + 1)
        ]


def words_of(said: Said, written: str, span: Span) -> Iterator[Given]:
    """The words of a stretch whose reading is given: one, unless it is very long.

    Args:
        said: The reading.
        written: The stretch.
        span: Where it stands in the original text.
    """
    kana, _, accent = said.reading.translate(TO_KATAKANA).partition(":")
    text = "".join(written.split()) or written
    parts = split_moras(kana)
    nucleus = min(int(accent), len(parts), _MAX_MORAS) if accent.isdecimal() else None
    for start in range(0, len(parts), _MAX_MORAS):
        part = parts[start : start + _MAX_MORAS]
        yield Given(text, "".join(part), nucleus if start == 0 else None, said.source, span)


class StandIns:
    """The private characters of one text, and what they stand for."""

    def __init__(self) -> None:
        """Begin with none."""
        self.words: dict[str, Given] = {}

    def sign(self, word: Given) -> Traced:
        """A new character for a word, with its place in the original."""
        sign = chr(FIRST + len(self.words))
        self.words[sign] = word
        return Traced(sign, [word.span])

    def put(self, traced: Traced, said: Sequence[Said]) -> tuple[Traced, list[str]]:
        """Put a character in the place of each stretch whose reading is given.

        Args:
            traced: A sentence.
            said: What is given, in order, with places in it.

        Returns:
            The sentence, and the private characters that it had before, which are left out.
        """
        foreign: list[str] = []
        return joined(self._parts(traced, said, foreign)), foreign

    def _parts(self, traced: Traced, said: Sequence[Said], foreign: list[str]) -> Iterator[Traced]:
        position = 0
        for one in said:
            yield _without_private(traced.part(position, one.start), foreign)
            span = traced.span(one.start, one.end)
            for word in words_of(one, traced.text[one.start : one.end], span):
                yield self.sign(word)
            position = one.end
        yield _without_private(traced.part(position, len(traced.text)), foreign)


def _without_private(traced: Traced, foreign: list[str]) -> Traced:
    found = _STAND_IN.findall(traced.text)
    if not found:
        return traced
    foreign += found
    return substitute(traced, _STAND_IN, lambda match: "")
