"""Markup in plain text: tags in square brackets, and upstream's lines of speakers and languages.

A bracket is markup only where it says exactly what markup says; `docs/markup.md` has the rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import get_args

from vinovits.errors import TextError
from vinovits.text.hidden import Shown, shown
from vinovits.text.markup.composer import Change, Composer
from vinovits.text.markup.say_as import Say, SayAs, is_date_order
from vinovits.text.markup.values import (
    DEEPEST,
    EMPHASIS,
    FAST,
    HAN,
    LANGUAGES,
    LONGEST_PAUSE,
    LONGEST_VALUE,
    LOUD,
    LOUDEST,
    RATES,
    SLOW,
    SOFT,
    decibels,
    factor,
    language_code,
    language_of,
    quoted,
    seconds,
    wrong,
)
from vinovits.text.notation import Alphabet, guess_alphabet, is_like_arpabet, to_reading
from vinovits.text.script import Script, plain

_TAG = re.compile(r"\\?\[([^\[\]\n]+)\](<(?:zh|ja|jp|en)>)?", re.IGNORECASE)
_TAG_IN_TURN = re.compile(rf"{_TAG.pattern}|\\?<(zh|ja|jp|en)>|\\?\|", re.IGNORECASE)
"""Within a speaker's turn languages change by tags of their own, and | ends a sentence."""
_STARTS_WITH_NUMBER = re.compile(r"[+-]?[.\d]")

