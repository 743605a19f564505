"""Text in several languages: all of a sentence in one go, each part by its own front end.

What is in a language that the voice lacks is read by that one's front end too, and said with the
nearest sounds that the voice has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from vinovits.errors import MissingExtraError
from vinovits.text.cutting import sentences_of
from vinovits.text.parting import Given, parted
from vinovits.text.reading import Said, Sentence, Word, said_within
from vinovits.text.report import unread

Reader = Callable[[str, Sequence[Said]], Iterator[Sentence]]
"""A front end: from a text, and the readings given in it, to sentences."""

Nearest = Callable[[Sequence[Word], str, str], list[Word]]
"""From words, the code of their language, and that of another, to the words with its phones."""

_NAMES = {"zh": "Chinese", "ja": "Japanese", "en": "English"}
_AROUND = re.compile(r"\A\W+|\W+\Z")
_SHOWN = 40
"""Characters of a stretch that a note names."""


def read_mixed(
    text: str,
    readers: Mapping[str, Reader],
    said: Sequence[Said] = (),
    given: Sequence[Given] = (),
    foreign: Mapping[str, Reader] | None = None,
    nearest: Nearest | None = None,
) -> Iterator[Sentence | str]:
    """Read a text in which several languages may follow each other, even within a sentence.

    Args:
        text: Any text.
        readers: Front ends of the voice's languages that it may be in, by their codes; the one
            first that nothing speaks against.
        said: Given readings, in order.
        given: Stretches whose language is given, those of the readings among them, in order.
        foreign: Front ends of languages that it may be in, and that the voice lacks.
        nearest: Gives words of those the sounds of one of the voice's.

    Yields:
        Sentences in the order of the text. A sentence's language is the one most of its phones are
        in; words of others name theirs. Between them, notes on stretches in which nothing is
        spoken.
    """
    foreign = foreign or {}
    fronts = {**readers, **foreign}
    for (start, end), runs in parted(text, list(readers), list(foreign), given, said):
        words: list[Word] = []
        notes: list[str] = []
        replaced: dict[tuple[str, str], list[str]] = {}
        for run in runs:
            here = (start + run.start, start + run.end)
            try:
                part, told = _read_run(text, *here, said, fronts[run.language])
            except MissingExtraError as error:
                if run.language in readers:
                    raise
                notes.append(f"Left out {_quoted(text[slice(*here)])}. {error}")
                continue
            notes += told
            if run.sounds != run.language and nearest is not None:
                own, part = part, nearest(part, run.language, run.sounds)
                notes += _lost(text, own, part)
                if stretch := _replaced(text, part):
                    replaced.setdefault((run.language, run.sounds), []).append(stretch)
            words += (replace(word, language=run.sounds) for word in part)
        notes += [_told(*way, stretches) for way, stretches in replaced.items()]
        if all(word.is_punctuation for word in words):
            yield from notes
            continue
        main = _main_language(words)
        words = [replace(word, language="") if word.language == main else word for word in words]
        yield from sentences_of(words, text, start, end, main, notes)


def _read_run(
    text: str, start: int, end: int, said: Sequence[Said], read_one: Reader
) -> tuple[list[Word], list[str]]:
    """Words of text[start:end], without the full stop that closes the part, and notes."""
    parts = list(read_one(text[start:end], said_within(said, start, end)))
    if not parts:
        return [], unread(text[start:end])
    words = [
        replace(word, start=word.start + start, end=word.end + start)
        for part in parts
        for word in part.words
        if word.end > word.start or not word.is_punctuation
    ]
    return words, [note for part in parts for note in part.notes]


def _lost(text: str, words: Sequence[Word], kept: Sequence[Word]) -> list[str]:
    """A note on the words that nothing comes near to, such as a ッ by itself."""
    places = {(word.start, word.end) for word in kept}
    lost = [word for word in words if (word.start, word.end) not in places]
    return unread("".join(text[word.start : word.end] for word in lost))


def _replaced(text: str, words: Sequence[Word]) -> str:
    """The stretch whose sounds are others than its own; "" if nothing is spoken there."""
    spoken = [word for word in words if word.source == "fallback" and not word.is_punctuation]
    return text[spoken[0].start : spoken[-1].end] if spoken else ""


def _told(language: str, sounds: str, stretches: Sequence[str]) -> str:
    shown = ", ".join(_quoted(stretch) for stretch in dict.fromkeys(stretches))
    return f"{_NAMES[language]} isn't spoken here: read {shown} with {_NAMES[sounds]} sounds."


def _quoted(stretch: str) -> str:
    written = _AROUND.sub("", " ".join(stretch.split()))
    return written if len(written) <= _SHOWN else f"{written[:_SHOWN]}..."


def _main_language(words: Sequence[Word]) -> str:
    phones: dict[str, int] = {}
    for word in words:
        if not word.is_punctuation:
            phones[word.language] = phones.get(word.language, 0) + len(word.phones)
    return max(phones, key=lambda code: phones[code])
