"""The front end of each language, loaded at first need, and which of its readings a voice gets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, get_args

from vinovits.errors import UsageError
from vinovits.text.mixed import Given, Reader, given_within, languages_of, read_mixed
from vinovits.text.reading import Said, Sentence, said_within
from vinovits.text.script import Script, directed, moved, plain

if TYPE_CHECKING:
    from vinovits.text.chinese import Polyphones
    from vinovits.text.english import Tokenise

Reading = Literal["better", "released"]
"""Ours; or that of the released front end which came with the voice's family, faults included."""

_LETTERS = {
    "zh": re.compile("[\u2e80-\u2fdf\u3005-\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af]"),
    "ja": re.compile("[\u3005-\u30ff\u3400-\u9fff\uf900-\ufaff\uff66-\uff9f]"),
    "en": re.compile("[A-Za-z]"),
}

_SHIPPED = {"2.3": "2.3-tag"}
"""Rows of what a release shipped, where the row of its name is how its front end went on later."""

_LOOKED_AT = 50_000
"""Characters: as many as are parted by language in a tenth of a second."""

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


def spoken_in(text: str, languages: Sequence[str]) -> list[str]:
    """The languages that the beginning of a text is read in.

    Args:
        text: Any text; its first 50,000 characters are looked at.
        languages: Keys of `FRONT_ENDS`, as for `read`.
    """
    here = _may_be_in(text, languages)
    return here if len(here) == 1 else languages_of(text[:_LOOKED_AT], here)


def _may_be_in(text: str, languages: Sequence[str]) -> list[str]:
    """The languages that write some letter of a text; the first if none does."""
    return [code for code in languages if _LETTERS[code].search(text)] or [languages[0]]


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
        languages: Keys of `FRONT_ENDS`: those that the text may be in. Of several, each part of a
            sentence is read in the one that it seems to be in, what might be any in the first.
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
    given = script.given_languages()
    here = {*_may_be_in(script.text, languages), *(code for _, _, code in given)}

    readers = {code: _reader(code, family, reading, tools) for code in languages if code in here}
    return directed(script, _read_parts(script, given, readers))


def _read_parts(
    script: Script, given: Sequence[Given], readers: Mapping[str, Reader]
) -> Iterator[Sentence]:
    for start, end in script.parts():
        text, said = script.text[start:end], said_within(script.said, start, end)
        if len(readers) == 1:
            [read_one] = readers.values()
            sentences = read_one(text, said)
        else:
            sentences = read_mixed(text, readers, said, given_within(given, start, end))
        for sentence in sentences:
            yield moved(sentence, start) if start else sentence


def _reader(language: str, family: str, reading: Reading, tools: Tools) -> Reader:
    """A language's front end, as the family wants it."""
    front_end: Any = import_module(f"vinovits.text.{FRONT_ENDS[language]}")
    rules = front_end.RULES
    if reading == "better":
        row = rules.get(f"better/{family}", rules["better"])
    elif (shipped := _SHIPPED.get(family, family)) in rules:
        row = rules[shipped]
    elif family in rules:
        row = rules[family]
    else:
        raise UsageError(
            f"Voices of the family {family} were released without a front end for {language}. "
            'Take the reading "better".'
        )
    options: dict[str, Any] = {}
    if language == "zh":
        options["polyphones"] = tools.polyphones
    elif language == "en" and tools.tokenise is not None:
        options["tokenise"] = tools.tokenise

    def read_one(text: str, said: Sequence[Said]) -> Iterator[Sentence]:
        sentences: Iterator[Sentence] = front_end.read(text, row, said, **options)
        return sentences

    return read_one
