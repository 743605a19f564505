"""Japanese: from text to sentences of words with phones and tones."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from vinovits.text.cutting import listing, sentences_of
from vinovits.text.japanese.latin import explained
from vinovits.text.japanese.normalise import nfkc, normalise
from vinovits.text.japanese.rules import RULES, JapaneseRules
from vinovits.text.japanese.user_words import (
    FIRST,
    LAST,
    STAND_INS,
    UserWords,
    stand_in,
    user_words,
)
from vinovits.text.japanese.words import words_of
from vinovits.text.reading import Said, Sentence, Source, Word
from vinovits.text.sentences import split_sentences
from vinovits.text.traced import Traced, substitute, trace

_PRIVATE = re.compile(f"[{STAND_INS}]")
_GOES_ON = re.compile("と|って|など")
_LATIN = re.compile(r"[A-Za-z]+(?:['’-][A-Za-z]+)*")

__all__ = ["RULES", "JapaneseRules", "UserWords", "normalise_and_read", "read", "user_words"]

NO_WORDS = UserWords({}, {})


def read(
    text: str,
    rules: JapaneseRules = RULES["better"],
    said: Sequence[Said] = (),
    lexicon: Mapping[str, str] | None = None,
) -> Iterator[Sentence]:
    """Read Japanese text aloud, on paper: sentences of words with phones and tones.

    The text is worked through sentence by sentence as the iterator is drawn. Nothing that a text
    may hold raises: what can't be spoken is left out, and `Sentence.notes` says so.

    Args:
        text: Any text. Call `vinovits.text.checks.check_text` first to refuse what makes no sense.
        rules: A row of `RULES`: ours, or those of the voice's family.
        said: Readings that are given, in order.
        lexicon: Readings of the user's words in kana, by the way they are written; a number behind
            a colon is the accent (see `user_words`).

    Yields:
        Sentences of at most 400 phones and 100 words (marks included), in the order of the text.
        Text without a single word gives none.

    Raises:
        MissingExtraError: Open JTalk isn't installed.
    """
    yield from _read(text, rules, user_words(lexicon or {}))


def _read(text: str, rules: JapaneseRules, own: UserWords) -> Iterator[Sentence]:
    for start, end in _spans(text):
        words, notes = normalise_and_read(trace(text[start:end], start), rules, own)
        if any(not word.is_punctuation for word in words):
            yield from sentences_of(words, text, start, end, "ja", notes, rules.ours)


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Sentences; what was said and と behind it are one: 「はい。」と答えた。"""
    last: tuple[int, int] | None = None
    for start, end in split_sentences(text):
        if last and _GOES_ON.match(text, start) and text[start - 1] in "」』":
            last = (last[0], end)
            continue
        if last:
            yield last
        last = (start, end)
    if last:
        yield last


def normalise_and_read(
    traced: Traced, rules: JapaneseRules, own: UserWords = NO_WORDS
) -> tuple[list[Word], list[str]]:
    """All words and marks of a text as the rules have them, without any cutting into sentences.

    Args:
        traced: The text, with its places in the original.
        rules: Whose reading it is.
        own: The user's words.

    Returns:
        Words and marks in order, and what to tell the user.
    """
    foreign = [character for character in traced.text if FIRST <= ord(character) <= LAST]
    plain = substitute(traced, _PRIVATE, lambda match: "") if foreign else traced
    signed, said = stand_in(plain, own)
    written, deleted = normalise(signed, rules)
    words, unread = words_of(written, rules, said)
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
