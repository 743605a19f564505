"""Sentences that users of other programs have complained about, and odd characters."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinovits.text.japanese import RULES, read
from vinovits.text.reading import Said

pytest.importorskip("pyopenjtalk")

COMPLAINTS = [
    # Raised: a character without a reading.
    (
        "戦時中,敵が'桂を討ち取った!'と声高々に喚くのを何度も聞いたことがある.",
        "センジチューテキガカツラヲウチトッタトコエタカダカニワメクノヲナンドモキイタコトガアル",
    ),
    (
        "乳飲み子を抱えた母親たちに恐怖させるほどにまで侮辱し、貶（おとし）めた。",
        "チノミゴヲカカエタハハオヤタチニキョーフサセルホドニマデブジョクシオトシメタ",
    ),
    ("自分の勘の良さに嗤ってしまう。", "ジブンノカンノヨサニワラッテシマウ"),
    ("佐々木さんと人々は時々、堂々と。", "ササキサントヒトビトワトキドキドードート"),
    ("だから……凍れる＝寒いｔ", "ダカラシバレルイコールサムイティー"),
    # Read wrongly.
    (
        "そんな事を訊くなんて、まったく彼女らしくない。",
        "ソンナコトヲキクナンテマッタクカノジョラシクナイ",
    ),
    (
        "いやいや、オレはついこの間まで男だったヤツだぞ。",
        "イヤイヤオレワツイコノアイダマデオトコダッタヤツダゾ",
    ),
    ("「人がいたりしてな」", "ヒトガイタリシテナ"),
    ("どういう風に変化ったのじゃ。", "ドーユウフウニカワッタノジャ"),
    ("正直あんな風にされるぐらいなら…………。", "ショージキアンナフウニサレルグライナラ"),
    # Written in odd ways.
    ("ﾊﾛｰ､ＡＢＣ１２３　ﾃﾞｽ！", "ハローエイビーシーヒャクニジューサンデス"),
    ("いろ〳〵、こゝろ、ハヾ、つれ〴〵", "イロイロココロハバツレズレ"),
    ("㌔と㍍と㈱と№5", "キロトメートルトカブシキガイシャトノーゴ"),
    ("Caféで", "カフェデ"),
    ("え〜っと、東京〜大阪、10~20", "エーットトーキョーカラオーサカジューカラニジュー"),
]


@pytest.mark.parametrize(("text", "reading"), COMPLAINTS)
def test_complaints(text: str, reading: str) -> None:
    words = [word for sentence in read(text) for word in sentence.words]
    assert "".join(word.reading for word in words).replace("ヅ", "ズ") == reading


@pytest.mark.parametrize("row", sorted(RULES))
@pytest.mark.parametrize("text", [text for text, _ in COMPLAINTS])
def test_nothing_raises_in_any_reading(text: str, row: str) -> None:
    assert any(word.phones for sentence in read(text, RULES[row]) for word in sentence.words)


def test_dots_are_one_pause_however_many_they_are() -> None:
    for dots in ("...", "…", "……", "…………", "....."):
        first, *_ = read(f"彼は{dots}行く")
        assert [word.text for word in first.words if word.is_punctuation] == ["."] * 3


def test_a_reading_is_given_for_once() -> None:
    (sentence,) = read("明日行く", said=[Said(0, 2, "アス:2", "ja", "markup")])
    assert sentence.words[0].reading == "アス:2"


ODD = st.text(
    "あアｱガｶﾞﾞ゛ﾟ゜ーｰ〜～~っッゃゎゝゞヽヾ々〳〵〱〴〻漢字彁龘𠮷〇一二①Ⅳ㌔㈱№()（）《》｜「」…‥。、,.1１aＡ"
    " αя한ก😀👨\ufe0f\u200b\u200d\u3000\n\u0301\U000f0000\ue000\ufffd",
    max_size=40,
)


@settings(max_examples=100, deadline=None)
@given(ODD)
def test_every_character_is_spoken_or_pauses_or_is_told(text: str) -> None:
    covered: set[int] = set()
    notes = ""
    sentences = list(read(text))
    for sentence in sentences:
        notes += " ".join(sentence.notes)
        for word in sentence.words:
            assert word.start == word.end or sum(word.spread) == len(word.phones)
            covered.update(range(word.start, word.end))
    if not sentences or "..." in notes:
        return  # nothing to speak, or more than a note has room for
    spoken = "".join(text[place] for place in covered)
    for place, character in enumerate(text):
        if place not in covered and character.isalnum() and character not in "ーｰ":
            plain = unicodedata.normalize("NFKC", character).strip()
            assert plain in notes or character in spoken, repr(character)
