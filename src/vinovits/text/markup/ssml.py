"""SSML 1.1 (https://www.w3.org/TR/speech-synthesis11/), read without what XML can be abused for.

There is no document type, so there are no entities but XML's own five, and nothing is ever fetched.
"""

from __future__ import annotations

import re
from dataclasses import replace
from xml.parsers.expat import ExpatError, ParserCreate, XMLParserType, errors

from vinovits.errors import TextError
from vinovits.text.hidden import Shown
from vinovits.text.markup.composer import Change, Composer
from vinovits.text.markup.say_as import Say, SayAs, is_date_order
from vinovits.text.markup.values import (
    DEEPEST,
    EMPHASIS,
    FAST,
    HAN,
    HINT,
    LONGEST_PAUSE,
    LONGEST_VALUE,
    LOUD,
    LOUDEST,
    RATES,
    SLOW,
    SOFT,
    decibels,
    factor,
    language_code,
    language_of,
    quoted,
    seconds,
    wrong,
)
from vinovits.text.notation import Alphabet, to_reading
from vinovits.text.script import Script

LONGEST = 2_000_000
"""Characters of an SSML document."""
MOST_ELEMENTS = 100_000

_PROLOG = re.compile(
    r"[\ufeff\s]*(?P<document>(?:<\?xml[^<>]*\?>\s*)?(?:<!--(?:(?!-->).)*+-->\s*)*+"
    r"<(?:speak(?=[\s/>])|!DOCTYPE\s+speak\b))",
    re.DOTALL,
)
_WHOLE_TAG = re.compile(r"<(?:[^<>\"']|\"[^\"]*\"|'[^']*')*+>")
_HAN_RUN = re.compile(f"{HAN.pattern}+")
_SIGNED_PERCENT = re.compile(r"([+-]\d+|[+-]\d*\.\d+)\s*%")

_BREAKS = {
    **{"none": 0.0, "x-weak": 0.15, "weak": 0.3, "medium": 0.5},
    **{"strong": 0.8, "x-strong": 1.2},
}
"""Seconds by strength."""
_RATES = {
    **{"x-slow": 0.5, "slow": SLOW, "medium": 1.0, "default": 1.0},
    **{"fast": FAST, "x-fast": 1.5},
}
_VOLUMES = {
    **{"silent": 0.0, "x-soft": 0.25, "soft": SOFT, "medium": 1.0, "default": 1.0},
    **{"loud": LOUD, "x-loud": 2.0},
}
_ALPHABETS: dict[str, Alphabet] = {
    **{"": "ipa", "ipa": "ipa", "x-cmu": "cmu", "x-pinyin": "pinyin", "x-kana": "kana"},
    **{"x-arpabet": "cmu", "x-amazon-pinyin": "pinyin", "x-amazon-pron-kana": "kana"},
}
_SAY_AS: dict[str, SayAs] = {
    **{"characters": "characters", "spell-out": "characters", "digits": "digits"},
    **{"cardinal": "cardinal", "number": "cardinal", "ordinal": "ordinal", "date": "date"},
    **{"telephone": "telephone"},
}
"""Others (time, currency, unit ...) are read as the text that they hold."""
_SENTENCES = frozenset(("p", "s"))
_READ = frozenset(("speak", "p", "s", "token", "w", "audio", "lookup", "lang"))
"""Their text is read; their language counts."""
_SILENT = frozenset(("metadata", "desc"))
"""Neither their text nor the elements in them are read."""
_EMPTY = frozenset(("break", "mark", "meta", "lexicon"))
_TEXT_ONLY = frozenset(("phoneme", "sub"))

Attributes = dict[str, str]


def is_ssml(text: str) -> bool:
    """Whether a text begins as an SSML document does."""
    return _PROLOG.match(text) is not None


def parse_ssml(text: str) -> Script:
    """Take what SSML says out of a document.

    Args:
        text: A document with the root `speak`.

    Raises:
        TextError: It is no SSML, isn't well-formed, has a document type, an element or a value
            that there isn't, or is larger than 2,000,000 characters, 100,000 elements, or 64
            elements within each other.
    """
    match = _PROLOG.match(text)
    if match is None:
        raise TextError(
            f'The text is no SSML: that begins with <speak>, this with "{quoted(text[:40])}". '
            "Take --markup auto to have either read."
        )
    if len(text) > LONGEST:
        raise TextError(
            f"The SSML has {len(text):,} characters; at most {LONGEST:,} are taken. Split it into "
            "several documents."
        )
    return _Document(text, match.start("document")).read()


