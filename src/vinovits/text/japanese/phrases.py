"""Japanese by accent phrases and moras: for those who show a reading, or change it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vinovits.text.given import sentences_around
from vinovits.text.japanese import open_jtalk
from vinovits.text.japanese.given import StandIns
from vinovits.text.japanese.normalise import normalise
from vinovits.text.japanese.open_jtalk import Node
from vinovits.text.japanese.ruby import read_ruby
from vinovits.text.japanese.rules import RULES
from vinovits.text.japanese.words import LONG, from_kana, is_spoken, spans_of
from vinovits.text.notation import TO_KATAKANA, split_moras
from vinovits.text.reading import Said, said_within
from vinovits.text.traced import Span, trace

_VOWELS = dict(zip("aiueo", "アイウエオ", strict=True))
_QUESTIONS = frozenset("？?")
MORAIC = {"ン": "N", "ッ": "cl"}
"""Moras without a vowel, and what they are called."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that are said with one accent."""

    moras: tuple[str, ...]
    """Katakana, at least one; a lengthened vowel is written as a vowel: キョオ."""
    accent: int
    """Number of the mora behind which the tone falls, from 1; the last one: it doesn't."""
    start: int
    """Index of its first character in the text."""
    end: int
    """Index behind its last."""
    pause: bool
    """A mark follows."""
    question: bool
    """A question mark does."""


def accent_phrases(text: str, said: Sequence[Said] = ()) -> list[Phrase]:
    """Cut a text into accent phrases, as it is read.

    Args:
        text: Any text.
        said: Readings that are given, in order, without overlap.

    Raises:
        MissingExtraError: Open JTalk isn't installed.
    """
    ours = [one for one in said if one.language == "ja"]
    found: list[Phrase] = []
    for start, end in sentences_around(text, ours):
        found += _of_sentence(text, start, end, said_within(ours, start, end))
    return found


def phones_of(mora: str) -> tuple[str, str]:
    """The consonant of a mora, "" for none, and its vowel: "N" and "cl" count as vowels.

    Args:
        mora: As `Phrase.moras` has it; ("", "") for anything else.
    """
    if mora in MORAIC:
        return "", MORAIC[mora]
    phones = from_kana(mora, RULES["better"])
    return ("".join(phones[:-1]), phones[-1]) if phones else ("", "")


def written_out(kana: str) -> tuple[str, ...]:
    """The moras of kana, with vowels in place of ー.

    Args:
        kana: Hiragana or katakana; what is neither is passed over.
    """
    moras: list[str] = []
    for mora in split_moras(kana.translate(TO_KATAKANA)):
        if mora != LONG:
            moras.append(mora)
        elif moras:
            moras.append(_VOWELS.get(phones_of(moras[-1])[1], moras[-1]))
    return tuple(moras)


def _of_sentence(text: str, start: int, end: int, said: Sequence[Said]) -> Iterator[Phrase]:
    signs = StandIns()
    signed, _ = signs.put(trace(text[start:end], start), said)
    written, _ = normalise(read_ruby(signed, signs), RULES["better"])
    nodes = open_jtalk.words(written.text.replace(",", "、"), signs.words)
    spans = [
        signs.words[node["string"]].span if node["string"] in signs.words else span
        for node, span in zip(nodes, spans_of(written, nodes), strict=True)
    ]
    members: list[tuple[Node, Span]] = []
    pause = question = False
    for node, span in zip(nodes, spans, strict=True):
        is_word = node["string"] in signs.words or is_spoken(node)
        if not is_word:
            pause = True
            question = question or not _QUESTIONS.isdisjoint(node["string"])
            continue
        if members and (pause or node["chain_flag"] != 1):
            yield from _phrase(members, pause, question)
            members = []
        members.append((node, span))
        pause = question = False
    yield from _phrase(members, pause, question)


def _phrase(members: Sequence[tuple[Node, Span]], pause: bool, question: bool) -> Iterator[Phrase]:
    moras = written_out("".join(node["pron"].replace("’", "") for node, _ in members))
    if not moras:
        return
    accent = members[0][0]["acc"] or len(moras)
    yield Phrase(
        moras,
        min(accent, len(moras)),
        min(span[0] for _, span in members),
        max(span[1] for _, span in members),
        pause,
        question,
    )
