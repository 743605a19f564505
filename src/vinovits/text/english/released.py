"""English as the released front ends read it, so that a voice sounds as its maker heard it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from vinovits.text.english.given import said_words
from vinovits.text.english.letter_to_sound import predict
from vinovits.text.english.lexicon import Phones
from vinovits.text.english.lexicon import released as listed
from vinovits.text.english.pronounce import to_model
from vinovits.text.english.released_numbers import spell_numbers
from vinovits.text.english.rules import EnglishRules
from vinovits.text.english.word_pieces import (
    SPACE,
    Tokenise,
    WordPiece,
    stand_in,
    words_of_pieces,
)
from vinovits.text.reading import Said, Source, Word
from vinovits.text.symbols import PUNCTUATION
from vinovits.text.traced import Traced, substitute, trace

_MARKS = frozenset(PUNCTUATION)
_SPOKEN_MARKS = _MARKS - {"…"}
"""In 2.0 "…" is silent; later it is "..." before words are looked up."""
_AS_MARKS = {
    **dict.fromkeys("：；，、·・", ","),
    **dict.fromkeys("。．\n$", "."),
    "！": "!",
    "？": "?",
    "…": "...",
    **dict.fromkeys('“”‘’"（）()《》【】[]「」', "'"),
    **dict.fromkeys("—−～~", "-"),
}
"""What other marks become from 2.1 on, in all languages alike."""
_MAPPED = re.compile(f"[{re.escape(''.join(_AS_MARKS))}]")
_GLUED = re.compile(r"[,;.?!](?=\w)")

_FOREIGN_TO_G2P = re.compile(r"[^ a-z'.,?!-]")
_LONG_RUN = re.compile(r"([^a-z])\1{3,}")
_TOKEN = re.compile(r"[a-z][a-z'-]+[a-z]|[a-z]+|\.(?: *\.)+|\S")
_DOUBTFUL: tuple[Source, ...] = ("", "dictionary", "network")
"""Of the parts of a word, the last of these is told."""
_MAX_CHARACTERS, _MAX_PIECES = 200, 40
"""Of a word: longer ones are cut, so that a sentence has bounds."""


def normalise_and_read(
    text: Traced,
    rules: EnglishRules,
    tokenise: Tokenise = stand_in,
    said: Sequence[Said] = (),
) -> tuple[list[Word], list[str]]:
    """All words and marks of a text, without any cutting into sentences.

    Args:
        text: The text, with its places in the original.
        rules: Of a released family.
        tokenise: The tokenizer of the family's BERT; asked only by `EnglishRules.by_pieces`.
        said: Readings that are given, in order, with places in the text.

    Returns:
        Words and marks in order, those included that give no phones, as the BERT sees them; and the
        spoken words whose pronunciation was guessed.
    """
    words: list[Word] = []
    guessed: list[str] = []
    position = 0
    for one in said:
        _read_part(text.part(position, one.start), rules, tokenise, words, guessed)
        written, (start, _) = text.text[one.start : one.end], text.span(one.start, one.end)
        words += said_words(one, written, start, rules.consonant_tone)
        position = one.end
    _read_part(text.part(position, len(text.text)), rules, tokenise, words, guessed)
    return words, guessed


def _read_part(
    text: Traced,
    rules: EnglishRules,
    tokenise: Tokenise,
    words: list[Word],
    guessed: list[str],
) -> None:
    """Add the words of a text, and those that were guessed."""
    normal = normalise(text, rules)
    for parts, start, end in _words(normal.text, rules, tokenise):
        word = _word(normal.text[start:end], parts, rules.consonant_tone)
        guessed += [part for part in parts if _say(part)[1] == "network"]
        start, end = _behind(words[-1] if words else None, *normal.span(start, end))
        words.append(replace(word, start=start, end=end))


def silent_in(words: Iterable[Word]) -> list[str]:
    """Letters, digits and signs of words that nothing is said for."""
    return [
        character
        for word in words
        if word.source not in ("markup", "lexicon")
        for character in word.text
        if not word.phones or not character.isascii()
        if character not in _MARKS and not _is_heard(character) and not character.isspace()
    ]


@lru_cache(maxsize=4096)
def _is_heard(character: str) -> bool:
    """Whether a character is looked up, or is no more than a mark."""
    plain = unicodedata.normalize("NFD", character.lower())
    return any("a" <= c <= "z" for c in plain) or unicodedata.category(character)[0] in "PMCZ"


@lru_cache(maxsize=16384)
def _word(text: str, parts: tuple[str, ...], consonant_tone: int) -> Word:
    """A word without its place."""
    names: tuple[str, ...] = ()
    tones: tuple[int, ...] = ()
    said = [_say(part) for part in parts]
    for phones, _ in said:
        for phone in phones:
            if phone[0].isalpha():
                name, tone = to_model((phone,), consonant_tone)
            else:
                name, tone = ((phone if phone in _MARKS else "UNK",), (0,))
            names += name
            tones += tone
    if _MARKS.issuperset(names):
        return Word(text, 0, 0, names, tones, is_punctuation=True)
    reading = " ".join(phone for phones, _ in said for phone in phones)
    source = max((source for _, source in said), key=_DOUBTFUL.index)
    return Word(text, 0, 0, names, tones, reading=reading, source=source)


def _behind(word: Word | None, start: int, end: int) -> tuple[int, int]:
    """A word's span, made to lie behind that of the word before it or to be the same."""
    if word is None or start >= word.end:
        return start, end
    return (word.end, end) if end > word.end else (word.start, word.end)