class _Document:
    """A document as expat goes through it."""

    def __init__(self, text: str, start: int) -> None:
        self._text = text
        # A lone surrogate isn't well-formed, and expat says where it is.
        self._bytes = text[start:].encode("utf-8", "surrogatepass")
        self._is_ascii = len(self._bytes) == len(text) - start
        self._start_index = start
        self._reached = (0, start)
        """Index of a byte, and of its character in the text."""
        self._composer = Composer(text, Shown(text))
        self._open: list[tuple[str, bool]] = []
        """Names of the open elements, and whether each was entered."""
        self._elements = 0
        self._silent = 0
        """How many of the open elements are within one that isn't read, itself among them."""
        self._in_cdata = False
        self._run = (0, 0)
        """Characters that are read as they stand, and not yet added."""
        self._parser = self._made_parser()
        self._language = ""
        """Of the document: what might be Chinese or Japanese is in it."""
        self._content: tuple[int, int] | None = None
        """Where the text of an element is that is replaced by its alias."""
        self._aliases: list[tuple[str, int, int]] = []

    def read(self) -> Script:
        """Go through it all."""
        try:
            self._parser.Parse(self._bytes, True)
        except ExpatError as error:
            raise self._malformed(error) from None
        script = self._composer.done(self._language)
        return _in_language(script, self._language) if self._language else script

    def _made_parser(self) -> XMLParserType:
        # The text is characters already, whatever its declaration says they were written in.
        parser = ParserCreate("utf-8")
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartCdataSectionHandler = lambda: self._set_cdata(True)
        parser.EndCdataSectionHandler = lambda: self._set_cdata(False)
        return parser

    def _set_cdata(self, inside: bool) -> None:
        self._in_cdata = inside

    def _doctype(self, *_: object) -> None:
        raise self._wrong(
            self._text.rindex("<!", 0, self._here() + 2),
            "The document type (DOCTYPE)",
            "isn't read: SSML needs none, and entities can be abused. Take it out.",
        )

    # Elements

    def _start(self, name: str, attributes: Attributes) -> None:
        start = self._here()
        end = self._behind_tag(start)
        self._elements += 1
        if self._elements > MOST_ELEMENTS:
            raise self._wrong(
                start, f"The element <{name}>", f"is one too many; {MOST_ELEMENTS:,} are taken."
            )
        if len(self._open) == DEEPEST:
            raise self._wrong(
                start, f"The element <{name}>", f"is nested too deep; {DEEPEST} levels are taken."
            )
        parent = self._open[-1][0] if self._open else ""
        if self._silent or name in _SILENT:
            self._silent += 1
            self._open.append((name, False))
            return
        if (name == "speak") != (not self._open):
            why = "stands in another one" if self._open else "is the first, where <speak> must be"
            raise self._wrong(start, f"The element <{quoted(name)}>", f"{why}.")
        if parent in _TEXT_ONLY or parent in _EMPTY:
            raise self._wrong(
                start, f"The element <{name}>", f"stands in <{parent}>, which can't hold elements."
            )
        self._flush()
        entered = self._begin(name, attributes, start, end)
        self._open.append((name, entered))

    def _begin(self, name: str, attributes: Attributes, start: int, end: int) -> bool:
        """Do what an element says; whether it is to be left again."""
        composer = self._composer
        change = Change(language=language_code(attributes.get("xml:lang", "")) or "")
        match name:
            case "speak":
                self._language, change = change.language, Change()
            case "p" | "s":
                composer.end_sentence(start, end)
            case "break":
                composer.pause(self._pause(attributes, start), start, end)
            case "mark":
                composer.mark(self._needed(name, "name", attributes, start))
            case "emphasis":
                level = attributes.get("level", "moderate")
                if level not in EMPHASIS:
                    raise self._bad(name, "level", level, start, ", ".join(EMPHASIS))
                rate, volume = EMPHASIS[level]
                change = replace(change, rate=rate, volume=volume)
            case "prosody":
                change = replace(
                    change,
                    rate=self._rate(attributes, start),
                    volume=self._volume(attributes, start),
                )
            case "voice":
                change = replace(change, speaker=attributes.get("name", "").strip())
            case "mstts:express-as":
                change = replace(change, style=attributes.get("style", "").strip())
            case "say-as":
                change = replace(change, say=self._say(attributes, start))
            case "phoneme":
                self._begin_phoneme(attributes, start, end)
            case "sub":
                alias = " ".join(self._needed(name, "alias", attributes, start).split())
                self._aliases.append((alias, start, end))
                self._content = None
            case _ if name not in _READ and name not in _EMPTY and ":" not in name:
                raise self._wrong(
                    start, f"The element <{quoted(name)}>", "isn't one of SSML. Take it out."
                )
        if change == Change():
            return False
        composer.enter(change)
        return True

    def _end(self, name: str) -> None:
        self._flush()
        start = self._here()
        _, entered = self._open.pop()
        if self._silent:
            self._silent -= 1
            return
        if name == "phoneme":
            self._composer.end_reading()
        elif name == "sub":
            alias, first, behind = self._aliases.pop()
            self._composer.put(alias, *(self._content or (first, behind)))
        if entered:
            self._composer.leave()
        if name in _SENTENCES:
            self._composer.end_sentence(start, self._behind_tag(start))

    def _begin_phoneme(self, attributes: Attributes, start: int, end: int) -> None:
        written = self._needed("phoneme", "ph", attributes, start).strip()
        name = attributes.get("alphabet", "")
        if name not in _ALPHABETS:
            known = "ipa, x-cmu, x-pinyin, x-kana"
            raise self._bad("phoneme", "alphabet", name, start, known)
        if len(written) > LONGEST_VALUE:
            raise self._wrong(
                start, "The element <phoneme>", f"has more than {LONGEST_VALUE:,} characters in ph."
            )
        content = re.match(r"[^<]*", self._text[end : end + LONGEST_VALUE])
        surface = content[0] if content else ""
        named = language_code(attributes.get("xml:lang", "")) or self._composer.language
        try:
            language, reading = to_reading(written, _ALPHABETS[name], named or language_of(surface))
        except TextError as error:
            raise self._wrong(
                start, "The element <phoneme>", f"has a wrong reading: {error}"
            ) from None
        self._composer.begin_reading(language, reading)
        if not surface.strip():
            self._composer.put(reading, start, end)

    def _pause(self, attributes: Attributes, start: int) -> float:
        written = attributes.get("time")
        if written is None:
            strength = attributes.get("strength", "medium")
            if strength not in _BREAKS:
                raise self._bad("break", "strength", strength, start, ", ".join(_BREAKS))
            return _BREAKS[strength]
        length = seconds(written)
        if length is None or length > LONGEST_PAUSE:
            known = f'a time such as "300ms" or "1.5s", at most {LONGEST_PAUSE:g} s'
            raise self._bad("break", "time", written, start, known)
        return length

    def _rate(self, attributes: Attributes, start: int) -> float:
        written = attributes.get("rate", "medium").strip()
        rate = _RATES.get(written) or _relative(written)
        if rate is None:
            rate = factor(written)
        if rate is None:
            known = f'a percentage such as "80%", or {", ".join(_RATES)}'
            raise self._bad("prosody", "rate", written, start, known)
        return min(max(rate, RATES[0]), RATES[1])

    def _volume(self, attributes: Attributes, start: int) -> float:
        written = attributes.get("volume", "medium").strip()
        volume = _VOLUMES.get(written)
        for convert in (decibels, _relative, factor):
            if volume is None:
                volume = convert(written)
                if volume is not None and convert is factor and "%" not in written:
                    volume /= 100  # SSML 1.0: from 0 to 100
        if volume is None:
            known = f'decibels such as "-6dB", or {", ".join(_VOLUMES)}'
            raise self._bad("prosody", "volume", written, start, known)
        return min(volume, LOUDEST)

    def _say(self, attributes: Attributes, start: int) -> Say | None:
        kind = self._needed("say-as", "interpret-as", attributes, start).strip()
        if kind not in _SAY_AS:
            return None
        # "yyyymmdd" and "y/m/d" are "ymd".
        order = re.sub(r"[^ymd]|(.)(?=\1)", "", attributes.get("format", "").lower())
        return Say(_SAY_AS[kind], order if is_date_order(order) else "")

    # Text

    def _characters(self, data: str) -> None:
        if self._silent:
            return
        start = self._here()
        byte = self._parser.CurrentByteIndex
        first = self._bytes[byte : byte + 1]
        if first == b"&" and not self._in_cdata:
            end = self._text.index(";", start) + 1
        elif first == b"\r":
            end = start + (2 if self._text[start + 1 : start + 2] == "\n" else 1)
        else:
            end = start + len(data)
        if self._aliases:
            if data.strip():
                start += len(data) - len(data.lstrip())
                behind = end - (len(data) - len(data.rstrip()))
                self._content = (self._content or (start, behind))[0], behind
        elif first == b"&" and not self._in_cdata:
            self._flush()
            self._put(data, start, end)
        elif self._run[1] == start:
            self._run = self._run[0], end
        else:
            self._flush()
            self._run = start, end

    def _put(self, data: str, start: int, end: int) -> None:
        """Add a character that was written as a reference."""
        if not data.isspace():
            self._composer.put(data, start, end)
        elif not self._composer.is_spaced:
            self._composer.put(" ", start, end)

    def _flush(self) -> None:
        """Add the characters that are read as they stand."""
        start, end = self._run
        self._run = (end, end)
        self._composer.flow(start, end)

    # Places

    def _here(self) -> int:
        """Index in the text of what expat is at."""
        return self._index(self._parser.CurrentByteIndex)

    def _index(self, byte: int) -> int:
        """Index in the text of a byte of the document; each call goes on from the last."""
        if self._is_ascii:
            return self._start_index + byte
        before, index = self._reached if byte >= self._reached[0] else (0, self._start_index)
        index += len(self._bytes[before:byte].decode("utf-8", "replace"))
        self._reached = byte, index
        return index

    def _behind_tag(self, start: int) -> int:
        """Index behind a tag; attributes may hold a >."""
        match = _WHOLE_TAG.match(self._text, start)
        return match.end() if match else start + 1

    # Errors

    def _needed(self, name: str, attribute: str, attributes: Attributes, start: int) -> str:
        if not attributes.get(attribute, "").strip():
            raise self._wrong(start, f"The element <{name}>", f"has no {attribute}.")
        return attributes[attribute]

    def _bad(self, name: str, attribute: str, value: str, start: int, known: str) -> TextError:
        why = f'has {attribute}="{quoted(value)}"; take {known}.'
        return self._wrong(start, f"The element <{name}>", why)

    def _wrong(self, start: int, what: str, why: str) -> TextError:
        return wrong(self._text, start, what, why, HINT)

    def _malformed(self, error: ExpatError) -> TextError:
        at = min(self._index(self._parser.ErrorByteIndex), len(self._text) - 1)
        message = errors.messages[error.code]
        why = f"isn't well-formed XML: {message}."
        if message == errors.XML_ERROR_UNDEFINED_ENTITY:
            why = (
                "names an entity that XML doesn't know: there are &amp; &lt; &gt; &apos; and "
                "&quot; only. Write the character itself."
            )
        elif message == errors.XML_ERROR_TAG_MISMATCH and self._open:
            why = f"closes another element than <{self._open[-1][0]}>, which is open."
        elif message in (errors.XML_ERROR_NO_ELEMENTS, errors.XML_ERROR_UNCLOSED_TOKEN):
            if self._open:
                why = f"ends before <{self._open[-1][0]}> is closed."
        elif "&" in self._text[max(at - 1, 0) : at + 1]:
            why += " A bare & is written &amp;."
        return self._wrong(at, "The SSML", why)


def _relative(written: str) -> float | None:
    """A change such as "+10%" as a factor; None if it isn't one."""
    match = _SIGNED_PERCENT.fullmatch(written)
    return max(1 + float(match[1]) / 100, 0.0) if match else None


def _in_language(script: Script, language: str) -> Script:
    """Let a document's language say what Chinese characters are in.

    It doesn't say more: documents are often in English by their frame only, and name a product in
    Latin letters without telling.
    """
    if language == "en":
        return script
    given = sorted(script.given_languages())
    spans: list[tuple[int, int, str]] = []
    position = 0
    for start, end, _ in (*given, (len(script.text), len(script.text), "")):
        runs = _HAN_RUN.finditer(script.text, position, start)
        spans += [(*match.span(), language) for match in runs]
        position = end
    return replace(script, languages=tuple(sorted((*script.languages, *spans))))
