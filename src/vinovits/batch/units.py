"""Cutting a long text into units: pieces of work that are made, kept and made again by themselves.

A unit is a paragraph, or a few sentences of a long one. Its speech is that of its text alone, so
that a unit sounds the same whatever has become of the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from vinovits.errors import TextError
from vinovits.text.markup import Markup, parse
from vinovits.text.script import Script
from vinovits.text.sentences import split_sentences

LONGEST = 1000
"""Characters of a unit, where sentences end early enough: about a minute of speech."""

_PARAGRAPH = re.compile(r"\n[ \t\r\f\v]*\n\s*|[\f\v\x1c-\x1e\x85\u2028\u2029]\s*")
_TURN = re.compile(r"\[[^\[\]\n]+\]<(?:zh|ja|jp|en)>", re.IGNORECASE)
"""The beginning of a speaker's turn: what was opened before ends in front of it."""


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a text that makes a unit."""

    text: str
    start: int
    """Index of its first character in the whole text."""
    ends_paragraph: bool
    """Whether a paragraph ends behind it."""


def cut(text: str, markup: Markup = "auto", longest: int = LONGEST) -> list[Part]:
    """Cut a text between paragraphs, and long paragraphs between sentences.

    Nothing is cut where markup holds for both sides, and SSML, HTML and Markdown not at all.

    Args:
        text: What to speak.
        markup: What it is written in.
        longest: Characters of a unit, if sentences end early enough.

    Returns:
        Parts in order that don't overlap, with all characters of the text that can be heard; none
        if it has none.

    Raises:
        TextError: The markup of the text is wrong.
    """
    script = parse(text, markup)
    if markup in ("html", "markdown") or not _is_text(script, markup):
        return list(_spoken([(0, len(text), True)], text))
    places = _cuts(text, longest)
    if markup != "off":
        closed = [script.seen.span(start, end) for start, end, _ in _stretches(script)]
        places = [
            place
            for place in places
            if _TURN.match(text, place[0]) or not _within(place[0], closed)
        ]
    begins = [0, *(place for place, _ in places)]
    ends = [*places, (len(text), True)]
    spans = [(begin, *end) for begin, end in zip(begins, ends, strict=True)]
    parts = list(_spoken(spans, text))
    try:
        for part in parts:
            parse(part.text, markup)
    except TextError:
        # A cut in the midst of a tag that leaves no stretch behind, such as [spell].
        return list(_spoken([(0, len(text), True)], text))
    return parts


def _is_text(script: Script, markup: Markup) -> bool:
    """Whether the original is the text that is read, but for tags in square brackets."""
    return markup in ("off", "plain") or not script.original.lstrip("\ufeff \t\r\n").startswith("<")


def _cuts(text: str, longest: int) -> list[tuple[int, bool]]:
    """Where units may begin, and whether a paragraph ends there."""
    places = []
    begin = 0
    for match in [*_PARAGRAPH.finditer(text), None]:
        end = len(text) if match is None else match.start()
        places += [(begin + place, False) for place in _within_paragraph(text[begin:end], longest)]
        if match is not None:
            begin = match.end()
            places.append((begin, True))
    return places


def _within_paragraph(paragraph: str, longest: int) -> Iterator[int]:
    """Where a long paragraph is cut: between sentences, into parts of about one length."""
    if len(paragraph) <= longest:
        return
    share = len(paragraph) / -(-len(paragraph) // longest)
    begin = 0
    for start, end in split_sentences(paragraph):
        if start > begin and (end - begin > longest or start - begin >= share):
            yield start
            begin = start


def _stretches(script: Script) -> Iterator[tuple[int, int, object]]:
    yield from ((start, end, code) for start, end, code in script.languages if end > start)
    yield from ((start, end, manner) for start, end, manner in script.manners if end > start)
    yield from ((said.start, said.end, said) for said in script.said if said.end > said.start)


def _within(place: int, closed: Iterable[tuple[int, int]]) -> bool:
    return any(start < place < end for start, end in closed)


def _spoken(spans: Iterable[tuple[int, int, bool]], text: str) -> Iterator[Part]:
    """Parts of which each has a letter or digit: a row of stars goes with what stands before it."""
    waiting: tuple[int, int, bool] | None = None
    for start, end, ends_paragraph in spans:
        if waiting is None:
            waiting = start, end, ends_paragraph
        elif _has_sound(text[waiting[0] : waiting[1]]) and _has_sound(text[start:end]):
            yield _part(text, waiting)
            waiting = start, end, ends_paragraph
        else:
            waiting = waiting[0], end, ends_paragraph
    if waiting is not None and _has_sound(text[waiting[0] : waiting[1]]):
        yield _part(text, waiting)


def _part(text: str, span: tuple[int, int, bool]) -> Part:
    start, end, ends_paragraph = span
    piece = text[start:end]
    stripped = piece.strip()
    return Part(stripped, start + len(piece) - len(piece.lstrip()), ends_paragraph)


def _has_sound(text: str) -> bool:
    return any(character.isalnum() for character in text)
