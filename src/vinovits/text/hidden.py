"""Parts of a text that nobody sees where it comes from: they aren't read aloud either.

Text copied out of a terminal's log holds the codes that colour it, and the source of a web page
holds scripts, styles and comments. Front ends read what `shown` leaves, and find the places of
their words in the original with it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
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
class Shown:
    """A text without its hidden parts, and where its characters were."""

    text: str
    _starts: tuple[int, ...] = (0,)
    """Where each stretch of characters that belong together begins in `text`."""
    _origins: tuple[int, ...] = (0,)
    """Where it begins in the original."""

    @property
    def is_all(self) -> bool:
        """Whether nothing was hidden, so that all indices are the same."""
        return len(self._starts) == 1

    def origin(self, index: int) -> int:
        """Index in the original of a character of `text`."""
        stretch = bisect_right(self._starts, index) - 1
        return index - self._starts[stretch] + self._origins[stretch]

    def span(self, start: int, end: int) -> Span:
        """Span in the original of text[start:end]; one of no length lies behind a character."""
        behind = self.origin(end - 1) + 1 if end else 0
        return (self.origin(start) if end > start else behind), behind

    def index(self, origin: int) -> int:
        """Index in `text` of a character of the original, or of the next one that is shown."""
        stretch = bisect_right(self._origins, origin) - 1
        index = origin - self._origins[stretch] + self._starts[stretch]
        return min(index, *self._starts[stretch + 1 : stretch + 2], len(self.text))


def shown(text: str) -> Shown:
    """Take the hidden parts out of a text.

    Terminal codes vanish, since they may stand in the midst of a word. Scripts, styles, comments
    and document types of web pages become a space each, if they have an end; other tags are left
    to the front ends.

    Args:
        text: Any text; the time taken is linear in its length.
    """
    pieces: list[str] = []
    starts, origins = [0], [0]
    length = position = 0
    for start, end, sign in _hidden(text):
        if start < position:
            continue  # a colour code in a script
        pieces += [text[position:start], sign]
        length += start - position
        if sign:
            starts.append(length)
            origins.append(start)
            length += len(sign)
        starts.append(length)
        origins.append(end)
        position = end
    if not pieces:
        return Shown(text)
    return Shown("".join([*pieces, text[position:]]), tuple(starts), tuple(origins))


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
