"""A text ready to be read aloud: what markup and lexicon say of it lies beside the plain text."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeVar

from vinovits.text.hidden import Shown, ShownBuilder, shown
from vinovits.text.reading import Said, Sentence, Word

T = TypeVar("T")

Span = tuple[int, int]
"""Index of the first character, and behind the last."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a stretch is to be spoken, beside the settings of the whole."""

    rate: float = 1.0
    """A factor of the speed."""
    volume: float = 1.0
    """A factor of the amplitude."""
    speaker: str = ""
    """Name of a speaker of the voice; "" for that of the whole."""
    style: str = ""
    """Name of a style of the voice; "" for that of the whole."""


PLAIN = Manner()


@dataclass(frozen=True, slots=True)
class Script:
    """A text without its markup, and what that says of it. All indices are into `text`."""

    original: str
    """As the user gave it."""
    seen: Shown
    """What of it is read."""
    said: tuple[Said, ...] = ()
    """Given readings, in order, without overlap."""
    languages: tuple[tuple[int, int, str], ...] = ()
    """Stretches whose language is given, in order, without overlap."""
    manners: tuple[tuple[int, int, Manner], ...] = ()
    """Stretches that are spoken in another manner than the rest, in order, without overlap."""
    pauses: tuple[tuple[int, float], ...] = ()
    """Seconds of pauses, and the character each is in front of, in order. Markup puts a comma there
    if there was no mark beside it, so that the sentence is read as having a pause. 0 seconds: that
    of the mark beside it is taken away."""
    marks: tuple[tuple[int, str], ...] = ()
    """Names of places, and the character each is in front of, in order."""
    breaks: tuple[int, ...] = ()
    """Where a sentence ends, whatever the characters around, in order."""

    @property
    def text(self) -> str:
        """What is read."""
        return self.seen.text

    def parts(self) -> Iterator[Span]:
        """Stretches that are read by themselves: at their ends sentences end."""
        cuts = {0, len(self.text), *self.breaks, *_changes_of_voice(self.manners)}
        for start, end in pairwise(sorted(cuts)):
            if self.text[start:end].strip():
                yield start, end

    def given_languages(self) -> list[tuple[int, int, str]]:
        """Stretches whose language is given, by itself or with a reading, without overlap."""
        given = [(said.start, said.end, said.language) for said in self.said]
        rest = list(self.languages)
        spans = []
        for start, end, code in given:
            while rest and rest[0][0] < end:
                first, behind, language = rest.pop(0)
                if first < start:
                    spans.append((first, min(behind, start), language))
                if behind > end:
                    rest.insert(0, (end, behind, language))
                    break
            spans.append((start, end, code))
        return [*spans, *rest]

    def rewritten(self, changes: Sequence[tuple[int, int, str]]) -> Script:
        """The script with other characters in places.

        Args:
            changes: First character, the one behind the last, and what is to stand there, in order,
                without overlap, and not across the end of anything that is told of the text.

        Returns:
            A script of the same original; what is told keeps its place.
        """
        builder = ShownBuilder()
        moved: list[tuple[int, int]] = [(0, 0)]
        position = 0
        for start, end, new in changes:
            builder.copy(self.seen, position, start)
            builder.put(new, *self.seen.span(start, end))
            moved.append((end, len(builder) - end))
            position = end
        builder.copy(self.seen, position, len(self.text))

        def at(index: int) -> int:
            number = bisect_right(moved, index, key=lambda place: place[0]) - 1
            return index + moved[number][1]

        return replace(
            self,
            seen=builder.done(),
            said=tuple(replace(s, start=at(s.start), end=at(s.end)) for s in self.said),
            languages=tuple((at(start), at(end), code) for start, end, code in self.languages),
            manners=tuple((at(start), at(end), manner) for start, end, manner in self.manners),
            pauses=tuple((at(index), seconds) for index, seconds in self.pauses),
            marks=tuple((at(index), name) for index, name in self.marks),
            breaks=tuple(at(index) for index in self.breaks),
        )


def plain(text: str) -> Script:
    """A text that is read as it stands, but for what nobody sees of it."""
    return Script(text, shown(text))


