"""English: from text to sentences of words with phones and tones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vinovits.text.cutting import listing, sentences_of
from vinovits.text.english.assembly import words_of
from vinovits.text.english.folding import fold_around
from vinovits.text.english.normalise import may_hold_words, normalise
from vinovits.text.english.released import normalise_and_read, silent_in
from vinovits.text.english.rules import RULES, EnglishRules
from vinovits.text.english.word_pieces import Tokenise, WordPiece, stand_in
from vinovits.text.given import sentences_around
from vinovits.text.notes import carried
from vinovits.text.reading import Said, Sentence, said_within
from vinovits.text.traced import trace

__all__ = [
    "RULES",
    "EnglishRules",
    "Tokenise",
    "WordPiece",
    "normalise_and_read",
    "read",
    "stand_in",
]


def read(
    text: str,
    rules: EnglishRules = RULES["better"],
    said: Sequence[Said] = (),
    tokenise: Tokenise = stand_in,
) -> Iterator[Sentence]:
    """Read English text aloud, on paper: sentences of words with phones and tones.

    The text is worked through sentence by sentence as the iterator is drawn, so memory doesn't grow
    with its length. Nothing that a text may hold raises: what can't be spoken is left out, and
    `Sentence.notes` says so.

    Args:
        text: Any text. Call `vinovits.text.checks.check_text` first to refuse what makes no sense.
        rules: A row of `RULES`: ours, or those of the voice's family.
        said: Readings that are given, in order, without overlap. Those of other languages are
            passed over.
        tokenise: The tokenizer of the family's BERT, where the rules ask for it (2.3 and sbv2):
            without it rare words sound otherwise than in the released front end.

    Yields:
        Sentences of at most 400 phones and 100 words (marks included), in the order of the text.
        Text without a single word gives none.
    """
    said = [one for one in said if one.language == "en"]
    if rules.released:
        yield from carried(_read_released(text, rules, said, tokenise))
    else:
        yield from carried(_read(text, rules, said))


def _read(text: str, rules: EnglishRules, said: Sequence[Said]) -> Iterator[Sentence | str]:
    for start, end in sentences_around(text, said):
        folded = fold_around(text[start:end], said_within(said, start, end), start)
        unread = list(folded.unread)
        if not may_hold_words(folded.text):
            yield from _notes(folded.emoji, unread, [])
            continue
        pieces = normalise(folded.text, folded.given, unread)
        words, guessed = words_of(pieces, folded, text, rules.consonant_tone)
        notes = _notes(folded.emoji, unread, guessed)
        if any(not word.is_punctuation for word in words):
            yield from sentences_of(words, text, start, end, "en", notes)
        else:
            yield from notes


def _read_released(
    text: str, rules: EnglishRules, said: Sequence[Said], tokenise: Tokenise
) -> Iterator[Sentence | str]:
    for start, end in sentences_around(text, said):
        inside = said_within(said, start, end)
        words, guessed = normalise_and_read(trace(text[start:end], start), rules, tokenise, inside)
        notes = _notes((), silent_in(words), guessed)
        if any(not word.is_punctuation for word in words):
            yield from sentences_of(words, text, start, end, "en", notes, closed=False)
        else:
            yield from notes


def _notes(emoji: Sequence[str], unread: Sequence[str], guessed: list[str]) -> tuple[str, ...]:
    notes = []
    if emoji:
        notes.append(f"Left out emoji: {listing(emoji)}.")
    if unread:
        notes.append(f"Left out characters that English can't read: {listing(unread)}.")
    if guessed:
        notes.append(f"Guessed how to say: {', '.join(dict.fromkeys(guessed))}.")
    return tuple(notes)
