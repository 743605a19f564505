"""Our own reading: what is said for what people write."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinovits.errors import MissingExtraError
from vinovits.text import front_ends
from vinovits.text.japanese import RULES, normalise_and_read, open_jtalk, read
from vinovits.text.japanese.normalise import normalise
from vinovits.text.japanese.tables import kana
from vinovits.text.reading import Said
from vinovits.text.symbols import PUNCTUATION, SYMBOLS_112, TABLES
from vinovits.text.traced import trace

pytest.importorskip("pyopenjtalk")


def said(text: str, rules: str = "better") -> str:
    """Phones of the words, a space between words; marks stand alone."""
    words, _ = normalise_and_read(trace(text), RULES[rules])
    return " ".join("".join(word.phones) for word in words)


@pytest.mark.parametrize(
    ("text", "phones"),
    [
        # numbers with their counters, decimals, money, dates, times, telephones
        ("3.14", "saN teN ichi yoN"),
        ("1,234円", "seN ni hyaku saN juu yo eN"),
        ("¥3000", "saN zeN eN"),
        ("10本と20歳", "juq poN to ni juq sai"),
        ("3/4", "yoN buN no saN"),
        ("3/15", "saNgatsu juu go nichi"),
        ("1/2(月)", "ichigatsu futsuka , getsuyoobi"),
        ("漢字(かんじ)", "kaNji"),
        ("Vol.2", "boryuumu ni"),
        ("2024-03-15", "ni seN ni juu yo neN saNgatsu juu go nichi"),
        ("3:45", "saN ji yoN juu go fuN"),
        ("2:0", "ni tai zero"),
        ("090-1234", "zero kyuu zero - ichi nii saN yoN"),
        ("二〇二四年", "ni seN ni juu yo neN"),
        ("3、123円", "saN , hyaku ni juu saN eN"),
        ("5〜10人", "go kara juu niN"),
        ("Ⅲ世", "saN see"),
        # units and signs
        ("0.5%", "ree teN go paaseNto"),
        ("−5℃", "mainasu go do"),
        ("20m²", "ni juu heehoomeetoru"),
        ("3×4＝12", "saN kakeru yoN ikooru juu ni"),
        # Latin and Greek
        ("NHKの", "enueichikei no"),
        ("GitHubで", "giqtohabu de"),
        ("NASAの", "nasa no"),
        ("C#と", "shiishaapu to"),
        ("β", "beeta"),
        ("https://example.com", "eguzaNpuru doqto komu"),
        ("草www", "kusa wara"),
        ("URLはwww.jp", "yuuaarueru wa daburyuudaburyuudaburyuudoqtojeepii"),
        ("(株)山田", "kabushikigaisha yamada"),
        # kana of all kinds
        ("ｱｲｳ", "aiu"),
        ("ヵ", "ka"),
        ("ヷ", "va"),
        ("フュージョン、クォーク", "fuyuujoN , kuooku"),
        ("〆切", "shimekiri"),
        ("①②", "ichi , ni"),
        ("はい(´・ω・｀)", "hai ,"),
        ("いや〜", "iyaa"),
        ("こゝろ", "kokoro"),
        ("いすゞ", "isuzu"),
        ("ラーメン", "raameN"),
        ("東京の先生", "tookyoo no seNsee"),
        # kanji that the released readings don't know, and repeated ones
        ("𠮷野家", "yoshinoya"),
        ("髙橋", "takahashi"),
        ("時々", "tokidoki"),
        ("昼餉《ひるげ》", "hiruge"),
        # marks that pause
        ("東京：大阪", "tookyoo , oosaka"),
        ("東京;大阪", "tookyoo , oosaka"),
        ("『猫』", "' neko '"),
    ],
)
def test_what_is_said(text: str, phones: str) -> None:
    assert said(text) == phones


def test_where_readings_are_from() -> None:
    text = "猫とABCDとQuizzifyと3、彁と橋"
    said = [Said(len(text) - 1, len(text), "ハシ", "ja", "lexicon")]
    (sentence,) = read(text, said=said)
    sources = {word.text: word.source for word in sentence.words}
    assert sources["猫"] == "dictionary"
    assert sources["三"] == "rule"
    assert sources["橋"] == "lexicon"
    assert sources["'"] == "fallback"
    assert {"spelled", "network"} <= set(sources.values())
    assert next(word.reading for word in sentence.words) == "ネコ"


def test_what_cannot_be_read_is_told() -> None:
    (sentence,) = read("한국어が好き😀")
    assert sentence.notes == ("Left out characters that Japanese can't read: 한 국 어 😀.",)
    (sentence,) = read("彁です")
    assert sentence.notes == ("Paused at characters without a known reading: 彁.",)


def test_guesses_are_told() -> None:
    pytest.importorskip("kanalizer")
    (sentence,) = read("Quizzifyを使う")
    assert sentence.notes == ("Guessed how to say: Quizzify.",)


def test_what_was_said_goes_on() -> None:
    assert [s.text for s in read("「はい。」と答えた。「いいえ。」彼は帰った。")] == [
        "「はい。」と答えた。",
        "「いいえ。」",
        "彼は帰った。",
    ]


def test_without_open_jtalk_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    open_jtalk._jtalk.cache_clear()
    monkeypatch.setitem(sys.modules, "pyopenjtalk", None)
    with pytest.raises(MissingExtraError, match=r'pip install "vinovits\[ja\]"'):
        next(read("はい"))


def test_a_build_without_its_dictionary_may_not_fetch_one(monkeypatch: pytest.MonkeyPatch) -> None:
    import pyopenjtalk

    open_jtalk._jtalk.cache_clear()
    monkeypatch.setattr(pyopenjtalk, "OPEN_JTALK_DICT_DIR", b"/nowhere")
    with pytest.raises(MissingExtraError, match="OPEN_JTALK_DICT_DIR"):
        next(read("はい"))


def test_each_family_hears_its_own_phones() -> None:
    assert said("本", "better/jp-extra") == "hoN"
    assert said("本", "better/2.3") == "hon"
    words, _ = normalise_and_read(trace("今日は雨"), RULES["better/1.1.1"])
    assert not any(tone for word in words for tone in word.tones)


def test_tones_follow_accent_phrases() -> None:
    words, _ = normalise_and_read(trace("東京の大学"), RULES["better"])
    assert [word.tones for word in words] == [(0, 0, 1, 1, 1, 1), (1, 1), (0, 0, 1, 1, 1, 1, 1)]


def test_places_in_the_original() -> None:
    text = "  <!-- x -->3,000円のｶﾞｷﾞ！"
    (sentence,) = read(text)
    places = {word.text: text[word.start : word.end] for word in sentence.words}
    assert places["円"] == "円"
    assert places["三"].startswith("3")
    assert places["!"] == "！"
    assert "".join(places[key] for key in places if "ガ" in key) == "ｶﾞｷﾞ"


def test_a_million_characters_are_read_bit_by_bit() -> None:
    sentences = read("あ" * 1_000_000)
    assert sum(len(word.phones) for word in next(sentences).words) <= 500


@pytest.mark.parametrize("rules", sorted(RULES))
def test_empty_texts_give_nothing(rules: str) -> None:
    for text in ("", " \n", "。、！", "😀", "ーーーー"):
        assert [s.text for s in read(text, RULES[rules])] in ([], ["ーーーー"])


NASTY = st.sampled_from(
    "あいうゃっーんアカガパッヴヵ々ゝヾ〜～、。！？・「」（）…東京一二三人日本語髙𠮷0189１２./:-+%℃$¥"
    "ＡabcXYZ@#&\n\t　αΩ①½²Ⅳ゛゜\u3099\u309a\u200b😀한я\x00\ud800<>{}[]|\\^~_=*"
)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(NASTY, max_size=60), st.text(max_size=40)), st.sampled_from(sorted(RULES)))
def test_nothing_raises_and_all_phones_are_accounted_for(text: str, rules: str) -> None:
    position = 0
    for sentence in read(text, RULES[rules]):
        assert position <= sentence.start < sentence.end <= len(text)
        assert sentence.text == text[sentence.start : sentence.end]
        position = sentence.end
        for word in sentence.words:
            assert set(word.phones) <= set(SYMBOLS_112)
            assert len(word.phones) == len(word.tones) > 0
            added = word.start == word.end
            assert added or sum(word.spread) == len(word.phones)
            assert added or len(word.spread) == len(word.text)
            assert set(word.tones) <= {0, 1}
            assert sentence.start <= word.start <= word.end <= sentence.end
            assert not word.is_punctuation or word.phones[0] in PUNCTUATION


@settings(max_examples=150, deadline=None)
@given(st.text(NASTY, max_size=60))
def test_every_character_is_spoken_or_pauses_or_is_told(text: str) -> None:
    words, _ = normalise_and_read(trace(text), RULES["better"])
    _, deleted = normalise(trace(text), RULES["better"])
    covered = {place for word in words for place in range(word.start, word.end)}
    for place, character in enumerate(text):
        told = character in deleted or character in "゛゜" or character.isspace()
        assert place in covered or told, repr(character)


def test_importing_loads_neither_open_jtalk_nor_another_language() -> None:
    script = """
import sys
import vinovits.text.japanese
loaded = {"pyopenjtalk", "kanalizer", "fugashi", "num2words", "vinovits.text.english",
          "vinovits.text.chinese"} & set(sys.modules)
print(sorted(loaded))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.parametrize("family", [name for name in TABLES if "ja" in TABLES[name].languages])
def test_every_kana_is_read_by_phones_of_the_family(family: str) -> None:
    symbols = set(TABLES[family].symbols)
    for sentence in front_ends.read("。".join(kana("plus")), ["ja"], family):
        for word in sentence.words:
            assert set(word.phones) <= symbols, word
