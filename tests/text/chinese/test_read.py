from __future__ import annotations

import tracemalloc
import unicodedata
from itertools import islice, pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vinovits.text.chinese import RULES, read
from vinovits.text.reading import Sentence
from vinovits.text.symbols import SYMBOLS_108, SYMBOLS_112

NASTY = (
    "😀❤️☁️^_^",
    "你\u200b好\ufeff\x00\x07",
    "\ud800你好\udfff",
    "1" * 400 + "年",
    "。。。！！！？？",
    "[你好(括号《没有】关",
    "第一段。\n\n第二段\n第三段",
    "Привет ありがとう カタカナ 你好",
    "a你b好c，ＡＢＣ，x²+y²",
    "儿",
    "一",
    "不",
    "个",
    "兙兡嗧桛烪瓧瓰瓱瓼甅覅噷",
    "\u202e反的\u202c",
    "-" * 200 + "你" * 900,
    "%%%&&&@@@+++==",
    "1..2...3,,4::5//6--7~~8",
    "㍿㎏㋿㏂Ⅻ㊙️㈱",
    "a" * 900 + "好",
    "好" + "1+" * 500 + "1",
    "3." + "1" * 700,
    "见https://" + "w/" * 300,
    "，" * 3000 + "好" + "。" * 3000,
    "\U000f0000好\U000f0001\ue000",
    "好（a）（" * 50,
)
_ODD = """
你好 银行 一 不 儿 个 長髮 〇 々 㐂 𠮷 𪛖 𫝀 𫠠 𬺰 \U00030000 \U00031350 \uf900 \U0002f800 ⻢ ⼀ ㄅ
αβ Ω µm ５％ ＡＢ １２：３０ （ｎｉ） （nǐhǎo） (yi) 2024-3-15 13812345678 -3.5 1/2 …… 。
\u200d \ufe0f 😀 か 한 й \U000f0000 \ud800 [ ] | < > & \\ 「 」 ， !? www.a.cn a@b.cn ℃ ① Ⅳ
"""
ODD = (*_ODD.split(), "\n", "\n\n", "\t", " ")


def _check(text: str, sentences: list[Sentence], rules: str) -> None:
    position = 0
    for sentence in sentences:
        assert position <= sentence.start < sentence.end <= len(text)
        assert sentence.text == text[sentence.start : sentence.end]
        assert any(not word.is_punctuation for word in sentence.words)
        assert len(sentence.words) <= 100
        assert sum(len(word.phones) for word in sentence.words) <= 400
        last = sentence.start
        for word in sentence.words:
            assert last <= word.end <= sentence.end
            assert sentence.start <= word.start <= word.end
            last = max(last, word.start)
            assert len(word.spread) == len(word.text)
            assert sum(word.spread) == len(word.phones) == len(word.tones) > 0
            assert set(word.phones) <= set(SYMBOLS_112) & set(SYMBOLS_108)
            assert all(0 <= tone <= 5 for tone in word.tones)
        position = sentence.end
    if rules == "better" and sentences:
        covered = {at for s in sentences for w in s.words for at in range(w.start, w.end)}
        notes = " ".join(note for s in sentences for note in s.notes)
        for at, character in enumerate(text):
            silent = character.isspace() or unicodedata.category(character) in (
                *("Cc", "Cf", "Mn", "Me"),
            )
            name = character if character.isprintable() else f"U+{ord(character):04X}"
            assert at in covered or silent or name in notes or "..." in notes, (text, character)


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        st.text(max_size=40),
        st.text("一不个儿的得地了着你好银行行长2024-03:15.%℃kgAb,。！？…“”\n々〇α", max_size=40),
    )
)
def test_any_text_is_spoken_pauses_or_is_reported(text: str) -> None:
    _check(text, list(read(text)), "better")


@settings(max_examples=60, deadline=None)
@given(st.text("一不个儿的得地了着你好银行行长2024-03:15.%℃kgAb,。！？…“”\n々〇α😀", max_size=40))
@example("好\n")
def test_released_rules_never_raise(text: str) -> None:
    for rules in ("2.0", "2.3", "2.3/cn2an", "2.4"):
        _check(text, list(read(text, RULES[rules])), rules)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(ODD), max_size=15), st.sampled_from(["better", "2.0", "2.4"]))
