"""What stands around a word: its sentence, the language there, and what markup says of it."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property

from vinovits.text.lexicon.borders import is_whole
from vinovits.text.lexicon.entry import LexiconEntry
from vinovits.text.lexicon.folding import fold, has_capital, lower
from vinovits.text.parting import Run, given_within, parted
from vinovits.text.reading import said_within
from vinovits.text.script import Script
from vinovits.text.sentences import split_sentences

_HAN = re.compile("[\u2e80-\u2fdf\u3005-\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
_KANA = re.compile("[\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9f]")
_LATIN = re.compile("[A-Za-zＡ-Ｚａ-ｚ]")
_HAN_LANGUAGES = {"zh", "ja"}


class _Sentence:
    """A sentence of a text, and what it holds."""

    def __init__(self, text: str, start: int, end: int, runs: Sequence[Run]) -> None:
        self.start, self.end = start, end
        self.runs = runs
        """By language, if that may matter."""
        self._text = text[start:end]
        self._held: dict[str, bool] = {}

    @cached_property
    def _folded(self) -> tuple[str, str]:
        folded = fold(self._text).text
        return folded, lower(folded)

    @cached_property
    def main_language(self) -> str:
        """The one that most of it is in."""
        lengths: dict[str, int] = {}
        for run in self.runs:
            lengths[run.language] = lengths.get(run.language, 0) + run.end - run.start
        return max(lengths, key=lambda code: lengths[code], default="")

    def holds(self, word: str) -> bool:
        """Whether a word stands in it."""
        if word not in self._held:
            self._held[word] = self._finds(fold(word).text)
        return self._held[word]

    def _finds(self, word: str) -> bool:
        text = self._folded[0 if has_capital(word) else 1]
        start = text.find(word)
        while start >= 0 and not is_whole(text, start, start + len(word)):
            start = text.find(word, start + 1)
        return start >= 0

    def language_at(self, index: int) -> str:
        """The language of a character, by its index in the whole text."""
        number = bisect_right(self.runs, index - self.start, key=lambda run: run.start) - 1
        return self.runs[number].language if number >= 0 else ""

    def is_alone(self, start: int, end: int) -> bool:
        """Whether there are no letters but in [start:end] of the whole text."""
        rest = self._text[: start - self.start] + self._text[end - self.start :]
        return not any(map(str.isalpha, rest))


class Surroundings:
    """What stands around words of a script. They are asked for in the order of the text."""

    def __init__(self, script: Script, languages: Sequence[str]) -> None:
        """Take a script, and the languages that it may be in."""
        self._script = script
        self._languages = languages
        self._given = script.given_languages()
        self._said = [(said.start, said.end) for said in script.said]
        stretches = (*script.languages, *script.manners)
        self._cuts = sorted(
            {
                *(edge for stretch in stretches for edge in stretch[:2]),
                *(index for index, _ in (*script.pauses, *script.marks)),
                *script.breaks,
            }
        )
        self._sentences = self._all_sentences()
        self._sentence: _Sentence | None = None

    def is_free(self, start: int, end: int) -> bool:
        """Whether markup says nothing of the word, nor of a part of it only."""
        if not self._said and not self._cuts:
            return True
        behind = bisect_left(self._said, end, key=lambda span: span[0])
        if behind and self._said[behind - 1][1] > start:
            return False
        return bisect_right(self._cuts, start) == bisect_left(self._cuts, end)

    def allows(self, entry: LexiconEntry, start: int, end: int) -> bool:
        """Whether an entry of a language that the voice speaks counts for a word there.

        Chinese characters belong to two languages, and letters, digits and signs to all: an entry
        counts where the text is in its language. A reading in another language than the script's
        own, such as English for kana, is what the user asked for.
        """
        if language := entry.language:
            if given := self._given_at(start):
                if language != given:
                    return False
            elif len(self._languages) > 1 and not self._is_of_place(language, start, end):
                return False
        return not entry.context or any(map(self._sentence_at(start).holds, entry.context))

    def main_language(self, start: int) -> str:
        """The language that most of the sentence around is in; "" if there is but one."""
        return self._sentence_at(start).main_language

    def _is_of_place(self, language: str, start: int, end: int) -> bool:
        written = self._script.text[start:end]
        if _KANA.search(written):
            return True
        if han := _HAN.search(written):
            if language == "en" or not _HAN_LANGUAGES.issubset(self._languages):
                return True
            here = self._sentence_at(start).language_at(start + han.start())
            return here not in _HAN_LANGUAGES - {language}
        if language == "en" and _LATIN.search(written):
            return True
        sentence = self._sentence_at(start)
        return sentence.is_alone(start, end) or any(
            run.language == language for run in sentence.runs
        )

    def _given_at(self, index: int) -> str:
        number = bisect_right(self._given, index, key=lambda stretch: stretch[0]) - 1
        if number >= 0 and index < self._given[number][1]:
            return self._given[number][2]
        return ""

    def _sentence_at(self, index: int) -> _Sentence:
        while self._sentence is None or self._sentence.end <= index:
            self._sentence = next(self._sentences)
        return self._sentence

    def _all_sentences(self) -> Iterator[_Sentence]:
        """As front ends part the text: every character but spaces is in one."""
        text = self._script.text
        for first, last in self._script.parts():
            part = text[first:last]
            if len(self._languages) > 1:
                given = given_within(self._given, first, last)
                said = said_within(self._script.said, first, last)
                for (start, end), runs in parted(part, self._languages, (), given, said):
                    yield _Sentence(text, first + start, first + end, runs)
            else:
                whole = [(start, end) for start, end, _ in given_within(self._given, first, last)]
                for start, end in split_sentences(part, whole):
                    yield _Sentence(text, first + start, first + end, ())
