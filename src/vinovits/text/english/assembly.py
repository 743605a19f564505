"""From pieces to sentences of words with phones, within the limits of one pass of the network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vinovits.text.english.folding import Folded
from vinovits.text.english.heteronyms import choose
from vinovits.text.english.letter_to_sound import MAX_LETTERS
from vinovits.text.english.lexicon import Phones
from vinovits.text.english.pieces import Piece
from vinovits.text.english.pronounce import accented, letter_name, pronounce, to_model
from vinovits.text.reading import Sentence, Source, Word

MAX_PHONES = 400
MAX_WORDS = 100
"""Both count punctuation. The last place of a sentence is kept for a full stop."""
_CLAUSE_ENDS = frozenset("!?….,-")
_FINAL = frozenset("!?….")


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


def sentences_of(
    words: Sequence[Word],
    text: str,
    start: int,
    end: int,
    notes: tuple[str, ...],
    closed: bool = True,
) -> Iterator[Sentence]:
    """Cut the words of text[start:end] into sentences within the limits.

    Args:
        words: All words and marks of the sentence, in order.
        text: The original text.
        start: Where the sentence begins in it.
        end: Where it ends.
        notes: Go with the first sentence made.
        closed: Give a full stop to those that end without a mark.

    Yields:
        Sentences that touch each other, each with a word in it.
    """
    rest = list(words)
    begin = start
    while rest:
        count = _fitting(rest)
        part, rest = rest[:count], rest[count:]
        if not any(not word.is_punctuation for word in rest):
            stop, rest = end, []
        else:
            stop = rest[0].start
        if any(not word.is_punctuation for word in part):
            yield _sentence(_closed(part) if closed else part, text, begin, stop, notes)
            notes = ()
            begin = stop


def _sentence(
    words: Sequence[Word], text: str, start: int, end: int, notes: tuple[str, ...]
) -> Sentence:
    while end > start and text[end - 1].isspace():
        end -= 1
    return Sentence(text[start:end], start, end, tuple(words), "en", notes)


def _closed(words: Sequence[Word]) -> Sequence[Word]:
    """The words with a mark at their end."""
    closing = [word.text for word in _closing(words)]
    if _FINAL & set(closing) or {",", "-"} & set(closing):
        return words
    return (*words, Word(".", words[-1].end, words[-1].end, (".",), (0,), True))


def _closing(words: Sequence[Word]) -> Iterator[Word]:
    for word in reversed(words):
        if not word.is_punctuation:
            return
        yield word


def _fitting(words: Sequence[Word]) -> int:
    """How many of the words make the next sentence: all, or up to the best place to cut."""
    phones = 0
    fits = len(words)
    for index, word in enumerate(words):
        phones += len(word.phones)
        if phones > MAX_PHONES - 1 or index + 1 > MAX_WORDS - 1:
            fits = index
            break
    if fits == len(words):
        return fits
    for index in range(fits, fits // 3, -1):
        if words[index - 1].text in _CLAUSE_ENDS and not words[index].is_punctuation:
            return index
    for index in range(fits, fits // 3, -1):
        if words[index].start >= words[index - 1].end:
            return index
    return max(fits, 1)
