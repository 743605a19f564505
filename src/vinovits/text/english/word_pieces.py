"""Word pieces: where the tokenizer of an English BERT parts a text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

SPACE = "▁"
"""SentencePiece's sign for the space before a word."""


class WordPiece(NamedTuple):
    """One token of a text."""

    text: str
    """The token as the vocabulary has it: `SPACE` in front begins a word."""
    start: int
    """Index into the text of its first character."""
    end: int


Tokenise = Callable[[str], Sequence[tuple[str, int, int]]]
"""Gives the tokens of a text as `WordPiece` has them, without [CLS] and [SEP]."""

_STAND_IN = re.compile(r"\w+|[^\w\s]")


def stand_in(text: str) -> list[WordPiece]:
    """Part a text at spaces and around every character that isn't of a word.

    It serves where the tokenizer isn't at hand. Everyday words are one piece to both; the real one
    parts rare words further and keeps "..." whole.
    """
    return [
        WordPiece(
            (SPACE if match.start() == 0 or text[match.start() - 1].isspace() else "") + match[0],
            *match.span(),
        )
        for match in _STAND_IN.finditer(text)
    ]


def words_of_pieces(
    pieces: Sequence[WordPiece], marks: frozenset[str], longest: int
) -> Iterator[list[WordPiece]]:
    """Group tokens into words as the released front ends do from 2.3 on.

    A space begins a word. A mark that stands directly behind a word begins one of its own, unless
    something that is no mark follows it directly, as in "don't" and "well-known".

    Args:
        pieces: The tokens of a text.
        marks: Tokens that are marks.
        longest: How many tokens a word may have; longer ones are cut.
    """
    word: list[WordPiece] = []
    for index, piece in enumerate(pieces):
        following = pieces[index + 1].text if index + 1 < len(pieces) else SPACE
        closes = piece.text in marks and (following.startswith(SPACE) or following in marks)
        begins = closes or piece.text.startswith(SPACE) or len(word) == longest
        if word and begins:
            yield word
            word = []
        word.append(piece)
    if word:
        yield word
