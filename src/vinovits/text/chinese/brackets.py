"""Pinyin in brackets behind the hanzi that it is the reading of: 重庆（Chóngqìng）, 单（shàn）."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Set
from functools import lru_cache

from vinovits.text.chinese.given import HANZI, Given, Stretch
from vinovits.text.chinese.pinyin import NEUTRAL, Syllable, every_reading, read_word
from vinovits.text.traced import Span, Traced, joined

_TONES = {"\u0304": 1, "\u0301": 2, "\u030c": 3, "\u0306": 3, "\u0300": 4}
"""Combining marks; a breve is often taken for a caron."""
_BRACKET = re.compile(
    r"[（(]\s?(?:(?:汉语)?(?:拼音|读音|读作|读|音)(?:是|为)?\s?[:：]?\s?)?"
    r"(?P<pinyin>[a-zɑɡü\u00e0-\u01dc\u0300-\u030c1-5 '’·-]{1,120})[)）]",
    re.IGNORECASE,
)
_BEFORE = re.compile(rf"([{HANZI}]+)[”’」』》〉】]?\Z")
_MOST = 24
"""Characters before a bracket that are looked at."""
_SPOKEN = frozenset("一不")
"""Their tone depends on what follows; some write the one of the dictionary, some the spoken one."""

Letters = tuple[str, tuple[int, ...]]
"""Pinyin without anything between syllables, and the tone that is written at each letter or 0."""


def in_brackets(traced: Traced, taken: Set[int] = frozenset()) -> Iterator[Stretch]:
    """Find hanzi with their reading in brackets behind them.

    Args:
        traced: A text as it was written.
        taken: Indices of characters whose reading is given otherwise.

    Yields:
        The stretches with their brackets, which are to be shown without: the last character stands
        for the bracket too. Tones change beside others as those of a dictionary do.
    """
    for start, closer, bracket, end, syllables in _found(traced.text):
        if taken.isdisjoint(range(start, end)):
            hanzi = traced.text[start:closer]
            last = Traced(traced.text[bracket - 1], [traced.span(bracket - 1, end)])
            given = [_given(c, s) for c, s in zip(hanzi, syllables, strict=True)]
            yield Stretch(
                start,
                end,
                joined([traced.part(start, bracket - 1), last]),
                (*given, *[None] * (bracket - closer)),
            )


def spans_with_brackets(text: str) -> Iterator[Span]:
    """Where hanzi have their reading in brackets behind them; the brackets belong to it."""
    for start, _, _, end, _ in _found(text):
        yield start, end


def _found(text: str) -> Iterator[tuple[int, int, int, int, list[Syllable]]]:
    """Where the hanzi, the mark behind them, the bracket begin, where that ends; the readings."""
    position = 0
    for match in _BRACKET.finditer(text):
        before = _BEFORE.search(text, max(position, match.start() - _MOST), match.start())
        letters = _letters(match["pinyin"])
        if before is None or letters is None:
            continue
        if syllables := _fitting(before[1], letters):
            position = match.end()
            start = before.end(1) - len(syllables)
            yield start, before.end(1), match.start(), position, syllables


def _given(character: str, syllable: Syllable) -> Given | None:
    return None if character in _SPOKEN else Given((syllable,))


def _letters(written: str) -> Letters | None:
    """Pinyin letter by letter; None for what isn't any."""
    text, tones = "", list[int]()
    plain = written.lower().replace("ɑ", "a").replace("ɡ", "g")
    for character in unicodedata.normalize("NFD", plain):
        if character in _TONES or character in "12345":
            if not tones or tones[-1]:
                return None
            tones[-1] = _TONES.get(character) or int(character)
        elif character == "\u0308" and text[-1:] == "u":
            text = f"{text[:-1]}v"
        elif character.isascii() and character.isalpha():
            text += character
            tones.append(0)
        elif character not in " '’·-":
            return None
    return (text, tuple(tones)) if text else None


def _fitting(hanzi: str, letters: Letters) -> list[Syllable]:
    """Readings of the last of the hanzi that make up the letters; [] if there are none."""
    text, tones = letters

    def back(at: int, end: int) -> list[str] | None:
        """Names of the syllables that text[:end] is cut into, the last of them of hanzi[at]."""
        if not end:
            return []
        if at < 0:
            return None
        for name in _names(hanzi[at]):
            begin = end - len(name)
            if text.endswith(name, 0, end) and sum(map(bool, tones[begin:end])) < 2:
                before = back(at - 1, begin)
                if before is not None:
                    return [*before, name]
        return None

    names = back(len(hanzi) - 1, len(text)) or []
    found = read_word(hanzi[len(hanzi) - len(names) :])
    syllables = []
    begin = 0
    for character, name, usual in zip(hanzi[len(hanzi) - len(names) :], names, found, strict=True):
        written = max(tones[begin : begin + len(name)])
        begin += len(name)
        if any(tones):
            syllables.append(Syllable(_full(name), written or NEUTRAL, "context"))
        elif usual.name == name:
            syllables.append(usual)
        else:
            tone = min(int(one[-1]) for one in every_reading(character) if one[:-1] == name)
            syllables.append(Syllable(name, tone, "context"))
    return syllables


def _full(name: str) -> str:
    return "er" if name == "r" else name


@lru_cache(maxsize=4096)
def _names(character: str) -> tuple[str, ...]:
    """Syllables without tone that the character may be, the longest first."""
    names = {one[:-1] for one in every_reading(character) if one[-1:].isdigit()}
    if character in "儿兒":
        names.add("r")
    return tuple(sorted(names, key=len, reverse=True))
