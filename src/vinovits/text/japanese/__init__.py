"""Japanese: from text to sentences of words with phones and tones."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from vinovits.text.cutting import left_out, listing, sentences_of
from vinovits.text.given import sentences_around
from vinovits.text.japanese.given import StandIns
from vinovits.text.japanese.latin import explained
from vinovits.text.japanese.normalise import nfkc, normalise
from vinovits.text.japanese.ruby import read_ruby
from vinovits.text.japanese.rules import RULES, JapaneseRules
from vinovits.text.japanese.words import words_of
from vinovits.text.notes import carried
from vinovits.text.reading import Said, Sentence, Source, Word, said_within
from vinovits.text.traced import Traced, trace

_GOES_ON = re.compile("と|って|など")
_LATIN = re.compile(r"[A-Za-z]+(?:['’-][A-Za-z]+)*")

__all__ = ["RULES", "JapaneseRules", "normalise_and_read", "read"]


def read(
    text: str,
    rules: JapaneseRules = RULES["better"],
    said: Sequence[Said] = (),
) -> Iterator[Sentence]:
    """Read Japanese text aloud, on paper: sentences of words with phones and tones.

    The text is worked through sentence by sentence as the iterator is drawn. Nothing that a text
    may hold raises: what can't be spoken is left out, and `Sentence.notes` says so.

    Args:
        text: Any text. Call `vinovits.text.checks.check_text` first to refuse what makes no sense.
        rules: A row of `RULES`: ours, or those of the voice's family.
        said: Readings that are given, in order, without overlap; without an accent they are flat.
            Those of other languages are passed over.

    Yields:
        Sentences of at most 400 phones and 100 words (marks included), in the order of the text.
        Text without a single word gives none.

    Raises:
        MissingExtraError: Open JTalk isn't installed.
    """
    yield from carried(_read(text, rules, [one for one in said if one.language == "ja"]))


def _read(text: str, rules: JapaneseRules, said: Sequence[Said]) -> Iterator[Sentence | str]:
    for start, end in _spans(text, said):
        inside = said_within(said, start, end)
        words, notes = normalise_and_read(trace(text[start:end], start), rules, inside)
        if any(not word.is_punctuation for word in words):
            yield from sentences_of(words, text, start, end, "ja", notes, rules.ours)
        else:
            yield from notes
            # A ー that lengthens nothing is a mark.
            signs = [word for word in words if text[word.start : word.end].strip("ーｰ") == ""]
            if signs:
                yield left_out(signs, text)


def _spans(text: str, said: Sequence[Said]) -> Iterator[tuple[int, int]]:
    """Sentences; what was said and と behind it are one: 「はい。」と答えた。"""
    last: tuple[int, int] | None = None
    for start, end in sentences_around(text, said):
        if last and _GOES_ON.match(text, start) and text[start - 1] in "」』":
            last = (last[0], end)
            continue
        if last:
            yield last
        last = (start, end)
    if last:
        yield last


def normalise_and_read(
    traced: Traced, rules: JapaneseRules, said: Sequence[Said] = ()
) -> tuple[list[Word], list[str]]:
    """All words and marks of a text as the rules have them, without any cutting into sentences.

    Args:
        traced: The text, with its places in the original.
        rules: Whose reading it is.
        said: Readings that are given, in order, with places in the text.

    Returns:
        Words and marks in order, and what to tell the user.
    """
    signs = StandIns()
    signed, foreign = signs.put(traced, said)
    if rules.ours:
        signed = read_ruby(signed, signs)
    written, deleted = normalise(signed, rules)
    words, unread = words_of(written, rules, signs.words)
    words = [_explained(word, traced) for word in words]
    guessed = [word for word in words if word.source == "network"]
    return words, _notes(foreign + deleted, unread, [_written(word, traced) for word in guessed])


def _explained(word: Word, original: Traced) -> Word:
    """The word with where its reading is from, where that isn't the dictionary as it stands."""
    if word.source != "dictionary":
        return word
    written = _written(word, original)
    source: Source = "dictionary"
    if _LATIN.fullmatch(written):
        source = explained(written)[1]
    elif not set(nfkc(trace(word.text)).text) <= set(nfkc(trace(written)).text):
        source = "rule"
    return replace(word, source=source)


def _written(word: Word, original: Traced) -> str:
    offset = original.spans[0][0]
    return original.text[word.start - offset : word.end - offset]


def _notes(deleted: list[str], unread: list[str], guessed: list[str]) -> list[str]:
    notes = []
    if deleted:
        notes.append(f"Left out characters that Japanese can't read: {listing(deleted)}.")
    if unread:
        notes.append(f"Paused at characters without a known reading: {listing(unread)}.")
    if guessed:
        notes.append(f"Guessed how to say: {', '.join(dict.fromkeys(guessed))}.")
    return notes
