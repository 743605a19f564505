"""A sentence's words as the numbers that a voice's text encoder reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vinovits.text.reading import Sentence, Word
from vinovits.text.symbols import SymbolTable

BLANK = 0
"""Id of the blank between phones; its tone and language are 0 too, in every released family."""

EDGE = "_"
"""The phone at both ends of a sentence."""


@dataclass(frozen=True, slots=True)
class PhoneSequence:
    """One sentence, ready for the graph `encoder`; T counts blanks."""

    phones: npt.NDArray[np.int64]
    """(T,)."""
    tones: npt.NDArray[np.int64]
    """(T,), with the language's offset."""
    languages: npt.NDArray[np.int64]
    """(T,)."""
    pieces: tuple[int, ...]
    """Word-piece ids without [CLS] and [SEP]."""
    word2ph: tuple[int, ...]
    """How many of the T steps each piece covers, [CLS] and [SEP] included; sums to T."""
    names: tuple[str, ...]
    """The phones without blanks, "_" at both ends; phone k stands at step 2 k + 1."""
    word_phones: tuple[tuple[int, int], ...]
    """For each word of the sentence, the range of its phones in `names`."""


def to_sequence(
    sentence: Sentence, table: SymbolTable, pieces: Callable[[str], Sequence[int]]
) -> PhoneSequence:
    """Number a sentence: phones between two edges, a blank before, between and after all.

    Args:
        sentence: As a front end read it.
        table: The voice's numbers.
        pieces: Word-piece ids of one word; a word may have none.
    """
    numbers = table.languages[sentence.language]
    index = {symbol: i for i, symbol in enumerate(table.symbols)}
    names, tones = [EDGE], [0]
    word_phones: list[tuple[int, int]] = []
    piece_ids: list[int] = []
    counts = [1]
    for word in sentence.words:
        word_phones.append((len(names), len(names) + len(word.phones)))
        names += word.phones
        tones += word.tones
        _spread(word, pieces(word.text), piece_ids, counts)
    names.append(EDGE)
    tones.append(0)
    counts.append(1)

    word2ph = [2 * count for count in counts]
    word2ph[0] += 1
    return PhoneSequence(
        phones=_with_blanks([index[name] for name in names]),
        tones=_with_blanks([tone + numbers.tone_start for tone in tones]),
        languages=_with_blanks([numbers.id] * len(names)),
        pieces=tuple(piece_ids),
        word2ph=tuple(word2ph),
        names=tuple(names),
        word_phones=tuple(word_phones),
    )


def _spread(word: Word, pieces: Sequence[int], piece_ids: list[int], counts: list[int]) -> None:
    """Give each piece of a word its phones: as `Word.spread` has it where the pieces are characters.

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
