"""The front end of each language, loaded at first need, and which of its readings a voice gets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, get_args

from vinovits.errors import UsageError
from vinovits.text.mixed import Reader, read_mixed
from vinovits.text.nearest import nearest
from vinovits.text.notes import carried
from vinovits.text.parting import Given, foreign_here, given_within, parted, spoken_here
from vinovits.text.reading import Said, Sentence, Word, said_within
from vinovits.text.report import unread
from vinovits.text.script import Script, directed, moved, plain
from vinovits.text.spellings import told_by_spelling

if TYPE_CHECKING:
    from vinovits.text.chinese import Polyphones
    from vinovits.text.english import Tokenise

Reading = Literal["better", "released"]
"""Ours; or that of the released front end which came with the voice's family, faults included."""

_SHIPPED = {"2.3": "2.3-tag"}
"""Rows of what a release shipped, where the row of its name is how its front end went on later."""

_LOOKED_AT = 50_000
"""Characters: as many as are parted by language in a tenth of a second."""

_ANY = ""
"""The family that words are read for whose phones are replaced."""

FRONT_ENDS = {"zh": "chinese", "ja": "japanese", "en": "english"}
"""The package of each language's front end, by the code of the language."""


@dataclass(frozen=True, slots=True)
class Tools:
    """Models that help to read; each may load itself when it is first called."""

    polyphones: Polyphones | None = None
    """Tells apart the readings of Chinese characters (g2pW)."""
    tokenise: Tokenise | None = None
    """The tokenizer of the voice's English BERT, which released readings ask."""


NO_TOOLS = Tools()


def spoken_in(text: str, languages: Sequence[str], reading: Reading = "better") -> list[str]:
    """The languages whose phones the beginning of a text gets.

    Args:
        text: Any text; its first 50,000 characters are looked at.
        languages: Keys of `FRONT_ENDS`, as for `read`.
        reading: As for `read`.
    """
    script = plain(text[:_LOOKED_AT])
    if reading == "better":
        script = told_by_spelling(script, languages)
    here, foreign, given = _languages_of(script, languages, reading)
    if len(here) == 1 and not foreign:
        return here
    parts = parted(script.text, here, foreign, given, script.said)
    return list(dict.fromkeys(run.sounds for _, runs in parts for run in runs))


def _languages_of(
    script: Script, languages: Sequence[str], reading: Reading
) -> tuple[list[str], list[str], list[Given]]:
    """Languages of the voice that a text may be in, those that the voice lacks, and the given."""
    given = [one for one in script.given_languages() if one[2] in FRONT_ENDS]
    asked = {code for _, _, code in given}
    here = spoken_here(script.text, languages)
    here += [code for code in languages if code in asked and code not in here]
    foreign = {code for code in asked if code not in languages}
    if reading == "better":
        foreign.update(foreign_here(script.text, languages))
    return here, [code for code in FRONT_ENDS if code in foreign], given


def read(
    text: str | Script,
    languages: Sequence[str],
    family: str,
    reading: Reading = "better",
    tools: Tools = NO_TOOLS,
) -> Iterator[Sentence]:
    """Read a text aloud, on paper: sentences of words with phones and tones.

    Args:
        text: Any text, or one with what markup says of it. Call `vinovits.text.checks.check_text`
            first to refuse what makes no sense.
        languages: Keys of `FRONT_ENDS`: those that the voice speaks. Of several, each part of a
            sentence is read in the one that it seems to be in, what might be any in the first. What
            is in none of them is said with their nearest sounds, but by a released reading.
        family: The voice's family, such as "2.1": phones and tones are as it knows them.
        reading: Ours, or the released one.
        tools: What helps to read.

    Returns:
        The sentences, read as they are drawn.

    Raises:
        UsageError: There is no such language or reading, or the family was released without a
            front end for the language.
        MissingExtraError: What reads a language isn't installed.
    """
    for language in languages:
        if language not in FRONT_ENDS:
            raise UsageError(f"There is no language {language!r}. Take {', '.join(FRONT_ENDS)}.")
    if reading not in get_args(Reading):
        raise UsageError(f'A reading is "better" or "released", not {reading!r}.')
    script = plain(text) if isinstance(text, str) else text
    if reading == "better":
        script = told_by_spelling(script, languages)
    spoken, lacking, given = _languages_of(script, languages, reading)
    voice = _Voice(
        {code: _reader(code, family, reading, tools) for code in spoken},
        {code: _reader(code, _ANY, "better", NO_TOOLS) for code in lacking},
        family,
    )
    return directed(script, carried(voice.read(script, given)))


@dataclass(frozen=True, slots=True)
class _Voice:
    """What a voice has for the languages of a text."""

    readers: Mapping[str, Reader]
    """Front ends of those that it speaks."""
    foreign: Mapping[str, Reader]
    """Front ends of those that it lacks."""
    family: str

    def read(self, script: Script, given: Sequence[Given]) -> Iterator[Sentence | str]:
        """The sentences of each part of a script, and notes on parts that have none."""
        for start, end in script.parts():
            text, said = script.text[start:end], said_within(script.said, start, end)
            parts: Iterator[Sentence | str]
            if len(self.readers) == 1 and not self.foreign:
                [read_one] = self.readers.values()
                parts = _read_alone(text, said, read_one)
            else:
                here = given_within(given, start, end)
                parts = read_mixed(text, self.readers, said, here, self.foreign, self._nearest)
            for part in parts:
                yield moved(part, start) if start and isinstance(part, Sentence) else part

    def _nearest(self, words: Sequence[Word], language: str, sounds: str) -> list[Word]:
        return nearest(words, language, sounds, _rules(sounds, self.family, "better"))


def _read_alone(text: str, said: Sequence[Said], read_one: Reader) -> Iterator[Sentence | str]:
    sentence = None
    for sentence in read_one(text, said):
        yield sentence
    if sentence is None:
        yield from unread(text)


def _rules(language: str, family: str, reading: Reading) -> Any:
    """The row of a language's front end that the family wants."""
    rules = _front_end(language).RULES
    if reading == "better":
        return rules.get(f"better/{family}", rules["better"])
    if (shipped := _SHIPPED.get(family, family)) in rules:
        return rules[shipped]
    if family in rules:
        return rules[family]
    raise UsageError(
        f"Voices of the family {family} were released without a front end for {language}. "
        'Take the reading "better".'
    )


def _front_end(language: str) -> Any:
    return import_module(f"vinovits.text.{FRONT_ENDS[language]}")


def _reader(language: str, family: str, reading: Reading, tools: Tools) -> Reader:
    """A language's front end, as the family wants it."""
    row = _rules(language, family, reading)
    options: dict[str, Any] = {}
    if language == "zh":
        options["polyphones"] = tools.polyphones
    elif language == "en" and tools.tokenise is not None:
        options["tokenise"] = tools.tokenise

    def read_one(text: str, said: Sequence[Said]) -> Iterator[Sentence]:
        sentences: Iterator[Sentence] = _front_end(language).read(text, row, said, **options)
        return sentences

    return read_one