def test_any_row_of_odd_pieces(pieces: list[str], rules: str) -> None:
    text = "".join(pieces)
    _check(text, list(read(text, RULES[rules])), rules)


def test_a_million_characters_without_a_mark_are_read_in_parts() -> None:
    text = "今天天气很好我们去公园玩儿吧" * 71429
    tracemalloc.start()
    parts = list(islice(read(text), 100))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(text) > 1_000_000
    assert all(left.end == right.start for left, right in pairwise(parts))
    assert all(len(part.text) <= 1200 for part in parts)
    assert peak < 32 * 2**20  # the words of these parts, caches of readings


@pytest.mark.parametrize("text", NASTY)
@pytest.mark.parametrize("rules", ["better", "2.0", "2.3", "2.4"])
def test_nasty_texts(text: str, rules: str) -> None:
    _check(text, list(read(text, RULES[rules])), rules)


def test_words_map_back_through_normalisation() -> None:
    text = "我在2024年买了😀12.5kg米。"
    [sentence] = read(text)
    places = {word.text: text[word.start : word.end] for word in sentence.words}
    assert places["我"] == "我"
    assert places["二零二四年"] == "2024年"
    assert places["十二点五千克"] == "12.5kg"
    assert places["米"] == "米"
    assert sentence.notes == ("Left out signs and emoji: 😀.",)


def test_what_holds_no_word_is_reported_beside() -> None:
    first, second = read("你好。ありがとう。再见。")
    assert "あ り" in first.notes[0]
    assert second.notes == ()
    assert list(read("★★★")) == []


def test_interjections_erhua_and_greek_are_kept() -> None:
    [sentence] = read("啊，花儿发出α射线")
    said = "".join(word.text for word in sentence.words)
    assert said == "啊,花儿发出阿尔法射线."
    assert [w.phones for w in sentence.words if w.text == "花儿"] == [("h", "ua", "EE", "er")]


def test_letters_are_spelled_and_long_words_reported() -> None:
    [sentence] = read("用Python写AI")
    words = {word.text: word for word in sentence.words}
    assert words["AI"].phones == ("EE", "ei", "AA", "ai")
    assert words["AI"].spread == (2, 2)
    assert sentence.notes == ("Spelled letter by letter: Python.",)


def test_an_ellipsis_goes_on_and_a_long_sentence_is_cut_at_marks() -> None:
    assert len(list(read("啊……这……我不知道。"))) == 1
    parts = list(read("春天来了，树叶变绿了，" * 40))
    assert len(parts) > 2
    assert all(part.words[-1].text in (",", ".") for part in parts)


def test_addresses_are_spelled_each_character_in_its_place() -> None:
    text = "见https://www.a-b.cn/x/。"
    [sentence] = read(text)
    told = [(word.text, text[word.start : word.end]) for word in sentence.words]
    assert told[1:] == [
        ("www", "https://www"),
        ("点", "."),
        ("a", "a"),
        ("杠", "-"),
        ("b", "b"),
        ("点", "."),
        ("cn", "cn"),
        ("斜杠", "/"),
        ("x", "x/"),
        (".", "。"),
    ]


def test_a_long_row_of_letters_is_several_words() -> None:
    parts = list(read("b" * 300))
    words = [word for part in parts for word in part.words if not word.is_punctuation]
    assert "".join(word.text for word in words) == "b" * 300
    assert [word.start for word in words][1:] == [word.end for word in words][:-1]


def test_words_say_how_and_from_what_they_are_read() -> None:
    [sentence] = read("行长得吃5个AI。")
    told = {word.text: (word.reading, word.source) for word in sentence.words}
    assert told["行长"] == ("hang2 zhang3", "dictionary")
    assert told["五个"] == ("wu3 ge4", "rule")
    assert told["AI"] == ("ei1 ai4", "spelled")
    assert told["."] == ("", "")
