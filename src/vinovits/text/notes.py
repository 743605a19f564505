"""Notes to the user about what has no sentence of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from vinovits.text.reading import Sentence

_MOST = 20
"""Notes that wait for a sentence at most."""


def carried(parts: Iterable[Sentence | str]) -> Iterator[Sentence]:
    """The sentences of a text, with the notes that stand alone.

    Args:
        parts: Sentences; and notes about stretches without a word, which go with the sentence
            behind them, at the end with the last one. They are lost where there is none.
    """
    waiting: Sentence | None = None
    lost: dict[str, None] = {}
    for part in parts:
        if isinstance(part, str):
            if len(lost) < _MOST:
                lost[part] = None
            continue
        if waiting is not None:
            yield waiting
        waiting = replace(part, notes=(*lost, *part.notes)) if lost else part
        lost = {}
    if waiting is not None:
        yield replace(waiting, notes=(*waiting.notes, *lost))
