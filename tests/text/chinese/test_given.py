"""Readings that are given for a stretch of Chinese text, by markup or the lexicon."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinovits.errors import TextError
from vinovits.text.chinese import RULES, read
from vinovits.text.chinese.pinyin import parse
from vinovits.text.reading import Said, Sentence, Word

ROWS = sorted(set(RULES) - {"1.1.0", "1.1.1", "2.2"})
_MARKED = re.compile(r"\[([^|\]]+)\|([^\]]+)\]")


def marked(written: str) -> tuple[str, list[Said]]:
    """A text and the readings in it: 我[要|yao4]."""
    text = ""
    said = []
    position = 0
    for match in _MARKED.finditer(written):
        text += written[position : match.start()]
        said.append(Said(len(text), len(text) + len(match[1]), match[2], "zh", "markup"))
        text += match[1]
        position = match.end()
    return text + written[position:], said


def words_of(written: str, rules: str = "better") -> list[Word]:
    text, said = marked(written)
    return [
        word
        for sentence in read(text, RULES[rules], said)
        for word in sentence.words
        if not word.is_punctuation
    ]


def tones_of(written: str, rules: str = "better") -> str:
    """The tone of each character."""
    tones = ""
    for word in words_of(written, rules):
        position = 0
        for count in word.spread:
            tones += str(word.tones[position])
            position += count
    return tones


@pytest.mark.parametrize("rules", ROWS)
def test_a_given_reading_is_spoken_just_so(rules: str) -> None:
    words = words_of("在[银行|yin2 xing2]，他[还|huan2]没[AI|ei1 ai4]呢", rules)
    told = {word.text: (word.reading, word.tones) for word in words if word.source == "markup"}
    assert told == {
        "银行": ("yin2 xing2", (2, 2, 2, 2)),
        "还": ("huan2", (2, 2)),
        "AI": ("ei1 ai4", (1, 1, 4, 4)),
    }


@pytest.mark.parametrize("rules", ROWS)
@pytest.mark.parametrize(
    ("written", "tones"),
    [
        ("不[要|yao4]", "24"),
        ("不[要|yao1]", "41"),
        ("一[会|hui4]", "24"),
        ("一[行|hang2]", "42"),
        ("我[也|ye3]", "23"),
        ("我[很|hen3]好", "233"),
        ("很[长|zhang3]", "23"),
        ("我[A|ai3]", "23"),
        ("不[A|ei4]", "24"),
    ],
)
def test_its_neighbours_heed_it_and_it_stays(rules: str, written: str, tones: str) -> None:
    assert tones_of(written, rules) == tones


@pytest.mark.parametrize("rules", ROWS)
def test_it_is_no_word_with_what_is_outside(rules: str) -> None:
    for written in ("不[要|yao4]紧", "银[行|hang2]长", "中华[人|ren2]民共和国", "看[一|yi1]看"):
        text, [said] = marked(written)
        words = [w for s in read(text, RULES[rules], [said]) for w in s.words]
        assert [(word.start, word.end) for word in words if word.source == "markup"] == [
            (said.start, said.end)
        ]
        assert not any(
            word.start < said.end and word.end > said.start
            for word in words
            if word.source != "markup"
        )


def test_the_rules_around_see_hanzi_that_keep_their_place() -> None:
    words = words_of("2[个|ge4]人，2[只|zhi1]猫，[長髮|chang2 fa4]變[長|chang2]")
    assert [(word.text, word.reading) for word in words] == [
        ("两", "liang3"),
        ("个", "ge4"),
        ("人", "ren2"),
        ("两", "liang3"),
        ("只", "zhi1"),
        ("猫", "mao1"),
        ("长发", "chang2 fa4"),
        ("变", "bian4"),
        ("长", "chang2"),
    ]


@pytest.mark.parametrize("rules", ROWS)
def test_what_the_steps_would_change_or_delete_is_spoken(rules: str) -> None:
    for surface, reading in {
        "2024年": "er4 ling2 er4 si4 nian2",
        "GitHub": "ji2 te4 ha1 bu4",
        "90后": "jiu3 ling2 hou4",
        "后": "hou4",
        "嗯": "en4",
        "㐂": "xi3",
        "𠮷": "ji2",
        "☺": "xiao4",
        "。": "ju4 hao4",
        "A B\tC": "ei1 bi4 xi1",
        "か": "ka1",
        "\ue000": "si1",
        "\U000f0000": "si1",
    }.items():
        words = words_of(f"1990[{surface}|{reading}]5", rules)
        [word] = [word for word in words if word.source == "markup"]
        assert word.reading == reading
        assert word.end - word.start == len(surface)
        assert len(word.phones) == 2 * len(reading.split())
        assert sum(word.spread) == len(word.phones)
        assert len(word.spread) == len(word.text)


@pytest.mark.parametrize(
    ("written", "texts", "spread"),
    [
        ("[玩儿|wanr2]", ["玩儿"], (2, 2)),
        ("[玩儿|wan2 r5]", ["玩儿"], (2, 2)),
        ("[玩儿|wan2 er5]", ["玩儿"], (2, 2)),
        ("[玩|wanr2]", ["玩"], (4,)),
        ("[玩|wan2 er5]", ["玩"], (4,)),
        ("[玩耍|wanr2]", ["玩耍"], (2, 2)),
        ("[木耳|mu4 er5]", ["木耳"], (2, 2)),
        ("[廿|nian4]", ["廿"], (2,)),
        ("[廿|er4 shi2]", ["廿"], (4,)),
        ("[圕|tu2 shu1 guan3]", ["圕"], (6,)),
    ],
)
def test_syllables_are_those_of_their_hanzi(
    written: str, texts: list[str], spread: tuple[int, ...]
) -> None:
    words = words_of(written)
    assert [word.text for word in words] == texts
    assert words[0].spread == spread
    assert words[0].reading == marked(written)[1][0].reading


def test_a_stretch_may_be_many_words_or_nothing_but_spaces() -> None:
    words = words_of("[我们在银行工作|wo3 men5 zai4 yin2 hang2 gong1 zuo4]吧")
    assert [word.text for word in words] == ["我们", "在", "银行", "工作", "吧"]
    [word] = words_of("[ |kong4]")
    assert (word.start, word.end, word.reading) == (0, 1, "kong4")
    first, second = words_of("好。[。\n\n|ju4 hao4]好", "better")[:2]
    assert (first.text, second.text) == ("好", "。\n\n")


@pytest.mark.parametrize("rules", ["better", "2.4"])
def test_a_model_sees_one_character_for_what_is_no_hanzi(rules: str) -> None:
    asked = []

    def model(text: str) -> list[str | None]:
        asked.append(text)
        return ["chang2" if character == "長" else None for character in text]

    text, said = marked("[GitHub|ji2 te4 ha1 bu4]很长[还|huan2]")
    [sentence] = read(text, RULES[rules], said, model)
    assert len(asked[0].rstrip(".")) == 4
    assert "chang2" in " ".join(word.reading for word in sentence.words)
    assert [word.text for word in sentence.words if word.source == "markup"] == ["GitHub", "还"]


def test_what_is_no_pinyin_is_told() -> None:
    text, said = marked("我[要|yao4 xyz4]")
    with pytest.raises(TextError, match='no syllable "xyz4"'):
        list(read(text, said=said))


_NAMES = ("yi1", "bu4", "hang2", "zhang3", "hao3", "wanr2", "lv4", "de5", "er2")
_SYLLABLES = st.lists(st.sampled_from(_NAMES), max_size=9)
_READINGS = _SYLLABLES.filter(bool).map(" ".join)
_PIECES = st.text("一不个儿行长很好2024年:%-kgA，。！…\n 〇々😀長嗯（）nǐ", min_size=1, max_size=8)


def _expected(reading: str) -> tuple[list[str], list[int]]:
    phones: list[str] = []
    tones: list[int] = []
    for name in reading.replace("wanr2", "wan2 er5").split():
        syllable = parse(name)
        assert syllable is not None
        phones += syllable.phones
        tones += [syllable.tone] * len(syllable.phones)
    return phones, tones


def check_given(text: str, said: list[Said], sentences: list[Sentence]) -> None:
    """Every given reading is heard, in words that cover its stretch and nothing else."""
    words = [word for sentence in sentences for word in sentence.words]
    for one in said:
        own = [w for w in words if w.source == "markup" and one.start <= w.start < one.end]
        assert {at for w in own for at in range(w.start, w.end)} == set(range(one.start, one.end))
        found = [phone for w in own for phone in w.phones], [t for w in own for t in w.tones]
        assert found == _expected(one.reading)
        assert " ".join(word.reading for word in own) == one.reading
    covered = {at for one in said for at in range(one.start, one.end)}
    for word in words:
        if word.source != "markup":
            assert covered.isdisjoint(range(word.start, word.end)), (text, word)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(_PIECES, st.one_of(st.none(), _READINGS)), max_size=6),
    st.sampled_from(["better", "2.0", "2.3", "2.3/cn2an", "2.4"]),
)
def test_any_reading_of_any_stretch_is_heard(
    pieces: list[tuple[str, str | None]], rules: str
) -> None:
    text = ""
    said = []
    for piece, reading in pieces:
        if reading is not None:
            said.append(Said(len(text), len(text) + len(piece), reading, "zh", "markup"))
        text += piece
    sentences = list(read(text, RULES[rules], said))
    check_given(text, said, sentences)
    position = 0
    for sentence in sentences:
        assert position <= sentence.start
        position = sentence.end
        for word in sentence.words:
            assert sentence.start <= word.start <= word.end <= sentence.end
            assert len(word.spread) == len(word.text)
            assert sum(word.spread) == len(word.phones) == len(word.tones) > 0
