from __future__ import annotations

from dataclasses import replace

from vinovits.text.reading import Sentence, Word
from vinovits.text.sequence import to_sequence
from vinovits.text.symbols import TABLE_V2

WORD = Word("花儿", 0, 2, ("h", "ua", "er"), (1, 1, 5), spread=(2, 1))
PARTLY = Word("今日", 2, 4, ("k", "y", "o", "o"), (0, 0, 1, 1), spread=(1, 3))


def _counts(words: tuple[Word, ...], pieces: dict[str, int]) -> tuple[int, ...]:
    sentence = Sentence("花儿今日", 0, 4, words, "zh")
    return to_sequence(sentence, TABLE_V2, lambda text: [1] * pieces[text]).word2ph


def test_a_word_with_a_spread_gives_each_character_its_own_phones() -> None:
    counts = _counts((WORD, PARTLY), {"花儿": 2, "今日": 2})
    # "_" 1, 花 2, 儿 1, 今 1, 日 3, "_" 1: doubled for the blanks, one more at the front.
    assert counts == (3, 4, 2, 2, 6, 2)


def test_a_spread_yields_where_the_pieces_are_no_characters() -> None:
    assert _counts((WORD, PARTLY), {"花儿": 1, "今日": 3}) == (3, 6, 4, 2, 2, 2)


def test_words_without_a_spread_share_their_phones_evenly() -> None:
    assert _counts((replace(PARTLY, spread=()),), {"今日": 2}) == (3, 4, 4, 2)
