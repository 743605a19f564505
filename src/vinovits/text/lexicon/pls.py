"""Lexicons in W3C PLS 1.0 (https://www.w3.org/TR/pronunciation-lexicon/), read with suspicion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.parsers.expat import ExpatError, ParserCreate

from vinovits.errors import LexiconError

_DEEPEST = 50
"""Elements within one another; PLS has three, and metadata may have more."""
_NAMESPACES = ("http://www.w3.org/2005/01/pronunciation-lexicon", "")
_LANGUAGE_ATTRIBUTE = "http://www.w3.org/XML/1998/namespace lang"
_LANGUAGES = {"en": "en", "ja": "ja", "zh": "zh", "cmn": "zh"}
_ALPHABETS = {"x-cmu": "en", "x-pinyin": "zh", "x-kana": "ja"}
"""Languages whose readings are written so; ipa is that of the document's."""

_Fields = Mapping[str, Any] | str | None
"""Of an entry; or what is wrong with it; or None for a reading that isn't taken."""


@dataclass(slots=True)
class _Said:
    """A phoneme or an alias."""

    is_alias: bool
    text: str
    alphabet: str
    preferred: bool


@dataclass(slots=True)
class _Lexeme:
    line: int
    graphemes: list[str] = field(default_factory=list)
    said: list[_Said] = field(default_factory=list)


def lexemes(data: bytes, name: str) -> Iterator[tuple[int, _Fields]]:
    """The words of a document.

    Of several pronunciations of a lexeme the first that is preferred is taken, else the first.

    Args:
        data: The document.
        name: The file's, for messages.

    Yields:
        A line, and the fields of a `LexiconEntry` for each grapheme there, or a sentence on what is
        wrong with the lexeme; None for each pronunciation that isn't taken.

    Raises:
        LexiconError: It isn't well-formed, isn't PLS, or has a document type or entities.
    """
    reader = _Reader(name)
    reader.read(data)
    for lexeme in reader.lexemes:
        yield from ((lexeme.line, fields) for fields in _entries(lexeme, reader.language))


def _entries(lexeme: _Lexeme, language: str) -> Iterator[_Fields]:
    if not lexeme.graphemes:
        yield "The lexeme has no grapheme."
        return
    if not lexeme.said:
        yield f"The lexeme of {lexeme.graphemes[0]!r:.60} has neither a phoneme nor an alias."
        return
    chosen = next((said for said in lexeme.said if said.preferred), lexeme.said[0])
    code = _LANGUAGES.get(language.replace("_", "-").partition("-")[0].lower(), "")
    code = _ALPHABETS.get(chosen.alphabet, code)
    reading = chosen.text
    if not code:
        yield f"Words in the language {language or 'of no name'!r} can't be read; en, ja, zh can."
        return
    if chosen.is_alias:
        reading = f"={reading}"
    elif chosen.alphabet == "ipa":
        reading = f"/{reading.strip('/[] ')}/"
    elif chosen.alphabet not in _ALPHABETS:
        yield (
            f"The alphabet {chosen.alphabet!r} isn't read. Take ipa, {', '.join(_ALPHABETS)}, or "
            "an alias."
        )
        return
    for grapheme in lexeme.graphemes:
        yield {"written": grapheme, "reading": reading, "language": code}
    yield from [None] * (len(lexeme.said) - 1)


class _Reader:
    """Goes through a document once."""

    def __init__(self, name: str) -> None:
        self.language = ""
        self.lexemes: list[_Lexeme] = []
        self._name = name
        self._alphabet = "ipa"
        self._open: list[str] = []
        self._text: list[str] = []
        self._parser = ParserCreate(namespace_separator=" ")
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text.append
        self._parser.buffer_text = True

    def read(self, data: bytes) -> None:
        try:
            self._parser.Parse(data, True)
        except ExpatError as error:
            raise self._error(f"it isn't well-formed XML ({error})") from None
        except (ValueError, LookupError) as error:  # an encoding that there isn't
            raise self._error(f"it can't be read ({error})") from None

    def _error(self, what: str) -> LexiconError:
        return LexiconError(f"{self._name}, line {self._parser.CurrentLineNumber:,}: {what}.")

    def _doctype(self, *_: object) -> None:
        raise self._error(
            "it has a document type (DOCTYPE), which may hold entities without end. Take it out"
        )

    def _start(self, element: str, attributes: dict[str, str]) -> None:
        namespace, _, local = element.rpartition(" ")
        kind = local if namespace in _NAMESPACES else ""
        if not self._open:
            if kind != "lexicon":
                raise self._error(f"it is no PLS lexicon, but begins with <{local}>")
            self.language = attributes.get(_LANGUAGE_ATTRIBUTE, "")
            self._alphabet = attributes.get("alphabet", "ipa").strip()
        elif kind == "lexeme":
            self.lexemes.append(_Lexeme(self._parser.CurrentLineNumber))
        elif kind in ("phoneme", "alias") and self._open[-1] == "lexeme":
            alphabet = "" if kind == "alias" else attributes.get("alphabet", self._alphabet)
            preferred = attributes.get("prefer", "") in ("true", "1")
            self.lexemes[-1].said.append(_Said(kind == "alias", "", alphabet.strip(), preferred))
        self._open.append(kind)
        if len(self._open) > _DEEPEST:
            raise self._error(f"it has more than {_DEEPEST} elements within one another")
        self._text.clear()

    def _end(self, element: str) -> None:
        kind = self._open.pop()
        text = " ".join("".join(self._text).split())
        if self._open and self._open[-1] == "lexeme":
            if kind == "grapheme":
                self.lexemes[-1].graphemes.append(text)
            elif kind in ("phoneme", "alias"):
                self.lexemes[-1].said[-1].text = text
        self._text.clear()
