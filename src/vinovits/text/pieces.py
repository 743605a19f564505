"""Sentences of a text that comes in pieces, as a language model writes it."""

from __future__ import annotations

import re

from vinovits.text.sentences import split_sentences

_DECIDED = re.compile(r"[\w'’]+[^\w'’]|[\u2e80-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uffdc]")
"""What must stand behind a full stop for it to be known as the end of a sentence: a whole word, or
a character of a script that has no spaces."""
_PARAGRAPH = re.compile(r"\n[ \t\r]*\n\s*\Z")
_WIDE_END = re.compile(r"[。！？｡][”’」』）】》〉]*\s*\Z")


class Pieces:
    """Gives each sentence as soon as it is known to be whole; the rest waits for more text."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._held = ""
        self._start = 0

    @property
    def held(self) -> int:
        """Characters that wait."""
        return len(self._held)

    def add(self, text: str) -> list[tuple[int, str]]:
        """Take in what follows.

        Args:
            text: Any number of characters.

        Returns:
            Sentences that are whole now: where each begins in all of the text, and its characters.
        """
        self._held += text
        spans = list(split_sentences(self._held))
        if not spans:
            return []
        last_start, last_end = spans[-1]
        if _PARAGRAPH.search(self._held):
            return self._taken(spans)
        # A mark of these scripts ends a sentence whatever follows but a closing quote.
        if _WIDE_END.search(self._held[last_start:]) and self._held[-1:] not in "。！？｡":
            return self._taken(spans)
        if len(spans) > 1 and not _DECIDED.search(self._held, last_start):
            # What stands before the last one may yet turn out to go on: "etc. I" - "Italy".
            before = self._held[spans[-2][0] : spans[-2][1]]
            spans.pop()
            if not _WIDE_END.search(before):
                spans.pop()
            return self._taken(spans)
        assert last_end <= len(self._held)
        return self._taken(spans[:-1])

    def flush(self) -> list[tuple[int, str]]:
        """All that waits, as if the text ended here."""
        taken = self._taken(list(split_sentences(self._held)))
        self._start += len(self._held)
        self._held = ""
        return taken

    def clear(self) -> None:
        """Forget what waits."""
        self._start += len(self._held)
        self._held = ""

    def _taken(self, spans: list[tuple[int, int]]) -> list[tuple[int, str]]:
        found = [(self._start + start, self._held[start:end]) for start, end in spans]
        if spans:
            behind = spans[-1][1]
            self._start += behind
            self._held = self._held[behind:]
        return found
