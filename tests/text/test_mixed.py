"""Several languages in one text: parted as people would, nothing lost, nothing raised."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vinovits.text.mixed import Reader, languages_of, read_mixed, runs_of
from vinovits.text.reading import Said, Sentence, Word

ALL = ("zh", "ja", "en")


def parted(text: str, languages: tuple[str, ...] = ALL, habit: str = "zh") -> list[tuple[str, str]]:
    return [(code, text[start:end]) for code, start, end in runs_of(text, languages, habit)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "我昨天在GitHub上看到一个很酷的プロジェクト，it works!",
            "zh:我昨天在 en:GitHub zh:上看到一个很酷的 ja:プロジェクト， en:it_works!",
        ),
        ("今日は天気がいいですね。", "ja:今日は天気がいいですね。"),
        ("这个iPhone 15 Pro售价9,999元。", "zh:这个 en:iPhone_15_Pro zh:售价9,999元。"),
        ("I said 你好 to her.", "en:I_said_ zh:你好_ en:to_her."),
        ("彼はAppleの社員です。", "ja:彼は en:Apple ja:の社員です。"),
        ("「你好」は中国語です。", "zh:「你好」 ja:は中国語です。"),
        ("明日3時に駅前で", "ja:明日3時に駅前で"),
        ("他体重75kg，身高1.8m", "zh:他体重75kg，身高1.8m"),
        ("T恤和A座", "zh:T恤和A座"),
        ("在Windows 11系统上", "zh:在 en:Windows_ zh:11系统上"),
        ("我最喜欢的マンガ", "zh:我最喜欢的 ja:マンガ"),
        ("卡尔·马克思", "zh:卡尔·马克思"),
        ("円周率", "ja:円周率"),
        ("会議", "ja:会議"),
        ("2024年3月15日", "zh:2024年3月15日"),
        ("Hello, world 123.", "en:Hello,_world_123."),
    ],
)
def test_each_part_is_in_the_language_that_people_read_it_in(text: str, expected: str) -> None:
    assert " ".join(f"{code}:{part}".replace(" ", "_") for code, part in parted(text)) == expected


def test_what_tells_nothing_goes_with_what_was_before() -> None:
    assert parted("東京", habit="ja") == [("ja", "東京")]
    assert parted("東京", habit="zh") == [("zh", "東京")]
    read = list(read_mixed("これは本です。東京。", fakes(ALL)))
    assert [sentence.language for sentence in read] == ["ja", "ja"]


@pytest.mark.parametrize(
    ("languages", "expected"),
    [
        (("zh", "en"), [("zh", "看マンガ"), ("en", "now")]),
        (("ja",), [("ja", "看マンガnow")]),
        (("en",), [("en", "看マンガnow")]),
    ],
)
def test_a_language_that_the_voice_lacks_is_read_by_a_neighbour(
    languages: tuple[str, ...], expected: list[tuple[str, str]]
) -> None:
    assert parted("看マンガnow", languages, languages[0]) == expected


texts = st.text(
    st.one_of(
        st.sampled_from("我们这説円気東京きょうマンガーabcKG09 .,。、！？「」·5％é々〇"),
        st.characters(),
    ),
    max_size=60,
)
some_languages = st.lists(st.sampled_from(ALL), min_size=1, unique=True).map(tuple)


@given(text=texts, languages=some_languages)
def test_runs_cover_the_text_once_and_differ_from_their_neighbours(
    text: str, languages: tuple[str, ...]
) -> None:
    runs = runs_of(text, languages, languages[0])
    assert "".join(text[start:end] for _, start, end in runs) == text
    assert all(code in languages for code, _, _ in runs)
    assert all(one[0] != other[0] for one, other in pairwise(runs))


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


@given(text=texts, languages=some_languages)
def test_words_keep_their_place_and_only_the_end_is_closed(
    text: str, languages: tuple[str, ...]
) -> None:
    for sentence in read_mixed(text, fakes(languages)):
        assert text[sentence.start : sentence.end] == sentence.text
        for word in sentence.words[:-1]:
            assert text[word.start : word.end] == word.text
            assert word.language != sentence.language
            assert word.language in ("", *languages)
        assert sentence.language in languages


def test_notes_of_all_parts_are_kept() -> None:
    [sentence] = read_mixed("I said 你好 to her.", fakes(ALL))
    assert sentence.notes == ("read as en", "read as zh", "read as en")
    assert sentence.language == "en"
    assert [w.text for w in sentence.words if w.language == "zh"] == ["你", "好"]


def test_a_given_language_holds_for_all_of_a_stretch() -> None:
    runs = runs_of("我去東京Tower了", ALL, "zh", [(2, 9, "ja")])
    assert runs == [("zh", 0, 2), ("ja", 2, 9), ("zh", 9, 10)]
    first, second = read_mixed("One. Two. Three.", fakes(ALL), [], [(0, 8, "ja")])
    assert (first.text, first.language) == ("One. Two.", "ja")
    assert (second.text, second.language) == ("Three.", "en")


def test_languages_of_a_text_are_those_of_its_parts() -> None:
    assert languages_of("我们走吧。OK, go!", ALL) == ["zh", "en"]
    assert languages_of("東京です。東京。", ALL) == ["ja"]
    assert languages_of("...", ALL) == ["zh"]
