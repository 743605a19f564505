"""English: from text to sentences of words with phones and tones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from vinovits.text.english.assembly import sentences_of, words_of
from vinovits.text.english.folding import Folded, fold
from vinovits.text.english.normalise import may_hold_words, normalise
from vinovits.text.hidden import Shown, shown
from vinovits.text.reading import Sentence
from vinovits.text.sentences import split_sentences

__all__ = ["read"]


def read(text: str) -> Iterator[Sentence]:
    """Read English text aloud, on paper: sentences of words with phones and tones.

    The text is worked through sentence by sentence as the iterator is drawn, so memory doesn't grow
    with its length. Nothing that a text may hold raises: what can't be spoken is left out, and
    `Sentence.notes` says so.

    Args:
        text: Any text. Call `vinovits.text.checks.check_text` first to refuse what makes no sense.

    Yields:
        Sentences of at most 400 phones and 100 words (marks included), in the order of the text.
        Text without a single word gives none.
    """
    seen = shown(text)
    for sentence in _read(seen.text):
        yield sentence if seen.is_all else _placed(sentence, seen, text)


def _read(text: str) -> Iterator[Sentence]:
    for start, end in split_sentences(text):
        folded = fold(text[start:end], start)
        if not may_hold_words(folded.text):
            continue
        words, guessed = words_of(normalise(folded.text), folded, text)
        if any(not word.is_punctuation for word in words):
            yield from sentences_of(words, text, start, end, _notes(folded, guessed))


def _placed(sentence: Sentence, seen: Shown, original: str) -> Sentence:
    """The sentence with its places in the original text."""
    start, end = seen.span(sentence.start, sentence.end)
    words = []
    for word in sentence.words:
        first, behind = seen.span(word.start, word.end)
        words.append(replace(word, start=first, end=behind))
    return replace(sentence, text=original[start:end], start=start, end=end, words=tuple(words))


def _notes(folded: Folded, guessed: list[str]) -> tuple[str, ...]:
    notes = []
    if folded.emoji:
        notes.append(f"Left out emoji: {_listing(folded.emoji)}.")
    if folded.unread:
        notes.append(f"Left out characters that English can't read: {_listing(folded.unread)}.")
    if guessed:
        notes.append(f"Guessed how to say: {', '.join(dict.fromkeys(guessed))}.")
    return tuple(notes)


def _listing(characters: tuple[str, ...]) -> str:
    shown = [c if c.isprintable() else f"U+{ord(c):04X}" for c in dict.fromkeys(characters)]
    return " ".join(shown[:10]) + (" ..." if len(shown) > 10 else "")
