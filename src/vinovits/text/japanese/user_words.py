"""The user's words: where they stand in a text, and how they are said."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from vinovits.text.japanese.tables import kana
from vinovits.text.traced import Traced, joined

FIRST = 0xF0000
LAST = 0xFFFFD
"""Private characters of Unicode: one stands for each of the user's words in a sentence."""
STAND_INS = f"{chr(FIRST)}-{chr(LAST)}"
_HIRAGANA = str.maketrans({chr(code): chr(code + 96) for code in range(0x3041, 0x3097)})
_SCRIPTS = (re.compile("[A-Za-z]"), re.compile("[\u30a1-\u30fc]"))
"""Words of these scripts are found whole only: アイ isn't in アイス, nor AI in MAIL."""
_MORA = re.compile("[\u30a1-\u30fc][ァィゥェォャュョヮ]?")


class Said(NamedTuple):
    """How one of the user's words is said."""

    written: str
    """As it stands in the text."""
    kana: str
    """Katakana."""
    accent: int
    """Number of the mora behind which the tone falls, from 1; 0: it doesn't."""
    moras: int


@dataclass(frozen=True, slots=True)
class UserWords:
    """Readings of words, by the way they are written."""

    said: Mapping[str, Said]
    lengths: Mapping[str, tuple[int, ...]]
    """How long the words are that begin with a character, the longest first."""


def user_words(lexicon: Mapping[str, str]) -> UserWords:
    """Prepare readings for being found in texts.

    Args:
        lexicon: Readings in kana by the written word. A number behind a colon is the accent:
            "ハシモト:0" is flat, "ハシ:1" falls behind the first mora. Without one it is flat.
            Words that are empty, or whose reading isn't kana, are passed over.
    """
    said: dict[str, Said] = {}
    lengths: dict[str, set[int]] = {}
    for written, reading in lexicon.items():
        katakana, _, accent = reading.translate(_HIRAGANA).partition(":")
        moras = len(_MORA.findall(katakana))
        if not written or not katakana or set(katakana) - kana("plus").keys() - {"ー"}:
            continue
        nucleus = min(int(accent), moras) if accent.isdecimal() else 0
        said[written] = Said(written, katakana, nucleus, moras)
        lengths.setdefault(written[0], set()).add(len(written))
    return UserWords(said, {k: tuple(sorted(v, reverse=True)) for k, v in lengths.items()})


def stand_in(traced: Traced, words: UserWords) -> tuple[Traced, dict[str, Said]]:
    """Put one private character in the place of each of the user's words, the longest first.

    Args:
        traced: A sentence.
        words: The user's.

    Returns:
        The sentence, and the words that its private characters stand for.
    """
    if not words.said:
        return traced, {}
    characters: dict[str, str] = {}
    parts: list[Traced] = []
    position = done = 0
    while position < len(traced.text):
        written = _at(traced.text, position, words)
        if not written:
            position += 1
            continue
        sign = characters.setdefault(written, chr(FIRST + len(characters)))
        end = position + len(written)
        parts += [traced.part(done, position), Traced(sign, [traced.span(position, end)])]
        position = done = end
    parts.append(traced.part(done, len(traced.text)))
    return joined(parts), {sign: words.said[written] for written, sign in characters.items()}


def _at(text: str, position: int, words: UserWords) -> str:
    """The longest of the words that begins there, or ""."""
    for length in words.lengths.get(text[position], ()):
        written = text[position : position + length]
        if written in words.said and _is_whole(text, position, position + length):
            return written
    return ""


def _is_whole(text: str, start: int, end: int) -> bool:
    return not any(
        (script.match(text[start]) and start and script.match(text[start - 1]))
        or (script.match(text[end - 1]) and script.match(text[end : end + 1]))
        for script in _SCRIPTS
    )
