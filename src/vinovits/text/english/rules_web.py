"""Addresses, file names, hashtags and handles."""

from __future__ import annotations

import re
from functools import cache

from vinovits.text.english.numbers import cardinal
from vinovits.text.english.pieces import Piece, Reading, Rule, Scan, spelled, spoken
from vinovits.text.english.pronounce import is_word
from vinovits.text.english.rules_words import read_token, split_case
from vinovits.text.english.tables import table
from vinovits.text.word_sets import word_set

_PARTS = re.compile(r"[A-Za-z]+(?:'[a-z]+)?|\d+|.")
_SPELLED_PARTS = word_set("www http https ftp html php")


@cache
def rules() -> tuple[Rule, ...]:
    """The rules for addresses; two patterns are made from the table of domains."""
    domains = table("symbols")["domains"]
    names = "|".join(sorted(domains["names"], key=len, reverse=True))
    files = "|".join(sorted(domains["files"], key=len, reverse=True))
    tail = r"(?:[/?#:][^\s<>\"]*[^\s<>\".,;:!?')\]}*_])?/?"
    return (
        Rule(
            re.compile(r"(?P<scheme>(?:https?|ftp|file)://)[^\s<>\"]*[^\s<>\".,;:!?')\]}*_]"),
            _address,
        ),
        Rule(
            re.compile(r"(?:mailto:)?[A-Za-z0-9][\w.+%-]*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"),
            _address,
        ),
        Rule(re.compile(rf"www\.[\w-]+(?:\.[\w-]+)+{tail}"), _address),
        Rule(re.compile(rf"[A-Za-z0-9](?:[\w-]*\.)+(?:{names})\b(?!\.\w|'\w|@){tail}"), _domain),
        Rule(re.compile(rf"[\w-]+(?:\.[\w-]+)*\.(?:{files})\b(?![.@]\w)"), _address),
        Rule(re.compile(r"@(?=\w*[A-Za-z])[\w.]*\w"), _handle),
        Rule(re.compile(r"#(?=\w*[A-Za-z])\w+"), _hashtag),
    )


def _domain(scan: Scan, match: re.Match[str]) -> Reading | None:
    """example.com/x, but not "the end.In" or "e.g.it"."""
    host = match[0].split("/")[0]
    if not host.islower() and not re.match(r"[A-Z][a-z0-9]+[A-Za-z0-9]*\.[a-z]+\Z", host):
        return None
    return _address(scan, match)


def _address(scan: Scan, match: re.Match[str]) -> Reading:
    """Word by word and sign by sign; "https://" is silent."""
    signs = table("symbols")["web"]
    start = match.end("scheme") if "scheme" in match.groupdict() else match.start()
    pieces: Reading = []
    for part in _PARTS.finditer(scan.text, start, match.end()):
        written = part[0]
        if written[0].isalpha() and written.isascii():
            pieces += _letters(written, part.start())
        elif written[0] in "0123456789":
            pieces += _number(written, part.start())
        elif said := signs.get(written, ""):
            pieces += spoken(said, *part.span())
    return pieces


def _letters(written: str, start: int) -> Reading:
    if written.lower() in _SPELLED_PARTS:
        return spelled(written, start)
    if is_word(written.lower()) and len(written) > 1:
        return [Piece(written, start, start + len(written))]
    pieces: Reading = []
    for offset, part in split_case(written):
        if len(part) > 3 or (len(part) > 1 and is_word(part.lower())):
            pieces.append(Piece(part, start + offset, start + offset + len(part)))
        else:
            pieces += spelled(part, start + offset)
    return pieces


def _number(written: str, start: int) -> Reading:
    if len(written) <= 4 and (written[0] != "0" or written == "0"):
        return spoken(cardinal(written), start, start + len(written))
    return spelled(written, start)


def _handle(scan: Scan, match: re.Match[str]) -> Reading:
    """@jane_doe: "at jane doe"."""
    return [Piece("at", match.start(), match.start() + 1), *_name(scan, match)]


def _hashtag(scan: Scan, match: re.Match[str]) -> Reading:
    """#OpenSource: "hashtag open source"."""
    return [Piece("hashtag", match.start(), match.start() + 1), *_name(scan, match)]


def _name(scan: Scan, match: re.Match[str]) -> Reading:
    pieces: Reading = []
    for part in re.compile(r"[A-Za-z]+|\d+").finditer(scan.text, match.start() + 1, match.end()):
        if part[0].isdigit():
            pieces += _number(part[0], part.start())
        else:
            pieces += read_token(scan, part[0], part.start())
    return pieces
