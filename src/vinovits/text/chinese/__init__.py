"""Chinese: from text to sentences of words with phones and tones."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace

from vinovits.text.chinese.brackets import in_brackets
from vinovits.text.chinese.clauses import words_of
from vinovits.text.chinese.given import normalised, stretch_of
from vinovits.text.chinese.pinyin import Polyphones
from vinovits.text.chinese.rules import RULES, STEPS, ChineseRules
from vinovits.text.cutting import MAX_PHONES, MAX_WORDS, left_out, listing, sentences_of
from vinovits.text.given import sentences_around
from vinovits.text.reading import Said, Sentence, Word, said_within
from vinovits.text.traced import Traced, trace

__all__ = ["RULES", "ChineseRules", "Polyphones", "normalise_and_read", "read"]

_OPEN = re.compile("[…]+[”’」』）】》\"']*\\Z")
"""The end of a span behind which the sentence goes on: 我……不知道."""
_MOST_MARKS = 20
"""Marks without a word that a sentence beside them takes along."""


def read(
    text: str,
    rules: ChineseRules = RULES["better"],
    said: Sequence[Said] = (),
    polyphones: Polyphones | None = None,
) -> Iterator[Sentence]:
    """Read Chinese text aloud, on paper: sentences of words with phones and tones.

    The text is worked through sentence by sentence as the iterator is drawn. Nothing that a text
    may hold raises: what can't be read is left out, and `Sentence.notes` says so.

    Args:
        text: Any text.
        rules: A row of `RULES`: how the front end of a released family reads, or "better".
        said: Readings that are given, in order.
        polyphones: A g2pW model, which 2.4 asks first, and "better" about characters that stand
            alone. None: tables and rules only.

    Yields:
        Sentences of at most 400 phones and 100 words (marks included), in the order of the text.
        Text without a single word gives none.

    Raises:
        MissingExtraError: A package of the extra `zh` isn't installed.
        TextError: A given reading isn't pinyin.
    """
    waiting: Sentence | None = None
    marks: list[Word] = []
    lost: tuple[str, ...] = ()
    for start, end in _spans(text, said):
        traced = trace(text[start:end], start)
        here = said_within(said, start, end)
        words = [_told(word, text) for word in normalise_and_read(traced, rules, polyphones, here)]
        notes = _notes(text, start, end, words)
        if not any(not word.is_punctuation for word in words):
            # These and the notes go with a sentence beside them.
            marks, more = [*marks, *words][-_MOST_MARKS:], [*marks, *words][:-_MOST_MARKS]
            lost += notes
            if more and (note := left_out(more, text)) not in lost:
                lost += (note,)
            continue
        words = [*marks, *words]
        start = words[0].start
        for sentence in sentences_of(words, text, start, end, "zh", notes, rules.closes):
            if waiting is not None:
                yield _noted(waiting, lost)
                lost = ()
            waiting = sentence
        marks = []
    if waiting is not None:
        yield _noted(_with_marks(waiting, marks, text), lost)


def _with_marks(sentence: Sentence, marks: Sequence[Word], text: str) -> Sentence:
    """The last sentence with the marks behind it that hold no word."""
    if not marks:
        return sentence
    if len(sentence.words) + len(marks) > MAX_WORDS:
        return _noted(sentence, (left_out(marks, text),))
    end = marks[-1].end
    text = text[sentence.start : end]
    return replace(sentence, words=(*sentence.words, *marks), end=end, text=text)


def _told(word: Word, text: str) -> Word:
    """A word that was written otherwise was made by a rule."""
    if word.source == "dictionary" and text[word.start : word.end] != word.text:
        return replace(word, source="rule")
    return word


def _noted(sentence: Sentence, notes: tuple[str, ...]) -> Sentence:
    together = tuple(dict.fromkeys(sentence.notes + notes))
    return replace(sentence, notes=together) if notes else sentence


def normalise_and_read(
    traced: Traced,
    rules: ChineseRules,
    polyphones: Polyphones | None = None,
    said: Sequence[Said] = (),
) -> Iterator[Word]:
    """All words and marks of a text as the rules have them, without any cutting into sentences.

    Args:
        traced: The text, with its places in the original.
        rules: How it is read.
        polyphones: A g2pW model, or None.
        said: Readings that are given, with places in traced.text.

    Raises:
        TextError: A given reading isn't pinyin.
    """

    def steps(text: Traced) -> Traced:
        for name in rules.steps:
            text = STEPS[name](text)
        return text

    stretches = [stretch_of(one, number, traced) for number, one in enumerate(said)]
    if rules.brackets:
        taken = {at for stretch in stretches for at in range(stretch.start, stretch.end)}
        stretches = sorted(
            [*stretches, *in_brackets(traced, taken)], key=lambda stretch: stretch.start
        )
    written, given = normalised(traced, stretches, steps)
    return words_of(written, rules, polyphones, given)


def _spans(text: str, said: Sequence[Said]) -> Iterator[tuple[int, int]]:
    """Sentences with the space behind them, so that no character is lost between two."""
    start = 0
    previous: tuple[int, int] | None = None
    for span in sentences_around(text, said):
        if previous is not None and not _goes_on(text, previous, span):
            yield start, span[0]
            start = span[0]
        previous = span
    if previous is not None:
        yield start, len(text)


def _goes_on(text: str, left: tuple[int, int], right: tuple[int, int]) -> bool:
    """Whether an ellipsis in the midst of a sentence was taken for its end."""
    short = right[1] - left[0] < MAX_PHONES // 4
    return short and left[1] == right[0] and _OPEN.search(text, *left) is not None


def _notes(text: str, start: int, end: int, words: Sequence[Word]) -> tuple[str, ...]:
    """What no word stands for."""
    covered: set[int] = set()
    for word in words:
        covered.update(range(word.start, word.end))
    lost = [text[at] for at in range(start, end) if at not in covered]
    unread = [c for c in lost if unicodedata.category(c)[0] in "LMNC" and not _is_silent(c)]
    signs = [c for c in lost if unicodedata.category(c)[0] in "PS"]
    letters = [w.text[:20] for w in words if w.text.isascii() and w.source == "spelled"]
    spelled = [text for text in letters if len(text) > 3]
    notes = []
    if signs:
        notes.append(f"Left out signs and emoji: {listing(signs)}.")
    if unread:
        notes.append(f"Left out characters that Chinese can't read: {listing(unread)}.")
    if spelled:
        notes.append(f"Spelled letter by letter: {', '.join(dict.fromkeys(spelled))}.")
    return tuple(notes)


def _is_silent(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) in ("Cf", "Cc", "Mn", "Me")
