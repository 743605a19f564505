"""The CMU Pronouncing Dictionary, searched where it lies.

The file is read as one block of bytes and bisected: no table of 126,000 words is built, so that the
first word costs about two milliseconds and the whole dictionary two megabytes. The dictionaries
of the released front ends are older editions; where they differ is in a second file.
"""

from __future__ import annotations

import threading
from functools import cache, lru_cache

from vinovits.text.english.tables import data_file

Phones = tuple[str, ...]
"""ARPAbet phones with stress digits, as the dictionary writes them: ("HH", "AH0", "L", "OW1")."""

_FIRST_CODE = 35  # recipes/english/make_data.py writes phone i as the character 35 + i
_AS_SHIPPED, _ABSENT = "!", '"'
_LOCK = threading.Lock()


class Lexicon:
    """Words and their pronunciations in one sorted block of ASCII lines.

    Args:
        data: A line "#PHONE PHONE ...", then "word code code ..." sorted.
    """

    def __init__(self, data: bytes) -> None:
        header, _, self._lines = data.partition(b"\n")
        names = header[1:].decode("ascii").split()
        self._phones = {chr(_FIRST_CODE + index): name for index, name in enumerate(names)}

    def fields(self, word: str) -> tuple[str, ...]:
        """What the line of a lower-case word has behind it, () if there is no such line."""
        if not word.isascii():
            return ()
        key = word.encode("ascii")
        lines = self._lines
        low, high = 0, len(lines)
        while low < high:
            middle = (low + high) // 2
            start = lines.rfind(b"\n", low, middle) + 1 or low
            end = lines.find(b"\n", middle)
            found, _, said = lines[start:end].partition(b" ")
            if found == key:
                return tuple(said.decode().split(" "))
            if found < key:
                low = end + 1
            else:
                high = start
        return ()

    def phones(self, field: str) -> Phones:
        """A field as phones."""
        return tuple(self._phones[code] for code in field)

    def variants(self, word: str) -> tuple[Phones, ...]:
        """Pronunciations of a lower-case word in the dictionary's order, () if there are none."""
        return tuple(self.phones(field) for field in self.fields(word))


@cache
def _load(name: str) -> Lexicon:
    return Lexicon(data_file(name).read_bytes())


@lru_cache(maxsize=16384)
def variants(word: str) -> tuple[Phones, ...]:
    """Look a lower-case word up in the shipped dictionary.

    Args:
        word: The word in lower case; it may hold "'", "." and "-" as the dictionary's heads do.

    Returns:
        Its pronunciations, the usual one first; () for a word that isn't there.
    """
    with _LOCK:
        lexicon = _load("lexicon.txt")
    return lexicon.variants(word)


@lru_cache(maxsize=16384)
def released(word: str) -> tuple[Phones, Phones]:
    """Look a lower-case word up in the dictionaries of the released front ends.

    Args:
        word: The word in lower case.

    Returns:
        Its first pronunciation in the edition of 1998 (0.6), which they ask first, and in that of
        g2p_en (0.7a and homographs, as it says them alone), which they ask then; () where it isn't.
    """
    with _LOCK:
        lexicon = _load("released.txt")
    usual = (variants(word) or ((),))[0]
    first, second = (
        () if field == _ABSENT else usual if field == _AS_SHIPPED else lexicon.phones(field)
        for field in lexicon.fields(word) or (_AS_SHIPPED, _AS_SHIPPED)
    )
    return first, second


def is_known(word: str) -> bool:
    """Whether the dictionary has this lower-case word."""
    return bool(variants(word))
