"""Readings that are given: spoken just so, whatever they stand for and whatever is around."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinovits.text.japanese import RULES, read
from vinovits.text.reading import Said, Sentence, Word
from vinovits.text.symbols import SYMBOLS_112

pytest.importorskip("pyopenjtalk")
ROWS = sorted(RULES)
TONED = [row for row in ROWS if RULES[row].tones != "none"]


def said_at(text: str, **readings: str) -> list[Said]:
    """Readings for the first place of each surface, in order."""
    found: list[Said] = []
    for surface, reading in readings.items():
        start = text.index(surface, found[-1].end if found else 0)
        found.append(Said(start, start + len(surface), reading, "ja", "lexicon"))
    return found


def words(text: str, said: list[Said], row: str = "better") -> list[Word]:
    return [word for sentence in read(text, RULES[row], said) for word in sentence.words]


def own(text: str, said: list[Said], row: str = "better") -> list[Word]:
    return [word for word in words(text, said, row) if word.source == "lexicon"]


def test_given_readings_go_before_everything() -> None:
    text = "橋本さんとGPUとC++20へ行く。"
    readings = {"橋本": "ハシモト", "GPU": "グプ:1", "C++20": "しーぷらぷら", "行": "コウ"}
    found = {word.text: word for word in own(text, said_at(text, **readings))}
    assert {surface: "".join(word.phones) for surface, word in found.items()} == {
        "橋本": "hashimoto",
        "GPU": "gupu",
        "C++20": "shiipurapura",
        "行": "kou",
    }
    assert found["GPU"].tones == (1, 1, 0, 0)
    assert found["GPU"].reading == "グプ:1"
    for surface, word in found.items():
        assert text[word.start : word.end] == surface
    particle = next(word for word in words(text, said_at(text, **readings)) if word.text == "へ")
    assert particle.phones == ("e",)


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize(
    ("text", "surface"),
    [
        ("橋本です。", "橋本"),
        ("3.5です", "3.5"),
        ("好き😀です", "😀"),
        ("モーニング娘。が歌う。", "モーニング娘。"),
        ("Dr. Whoです", "Dr. Who"),
        ("東京。大阪。", "京。大"),
        ("カタカナ", "タカ"),
        ("ラーメン", "ラ"),
        ("x\U000f0000y", "x"),
        ("한국어", "국"),
        ("一、二、三", "、"),
        ("(★橋★)です", "橋"),
        ("橋ﾞです", "橋"),
        ("あ  い", "  "),
    ],
)
def test_a_given_reading_is_spoken_for_just_its_stretch(row: str, text: str, surface: str) -> None:
    [word] = own(text, said_at(text, **{surface: "キョウトー"}), row)
    assert "".join(word.phones) == ("kyoutoo" if RULES[row].long_vowels else "kyouto")
    assert text[word.start : word.end] == surface
    assert not word.is_punctuation
    assert sum(word.spread) == len(word.phones)
    assert len(word.spread) == len(word.text)


@pytest.mark.parametrize("row", TONED)
@pytest.mark.parametrize("text", ["橋", "橋が", "あの橋まで行く", "大橋本", "3橋、", "きっと橋だ"])
@pytest.mark.parametrize(
    ("reading", "tones"),
    [
        ("ハシゴ:0", (0, 0, 1, 1, 1, 1)),
        ("ハシゴ:1", (1, 1, 0, 0, 0, 0)),
        ("ハシゴ:2", (0, 0, 1, 1, 0, 0)),
        ("ハシゴ:3", (0, 0, 1, 1, 1, 1)),
        ("ガ:1", (1, 1)),
        ("ガ:0", (0, 0)),
        ("ッター:2", (0, 1, 1, 0)),
    ],
)
def test_the_accent_is_heard(row: str, text: str, reading: str, tones: tuple[int, ...]) -> None:
    [word] = own(text, said_at(text, 橋=reading), row)
    assert word.tones == tones
    assert word.reading == reading


def test_the_tone_goes_on_behind_a_given_word() -> None:
    for reading, tones in (
        ("ハシ:1", (0, 0)),
        ("ハシ:2", (0, 0)),
        ("ハシ:0", (1, 1)),
        ("ハシ", (1, 1)),
    ):
        _, particle, *_ = words("橋が", said_at("橋が", 橋=reading))
        assert particle.tones == tones


def test_families_without_tones_have_none() -> None:
    for row in ("1.1.1", "1.1.1-fix", "better/1.1.1"):
        [word] = own("橋が", said_at("橋が", 橋="ハシ:1"), row)
        assert word.tones == (0, 0, 0, 0)


def test_kana_that_are_particles_elsewhere_are_read_as_written() -> None:
    for row in TONED:
        [word] = own("挨拶", said_at("挨拶", 挨拶="コニチハヲヘ"), row)
        assert "".join(word.phones) == "konichihaohe"


def test_no_sentence_ends_within_a_given_word() -> None:
    text = "モーニング娘。が好き。はい。"
    said = said_at(text, **{"モーニング娘。": "モームス"})
    assert [sentence.text for sentence in read(text, said=said)] == [
        "モーニング娘。が好き。",
        "はい。",
    ]


def test_readings_of_other_languages_are_passed_over() -> None:
    said = [Said(0, 2, "hang2 zhang3", "zh", "markup")]
    assert words("行長です", said) == words("行長です", [])


def test_a_very_long_reading_is_cut() -> None:
    said = [Said(1, 2, "キャー" * 500, "ja", "lexicon")]
    sentences = list(read("あいう", said=said))
    assert sum(len(w.phones) for s in sentences for w in s.words if w.source == "lexicon") == 1500
    assert all(sum(len(word.phones) for word in s.words) <= 400 for s in sentences)


NASTY = st.sampled_from(
    "あいうゃっーんアカガパッヴヵ々ゝヾ〜～、。！？・「」（）《》｜()…東京一二三人日本語髙𠮷0189１２./:-+%℃$¥"
    "ＡabcXYZ@#&★\n\t　αΩ①½²Ⅳ゛゜ﾞ\u3099\u309a\u200b😀한я\x00\ud800<>{}[]|\\^~_=*\U000f0000"
)


@st.composite
def said_texts(draw: st.DrawFn) -> tuple[str, list[Said]]:
    text = draw(st.text(NASTY, max_size=50) | st.text(max_size=30))
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=6, unique=True)))
    return text, [
        Said(start, end, "キョウトー:2", "ja", "lexicon")
        for start, end in zip(cuts[::2], cuts[1::2], strict=False)
    ]


def check(text: str, sentences: list[Sentence], said: list[Said]) -> None:
    spoken = [(one.start, one.end) for one in said]
    found = []
    position = 0
    for sentence in sentences:
        assert position <= sentence.start < sentence.end <= len(text)
        assert sentence.text == text[sentence.start : sentence.end]
        position = sentence.end
        for word in sentence.words:
            assert sentence.start <= word.start <= word.end <= sentence.end
            assert len(word.phones) == len(word.tones)
            assert set(word.phones) <= set(SYMBOLS_112)
            assert word.start == word.end or sum(word.spread) == len(word.phones)
            if word.source == "lexicon":
                assert word.phones[:2] == ("ky", "o")
                found.append((word.start, word.end))
            else:
                assert all(word.end <= start or end <= word.start for start, end in spoken)
    assert found == spoken


@settings(max_examples=100, deadline=None)
@given(said_texts(), st.sampled_from(ROWS))
def test_readings_may_be_given_anywhere(given_text: tuple[str, list[Said]], row: str) -> None:
    text, said = given_text
    check(text, list(read(text, RULES[row], said)), said)


def test_many_readings_are_quick() -> None:
    text = "これは橋です。" * 3000
    said = [Said(at, at + 1, "ハシ:2", "ja", "lexicon") for at in range(3, len(text), 7)]
    began = time.process_time()
    assert sum(w.source == "lexicon" for s in read(text, said=said) for w in s.words) == len(said)
    assert time.process_time() - began < 20
