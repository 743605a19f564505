"""Parts of a text that nobody sees where it comes from: they aren't read aloud either.

Text copied out of a terminal's log holds the codes that colour it, and the source of a web page
holds scripts, styles and comments. Front ends read what `shown` leaves, and find the places of
their words in the original with it.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

# ECMA-48: control sequences (CSI), strings (OSC, DCS, SOS, PM, APC) that a BEL may end too, as
# xterm has it, and the choice of a character set. One without an end stays: it might be anything.
_TERMINAL = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|[()*+][0-9A-Z]|[78=>])"
)
_OPENING = re.compile(r"<(?:(script|style)(?:\s[^<>]*)?>|(!--)|(!doctype)\s)", re.IGNORECASE)
_CLOSING = {
    "script": re.compile(r"</script\s*>", re.IGNORECASE),
    "style": re.compile(r"</style\s*>", re.IGNORECASE),
    "!--": re.compile("-->"),
    "!doctype": re.compile(">"),
}

Span = tuple[int, int]
"""Index of the first character, and behind the last."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Characters of what is shown that come from one place."""

    start: int
    """Where it begins in what is shown."""
    origin: int
    """Where it begins in the original."""
    behind: int | None = None
    """Where it ends in the original, if every character of it stands for the whole of that; None:
    they are those of the original one by one."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A text without its hidden parts, and where its characters were."""

    text: str
    stretches: tuple[Stretch, ...] = (Stretch(0, 0),)
    """In order, the first from 0."""

    @property
    def is_all(self) -> bool:
        """Whether all indices are the same in the original."""
        return self.stretches == (Stretch(0, 0),)

    def origin(self, index: int) -> int:
        """Index in the original of a character of `text`."""
        stretch = self._at(index)
        return stretch.origin + (0 if stretch.behind is not None else index - stretch.start)

    def span(self, start: int, end: int) -> Span:
        """Span in the original of text[start:end]; one of no length lies behind a character."""
        behind = self._behind(end - 1) if end else self.origin(0)
        return (self.origin(start) if end > start else behind), behind

    def index(self, origin: int) -> int:
        """Index in `text` of a character of the original, or of the next one that is shown."""
        number = bisect_right(self.stretches, origin, key=lambda stretch: stretch.origin) - 1
        if number < 0:
            return 0
        stretch = self.stretches[number]
        after = self.stretches[number + 1].start if number + 1 < len(self.stretches) else None
        limit = len(self.text) if after is None else after
        if stretch.behind is not None:
            return stretch.start if origin < stretch.behind else limit
        return min(origin - stretch.origin + stretch.start, limit)

    def part(self, start: int, end: int) -> Shown:
        """What text[start:end] shows, of the same original; end > start."""
        return Shown(self.text[start:end], tuple(self._stretches(start, end, -start)))

    def _at(self, index: int) -> Stretch:
        number = bisect_right(self.stretches, index, key=lambda stretch: stretch.start) - 1
        return self.stretches[number]

    def _behind(self, index: int) -> int:
        """Index in the original behind what a character of `text` stands for."""
        stretch = self._at(index)
        return self.origin(index) + 1 if stretch.behind is None else stretch.behind

    def _stretches(self, start: int, end: int, shift: int) -> Iterator[Stretch]:
        """Those of text[start:end], moved."""
        first = bisect_right(self.stretches, start, key=lambda stretch: stretch.start) - 1
        # Copied from the first one on, a text made of many stretches would take quadratic time.
        behind = bisect_left(self.stretches, end, key=lambda stretch: stretch.start)
        for stretch in self.stretches[first:behind]:
            begin = max(start, stretch.start)
            origin = self.origin(begin)
            yield Stretch(begin + shift, origin, stretch.behind)


class ShownBuilder:
    """Puts together what is shown of a text, piece by piece."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._pieces: list[str] = []
        self._stretches: list[Stretch] = []
        self._length = 0

    def __len__(self) -> int:
        """Characters so far."""
        return self._length

    def copy(self, seen: Shown, start: int, end: int) -> None:
        """Add seen.text[start:end] as it is; its places are those that `seen` knows."""
        if end > start:
            for stretch in seen._stretches(start, end, self._length - start):
                self._stretch(stretch)
            self._add(seen.text[start:end])

    def put(self, text: str, origin: int, behind: int) -> None:
        """Add a text of which every character stands for original[origin:behind]."""
        if text:
            self._stretch(Stretch(self._length, origin, behind))
            self._add(text)

    def done(self) -> Shown:
        """All that was added."""
        return Shown("".join(self._pieces), tuple(self._stretches) or (Stretch(0, 0),))

    def _stretch(self, stretch: Stretch) -> None:
        if self._stretches and stretch.behind is None:
            last = self._stretches[-1]
            goes_on = stretch.origin - last.origin == stretch.start - last.start
            if last.behind is None and goes_on:
                return
        self._stretches.append(stretch)

    def _add(self, text: str) -> None:
        self._pieces.append(text)
        self._length += len(text)


def shown(text: str) -> Shown:
    """Take the hidden parts out of a text.

    Terminal codes vanish, since they may stand in the midst of a word. Scripts, styles, comments
    and document types of web pages become a space each, if they have an end; other tags are left
    to the front ends.

    Args:
        text: Any text; the time taken is linear in its length.
    """
    whole = Shown(text)
    builder = ShownBuilder()
    position = 0
    for start, end, sign in _hidden(text):
        if start < position:
            continue  # a colour code in a script
        builder.copy(whole, position, start)
        builder.put(sign, start, start + 1)
        position = end
    if not position:
        return whole
    builder.copy(whole, position, len(text))
    return builder.done()


def _hidden(text: str) -> list[tuple[int, int, str]]:
    """Spans of the hidden parts by their beginnings, and what stands for each."""
    codes = [(*m.span(), "") for m in _TERMINAL.finditer(text)] if "\x1b" in text else []
    elements = [(*span, " ") for span in _elements(text)] if "<" in text else []
    return sorted(codes + elements)


def _elements(text: str) -> Iterator[Span]:
    """Scripts, styles, comments and document types."""
    unclosed: set[str] = set()
    position = 0
    while opening := _OPENING.search(text, position):
        position = opening.end()
        kind = next(filter(None, opening.groups())).lower()
        # Where one has no end, none behind it has: looked for again, it would take quadratic time.
        closing = None if kind in unclosed else _CLOSING[kind].search(text, position)
        if closing is None:
            unclosed.add(kind)
        else:
            position = closing.end()
            yield opening.start(), position
