"""From normalised text to words with phones and tones."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from vinovits.text.chinese.pinyin import Syllable, parse, read_word
from vinovits.text.chinese.rules import ChineseRules
from vinovits.text.chinese.sandhi import change_tones, join_words
from vinovits.text.chinese.segment import tag
from vinovits.text.chinese.tables import readings
from vinovits.text.chinese.traced import Traced
from vinovits.text.chinese.traditional import to_traditional
from vinovits.text.reading import Word

MARKS = "!?…,.'-"
_CLAUSE = re.compile(rf"[^{MARKS}]*[{MARKS}]|[^{MARKS}]+")

Polyphones = Callable[[str], Sequence[str | None]]
"""A model that reads characters in their sentence: given a text in traditional characters, the
pinyin with tone of each character, such as "chang2", or None where it doesn't know."""


def words_of(
    traced: Traced, rules: ChineseRules, polyphones: Polyphones | None = None
) -> Iterator[Word]:
    """Read a normalised text.

    Args:
        traced: Hanzi and the families' marks only.
        rules: How its readings are chosen.
        polyphones: A g2pW model, for rules that ask one.

    Yields:
        Words with their places in the original, marks as words of their own. Characters without a
        known reading are left out.
    """
    for clause in _CLAUSE.finditer(traced.text):
        whole = _read_clause(clause[0], polyphones) if rules.readings == "clauses" else None
        position = clause.start()
        for token in join_words(tag(clause[0]), rules.several_yi):
            end = position + len(token.text)
            if whole is None:
                syllables = read_word(token.text)
            else:
                syllables = whole[position - clause.start() : end - clause.start()]
            tones = change_tones(
                token.text, token.part_of_speech, [syllable.tone for syllable in syllables]
            )
            yield from _words(traced.part(position, end), syllables, tones)
            position = end


def _read_clause(clause: str, polyphones: Polyphones | None) -> tuple[Syllable, ...]:
    """Characters by the model or g2pW's table of single readings, else by pypinyin's phrases."""
    traditional = to_traditional(clause)
    if polyphones is not None:
        names = polyphones(traditional)
    else:
        single = readings("monophonic")
        names = [single.get(character) for character in traditional]
    known = (name and parse(name) for name in names)
    return tuple(a or b for a, b in zip(known, read_word(clause), strict=True))


def _words(part: Traced, syllables: Sequence[Syllable], tones: Sequence[int]) -> Iterator[Word]:
    """A word of hanzi, and the mark behind it if there is one."""
    text, spread = "", []
    phones: list[str] = []
    spoken: list[int] = []
    spans = []
    for character, span, syllable, tone in zip(
        part.text, part.spans, syllables, tones, strict=True
    ):
        if character in MARKS:
            if text:
                yield _word(text, spans, phones, spoken, spread)
                text, spread, phones, spoken, spans = "", [], [], [], []
            yield Word(character, *span, (character,), (0,), is_punctuation=True, spread=(1,))
        elif syllable.phones:
            text += character
            spans.append(span)
            phones += syllable.phones
            spoken += [tone] * len(syllable.phones)
            spread.append(len(syllable.phones))
    if text:
        yield _word(text, spans, phones, spoken, spread)


def _word(
    text: str,
    spans: Sequence[tuple[int, int]],
    phones: Sequence[str],
    tones: Sequence[int],
    spread: Sequence[int],
) -> Word:
    start, end = min(span[0] for span in spans), max(span[1] for span in spans)
    return Word(text, start, end, tuple(phones), tuple(tones), spread=tuple(spread))
