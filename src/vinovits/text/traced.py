"""Text that is rewritten step by step and remembers where each character came from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

Span = tuple[int, int]
"""Index of the first character, and behind the last."""


@dataclass(frozen=True, slots=True)
class Traced:
    """A text, and for each of its characters the span of the original that it stands for."""

    text: str
    spans: Sequence[Span]

    def span(self, start: int, end: int) -> Span:
        """Span of the original that text[start:end] stands for; end > start."""
        parts = self.spans[start:end]
        return min(part[0] for part in parts), max(part[1] for part in parts)

    def part(self, start: int, end: int) -> Traced:
        """The stretch text[start:end]."""
        return Traced(self.text[start:end], self.spans[start:end])


def trace(text: str, offset: int = 0) -> Traced:
    """A text whose first character is number `offset` of the original."""
    return Traced(text, [(index, index + 1) for index in range(offset, offset + len(text))])


def joined(parts: Iterable[Traced]) -> Traced:
    """The parts one after the other."""
    parts = list(parts)
    return Traced("".join(part.text for part in parts), [s for part in parts for s in part.spans])


def substitute(
    traced: Traced, pattern: re.Pattern[str], replace: Callable[[re.Match[str]], str]
) -> Traced:
    """What `re.sub` does; each character of a replacement stands for the whole match.

    Of many digits that were replaced one by one by Chinese ones, each keeps its place; so do the
    points between them.
    """
    parts: list[Traced] = []
    position = 0
    for match in pattern.finditer(traced.text):
        new = replace(match)
        if new == match[0]:
            continue
        parts.append(traced.part(position, match.start()))
        if new and match[0]:
            parts.append(Traced(new, _stand_for(traced, *match.span(), new)))
        position = match.end()
    return joined([*parts, traced.part(position, len(traced.text))]) if parts else traced


_MANY = 9
_DIGITS = {**{word: digit for digit, word in enumerate("零一二三四五六七八九")}, "幺": 1}
_SIGNS = {("-", "负"), (".", "点")}


def _stand_for(traced: Traced, start: int, end: int, new: str) -> list[Span]:
    """The span of each new character where `new` replaces [start:end]."""
    if not traced.text:
        return [(0, 0)] * len(new)
    old = traced.text[start:end]
    if len(old) == len(new) >= _MANY and all(
        a == b or (a.isdecimal() and _DIGITS.get(b) == int(a)) or (a, b) in _SIGNS
        for a, b in zip(old, new, strict=True)
    ):
        return list(traced.spans[start:end])
    return [traced.span(start, end)] * len(new)


def realign(traced: Traced, text: str, cover: bool = True) -> Traced:
    """Give a rewritten text its spans, where what rewrote it doesn't tell.

    Characters that stayed keep theirs; new ones stand for all that they replace, or, where nothing
    was there before, for the character in front of them.

    Args:
        traced: The text before.
        text: The text after.
        cover: Whether characters that are gone go with the one in front of them, or at the
            beginning with the next one; else nothing stands for them.
    """
    if text == traced.text:
        return traced
    if len(text) == len(traced.text) and not any(
        old != new and old.isalnum() for old, new in zip(traced.text, text, strict=True)
    ):
        return Traced(text, traced.spans)  # only marks changed: no need for the slow way
    spans: list[Span] = []
    matcher = SequenceMatcher(None, traced.text, text, autojunk=False)
    gone = 0
    for kind, old, old_end, new, new_end in matcher.get_opcodes():
        if kind == "equal":
            spans += traced.spans[old:old_end]
        elif new_end > new:
            near = (old, old_end) if old_end > old else (max(old - 1, 0), max(old, 1))
            spans += _stand_for(traced, *near, text[new:new_end])
        elif not cover:
            continue
        elif spans:
            spans[-1] = (spans[-1][0], max(spans[-1][1], traced.span(old, old_end)[1]))
        else:
            gone = old_end
    if gone and spans:
        spans[0] = (min(spans[0][0], traced.span(0, gone)[0]), spans[0][1])
    return Traced(text, spans)
