"""From normalised text to words with phones and tones."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from vinovits.text.chinese.pinyin import Syllable, read_word
from vinovits.text.chinese.rules import ChineseRules
from vinovits.text.chinese.sandhi import change_tones, join_words
from vinovits.text.chinese.segment import tag
from vinovits.text.chinese.traced import Traced
from vinovits.text.reading import Word

MARKS = "!?…,.'-"
_CLAUSE = re.compile(rf"[^{MARKS}]*[{MARKS}]|[^{MARKS}]+")


def words_of(traced: Traced, rules: ChineseRules) -> Iterator[Word]:
    """Read a normalised text.

    Args:
        traced: Hanzi and the families' marks only.
        rules: How its readings are chosen.

    Yields:
        Words with their places in the original, marks as words of their own. Characters without a
        known reading are left out.
    """
    for clause in _CLAUSE.finditer(traced.text):
        position = clause.start()
        for token in join_words(tag(clause[0]), rules.several_yi):
            end = position + len(token.text)
            syllables = read_word(token.text)
            tones = change_tones(
                token.text, token.part_of_speech, [syllable.tone for syllable in syllables]
            )
            yield from _words(traced.part(position, end), syllables, tones)
            position = end


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
