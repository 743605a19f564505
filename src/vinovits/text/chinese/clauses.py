"""From normalised text to words with phones and tones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from vinovits.text.chinese.citation import citation, tokens_of
from vinovits.text.chinese.given import (
    NOTHING,
    Given,
    Readings,
    borders_of,
    fixed_in,
    part_of,
    with_readings,
)
from vinovits.text.chinese.pinyin import Polyphones, Syllable, parse, read_word
from vinovits.text.chinese.prosody import spoken_tones
from vinovits.text.chinese.rules import ChineseRules
from vinovits.text.chinese.sandhi import change_tones, join_words
from vinovits.text.chinese.segment import Token, tag
from vinovits.text.chinese.tables import readings
from vinovits.text.chinese.traditional import to_traditional
from vinovits.text.reading import Source, Word
from vinovits.text.traced import Traced

MARKS = "!?…,.'-"
_CLAUSE = re.compile(rf"[^{MARKS}]*[{MARKS}]|[^{MARKS}]+")


@dataclass(frozen=True, slots=True)
class _Read:
    """One word of a clause with a reading per character."""

    text: str
    syllables: Sequence[Syllable]
    tones: Sequence[int]


def words_of(
    traced: Traced,
    rules: ChineseRules,
    polyphones: Polyphones | None = None,
    given: Readings = NOTHING,
) -> Iterator[Word]:
    """Read a normalised text.

    Args:
        traced: Hanzi, the families' marks, and letters at most.
        rules: How its readings are chosen.
        polyphones: A g2pW model, for the rules that ask one: 2.4 and "better".
        given: Characters whose reading is given.

    Yields:
        Words with their places in the original, marks as words of their own. Characters without a
        known reading are left out.
    """
    respelled = dict(rules.respelled)
    for clause in _CLAUSE.finditer(traced.text):
        position = clause.start()
        reads = _read_clause(clause[0], rules, polyphones, part_of(given, *clause.span()))
        for read in _written_together(reads, traced.part(*clause.span())):
            end = position + len(read.text)
            here = part_of(given, position, end)
            yield from _words(traced.part(position, end), read, respelled, here)
            position = end


def _read_clause(
    clause: str, rules: ChineseRules, polyphones: Polyphones | None, given: Readings
) -> Iterator[_Read]:
    tokens = tokens_of(clause) if rules.readings == "citation" else tag(clause)
    tokens = _cut(tokens, borders_of(given))
    if rules.tones == "joined":
        tokens = join_words(tokens, rules.several_yi, given)
    syllables: Sequence[Syllable] | None = None
    if rules.readings == "citation":
        syllables = with_readings(citation(clause, tokens, polyphones), given)
    elif rules.readings == "clauses":
        syllables = with_readings(_by_characters(clause, polyphones, given), given)
    spoken: Sequence[int] = ()
    if rules.tones == "feet" and syllables is not None:
        tones = [syllable.tone for syllable in syllables]
        spoken = spoken_tones(clause, tokens, tones, fixed_in(given))
    position = 0
    for token in tokens:
        end = position + len(token.text)
        here = part_of(given, position, end)
        if syllables is not None:
            part = syllables[position:end]
        else:
            part = with_readings(_by_phrases(token.text, here), here)
        yield _Read(token.text, part, spoken[position:end] or _joined_tones(token, part, here))
        position = end


def _cut(tokens: Sequence[Token], borders: Sequence[int]) -> list[Token]:
    """The words of a clause, none of them across a border; what is cut is tagged by itself."""
    cut: list[Token] = []
    position = 0
    for token in tokens:
        end = position + len(token.text)
        inside = [border - position for border in borders if position < border < end]
        if inside:
            for first, behind in pairwise([0, *inside, len(token.text)]):
                cut += tag(token.text[first:behind])
        else:
            cut.append(token)
        position = end
    return cut


def _written_together(reads: Iterable[_Read], traced: Traced) -> Iterator[_Read]:
    """Make one word of words that were made from one number."""
    waiting: _Read | None = None
    position = 0
    for read in reads:
        if waiting is not None and traced.spans[position - 1] == traced.spans[position]:
            waiting = _Read(
                waiting.text + read.text,
                [*waiting.syllables, *read.syllables],
                [*waiting.tones, *read.tones],
            )
        else:
            if waiting is not None:
                yield waiting
            waiting = read
        position += len(read.text)
    if waiting is not None:
        yield waiting


def _joined_tones(token: Token, syllables: Sequence[Syllable], given: Readings) -> list[int]:
    tones = [syllable.tone for syllable in syllables]
    return change_tones(token.text, token.part_of_speech, tones, fixed_in(given))


def _by_characters(
    clause: str, polyphones: Polyphones | None, given: Readings
) -> tuple[Syllable, ...]:
    """Characters by the model or g2pW's table of single readings, else by pypinyin's phrases."""
    traditional = to_traditional(clause)
    if polyphones is not None:
        names = polyphones(traditional)
    else:
        single = readings("monophonic")
        names = [single.get(character) for character in traditional]
    source: Source = "dictionary" if polyphones is None else "network"
    known = (name and parse(name, source) for name in names)
    return tuple(a or b for a, b in zip(known, _by_phrases(clause, given), strict=True))


def _by_phrases(text: str, given: Readings) -> tuple[Syllable, ...]:
    """By pypinyin's phrases, none of them across a border: 不要 is bú yào there, 不 is bù."""
    borders = borders_of(given)
    if not borders:
        return read_word(text)
    parts = pairwise([0, *(at for at in borders if 0 < at < len(text)), len(text)])
    return tuple(syllable for start, end in parts for syllable in read_word(text[start:end]))


