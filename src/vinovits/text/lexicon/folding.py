"""The form in which words of a lexicon and of a text are compared."""

from __future__ import annotations

import re
import unicodedata

from vinovits.text.hidden import Shown, ShownBuilder

_MARKS = "\u0300-\u036f\u3099\u309a\uff9e\uff9f"
# At most eight marks on a letter: putting a million of them in order would take quadratic time.
_LONGER = re.compile(rf"\s{{2,}}|[^{_MARKS}\s][{_MARKS}]{{1,8}}")
"""What may be another number of characters when it is folded."""
_ALIKE = {"\u2019": "'", "\u02bc": "'", "\uff07": "'", "\u2010": "-", "\u2011": "-"}
_NARROW = range(0xFF01, 0xFFE7)
"""Full-width ASCII, half-width kana and full-width signs."""


class _Characters(dict[int, str]):
    """What each character is folded to, for `str.translate`; found out when it is first met."""

    def __missing__(self, code: int) -> str:
        self[code] = folded = _of_character(chr(code))
        return folded


class _Lower(dict[int, str]):
    """Small letters, where they are one character as the capital is."""

    def __missing__(self, code: int) -> str:
        lower = chr(code).lower()
        self[code] = lower if len(lower) == 1 else chr(code)
        return self[code]


def _of_character(character: str) -> str:
    if character.isspace():
        return " "
    if character in _ALIKE:
        return _ALIKE[character]
    folded = unicodedata.normalize("NFKC" if ord(character) in _NARROW else "NFC", character)
    return folded if len(folded) == 1 else character


_CHARACTERS = _Characters()
_LOWER = _Lower()


def fold(text: str) -> Shown:
    """A text with one form of each character, and where they stand in it.

    Full-width letters become ASCII and half-width kana full-width, letters and marks that follow
    them one character, all apostrophes and hyphens the ASCII ones, and spaces, with at most one
    line break among them, a single space. Signs such as ² stay: they are read otherwise.

    Args:
        text: Any text; the time taken is linear in its length.
    """
    whole = Shown(text.translate(_CHARACTERS))
    builder = ShownBuilder()
    position = 0
    for found in _LONGER.finditer(text):
        new = _shorter(found[0])
        if len(new) != len(found[0]):
            builder.copy(whole, position, found.start())
            builder.put(new, *found.span())
            position = found.end()
    if not position:
        return whole
    builder.copy(whole, position, len(text))
    return builder.done()


def lower(folded: str) -> str:
    """A folded text in small letters, of the same length."""
    return folded.translate(_LOWER)


def has_capital(written: str) -> bool:
    """Whether a word is looked for with its capitals as they are."""
    return lower(written) != written


def _shorter(cluster: str) -> str:
    if cluster.isspace():
        return " " if len(cluster.replace("\r\n", "\n").strip(" \t")) <= 1 else cluster
    return unicodedata.normalize("NFC", cluster.translate(_CHARACTERS))
