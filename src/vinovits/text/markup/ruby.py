"""Ruby in HTML: small readings beside what they are the readings of.

https://html.spec.whatwg.org/multipage/text-level-semantics.html#the-ruby-element, with the element
rb that older pages have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from html import unescape

from vinovits.errors import TextError
from vinovits.text.markup.values import HAN, LONGEST_VALUE, language_of
from vinovits.text.notation import guess_alphabet, to_reading
from vinovits.text.sentences import Span

CLOSING = re.compile(r"</ruby\s*>", re.IGNORECASE)
_PART = re.compile(r"<(?P<closing>/?)(?P<name>rb|rp|rtc|rt)(?:\s[^<>]*)?>", re.IGNORECASE)
_TAG = re.compile("<[^<>]*>")


@dataclass(frozen=True, slots=True)
class Base:
    """What ruby is written beside, and how it is read."""

    spans: tuple[Span, ...]
    """Its parts in the source, which may hold other tags."""
    language: str = ""
    """Code of the reading's language; "" where no reading stands beside it."""
    reading: str = ""
    """As `vinovits.text.reading.Said` has it."""


def ruby_bases(text: str, start: int, end: int, language: str = "") -> list[Base]:
    """What is read of an element ruby.

    Args:
        text: A source of HTML.
        start: Index behind the tag that opens the element.
        end: Index of the one that closes it.
        language: Code of the language that IPA is meant in; "" leaves that to the letters.

    Returns:
        The bases in order. Pages may give each character a base of its own, but words are made of
        several: those that follow each other are one if their readings can be.
    """
    found: list[Base] = []
    for spans, note in _pairs(text, start, end):
        base = _read(text, spans, note, language)
        joined = _joined(found[-1], base) if found else None
        found[-1:] = [joined] if joined else [*found[-1:], base]
    return found


def _pairs(text: str, start: int, end: int) -> Iterator[tuple[tuple[Span, ...], str]]:
    """Bases, and what stands beside each; "" for nothing."""
    spans: list[Span] = []
    notes: list[str] = []
    for name, first, behind in _parts(text, start, end):
        if name == "rt":
            notes.append(_shown(text, first, behind))
        elif name == "rb" and _shown(text, first, behind):
            if notes:
                yield from _paired(spans, notes)
                spans, notes = [], []
            spans.append(_without_breaks(text, first, behind))
    yield from _paired(spans, notes)


def _parts(text: str, start: int, end: int) -> Iterator[tuple[str, int, int]]:
    """Stretches between the tags of ruby, and their elements; what is in none is a base as well."""
    name, position = "rb", start
    for tag in _PART.finditer(text, start, end):
        yield name, position, tag.start()
        name, position = "rb" if tag["closing"] else tag["name"].lower(), tag.end()
    yield name, position, end


def _paired(spans: Sequence[Span], notes: Sequence[str]) -> Iterator[tuple[tuple[Span, ...], str]]:
    if len(notes) == 1 and spans:
        yield tuple(spans), notes[0]
        return
    for number, span in enumerate(spans):
        yield (span,), notes[number] if number < len(notes) else ""


def _shown(text: str, start: int, end: int) -> str:
    return unescape(_TAG.sub("", text[start:end])).strip()


def _without_breaks(text: str, start: int, end: int) -> Span:
    """The stretch without spaces around Chinese characters, which are but for the page's source."""
    part = text[start:end]
    if not HAN.search(part):
        return start, end
    return end - len(part.lstrip()), start + len(part.rstrip())


def _read(text: str, spans: tuple[Span, ...], note: str, language: str) -> Base:
    alphabet = guess_alphabet(note) if len(note) <= LONGEST_VALUE else None
    if alphabet is not None:
        code = language or language_of("".join(text[start:end] for start, end in spans))
        with suppress(TextError):  # dots for emphasis, a sound that the language lacks
            return Base(spans, *to_reading(note, alphabet, code))
    return Base(spans)


def _joined(first: Base, second: Base) -> Base | None:
    """Both as one; None if their readings can't be one."""
    if first.language != second.language:
        return None
    spans = first.spans + second.spans
    match first.language:
        case "zh":
            return replace(first, spans=spans, reading=f"{first.reading} {second.reading}")
        case "ja" if ":" not in first.reading + second.reading:
            return replace(first, spans=spans, reading=first.reading + second.reading)
    return None