_WITHOUT_VALUE = {
    "slow": Change(rate=SLOW),
    "fast": Change(rate=FAST),
    "loud": Change(volume=LOUD),
    "soft": Change(volume=SOFT),
    "emphasis": Change(rate=EMPHASIS["moderate"][0], volume=EMPHASIS["moderate"][1]),
}
_KINDS: dict[str, SayAs] = {kind: kind for kind in get_args(SayAs)}
_KANA_ONLY = re.compile("[\u3041-\u30ff\uff66-\uff9f]+")
_WITH_ACCENT = re.compile(r"[:：]\d+\Z|['’↓ꜜ]")
_STRESSED = re.compile(r"(?:A[AEHOWY]|E[HRY]|I[HY]|O[WY]|U[HW])[0-2]")
_NUMBERED_PINYIN = re.compile(r"[a-zü:v]{2,7}\d(?:\s*[a-zü:v]{1,7}\d)*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Wrong:
    """What looks like markup, but can't be done."""

    why: str


@dataclass(frozen=True, slots=True)
class _Point:
    """A tag that stands for itself: what it does, once its place is known."""

    act: Callable[[Composer, int, int], None]


@dataclass(frozen=True, slots=True)
class _Opening:
    name: str
    change: Change


@dataclass(frozen=True, slots=True)
class _Closing:
    name: str


@dataclass(frozen=True, slots=True)
class _Reading:
    """A surface and how it is read: an alphabet, or an alias."""

    surface: tuple[int, int]
    """Its place in the tag."""
    alphabet: Alphabet | None
    written: str


@dataclass(frozen=True, slots=True)
class _Turn:
    speaker: str
    language: str


@dataclass(frozen=True, slots=True)
class _TurnLanguage:
    """Another language in the same turn; "" ends the sentence."""

    language: str


_Tag = _Wrong | _Point | _Opening | _Closing | _Reading | _Turn | _TurnLanguage


@dataclass(frozen=True, slots=True)
class _Found:
    """A tag at its place; escaped ones begin with the backslash."""

    tag: _Tag
    start: int
    end: int
    escaped: bool


def parse_plain(text: str) -> Script:
    """Take the tags in square brackets out of a text.

    Args:
        text: Any text.

    Raises:
        TextError: A tag has a wrong value, isn't closed, or closes nothing.
    """
    if "[" not in text:
        return plain(text)
    seen = shown(text)
    tags = _tags(seen.text)
    first = next(tags, None)
    if first is None:
        return Script(text, seen)
    composer = Composer(text, seen)
    opened: list[tuple[str, int]] = []
    position = 0
    found: _Found | None = first
    while found is not None:
        composer.copy(position, found.start)
        if found.escaped:
            composer.copy(found.start + 1, found.end)
        else:
            try:
                _take(composer, found, opened, seen)
            except _TagError as error:
                what = f"The tag {quoted(seen.text[found.start : found.end])}"
                raise wrong(text, seen.origin(found.start), what, str(error)) from None
        position = found.end
        found = next(tags, None)
    composer.copy(position, len(seen.text))
    if opened:
        name, start = opened[0]
        why = f"is never closed; write [/{name}] where it ends."
        raise wrong(text, seen.origin(start), f"The tag [{name}]", why)
    return composer.done()


def escape(text: str) -> str:
    """Write a text so that nothing in it is taken for markup: with a backslash before each tag.

    Args:
        text: Any text.

    Returns:
        What `parse` gives the text back for, with `markup` "plain", or "auto" unless it is SSML.
    """
    if "[" not in text:
        return text
    seen = shown(text)
    pieces: list[str] = []
    position = 0
    for found in _tags(seen.text, turns=False):
        at = seen.origin(found.start + found.escaped)
        pieces += [text[position:at], "\\"]
        position = at
    return "".join((*pieces, text[position:]))


class _TagError(Exception):
    """A tag that can't be where it is, or as it is."""


def _tags(text: str, turns: bool = True) -> Iterator[_Found]:
    """The tags of a text in order.

    Args:
        text: Any text.
        turns: Whether what follows a speaker's tag may have tags of languages.
    """
    pattern = _TAG
    position = 0
    while match := pattern.search(text, position):
        position = match.end()
        escaped = match[0].startswith("\\")
        start = match.start()
        if match[1] is None:
            code = language_code(match[3]) if match[3] else ""
            assert code is not None
            yield _Found(_TurnLanguage(code), start, position, escaped)
            continue
        end = match.end(1) + 1
        if text[start - 1 : start] == "[" and not escaped and text[end : end + 1] == "]":
            position = end
            continue  # a link of a wiki
        tag = _tag_of(match[1])
        if (tag is None or isinstance(tag, _Wrong)) and match[2] and _is_speaker(match[1]):
            code = language_code(match[2][1:-1])
            assert code is not None
            yield _Found(_Turn(match[1].strip(), code), start, position, escaped)
            if turns and not escaped:
                pattern = _TAG_IN_TURN
            continue
        position = end
        if tag is not None:
            yield _Found(tag, start, end, escaped)


def _tag_of(content: str) -> _Tag | None:
    """What is in a pair of brackets, if it is markup."""
    surface, bar, written = content.partition("|")
    if bar:
        is_one = bool(surface.strip()) and "|" not in written
        return _reading(surface, written.strip()) if is_one else None
    name, *value = content.split(maxsplit=1)[:2] or [""]
    if name.startswith("/"):
        is_stretch = name[1:] in _WITHOUT_VALUE or name[1:] in _WITH_VALUE or name == "/spell"
        return _Closing(name[1:]) if is_stretch and not value else None
    return _named(name, "".join(value).strip()) if content.startswith(name) else None


def _is_speaker(content: str) -> bool:
    """Whether what is in a pair of brackets may be a speaker's name."""
    return bool(content.strip()) and not content.startswith("/") and "|" not in content


def _named(name: str, value: str) -> _Tag | None:
    if name in _WITHOUT_VALUE:
        return None if value else _Opening(name, _WITHOUT_VALUE[name])
    match name:
        case "break":
            return None if value else _Point(Composer.end_sentence)
        case "spell":
            return None if value else _Opening(name, Change(say=Say("characters")))
        case "pause":
            tag: _Tag = _pause(value)
        case "mark":
            tag = _mark(value)
        case _ if name in _WITH_VALUE:
            tag = _WITH_VALUE[name](value)
        case _:
            return None
    # [pause for laughter], [mark my words], [speed limit ahead] are words.
    first, *others = value.split() or [""]
    is_words = others and first not in _KINDS and not _STARTS_WITH_NUMBER.match(first)
    return None if is_words and isinstance(tag, _Wrong) else tag


def _pause(value: str) -> _Tag:
    length = seconds(value)
    if length is None:
        return _Wrong("has no time; write it like [pause 300ms] or [pause 1.5s].")
    if length > LONGEST_PAUSE:
        return _Wrong(f"is too long; a pause has at most {LONGEST_PAUSE:g} s.")
    return _Point(lambda composer, start, end: composer.pause(length, start, end))


def _mark(value: str) -> _Tag:
    if not value or " " in value:
        return _Wrong("has no name; write it like [mark chapter1].")
    return _Point(lambda composer, start, end: composer.mark(value))


def _speed(value: str) -> _Tag:
    rate = factor(value)
    if rate is None or not RATES[0] <= rate <= RATES[1]:
        return _Wrong(f"has no speed; write a factor from {RATES[0]} to {RATES[1]:g}: [speed 0.8].")
    return _Opening("speed", Change(rate=rate))


def _volume(value: str) -> _Tag:
    volume = decibels(value)
    if volume is None:
        volume = factor(value)
    if volume is None or volume > LOUDEST:
        return _Wrong(
            f"has no volume; write a factor from 0 to {LOUDEST:g} or decibels up to 12: "
            "[volume 0.5], [volume -6dB]."
        )
    return _Opening("volume", Change(volume=volume))


def _lang(value: str) -> _Tag:
    code = None if " " in value else language_code(value)
    if code is None:
        return _Wrong(f"names no language; take {', '.join(sorted(set(LANGUAGES.values())))}.")
    return _Opening("lang", Change(language=code))


def _speaker(value: str) -> _Tag:
    if not value:
        return _Wrong("has no name; write it like [speaker Ann].")
    return _Opening("speaker", Change(speaker=value))


def _style(value: str) -> _Tag:
    if not value:
        return _Wrong("has no name; write it like [style Happy].")
    return _Opening("style", Change(style=value))


def _say(value: str) -> _Tag:
    kind, _, order = value.partition(" ")
    order = order.strip()
    if kind not in _KINDS or (order and (kind != "date" or not is_date_order(order))):
        return _Wrong(f"says no way to read; take one of {', '.join(_KINDS)}, or date dmy.")
    return _Opening("say", Change(say=Say(_KINDS[kind], order)))


_WITH_VALUE: dict[str, Callable[[str], _Tag]] = {
    "speed": _speed,
    "volume": _volume,
    "lang": _lang,
    "speaker": _speaker,
    "style": _style,
    "say": _say,
}


def _reading(surface: str, written: str) -> _Tag | None:
    """A surface and its reading, if the right side clearly is one."""
    alphabet: Alphabet | None = None
    if written.startswith("="):
        written = written[1:].strip()
        if not written:
            return None
        if len(written) > LONGEST_VALUE:
            return _Wrong(f"puts more than {LONGEST_VALUE:,} characters in place of others.")
    else:
        alphabet = _alphabet(surface, written) if len(written) <= LONGEST_VALUE else None
        if alphabet is None:
            return None
    return _Reading((1, 1 + len(surface)), alphabet, written)


def _alphabet(surface: str, written: str) -> Alphabet | None:
    """What a reading is written in; None if what stands there may be something else."""
    if len(written) > 2 and written[0] == written[-1] == "/":
        return "ipa"
    if _STRESSED.fullmatch(written) or is_like_arpabet(written):
        return "cmu"
    guess = guess_alphabet(written)
    if guess == "kana":
        # はい|いいえ is a choice between two words.
        is_choice = _KANA_ONLY.fullmatch(surface.strip()) and not _WITH_ACCENT.search(written)
        return None if is_choice else "kana"
    if HAN.search(surface):
        if guess == "pinyin" or _NUMBERED_PINYIN.fullmatch(written):
            return "pinyin"
    elif guess == "pinyin" and _NUMBERED_PINYIN.fullmatch(written):
        return "pinyin"
    return None


def _take(composer: Composer, found: _Found, opened: list[tuple[str, int]], seen: Shown) -> None:
    """Do what a tag says.

    Raises:
        _TagError: It can't be done.
    """
    start, end = found.start, found.end
    match found.tag:
        case _Wrong(why):
            raise _TagError(why)
        case _Point(act):
            act(composer, start, end)
        case _Opening(name, change):
            if len(opened) == DEEPEST:
                raise _TagError(f"is nested too deep; at most {DEEPEST} tags are open at once.")
            opened.append((name, start))
            composer.enter(change)
        case _Closing(name):
            if not opened:
                raise _TagError(f"closes nothing: no [{name}] is open.")
            if opened[-1][0] != name:
                raise _TagError(f"closes nothing: [{opened[-1][0]}] is open, close that first.")
            opened.pop()
            composer.leave()
        case _Reading((first, behind), None, alias):
            composer.put(alias, start + first, start + behind)
        case _Reading((first, behind), alphabet, written):
            surface = seen.text[start + first : start + behind]
            language = composer.language or language_of(surface)
            try:
                reading = to_reading(written, alphabet or "ipa", language)
            except TextError as error:
                raise _TagError(f"has a wrong reading: {error}") from None
            composer.begin_reading(*reading)
            composer.copy(start + first, start + behind)
            composer.end_reading()
        case _Turn(speaker, language):
            composer.turn(speaker, language, start, end)
        case _TurnLanguage(""):
            composer.end_sentence(start, end)
        case _TurnLanguage(language):
            composer.turn_language(language)
