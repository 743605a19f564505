"""Cutting sentences into cues that a viewer can read: at most two lines of 42 characters each.

42 characters by two lines is what broadcasters and streaming services ask for. Cues show the text
as it was written ("25", not "twenty-five"), so the pieces of a sentence are those that stand for
whole written words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING
from unicodedata import east_asian_width

from vinovits.text.hidden import Shown, Stretch

if TYPE_CHECKING:
    from vinovits.engine.result import SpokenSentence

LINE_LENGTH = 42
_CLAUSE_ENDS = tuple(',;:.!?…–—)"”»，。、；：！？」』）')
_EARLIEST_BREAK = 0.5
"""A cue is broken early, behind a clause, only if it is at least this full."""


@dataclass(frozen=True, slots=True)
class Piece:
    """The written characters that cannot be cut by time: a word, or a number spoken as many."""

    text: str
    """With the punctuation and the space that follow."""
    start: float
    """Seconds from the start of the audio."""
    end: float


@dataclass(frozen=True, slots=True)
class Cue:
    """What is shown for a while."""

    start: float
    """Seconds from the start of the audio."""
    end: float
    lines: tuple[str, ...]


def written_pieces(sentence: SpokenSentence) -> list[Piece]:
    """The sentence as written, without markup and other hidden parts, in pieces with times.

    Args:
        sentence: Words and sentence from one text, words in its order.

    Returns:
        Pieces whose texts, joined, are the sentence's text as it is shown. Words that share
        characters, as those of a number do, are one piece; punctuation belongs to the word before
        it.
    """
    seen = sentence.shown or Shown(sentence.text, (Stretch(0, sentence.start_char),))
    text = seen.text
    spans: list[_Span] = []
    start = None  # of an opening quote, which belongs to the word behind it
    for word in sentence.words:
        first, last = seen.index(word.start_char), seen.index(word.end_char)
        start = word.start if start is None else start
        if not any(letter.isalnum() for letter in text[first:last]):
            if spans:
                spans[-1] = replace(spans[-1], end=word.end)
                start = None
            continue
        if spans and first < spans[-1].last:
            spans[-1] = replace(spans[-1], last=max(last, spans[-1].last), end=word.end)
        else:
            spans.append(_Span(first, last, start, word.end))
        start = None
    if not spans:
        return [Piece(text, sentence.start, sentence.end)]
    cuts = [_cut(text, before.last, after.first) for before, after in pairwise(spans)]
    return [
        Piece(text[first:last], span.start, span.end)
        for first, last, span in zip([0, *cuts], [*cuts, len(text)], spans, strict=True)
    ]


def cues(sentence: SpokenSentence) -> list[Cue]:
    """Cut a sentence into cues of at most two lines, between words, behind a clause where one ends.

    Only a single word longer than a line makes a longer line. A cue stays until the next one of its
    sentence comes, so that the picture doesn't flicker.
    """
    groups: list[list[Piece]] = []
    rest = _unbroken(written_pieces(sentence))
    while rest:
        count = _fitting(rest)
        groups.append(rest[:count])
        rest = rest[count:]
    ends = [group[0].start for group in groups[1:]] + [groups[-1][-1].end]
    return [
        Cue(group[0].start, end, lines)
        for group, end in zip(groups, ends, strict=True)
        if (lines := _lines([piece.text for piece in group]))
    ]


@dataclass(frozen=True, slots=True)
class _Span:
    """Characters of a sentence, from its start, and the time in which they are heard."""

    first: int
    last: int
    start: float
    end: float


def _cut(text: str, end: int, start: int) -> int:
    """Where to cut between two words: behind the last space, else before the second word."""
    spaces = [index for index in range(end, start) if text[index].isspace()]
    return spaces[-1] + 1 if spaces else start


def _unbroken(pieces: Sequence[Piece]) -> list[Piece]:
    """Join pieces between which a line can't end: there is no space, hyphen or dash."""
    joined: list[Piece] = []
    for piece in pieces:
        before = joined[-1] if joined else None
        if before is None or before.text[-1:].isspace() or _ends_a_line(before.text[-1:]):
            joined.append(piece)
        else:
            joined[-1] = Piece(before.text + piece.text, before.start, piece.end)
    return joined


def _ends_a_line(letter: str) -> bool:
    """Hyphens, dashes, and the scripts that are written without spaces."""
    return letter in "-‐–—/" or east_asian_width(letter) in ("W", "F")


def _fitting(pieces: Sequence[Piece]) -> int:
    """How many pieces the next cue takes, at least one."""
    texts = [piece.text for piece in pieces]
    count = 1
    while count < len(texts) and _lines(texts[: count + 1]) is not None:
        count += 1
    if count == len(texts):
        return count
    full = sum(map(len, texts[:count]))
    for shorter in range(count, 0, -1):
        if sum(map(len, texts[:shorter])) < _EARLIEST_BREAK * full:
            break
        if texts[shorter - 1].rstrip().endswith(_CLAUSE_ENDS):
            return shorter
    return count


def _lines(texts: Sequence[str]) -> tuple[str, ...] | None:
    """One line, or two of similar length; None if two don't hold the texts."""
    whole = _squeeze("".join(texts))
    if not whole:
        return ()
    if len(whole) <= LINE_LENGTH or len(texts) == 1:
        return (whole,)
    splits = [
        (_squeeze("".join(texts[:index])), _squeeze("".join(texts[index:])))
        for index in range(1, len(texts))
    ]
    best = min(splits, key=lambda lines: max(map(len, lines)))
    return best if max(map(len, best)) <= LINE_LENGTH and all(best) else None


def _squeeze(text: str) -> str:
    return " ".join(text.split())
