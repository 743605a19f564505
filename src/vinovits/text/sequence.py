"""A sentence's words as the numbers that a voice's text encoder reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt

from vinovits.text.reading import Sentence, Word
from vinovits.text.symbols import SymbolTable

BLANK = 0
"""Id of the blank between phones; its tone and language are 0 too, in every released family."""

EDGE = "_"
"""The phone at both ends of a sentence."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Words of one language that follow each other, and the steps that hear their features."""

    language: str
    """Its code."""
    start: int
    """The first of its steps."""
    pieces: tuple[int, ...]
    """Word-piece ids without [CLS] and [SEP]."""
    word2ph: tuple[int, ...]
    """How many steps each piece covers, [CLS] and [SEP] included."""


@dataclass(frozen=True, slots=True)
class PhoneSequence:
    """One sentence, ready for the graph `encoder`; T counts blanks."""

    phones: npt.NDArray[np.int64]
    """(T,)."""
    tones: npt.NDArray[np.int64]
    """(T,), with the offset of each phone's language."""
    languages: npt.NDArray[np.int64]
    """(T,)."""
    stretches: tuple[Stretch, ...]
    """Their word2ph sum to T."""
    names: tuple[str, ...]
    """The phones without blanks, "_" at both ends; phone k stands at step 2 k + 1."""
    word_phones: tuple[tuple[int, int], ...]
    """For each word of the sentence, the range of its phones in `names`."""


Piece = tuple[int, int, int]
"""Id of a word piece, the index of its first character in the text, and the one behind its last."""

Cut = Callable[[str], Sequence[Piece]]
"""From a text to its word pieces."""


def to_sequence(sentence: Sentence, table: SymbolTable, cut: Callable[[str], Cut]) -> PhoneSequence:
    """Number a sentence: phones between two edges, a blank before, between and after all.

    Args:
        sentence: As a front end read it.
        table: The voice's numbers.
        cut: By the code of a language, what cuts a text of it into word pieces; into none where
            there is no model for it.
    """
    index = {symbol: i for i, symbol in enumerate(table.symbols)}
    parts = [
        (language, list(words))
        for language, words in groupby(sentence.words, lambda word: _language(word, sentence))
    ]
    edges = [table.languages[parts[end][0]] for end in (0, -1)]
    names, tones, ids = [EDGE], [edges[0].tone_start], [edges[0].id]
    word_phones: list[tuple[int, int]] = []
    stretches: list[Stretch] = []
    for number, (language, words) in enumerate(parts):
        numbers = table.languages[language]
        first, last = number == 0, number == len(parts) - 1
        # The rows of [CLS] and [SEP] are for the edges of the sentence.
        counts: list[int] = [int(first)]
        piece_ids: list[int] = []
        start = 0 if first else 2 * len(names) + 1
        for word, own in zip(words, _pieces_of(words, language, cut(language)), strict=True):
            word_phones.append((len(names), len(names) + len(word.phones)))
            names += word.phones
            tones += [tone + numbers.tone_start for tone in word.tones]
            _spread(word, own, piece_ids, counts)
        counts.append(int(last))
        ids += [numbers.id] * (len(names) - len(ids))
        word2ph = [2 * count for count in counts]
        word2ph[0] += int(first)
        stretches.append(Stretch(language, start, tuple(piece_ids), tuple(word2ph)))
    names.append(EDGE)
    tones.append(edges[1].tone_start)
    ids.append(edges[1].id)
    return PhoneSequence(
        phones=_with_blanks([index[name] for name in names]),
        tones=_with_blanks(tones),
        languages=_with_blanks(ids),
        stretches=tuple(stretches),
        names=tuple(names),
        word_phones=tuple(word_phones),
    )


def _language(word: Word, sentence: Sentence) -> str:
    return word.language or sentence.language


def _pieces_of(words: Sequence[Word], language: str, cut: Cut) -> list[list[int]]:
    """Ids of the pieces of each word: they are cut in one go, as the voices were trained.

    A tokenizer may cut a word otherwise behind a space than behind a mark.
    """
    text = ""
    ends = []
    for word in words:
        if text and language == "en" and not word.is_punctuation:
            text += " "
        text += word.text
        ends.append(len(text))
    ids: list[list[int]] = [[] for _ in words]
    index = 0
    for piece, _, end in cut(text):
        while end > ends[index] and index < len(ends) - 1:
            index += 1
        ids[index].append(piece)
    return ids


def _spread(word: Word, pieces: Sequence[int], piece_ids: list[int], counts: list[int]) -> None:
    """Give each piece of a word its phones, as `Word.spread` has it where pieces are characters.

    Else they are shared evenly, and the earlier pieces get the remainder.
    """
    if not pieces:
        counts[-1] += len(word.phones)
        return
    if len(word.spread) == len(pieces):
        piece_ids += pieces
        counts += word.spread
        return
    share, rest = divmod(len(word.phones), len(pieces))
    piece_ids += pieces
    counts += [share + (i < rest) for i in range(len(pieces))]


def _with_blanks(values: Sequence[int]) -> npt.NDArray[np.int64]:
    spaced = np.full(2 * len(values) + 1, BLANK, np.int64)
    spaced[1::2] = values
    return spaced