def directed(script: Script, sentences: Iterable[Sentence]) -> Iterator[Sentence]:
    """Give sentences what their script says beside the words: pauses, manners, marks.

    Args:
        script: A script.
        sentences: As a front end read script.text, in order.

    Yields:
        The sentences, with places in the original.
    """
    pauses, marks = deque(script.pauses), deque(script.marks)
    for sentence in sentences:
        first = next(word for word in sentence.words if not word.is_punctuation).start
        silence = sum(seconds for _, seconds in _until(pauses, first))
        end = _reach(script.text, sentence.end)
        words = _with_manners(sentence.words, script.manners)
        # A pause in front of a sentence is behind the one before; a mark is where it begins.
        last = end == len(script.text)
        for index, seconds in _until(pauses, end):
            words = _with_pause(words, index, seconds)
        manner = _manner_at(script.manners, first)
        yield placed(
            replace(
                sentence,
                words=tuple(words),
                silence=silence,
                speaker=manner.speaker,
                style=manner.style,
                marks=tuple((name, index) for index, name in _until(marks, end - (not last))),
            ),
            script.seen,
            script.original,
        )


def placed(sentence: Sentence, seen: Shown, original: str) -> Sentence:
    """A sentence of what is shown of a text, with its places in the original."""
    if seen.is_all:
        return sentence
    start, end = seen.span(sentence.start, sentence.end)
    words = []
    for word in sentence.words:
        first, behind = seen.span(word.start, word.end)
        words.append(replace(word, start=first, end=behind))
    return replace(
        sentence,
        text=original[start:end],
        start=start,
        end=end,
        words=tuple(words),
        marks=tuple((name, seen.span(index, index)[1]) for name, index in sentence.marks),
        shown=seen.part(sentence.start, sentence.end),
    )


def moved(sentence: Sentence, offset: int) -> Sentence:
    """A sentence of a part of a text, with its places in the whole."""
    return replace(
        sentence,
        start=sentence.start + offset,
        end=sentence.end + offset,
        words=tuple(
            replace(word, start=word.start + offset, end=word.end + offset)
            for word in sentence.words
        ),
    )


def _changes_of_voice(manners: Iterable[tuple[int, int, Manner]]) -> Iterator[int]:
    """Where another speaker or style begins."""
    position, voice = 0, ("", "")
    for start, end, manner in manners:
        if start > position and voice != ("", ""):
            yield position
            voice = ("", "")
        if (manner.speaker, manner.style) != voice:
            yield start
            voice = (manner.speaker, manner.style)
        position = end
    if voice != ("", ""):
        yield position


def _until(places: deque[tuple[int, T]], end: int) -> Iterator[tuple[int, T]]:
    """Take what is in front of a character, or of one before it."""
    while places and places[0][0] <= end:
        yield places.popleft()


def _reach(text: str, end: int) -> int:
    """Index of the first letter or digit behind a sentence: what is before that belongs to it."""
    while end < len(text) and not text[end].isalnum():
        end += 1
    return end


def _manner_at(manners: Sequence[tuple[int, int, Manner]], index: int) -> Manner:
    number = bisect_right(manners, index, key=lambda stretch: stretch[0]) - 1
    return manners[number][2] if number >= 0 and index < manners[number][1] else PLAIN


def _with_manners(
    words: Iterable[Word], manners: Sequence[tuple[int, int, Manner]]
) -> Sequence[Word]:
    if not manners:
        return tuple(words)
    directed = []
    for word in words:
        manner = _manner_at(manners, word.start)
        directed.append(replace(word, rate=manner.rate, volume=manner.volume))
    return directed


def _with_pause(words: Sequence[Word], index: int, seconds: float) -> Sequence[Word]:
    """The words with a pause in front of a character: of the mark beside it, else of a new one."""
    behind = next((i for i, word in enumerate(words) if word.start >= index), len(words))
    for number in (behind - 1, behind):
        if 0 <= number < len(words) and words[number].is_punctuation:
            mark = replace(words[number], pause=(words[number].pause or 0.0) + seconds)
            return (*words[:number], mark, *words[number + 1 :])
    if not seconds:
        return words
    place = words[behind - 1].end
    mark = Word(",", place, place, (",",), (0,), True, (1,), pause=seconds)
    return (*words[:behind], mark, *words[behind:])
