from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vinovits.text.cutting import MAX_PHONES, MAX_WORDS, listing, sentences_of
from vinovits.text.reading import Sentence, Word


def words_of(text: str, phones: int = 3) -> list[Word]:
    """A word for each letter, a mark for each "," or "." and nothing for spaces."""
    return [
        Word(c, at, at + 1, (c,), (0,), True, (1,))
        if c in ",."
        else Word(c, at, at + 1, ("a",) * phones, (0,) * phones)
        for at, c in enumerate(text)
        if not c.isspace()
    ]


def cut(text: str, phones: int = 3) -> list[Sentence]:
    return list(sentences_of(words_of(text, phones), text, 0, len(text), "zh", ("told",)))


@given(st.text("ab,. \n", max_size=400), st.integers(1, 12))
def test_sentences_touch_and_hold_all_words_within_the_limits(text: str, phones: int) -> None:
    sentences = cut(text, phones)
    end = 0
    for sentence in sentences:
        assert sentence.start == end or not text[end : sentence.start].strip(",. \n")
        end = sentence.end
        assert sentence.text == text[sentence.start : end]
        assert len(sentence.words) <= MAX_WORDS
        assert sum(len(word.phones) for word in sentence.words) <= MAX_PHONES
        assert any(not word.is_punctuation for word in sentence.words)
        assert all(sentence.start <= word.start <= word.end <= end for word in sentence.words)
    said = "".join(word.text for s in sentences for word in s.words if not word.is_punctuation)
    assert said == "".join(c for c in text if c in "ab")
    assert not sentences or "told" in sentences[0].notes


def test_marks_beyond_what_a_sentence_holds_are_told() -> None:
    [sentence] = cut("," * 250 + "a")
    assert sentence.notes == ("told", *["Left out marks without a word: ,."] * 2)
    [sentence] = cut("a" + "." * 250)
    assert len(sentence.words) == MAX_WORDS - 1
    assert sentence.notes == ("told", "Left out marks without a word: ..")
    assert sentence.end == 251


def test_a_listing_names_what_is_not_seen() -> None:
    assert listing(["a", "a", "\n\n", "b"]) == "a U+000AU+000A b"
    assert listing("abcdefghijkl").endswith("j ...")
