"""Words of one language in the sounds of another."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from vinovits.text.chinese.pinyin import parse
from vinovits.text.chinese.tables import syllable_phones
from vinovits.text.english.rules import RULES as ENGLISH
from vinovits.text.front_ends import read
from vinovits.text.japanese.rules import RULES as JAPANESE
from vinovits.text.japanese.words import from_kana
from vinovits.text.nearest import nearest
from vinovits.text.nearest.parts import VOWELS
from vinovits.text.nearest.tables import morae, sounds, syllables
from vinovits.text.nearest.to_chinese import in_syllables
from vinovits.text.reading import Said, Word
from vinovits.text.script import plain
from vinovits.text.sequence import to_sequence
from vinovits.text.symbols import TABLES

ROWS = {"zh": {"better": None}, "ja": JAPANESE, "en": ENGLISH}


def said(text: str, source: str, target: str, family: str = "") -> str:
    """What a text sounds like: words with phones and tones of `target`."""
    words = [word for sentence in read(text, [source], "") for word in sentence.words]
    rules = ROWS[target].get(f"better/{family}", ROWS[target]["better"])
    found = nearest(words, source, target, rules)
    assert all(word.language == target for word in found)
    return " | ".join(
        " ".join(f"{phone}{tone}" for phone, tone in zip(word.phones, word.tones, strict=True))
        for word in found
        if not word.is_punctuation
    )


def pinyin(word: str) -> str:
    [sentence] = read(word, ["en"], "")
    phones = tuple(sentence.words[0].reading.split())
    return " ".join(f"{name}{tone}" for name, tone in in_syllables(phones))


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("GitHub", "ji1 te5 ha4 bu5"),
        ("works", "wo4 ke5 si5"),
        ("computer", "ken2 pu5 you1 te5"),
        ("music", "miu1 zi5 ke5"),
        ("London", "lan1 den5"),
        ("street", "si5 te5 li4 te5"),
        ("queen", "ku5 wen4"),
        ("phone", "feng4"),
        ("Android", "an1 de5 lo4 yi5 de5"),
        ("pizza", "pi1 ca5"),
    ],
)
def test_english_in_syllables_of_chinese(word: str, expected: str) -> None:
    assert pinyin(word) == expected


def test_letters_have_their_chinese_names_and_known_words_those_that_people_say() -> None:
    assert said("CPU", "en", "zh") == "s1 ei1 p4 i4 y4 ou4"
    assert said("CPUs", "en", "zh") == said("CPU", "en", "zh")
    assert said("hello", "en", "zh") == "h1 a1 l2 ou2"
    assert said("NASA", "en", "zh").startswith("n1 ai1")
    assert said("Zhangjiakou", "en", "zh") == "zh1 ang1 j1 ia1 k1 ou1"


@pytest.mark.parametrize(
    ("source", "target", "text", "expected"),
    [
        ("ja", "zh", "カレー", "k2 a2 l1 ei1"),
        ("ja", "zh", "新聞", "x2 in2 b1 en1"),
        ("zh", "ja", "你好", "n0 i0 i1 h0 a0 o0"),
        ("zh", "ja", "上海", "sh1 a1 N0 h0 a0 i0"),
        ("zh", "en", "上海", "sh3 aa2 ng3 hh3 ay2"),
        ("zh", "en", "我们", "w3 ao2 m3 ah1 n3"),
        ("ja", "en", "京都", "k3 y3 ow2 t3 ow1"),
        ("en", "ja", "music", "my1 u1 u0 j0 i0 q0 k0 u0"),
    ],
)
def test_each_way(source: str, target: str, text: str, expected: str) -> None:
    assert said(text, source, target) == expected


def test_families_have_their_own_tones_and_moraic_n() -> None:
    assert said("上海", "zh", "en", "2.1") == "sh0 aa2 ng0 hh0 ay2"
    assert said("上海", "zh", "ja", "2.3").split()[2] == "n0"
    assert said("上海", "zh", "ja", "1.1.1") == "sh0 a0 N0 h0 a0 i0"


def test_numbers_and_polyphones_are_read_by_their_own_front_end() -> None:
    assert said("3時", "ja", "zh") == said("三時", "ja", "zh")
    assert said("银行", "zh", "en") != said("行人", "zh", "en")[-20:]
    assert said("25", "en", "ja") == said("twenty five", "en", "ja")


CONSONANTS = [name for name in sounds("english-chinese")["initials"] if " " not in name]


def test_every_few_phones_of_english_are_sayable() -> None:
    stressed = [vowel + stress for vowel in sorted(VOWELS) for stress in "01"]
    for count in (1, 2, 3):
        for phones in itertools.product(["AA1", "AH0", "IY1", "ER0", *CONSONANTS], repeat=count):
            names = in_syllables(phones)
            assert names
            for name, tone in names:
                syllable = parse(f"{name}{tone}")
                assert syllable is not None
                assert syllable.phones
    for consonant, vowel, nasal in itertools.product(CONSONANTS, stressed, ("", "N", "NG")):
        names = in_syllables((consonant, vowel, nasal) if nasal else (consonant, vowel))
        assert all(parse(f"{name}{tone}") for name, tone in names)
        word = Word("x", 0, 1, (), (), reading=f"{consonant} {vowel} {nasal}".strip())
        [found] = nearest([word], "en", "ja", JAPANESE["better"])
        assert set(found.phones) <= set(TABLES["2.3"].symbols)


def test_every_syllable_and_mora_has_its_sounds() -> None:
    known = set(TABLES["2.3"].symbols) & set(TABLES["1.0.1"].symbols)
    for name in syllable_phones():
        if name not in syllables():
            # Two ways to write one syllable; phones don't tell them apart.
            assert syllable_phones()[name] in [syllable_phones().get(n) for n in syllables()]
    for kana, _ in syllables().values():
        phones = from_kana(kana, JAPANESE["better"])
        assert phones
        assert set(phones) <= known
    for names in morae().values():
        for name in names:
            syllable = parse(f"{name}1")
            assert syllable is not None
            assert set(syllable.phones) <= known, name
            assert syllable.phones


TEXT = "我在GitHub看到プロジェクト，it works! 東京へ行く。He said 你好."


@pytest.mark.parametrize("family", TABLES)
@pytest.mark.parametrize("languages", [("zh",), ("en",), ("ja",), ("zh", "en"), ("ja", "en")])
def test_all_phones_and_tones_are_of_the_family_and_the_language(
    family: str, languages: tuple[str, ...]
) -> None:
    table = TABLES[family]
    for sentence in read(TEXT, languages, family):
        for word in sentence.words:
            assert (word.language or sentence.language) in languages
            numbers = table.languages[word.language or sentence.language]
            assert set(word.phones) <= set(table.symbols)
            assert all(0 <= tone < numbers.tones for tone in word.tones), word
            assert sum(word.spread) in (0, len(word.phones))
        to_sequence(sentence, table, lambda language: lambda text: [])


def test_a_word_keeps_its_text_place_and_reading() -> None:
    text = "看マンガ。"
    [sentence] = read(text, ["zh"], "2.3")
    [word] = [word for word in sentence.words if word.source == "fallback"]
    assert (word.text, text[word.start : word.end], word.reading) == ("マンガ", "マンガ", "マンガ")
    assert sentence.language == "zh"
    assert sentence.notes == ("Japanese isn't spoken here: read マンガ with Chinese sounds.",)


def test_a_given_reading_of_a_language_that_the_voice_lacks() -> None:
    script = plain("我爱橋本。")
    given = Said(2, 4, "ハシモト", "ja", "markup")
    for reading in ("better", "released"):
        [sentence] = read(
            replace(script, said=(given,)),
            ["zh"],
            "2.3",
            reading,
        )
        [word] = [word for word in sentence.words if word.text == "橋本"]
        assert "".join(word.phones) == "haximotou"
    given = Said(2, 4, "HH AH0 L OW1", "en", "lexicon")
    [sentence] = read(replace(script, said=(given,)), ["ja"], "2.3")
    assert any("".join(word.phones) == "haroo" for word in sentence.words)


def test_a_given_language_that_the_voice_lacks() -> None:
    script = plain("東京タワー")
    script = replace(script, languages=((0, 2, "zh"),))
    [sentence] = read(script, ["ja"], "2.3")
    assert sentence.words[0].phones[:2] == ("d", "o")
    assert sentence.notes == ("Chinese isn't spoken here: read 東京 with Japanese sounds.",)


def test_released_readings_have_no_approximations() -> None:
    for language, text in (("zh", "我用GitHub"), ("ja", "我们走吧です"), ("en", "say 你好")):
        for sentence in read(text, [language], "2.1", "released"):
            assert not any("isn't spoken here" in note for note in sentence.notes)
