"""From pieces of text to words with phones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vinovits.text.english.folding import Folded
from vinovits.text.english.given import said_words
from vinovits.text.english.heteronyms import choose
from vinovits.text.english.letter_to_sound import MAX_LETTERS
from vinovits.text.english.lexicon import Phones
from vinovits.text.english.pieces import Piece
from vinovits.text.english.pronounce import accented, letter_name, pronounce, to_model
from vinovits.text.reading import Source, Word


def words_of(
    pieces: Sequence[Piece], folded: Folded, original: str, consonant_tone: int
) -> tuple[list[Word], list[str]]:
    """Give every piece its phones and its place in the original text.

    Args:
        pieces: What `normalise` made of the folded sentence.
        folded: That sentence.
        original: The text that its origins point into.
        consonant_tone: See `EnglishRules`.

    Returns:
        The words, and the spoken words whose pronunciation was guessed.
    """
    words: list[Word] = []
    guessed: list[str] = []
    context = [piece.text.lower() for piece in pieces]
    for index, piece in enumerate(pieces):
        if piece.mark:
            span = folded.span(piece.start, piece.end)
            words.append(Word(piece.text, *span, (piece.text,), (0,), is_punctuation=True))
            continue
        if piece.said is not None:
            start, _ = folded.span(piece.start, piece.end)
            words += said_words(piece.said, piece.text, start, consonant_tone)
            continue
        known = choose(context, index, index > 0 and piece.text[:1].isupper())
        for part in _chunks(piece):
            span = folded.span(part.start, part.end)
            text, phones, source = _said(part, original[slice(*span)], known)
            if not phones:
                continue
            names, tones = to_model(phones, consonant_tone)
            reading = " ".join(phones)
            words.append(Word(text, *span, names, tones, reading=reading, source=source))
            if source == "network":
                guessed.append(text)
    return words, guessed


def _said(piece: Piece, written: str, by_context: Phones) -> tuple[str, Phones, Source]:
    """Text and phones of a piece, and where these came from."""
    if piece.phones:
        return piece.text, piece.phones, "rule"
    if piece.letter:
        return piece.text + piece.suffix, letter_name(piece.text, piece.suffix), "spelled"
    if phones := accented(written):
        return piece.text, phones, "dictionary"
    if by_context:
        return piece.text, by_context, "context"
    return (piece.text, *pronounce(piece.text.lower()))


def _chunks(piece: Piece) -> Iterator[Piece]:
    """Cut a "word" that no network was trained for into parts of bearable length."""
    if len(piece.text) <= 2 * MAX_LETTERS:
        yield piece
        return
    for start in range(0, len(piece.text), MAX_LETTERS):
        text = piece.text[start : start + MAX_LETTERS]
        begin = min(piece.start + start, piece.end - 1)
        yield Piece(text, begin, min(begin + len(text), piece.end))