def normalise(text: Traced, rules: EnglishRules) -> Traced:
    """Numbers to words, and marks to those that the voices know."""
    text = spell_numbers(text)
    if rules.maps_marks:
        text = substitute(text, _MAPPED, lambda match: _AS_MARKS[match[0]])
        text = substitute(text, _GLUED, lambda match: f"{match[0]} ")
    return text


def _words(
    text: str, rules: EnglishRules, tokenise: Tokenise
) -> Iterator[tuple[tuple[str, ...], int, int]]:
    """Each word's parts that are looked up alone, and its span in the text."""
    if rules.by_pieces:
        for word in words_of_pieces(
            [WordPiece(*piece) for piece in tokenise(text)], _MARKS, _MAX_PIECES
        ):
            parts = tuple(piece.text.removeprefix(SPACE) for piece in word)
            start, end = word[0].start, word[-1].end
            start += len(text[start:end]) - len(text[start:end].lstrip())
            if start < end:
                yield ("".join(parts),) if "'" in parts else parts, start, end
    else:
        for match in _parting(rules.parting_marks).finditer(text):
            yield (match[0],), *match.span()


@lru_cache(maxsize=8)
def _parting(marks: str) -> re.Pattern[str]:
    return re.compile(rf"[{re.escape(marks)}]|[^\s{re.escape(marks)}]{{1,{_MAX_CHARACTERS}}}")


@lru_cache(maxsize=16384)
def _say(word: str) -> tuple[Phones, Source]:
    """Look a word up in the dictionary of 1998, then ask what g2p_en says; marks stay."""
    if word in _SPOKEN_MARKS:
        return (word,), ""
    phones, _ = listed(word.upper().lower())
    if phones:
        return phones, "dictionary"
    source: Source = ""
    for token in _tokens(word):
        said: Phones = ("…",) if token == "..." else (token,)
        if token[0].isalpha():
            _, said = listed(token)
            if said:
                source = source or "dictionary"
            else:
                said, source = predict(token, released=True), "network"
        phones += said
    return phones, source


def _tokens(word: str) -> list[str]:
    """The parts of a word that g2p_en looks up alone: it drops accents and unknown characters."""
    if not word.isalpha():  # a tokenizer may write "①" as a digit
        word = spell_numbers(trace(word)).text
    plain = "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))
    plain = _FOREIGN_TO_G2P.sub("", plain.lower())
    plain = plain.replace("i.e.", "that is").replace("e.g.", "for example")
    return _TOKEN.findall(_LONG_RUN.sub(r"\1\1\1", plain))
