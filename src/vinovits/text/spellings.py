"""Readings that a spelling tells by itself, where no front end of the voice would see it."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from vinovits.errors import MissingExtraError, TextError
from vinovits.text.notation import to_reading
from vinovits.text.reading import Said
from vinovits.text.script import Script, Span
from vinovits.text.word_sets import word_set

_LATIN = "A-Za-z\u00c0-\u024f\u1e00-\u1eff"
_PINYIN = re.compile(
    rf"(?<![{_LATIN}\d])(?=['’{_LATIN}]*[āēīōūǎěǐǒǔǖǘǚǜ])[{_LATIN}]+(?:['’][{_LATIN}]+)*"
    rf"(?![{_LATIN}\d])",
    re.IGNORECASE,
)
"""Words with a macron or a caron: French and Spanish have the other two tones' accents as well."""
_BRACKET = re.compile(rf"[\u3400-\u9fff][”’」』》〉】]?[（(][^()（）]*[{_LATIN}]")
_NEUTRAL = word_set("de le ma ne zi men ba a ya guo zhe me shang xia tou li bian")
"""Syllables that a word in pinyin may end in without a tone."""
_ROMAJI = re.compile(
    rf"(?<![{_LATIN}\d])(?=[a-z']*[āīūēō])[a-zāīūēō']+(?![{_LATIN}\d])", re.IGNORECASE
)
_MORA = re.compile(
    r"(?P<double>([kstpgzdbc])(?=\2|ch))|(?P<consonant>[kgnhbpmr]y|sh|ch|ts|[kgsztdnhfbpmyrwj]?)"
    r"(?P<vowel>[aiueoāīūēō])|(?P<nasal>n'?)"
)
_SMALL = frozenset("ァィゥェォャュョヮヵヶ")
_LONG = dict(zip("āīūēō", "aiueo", strict=True))
_ADDRESS = re.compile(r"(?<![A-Za-z0-9_.@-])[A-Za-z0-9_-]+(?:[.@][A-Za-z0-9_-]+)+(?![A-Za-z0-9@])")
_SIGNS = {".": "dian3", "@": "ai4 te4"}
_NO = re.compile("(?<=[\u3400-\u9fff])の(?=[\u3400-\u9fff])")


def told_by_spelling(script: Script, spoken: Sequence[str]) -> Script:
    """A script with the readings that its spelling tells.

    Pinyin with its tones is Chinese, and romaji with long vowels Japanese, where only English would
    read them. In Chinese without English, the signs of an address have Chinese names, and without
    Japanese の is its 的. Pinyin in brackets behind the hanzi that it is the reading of is Chinese.

    Args:
        script: A script.
        spoken: Codes of the voice's languages.
    """
    beside = list(_beside_hanzi(script)) if "zh" in spoken else []
    if beside:
        told = [(start, end) for start, end, _ in script.languages]
        free = [(*span, "zh") for span in beside if not _touches(told, *span)]
        script = replace(script, languages=tuple(sorted([*script.languages, *free])))
    found = [one for one in _found(script.text, spoken) if not _touches(beside, one.start, one.end)]
    if not found:
        return script
    taken = [(start, end) for start, end, _ in script.given_languages()]
    fresh = [one for one in found if not _touches(taken, one.start, one.end)]
    return replace(script, said=tuple(sorted([*script.said, *fresh], key=lambda one: one.start)))


def _beside_hanzi(script: Script) -> Iterator[Span]:
    """Hanzi and pinyin in brackets behind them, which the Chinese front end reads as one."""
    if not _BRACKET.search(script.text):
        return
    from vinovits.text.chinese.brackets import spans_with_brackets

    said = [(one.start, one.end) for one in script.said]
    with suppress(MissingExtraError):
        for start, end in spans_with_brackets(script.text):
            if not _touches(said, start, end):
                yield start, end


def _touches(spans: Sequence[Span], start: int, end: int) -> bool:
    """Whether one of the spans, which are in order, has a part of [start:end]."""
    first = bisect_right(spans, start, key=lambda span: span[1])
    return first < len(spans) and spans[first][0] < end


def _found(text: str, spoken: Sequence[str]) -> Iterator[Said]:
    if "zh" in spoken:
        for match in _PINYIN.finditer(text):
            if reading := _pinyin(match[0]):
                yield Said(*match.span(), reading, "zh", "rule")
        if "ja" not in spoken:
            for match in _NO.finditer(text):
                yield Said(*match.span(), "de5", "zh", "rule")
        if not {"ja", "en"} & set(spoken):
            for match in _ADDRESS.finditer(text):
                yield from _signs(match)
    if "ja" in spoken and "en" not in spoken:
        for match in _ROMAJI.finditer(text):
            if reading := _kana(match[0].lower()):
                yield Said(*match.span(), reading, "ja", "rule")


def _pinyin(word: str) -> str:
    """The reading of a word in pinyin; "" for what can't be one, such as "Māori"."""
    try:
        _, reading = to_reading(word.lower(), "pinyin")
    except TextError:
        return ""
    *before, last = reading.split()
    toned = not any(syllable.endswith("5") for syllable in before)
    return reading if toned and (last[-1] != "5" or (before and last[:-1] in _NEUTRAL)) else ""


def _kana(word: str) -> str:
    """The reading of a word in romaji; "" for what is none."""
    from vinovits.text.japanese.tables import kana

    large = [(name, phones) for name, phones in kana("plus").items() if name[0] not in _SMALL]
    by_phones = {phones: name for name, phones in reversed(large)}
    found: list[str] = []
    position = 0
    while position < len(word):
        match = _MORA.match(word, position)
        if match is None:
            return ""
        position = match.end()
        if match["double"]:
            found.append("ッ")
        elif match["nasal"]:
            found.append("ン")
        else:
            vowel = _LONG.get(match["vowel"], match["vowel"])
            consonant = match["consonant"]
            name = by_phones.get((consonant, vowel) if consonant else (vowel,))
            if name is None:
                return ""
            found.append(name + "ー" * (vowel != match["vowel"]))
    return "".join(found)


def _signs(match: re.Match[str]) -> Iterator[Said]:
    """Signs of an address or a file's name; not those of numbers, initials and abbreviations."""
    parts = re.split("[.@]", match[0])
    if all(len(part) == 1 for part in parts) or not re.search("[A-Za-z]", match[0]):
        return
    for sign in re.finditer(r"[.@](?!\d)|(?<!\d)[.@]", match[0]):
        start = match.start() + sign.start()
        yield Said(start, start + 1, _SIGNS[sign[0]], "zh", "rule")
