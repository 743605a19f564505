"""The CMU Pronouncing Dictionary, searched where it lies.

The file is read as one block of bytes and bisected: no table of 126,000 words is built, so that the
first word costs about two milliseconds and the whole dictionary two megabytes.
"""

from __future__ import annotations

import threading
from functools import cache, lru_cache

from vinovits.text.english.tables import data_file

Phones = tuple[str, ...]
"""ARPAbet phones with stress digits, as the dictionary writes them: ("HH", "AH0", "L", "OW1")."""

_FIRST_CODE = 35  # recipes/english/make_data.py writes phone i as the character 35 + i
_LOCK = threading.Lock()


class Lexicon:
    """Words and their pronunciations in one sorted block of ASCII lines.

    Args:
        data: Content of lexicon.txt: a line "#PHONE PHONE ...", then "word code code ..." sorted.
    """

    def __init__(self, data: bytes) -> None:
        header, _, self._lines = data.partition(b"\n")
        names = header[1:].decode("ascii").split()
        self._phones = {chr(_FIRST_CODE + index): name for index, name in enumerate(names)}

    def variants(self, word: str) -> tuple[Phones, ...]:
        """Pronunciations of a lower-case word in the dictionary's order, () if there are none."""
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
                return tuple(
                    tuple(self._phones[code] for code in one) for one in said.decode().split(" ")
                )
            if found < key:
                low = end + 1
            else:
                high = start
        return ()


@cache
def _load() -> Lexicon:
    return Lexicon(data_file("lexicon.txt").read_bytes())


@lru_cache(maxsize=16384)
def variants(word: str) -> tuple[Phones, ...]:
    """Look a lower-case word up in the shipped dictionary.

    Args:
        word: The word in lower case; it may hold "'", "." and "-" as the dictionary's heads do.

    Returns:
        Its pronunciations, the usual one first; () for a word that isn't there.
    """
    with _LOCK:
        lexicon = _load()
    return lexicon.variants(word)


def is_known(word: str) -> bool:
    """Whether the dictionary has this lower-case word."""
    return bool(variants(word))
