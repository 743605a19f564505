from __future__ import annotations

from dataclasses import replace

from tests.text.cutting import cut_into
from vinovits.text.reading import Sentence, Word
from vinovits.text.sequence import to_sequence
from vinovits.text.symbols import TABLE_V2

WORD = Word("花儿", 0, 2, ("h", "ua", "er"), (1, 1, 5), spread=(2, 1))
PARTLY = Word("今日", 2, 4, ("k", "y", "o", "o"), (0, 0, 1, 1), spread=(1, 3))


def _counts(words: tuple[Word, ...], pieces: dict[str, int]) -> tuple[int, ...]:
    sentence = Sentence("花儿今日", 0, 4, words, "zh")
    cut = cut_into({word: [1] * count for word, count in pieces.items()})
    return to_sequence(sentence, TABLE_V2, lambda _: cut).stretches[0].word2ph


def test_a_word_with_a_spread_gives_each_character_its_own_phones() -> None:
    counts = _counts((WORD, PARTLY), {"花儿": 2, "今日": 2})
    # "_" 1, 花 2, 儿 1, 今 1, 日 3, "_" 1: doubled for the blanks, one more at the front.
    assert counts == (3, 4, 2, 2, 6, 2)


def test_a_spread_yields_where_the_pieces_are_no_characters() -> None:
    assert _counts((WORD, PARTLY), {"花儿": 1, "今日": 3}) == (3, 6, 4, 2, 2, 2)


def test_words_without_a_spread_share_their_phones_evenly() -> None:
    assert _counts((replace(PARTLY, spread=()),), {"今日": 2}) == (3, 4, 4, 2)


def test_words_of_several_languages_are_stretches_of_one_sentence() -> None:
    chinese = Word("我", 0, 1, ("w", "o"), (3, 3), language="zh")
    english = Word("hi", 1, 3, ("hh", "ay"), (0, 2), language="en")
    mark = Word(".", 3, 4, (".",), (0,), True, language="zh")
    sentence = Sentence("我hi.", 0, 4, (chinese, english, mark), "zh")
    pieces = {"zh": {"我": [5], ".": [6]}, "en": {"hi": [7, 8]}}
    sequence = to_sequence(sentence, TABLE_V2, lambda language: cut_into(pieces[language]))
    assert sequence.names == ("_", "w", "o", "hh", "ay", ".", "_")
    assert sequence.languages[1::2].tolist() == [0, 0, 0, 2, 2, 0, 0]
    assert sequence.tones[1::2].tolist() == [0, 3, 3, 8, 10, 0, 0]
    first, second, third = sequence.stretches
    assert [s.language for s in sequence.stretches] == ["zh", "en", "zh"]
    # Every phone with the blank behind it; the first stretch has the blank in front as well.
    assert (first.start, first.pieces, first.word2ph) == (0, (5,), (3, 4, 0))
    assert (second.start, second.pieces, second.word2ph) == (7, (7, 8), (0, 2, 2, 0))
    assert (third.start, third.pieces, third.word2ph) == (11, (6,), (0, 2, 2))
    assert sum(sum(s.word2ph) for s in sequence.stretches) == len(sequence.phones) == 15


def test_phones_without_pieces_at_the_seam_of_languages_keep_their_place() -> None:
    words = (
        Word("a", 0, 1, ("a",), (1,), language="zh"),
        Word("b", 1, 2, ("b", "iy"), (0, 2), language="en"),
    )
    sequence = to_sequence(Sentence("ab", 0, 2, words), TABLE_V2, lambda _: cut_into({}))
    assert [s.word2ph for s in sequence.stretches] == [(5, 0), (4, 2)]
    assert sequence.stretches[1].start == 5


def test_english_is_cut_in_one_go_with_spaces_between_words_but_not_in_front_of_marks() -> None:
    words = (
        Word("Hi", 0, 2, ("hh", "ay"), (3, 2)),
        Word("you", 3, 6, ("y", "uw"), (3, 2)),
        Word("!", 6, 7, ("!",), (0,), True),
    )
    seen: list[str] = []

    def cut(text: str) -> list[tuple[int, int, int]]:
        seen.append(text)
        return [(1, 0, 2), (2, 2, 5), (3, 5, 6), (4, 6, 7)]  # "Hi", " yo", "u", "!"

    sequence = to_sequence(Sentence("Hi you!", 0, 7, words), TABLE_V2, lambda _: cut)
    assert seen == ["Hi you!"]
    [stretch] = sequence.stretches
    assert stretch.pieces == (1, 2, 3, 4)
    assert stretch.word2ph == (3, 4, 2, 2, 2, 2)