@dataclass(slots=True)
class _Draft:
    """A word that characters are added to."""

    text: str = ""
    stretch: int | None = None
    """Number of the given stretch that it belongs to."""
    spans: list[tuple[int, int]] = field(default_factory=list)
    phones: list[str] = field(default_factory=list)
    tones: list[int] = field(default_factory=list)
    spread: list[int] = field(default_factory=list)
    readings: list[str] = field(default_factory=list)
    sources: set[Source] = field(default_factory=set)

    def add(
        self, text: str, span: tuple[int, int], phones: Sequence[str], tones: Sequence[int]
    ) -> None:
        self.text += text
        self.spans.append(span)
        self.phones += phones
        self.tones += tones
        share, rest = divmod(len(phones), len(text))
        self.spread += [share + (number < rest) for number in range(len(text))]

    def finish(self) -> Iterator[Word]:
        if len(self.phones) > _LONGEST and len(self.readings) == len(self.text):
            yield from self._in_parts()
        elif self.text:
            yield Word(
                self.text,
                min(span[0] for span in self.spans),
                max(span[1] for span in self.spans),
                tuple(self.phones),
                tuple(self.tones),
                spread=tuple(self.spread),
                reading=" ".join(filter(None, self.readings)),
                source=next(source for source in _TOLD if source in self.sources),
            )

    def _in_parts(self) -> Iterator[Word]:
        """Words of a few characters; of one span for all, each gets its share."""
        first, last = self.spans[0], self.spans[-1]
        if first == last:
            start, size, count = first[0], first[1] - first[0], len(self.text)
            cuts = [start + size * number // count for number in range(count + 1)]
            self.spans = list(pairwise(cuts))
        part = _Draft(stretch=self.stretch, sources=self.sources)
        position = 0
        for at, character in enumerate(self.text):
            phones = slice(position, position + self.spread[at])
            position = phones.stop
            part.add(character, self.spans[at], self.phones[phones], self.tones[phones])
            part.readings.append(self.readings[at])
            if len(part.phones) > _LONGEST - _MOST_OF_ONE:
                yield from part.finish()
                part = _Draft(stretch=self.stretch, sources=self.sources)
        yield from part.finish()


_LONGEST = 120
"""Phones of a word: long ones (an address, a row of letters) are cut, to fit in sentences."""
_MOST_OF_ONE = 20
"""Phones of a character: W has 9."""

_TOLD: tuple[Source, ...] = (
    *("markup", "lexicon", "rule"),
    *("network", "context", "fallback", "rule", "spelled", "dictionary"),
)
"""Where a word's readings came from: the first that one of its characters has."""


def _words(
    part: Traced, read: _Read, respelled: dict[str, tuple[str, ...]], given: Readings
) -> Iterator[Word]:
    """A word of hanzi or letters, and the mark behind it if there is one.

    What has a fixed reading is a word of its own, even where its tone is told with those beside it.
    """
    draft = _Draft()
    for at, (character, span, syllable, tone) in enumerate(
        zip(part.text, part.spans, read.syllables, read.tones, strict=True)
    ):
        one = given.get(at)
        stretch = one.stretch if one is not None else None
        if stretch != draft.stretch:
            yield from draft.finish()
            draft = _Draft(stretch=stretch)
        if one is not None and stretch is not None:
            _add_given(draft, one, character, span, respelled)
        elif character in MARKS:
            yield from draft.finish()
            draft = _Draft()
            yield Word(character, *span, (character,), (0,), is_punctuation=True, spread=(1,))
        elif character.isascii():
            draft.add(character, span, *_letter(character))
            draft.readings.append(readings("letters")[character.upper()])
            draft.sources.add("spelled")
        else:
            phones = respelled.get(syllable.name) or syllable.phones
            if phones:
                draft.add(character, span, phones, [tone] * len(phones))
                draft.readings.append(f"{syllable.name}{syllable.tone}")
                draft.sources.add(syllable.source)
    yield from draft.finish()


def _add_given(
    draft: _Draft,
    one: Given,
    character: str,
    span: tuple[int, int],
    respelled: dict[str, tuple[str, ...]],
) -> None:
    phones: list[str] = []
    tones: list[int] = []
    for syllable in one.syllables:
        own = respelled.get(syllable.name) or syllable.phones
        phones += own
        tones += [syllable.tone] * len(own)
        draft.sources.add(syllable.source)
    draft.add(one.text or character, span, phones, tones)
    draft.readings.append(one.reading)


def _letter(letter: str) -> tuple[list[str], list[int]]:
    """Phones and tones of a letter's name."""
    phones: list[str] = []
    tones: list[int] = []
    for name in readings("letters")[letter.upper()].split():
        syllable = parse(name)
        assert syllable is not None
        phones += syllable.phones
        tones += [syllable.tone] * len(syllable.phones)
    return phones, tones
