"""One sentence of several languages: every part read by its own front end, in one go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vinovits.errors import MissingExtraError
from vinovits.text.mixed import Reader, read_mixed
from vinovits.text.reading import Said, Sentence, Word

ALL = ("zh", "ja", "en")
texts = st.text(
    st.one_of(
        st.sampled_from("我们这说円気東京きょうマンガーabcKG09 .,。、！？「」·5％é々〇"),
        st.characters(),
    ),
    max_size=60,
)
some_languages = st.lists(st.sampled_from(ALL), min_size=1, unique=True).map(tuple)


def fakes(languages: Sequence[str]) -> dict[str, Reader]:
    return {code: partial(fake_front_end, code) for code in languages}


def fake_front_end(language: str, text: str, said: Sequence[Said]) -> Iterator[Sentence]:
    """Each character is a word, and a full stop closes the part."""
    words = [
        Word(c, i, i + 1, ("a",), (1,), not c.isalnum()) for i, c in enumerate(text) if c.strip()
    ]
    if any(not word.is_punctuation for word in words):
        words.append(Word(".", len(text), len(text), (".",), (0,), True))
        yield Sentence(text, 0, len(text), tuple(words), language, (f"read as {language}",))


def sentences(*args: Any) -> list[Sentence]:
    return [part for part in read_mixed(*args) if isinstance(part, Sentence)]


def said_otherwise(words: Sequence[Word], language: str, sounds: str) -> list[Word]:
    return [
        word if word.is_punctuation else replace(word, phones=("o",), source="fallback")
        for word in words
    ]


@given(text=texts, languages=some_languages)
def test_words_keep_their_place_and_only_the_end_is_closed(
    text: str, languages: tuple[str, ...]
) -> None:
    foreign = fakes([code for code in ALL if code not in languages])
    for sentence in read_mixed(text, fakes(languages), (), (), foreign, said_otherwise):
        if isinstance(sentence, str):
            continue
        assert text[sentence.start : sentence.end] == sentence.text
        for word in sentence.words[:-1]:
            assert text[word.start : word.end] == word.text
            assert word.language != sentence.language
            assert word.language in ("", *languages)
        assert sentence.language in languages


def test_notes_of_all_parts_are_kept() -> None:
    [sentence] = sentences("I said 你好 to her.", fakes(ALL))
    assert sentence.notes == ("read as en", "read as zh", "read as en")
    assert sentence.language == "en"
    assert [w.text for w in sentence.words if w.language == "zh"] == ["你", "好"]


def test_a_language_that_the_voice_lacks_is_told() -> None:
    foreign = fakes(["ja"])
    text = "我去カラオケ，喝コーヒー。"
    [sentence] = sentences(text, fakes(["zh"]), (), (), foreign, said_otherwise)
    assert sentence.notes[-1] == (
        "Japanese isn't spoken here: read カラオケ, コーヒー with Chinese sounds."
    )
    assert all(word.language == "" for word in sentence.words)
    assert [word.text for word in sentence.words if word.phones == ("o",)] == list(
        "カラオケコーヒー"
    )


def missing(text: str, said: Sequence[Said]) -> Iterator[Sentence]:
    raise MissingExtraError('Reading it needs a package. Install it with `pip install "it"`.')
    yield


def test_without_the_extra_of_a_language_that_the_voice_lacks_its_words_are_left_out() -> None:
    [sentence] = sentences("Go 你好 on.", fakes(["en"]), (), (), {"zh": missing}, said_otherwise)
    assert [word.text for word in sentence.words] == list("Goon.")
    assert sentence.notes == (
        "read as en",
        'Left out 你好. Reading it needs a package. Install it with `pip install "it"`.',
        "read as en",
    )
    [note] = read_mixed("你好。", fakes(["en"]), (), (), {"zh": missing}, said_otherwise)
    assert isinstance(note, str)
    assert note.startswith("Left out 你好. Reading it needs")
    with pytest.raises(MissingExtraError):
        list(read_mixed("Go 你好 on.", {**fakes(["en"]), "zh": missing}))


def test_a_given_language_holds_sentence_by_sentence() -> None:
    first, second, third = sentences("One. Two. Three.", fakes(ALL), [], [(0, 8, "ja")])
    assert [first.language, second.language, third.language] == ["ja", "ja", "en"]


def test_no_sentence_ends_within_a_given_reading() -> None:
    said = [Said(0, 6, "Y AA1 HH UW2", "en", "markup")]
    [sentence] = sentences("Yahoo! 好", fakes(ALL), said, [(0, 6, "en")])
    assert sentence.text == "Yahoo! 好"
