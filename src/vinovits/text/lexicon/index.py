"""Many words looked for in a text at once."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from vinovits.errors import LexiconError
from vinovits.text.lexicon.borders import DIGIT, KATAKANA, LETTER, is_whole
from vinovits.text.lexicon.entry import LexiconEntry, checked
from vinovits.text.lexicon.folding import fold, has_capital, lower

_log = logging.getLogger(__name__)

Found = tuple[int, int, int]
"""Index of the first character, minus that behind the last, and the number of the entry: sorted,
the longest of those that begin together comes first."""


class Done:
    """How far a text has been read."""

    position = 0


class Index:
    """Entries by the characters that they are written in."""

    def __init__(self, entries: Sequence[LexiconEntry]) -> None:
        """Take entries; what finds them is made when they are first looked for."""
        self.entries = entries
        self._readable: dict[int, LexiconEntry | None] = {}

    @cached_property
    def _by_key(self) -> dict[str, list[int]]:
        """Numbers of entries, by the word in small letters."""
        by_key: dict[str, list[int]] = {}
        for number, entry in enumerate(self.entries):
            by_key.setdefault(key_of(entry.written), []).append(number)
        return by_key

    @cached_property
    def _lengths(self) -> dict[str, tuple[int, ...]]:
        """How long words are, by their first three characters, or all they have; the longest
        first.
        """
        lengths: dict[str, set[int]] = {}
        for key in self._by_key:
            lengths.setdefault(key[:3], set()).add(len(key))
        return {start: tuple(sorted(each, reverse=True)) for start, each in lengths.items()}

    @cached_property
    def _beginnings(self) -> re.Pattern[str]:
        """Finds where a word may begin."""
        firsts = {key[0] for key in self._by_key}
        patterns = []
        for kind in (LETTER, DIGIT, KATAKANA):
            own = {first for first in firsts if re.match(kind, first)}
            firsts -= own
            if own:
                patterns.append(f"(?<!{kind}){_one_of(own)}")
        if firsts:
            patterns.append(_one_of(firsts))
        return re.compile("|".join(patterns) or r"(?!)")

    def found(self, text: str, done: Done) -> Iterator[Found]:
        """Every place of every word, overlapping ones too, in order.

        Args:
            text: Folded, in small letters.
            done: Words that begin before it are passed over.
        """
        lengths, by_key = self._lengths, self._by_key
        for hit in self._beginnings.finditer(text):
            start = hit.start()
            if start < done.position:
                continue
            prefix = text[start : start + 3]
            while prefix:
                for length in lengths.get(prefix, ()):
                    end = start + length
                    numbers = by_key.get(text[start:end]) if end <= len(text) else None
                    if numbers and is_whole(text, start, end):
                        for number in numbers:
                            yield start, -end, number
                prefix = prefix[:-1]

    def readable(self, number: int) -> LexiconEntry | None:
        """An entry with its reading as front ends take it; None, with a warning, if it isn't one.

        Lexicons are checked when they are written, but files may be changed by hand, and come with
        voices: a bad entry shall not keep a text from being spoken.
        """
        if number not in self._readable:
            entry: LexiconEntry | None = None
            try:
                entry = checked(self.entries[number])
            except LexiconError as error:
                _log.warning("An entry of the lexicon is passed over. %s", error)
            self._readable[number] = entry
        return self._readable[number]


def key_of(written: str) -> str:
    """A word as it is looked for: folded, in small letters."""
    return lower(fold(written).text)


def is_written_so(entry: LexiconEntry, text: str) -> bool:
    """Whether a folded text that is the entry's but for capitals is it with them too."""
    return not has_capital(entry.written) or fold(entry.written).text == text


def _one_of(characters: Iterable[str]) -> str:
    return f"[{''.join(map(re.escape, sorted(characters)))}]"
