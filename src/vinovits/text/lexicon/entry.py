"""An entry of a lexicon: a word, and how it is read."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from vinovits.errors import LexiconError, TextError

if TYPE_CHECKING:
    from vinovits.text.notation import Alphabet

LANGUAGES = ("zh", "ja", "en")
LONGEST_WRITTEN = 100
"""Characters of a word, and of each context word."""
LONGEST_READING = 1000
"""Characters of a reading or an alias."""
MOST_CONTEXT = 100
"""Context words of an entry."""
PRIORITIES = range(11)
USUAL_PRIORITY = 5

_ALPHABETS: dict[str, Alphabet] = {"zh": "pinyin", "ja": "kana", "en": "cmu"}
"""How readings of each language are written."""
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Control characters, line and paragraph separators, lone surrogates."""


@dataclass(frozen=True, slots=True)
class LexiconEntry:
    """How a word is read, wherever it stands or in some sentences only.

    Making one checks its shape; `checked` checks the reading too.

    Raises:
        LexiconError: A part is empty, too long, or of the wrong kind.
    """

    written: str
    """The word as texts have it: 1 to 100 characters without line breaks."""
    reading: str
    """In the notation of its language: ARPAbet ("T AH0 M EY1 T OW0"), pinyin ("hang2 zhang3"),
    kana with an accent behind a colon where it has one ("ハシ:1"). Or "=" and a text that is read
    in its place: an alias."""
    language: str = ""
    """"zh", "ja" or "en"; "" for one that the reading tells, or for an alias in any language."""
    context: tuple[str, ...] = ()
    """One of these words must stand in the same sentence; without any, the entry counts
    everywhere."""
    priority: int = USUAL_PRIORITY
    """From 0 to 10; of entries for the same characters the highest counts."""

    def __post_init__(self) -> None:
        _check_word(self.written, "A word")
        reading = self.reading
        if not isinstance(reading, str) or not reading.removeprefix("=").strip():
            raise LexiconError(f"{self._shown} has no reading.")
        if len(reading) > LONGEST_READING or _UNSEEN.search(reading):
            raise LexiconError(
                f"The reading of {self._shown} has more than {LONGEST_READING:,} characters, or a "
                "line break or control character in it."
            )
        if reading != reading.strip():
            raise LexiconError(
                f"The reading of {self._shown} has spaces around it: {reading!r:.60}."
            )
        if self.language not in ("", *LANGUAGES):
            raise LexiconError(
                f"{self._shown} has the language {self.language!r}. Take one of "
                f"{', '.join(LANGUAGES)}."
            )
        if not isinstance(self.context, tuple) or len(self.context) > MOST_CONTEXT:
            raise LexiconError(
                f"The context of {self._shown} is a tuple of at most {MOST_CONTEXT} words."
            )
        for word in self.context:
            _check_word(word, f"A context word of {self._shown}")
            if "|" in word:
                raise LexiconError(f"A context word of {self._shown} holds the sign |.")
        if type(self.priority) is not int or self.priority not in PRIORITIES:
            raise LexiconError(
                f"The priority of {self._shown} is {self.priority!r}. Take a whole number from "
                f"{PRIORITIES[0]} to {PRIORITIES[-1]}."
            )

    @property
    def alias(self) -> str:
        """The text that is read in place of the word; "" if it has a reading."""
        return self.reading[1:] if self.reading.startswith("=") else ""

    @property
    def _shown(self) -> str:
        """The word as messages have it."""
        return f"{self.written!r:.60}"


def _check_word(word: object, what: str) -> None:
    if not isinstance(word, str) or not word or word != word.strip():
        raise LexiconError(f"{what} can't be {word!r:.60}: it is empty, or has spaces around it.")
    if len(word) > LONGEST_WRITTEN:
        raise LexiconError(
            f"{what} has {len(word)} characters ({word!r:.40}); at most {LONGEST_WRITTEN} are "
            "allowed."
        )
    if _UNSEEN.search(word):
        raise LexiconError(
            f"{what} can't hold a line break, a control character or half a character, as "
            f"{word!r:.60} does."
        )


def checked(entry: LexiconEntry) -> LexiconEntry:
    """The entry with its reading as front ends take it, and its language where it had none.

    Raises:
        LexiconError: It isn't a reading; the message says which phone or syllable is wrong, and
            which there are.
    """
    if entry.alias:
        return entry
    from vinovits.text.notation import guess_alphabet, to_reading

    alphabet: Alphabet | None
    if entry.language and not entry.reading.startswith(("/", "[")):
        alphabet = _ALPHABETS[entry.language]
    else:
        alphabet = guess_alphabet(entry.reading) or _meant(entry.reading)
    if alphabet is None:
        raise LexiconError(
            f"The reading of {entry._shown}, {entry.reading!r:.60}, is neither ARPAbet (T AH0 M "
            "EY1 T OW0), pinyin with tones (hang2 zhang3), kana (ハシ:1) nor IPA (/təˈmeɪtoʊ/). "
            'For a text that is to be read instead, write "=" before it.'
        )
    try:
        language, reading = to_reading(entry.reading, alphabet, entry.language)
    except TextError as error:
        raise LexiconError(f"The reading of {entry._shown} can't be said. {error}") from None
    return replace(entry, language=language, reading=reading)


def _meant(reading: str) -> Alphabet | None:
    """The alphabet that a reading seems to be meant in, although it isn't right."""
    if re.fullmatch("[A-Z][A-Z0-9 ]*", reading):
        return "cmu"
    return "pinyin" if re.fullmatch("[a-zü:]+[0-9][a-zü:0-9 ]*", reading) else None
