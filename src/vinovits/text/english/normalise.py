"""From a written sentence to spoken words: the scanner that tries the reading rules in order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from vinovits.text.english import (
    rules_dates,
    rules_marks,
    rules_money,
    rules_numbers,
    rules_web,
    rules_words,
)
from vinovits.text.english.folding import PAD, Given
from vinovits.text.english.pieces import Piece, Rule, Scan
from vinovits.text.english.pronounce import with_s
from vinovits.text.english.tables import table
from vinovits.text.word_sets import word_set

_PLAIN_WORD = re.compile(r"[a-z]+(?=[ ,;?!)]|\Z)")
"""The common case, a lower-case word with nothing attached: no rule needs to be asked."""


@cache
def _rules() -> tuple[Rule, ...]:
    return (
        *rules_words.before_numbers(),
        *rules_web.rules(),
        *rules_numbers.BEFORE_DATES,
        *rules_dates.RULES,
        *rules_money.rules(),
        *rules_numbers.RULES,
        *rules_words.rules(),
        *rules_numbers.PLAIN,
        *rules_marks.rules(),
    )


@cache
def _spoken() -> re.Pattern[str]:
    signs = [sign for sign, words in table("symbols")["always"].items() if words and len(sign) == 1]
    return re.compile(rf"[^\W_]|[+{''.join(map(re.escape, signs))}]")


def may_hold_words(text: str) -> bool:
    """Whether a folded text has a character of which some rule makes a word.

    Asked first, it spares a million marks the trial of every rule.
    """
    return _spoken().search(text) is not None


def normalise(
    text: str, given: Sequence[Given] = (), unread: list[str] | None = None
) -> list[Piece]:
    """Read a folded sentence.

    Args:
        text: What `folding.fold` made of one sentence.
        given: Where readings are given in it, which no rule looks into.
        unread: Gets the letters and digits that no rule says anything for.

    Returns:
        Spoken words and marks in order, with spans into `text`.
    """
    scan = Scan(text, shouted=_is_shouted(text), unread=[] if unread is None else unread)
    position = 0
    for one in given:
        _read_until(scan, position, one.start)
        scan.pieces.append(Piece(one.written, one.start, one.end, said=one.said))
        position = _read_ending(scan, one)
    _read_until(scan, position, len(text))
    return tidy(scan.pieces, text)


def tidy(pieces: list[Piece], text: str) -> list[Piece]:
    """Leave at most one pause between two words, and none before the first.

    Of several marks in a row the final ones (! ? .) win, two different ones at most ("?!"); "…"
    is a comma unless it ends the sentence: in its midst the voices make no pause of it.

    Args:
        pieces: Words and marks as they were read.
        text: What their spans point into.

    Returns:
        The pieces with every run of marks made short.
    """
    out: list[Piece] = []
    run: list[Piece] = []
    for piece in pieces:
        if piece.mark:
            run.append(piece)
            continue
        if out:
            out += [
                replace(sign, text=",") if sign.text == "…" else sign for sign in _strongest(run)
            ]
        run = []
        out.append(piece)
    closing = _strongest(run)
    if closing and closing[0].text == "," and text[closing[0].start] not in ",;:":
        closing = []  # a bracket or dash at the very end: the sentence just ends
    return out + closing if out else []


def _strongest(run: list[Piece]) -> list[Piece]:
    if [piece.text for piece in run[:2]] == [".", ","]:
        return run[1:2]  # an abbreviation's full stop
    final = [piece for piece in run if piece.text in "!?."] or [p for p in run if p.text == "…"]
    kept: list[Piece] = []
    for piece in final or run[:1]:
        if piece.text not in [k.text for k in kept] and not (kept and piece.text == "."):
            kept.append(piece)
    if len(kept) > 1 and kept[0].text == ".":
        kept = kept[1:]
    return kept[:2]


_ENDING = re.compile(rf"{PAD}('?s)(?![\w'])")


def _read_ending(scan: Scan, given: Given) -> int:
    """Read the s of a plural or possessive that touches a given reading; return where it ends."""
    ending = _ENDING.match(scan.text, given.end)
    if ending is None or not given.written[-1:].isalnum():
        return given.end
    phones = tuple(given.said.reading.split())
    said = with_s(phones)[len(phones) :]
    scan.pieces.append(Piece(ending[1], ending.start(1), ending.end(), phones=said))
    return ending.end()


def _read_until(scan: Scan, position: int, end: int) -> None:
    """Read what is from a position on, nothing of it beyond the end."""
    while position < end:
        if scan.text[position].isspace():
            position += 1
            continue
        start, before = position, len(scan.pieces)
        position = _read_one(scan, start, end)
        if len(scan.pieces) > before and not scan.text[start:position].isascii():
            _note_unread(scan, start, position, scan.pieces[before:])


def _note_unread(scan: Scan, start: int, end: int, pieces: Sequence[Piece]) -> None:
    """Note letters of a match that none of its pieces stands for: an address with π in it."""
    covered = {place for piece in pieces for place in range(piece.start, piece.end)}
    for place in range(start, end):
        character = scan.text[place]
        if place not in covered and character.isalnum() and not character.isascii():
            scan.unread.append(character)


def _read_one(scan: Scan, position: int, end: int) -> int:
    """Read what begins at a position; return where it ends."""
    word = _PLAIN_WORD.match(scan.text, position)
    if word and word[0] not in _ASKED:
        scan.pieces.append(Piece(word[0], position, word.end()))
        return word.end()
    for rule in _rules():
        match = rule.pattern.match(scan.text, position)
        if match is None or match.end() == position or match.end() > end:
            continue
        pieces = rule.read(scan, match)
        if pieces is not None:
            scan.pieces.extend(pieces)
            return match.end()
    if scan.text[position].isalnum() and scan.text[position] != PAD:
        scan.unread.append(scan.text[position])
    return position + 1


_ASKED = word_set(
    "a c p v w x no pp nos nr ch vol vols fig figs sec art eq ver ca op ex par para et ie eg "
    "nb aka vs etc govt approx rock chap sect pg"
)
"""Lower-case words that a rule may read otherwise."""
_CAPITALS = re.compile(r"\b[A-Z]{2,}\b")


def _is_shouted(text: str) -> bool:
    letters = sum(c.isalpha() for c in text)
    capitals = sum(c.isupper() for c in text)
    return capitals > 0.7 * letters > 8 and len(_CAPITALS.findall(text)) > 2
