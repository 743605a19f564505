"""Readings as people write them: every notation becomes that of its front end, or a clear error."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vinovits.errors import TextError
from vinovits.text.notation import Alphabet, guess_alphabet, syllables, to_reading

ALPHABETS: tuple[Alphabet, ...] = ("cmu", "pinyin", "kana", "ipa")


@pytest.mark.parametrize(
    ("written", "reading"),
    [
        ("T AH0 M AA1 T OW0", "T AH0 M AA1 T OW0"),
        (" t ah m  aa t ow ", "T AH1 M AA0 T OW0"),
        ("T AH0 M AA T OW", "T AH0 M AA1 T OW0"),
        ("T AH M AA1 T OW", "T AH0 M AA1 T OW0"),
        ("T AX M AA1 T EL2", "T AH0 M AA1 T AH2 L"),
        ("S T", "S T"),
    ],
)
def test_arpabet(written: str, reading: str) -> None:
    assert to_reading(written, "cmu") == ("en", reading)


@pytest.mark.parametrize(
    ("written", "reading"),
    [
        ("hang2 zhang3", "hang2 zhang3"),
        ("hang2zhang3", "hang2 zhang3"),
        ("hang² zhang³", "hang2 zhang3"),
        ("Hángzhǎng", "hang2 zhang3"),
        ("zhuàngtài", "zhuang4 tai4"),
        ("xī'ān", "xi1 an1"),
        ("xiān", "xian1"),
        ("fāngàn", "fan1 gan4"),
        ("fāng’àn", "fang1 an4"),
        ("tiānānmén", "tian1 an1 men2"),
        ("xièxie", "xie4 xie5"),
        ("ma0 ma5", "ma5 ma5"),
        ("nü3 nv3 nu:3 lue4 lüe4 jü1 jv1", "nv3 nv3 nv3 lve4 lve4 ju1 ju1"),
        ("nǚ'ér lüè", "nv3 er2 lve4"),
        ("wanr2 yi4dianr3", "wan2 er5 yi4 dian3 er5"),
        ("wánr huār", "wan2 er5 hua1 er5"),
        ("wan2 r5", "wan2 er5"),
        ("èr", "er4"),
        ("ê̄", "ê1"),
    ],
)
def test_pinyin(written: str, reading: str) -> None:
    assert to_reading(written, "pinyin") == ("zh", reading)


@pytest.mark.parametrize(
    ("written", "reading"),
    [
        ("ハシモト", "ハシモト"),
        ("はし:1", "ハシ:1"),
        ("ハシ：０", "ハシ:0"),
        ("ﾊﾞｼ", "バシ"),
        ("ハ'シ", "ハシ:1"),
        ("ハシꜜ", "ハシ:2"),
        ("きょう　と", "キョウト"),
        ("トーキョー:4", "トーキョー:4"),
        ("ヷヵ", "ヴァカ"),
    ],
)
def test_kana(written: str, reading: str) -> None:
    assert to_reading(written, "kana") == ("ja", reading)


@pytest.mark.parametrize(
    ("written", "reading"),
    [
        ("/təˈmɑːtəʊ/", "T AH0 M AA1 T OW0"),  # British
        ("[tə.ˈmeɪ.ɾoʊ]", "T AH0 M EY1 D OW0"),  # American
        ("ˈt͡ʃɝt͡ʃ", "CH ER1 CH"),
        ("ˈʤʌʤ", "JH AH1 JH"),
        ("fɑː(r)", "F AA1 R"),
        ("ˈnɪə ˈskwɛə", "N IH1 R S K W EH1 R"),
        ("ˌaɪˌdiːˈɒlədʒi", "AY2 D IY2 AA1 L AH0 JH IY0"),
        ("ˈbʌʔn̩ ˈbɒtl̩", "B AH1 T AH0 N B AA1 T AH0 L"),
        ("əbaʊt", "AH0 B AW1 T"),
        ("ðə", "DH AH0"),
        ("ˈmʌðɚ", "M AH1 DH ER0"),
        ("ʁɑ̃ˈde", "R AA0 N D EH1"),
    ],
)
def test_ipa_in_english(written: str, reading: str) -> None:
    assert to_reading(written, "ipa") == to_reading(written, "ipa", "en") == ("en", reading)


@pytest.mark.parametrize(
    ("written", "reading"),
    [
        ("haꜜɕi", "ハシ:1"),
        ("toːkʲoː", "トーキョー"),
        ("ɲippoɴ", "ニッポン"),
        ("t͡sɯnami", "ツナミ"),
        ("zaɕːi", "ザッシ"),
        ("it̚t͡ɕi", "イッチ"),
        ("itːɕi", "イッチ"),
        ("samːa", "サンマ"),
        ("ɸɯ̥d͡ʑisaɴ", "フジサン"),
        ("çakɯ", "ヒャク"),
        ("ɾaːmeɴ", "ラーメン"),
        ("kaŋɡo", "カンゴ"),
        ("kaQko", "カッコ"),
    ],
)
def test_ipa_in_japanese(written: str, reading: str) -> None:
    assert to_reading(written, "ipa", "ja") == ("ja", reading)


@pytest.mark.parametrize(
    ("written", "reading"),
    [
        ("xɑŋ˧˥ ʈʂɑŋ˨˩˦", "hang2 zhang3"),
        ("pei̯˨˩˦t͡ɕiŋ˥", "bei3 jing1"),
        ("wo²¹⁴ ai⁵¹ ni²¹⁴", "wo3 ai4 ni3"),
        ("ʂɻ̩˥˩ t͡sʰz̩51", "shi4 ci4"),
        ("wa̠ɚ̯˧˥ ɑɻ˧˥", "wa2 er5 er2"),
        ("tɕʰy˥˩ ɥɛn˧˥ ljoʊ̯˥˩ ʂwən˥˩ iʊŋ4 ny3", "qu4 yuan2 liu4 shun4 yong4 nv3"),
        ("ma˥˩ma", "ma4 ma5"),
        ("mei˧˥ɻən˧˥", "mei2 ren2"),
    ],
)
def test_ipa_in_mandarin(written: str, reading: str) -> None:
    assert to_reading(written, "ipa", "zh") == ("zh", reading)


@pytest.mark.parametrize(
    ("written", "alphabet", "language", "told"),
    [
        ("T XX", "cmu", "", 'XX is no phone of ARPAbet (character 3 of the reading "T XX")'),
        ("T1 AA", "cmu", "", "Only vowels have one"),
        ("T AA3", "cmu", "", "AA AE AH"),
        ("hang2 hxang3", "pinyin", "", 'There is no syllable "hxang" in pinyin (character 7'),
        ("hang2 hxang3", "pinyin", "", "Near it: hang, zhang, xiang"),
        ("hang6", "pinyin", "", "There is no tone 6 (character 5"),
        ("hang9", "pinyin", "", "hang1 to hang4, or hang5 for none"),
        ("xx9", "pinyin", "", 'There is no syllable "xx" in pinyin (character 1'),
        ("xx9", "pinyin", "", "Near it: xu, xi. Tones are 1 to 5."),
        ("hang2 2hang", "pinyin", "", "2 has no syllable before it (character 7"),
        ("ni3 xxq", "pinyin", "", 'no syllable "xxq"'),
        ("ni hao", "pinyin", "", "ni has no tone"),
        ("ni3 hao", "pinyin", "", "hao has no tone (character 5"),
        ("wāngxx", "pinyin", "", '"xx" (character 5'),
        ("r5", "pinyin", "", "No syllable is there"),
        ("ハシ橋", "kana", "", "橋 is no kana (character 3"),
        ("ーハ", "kana", "", "nothing to lengthen"),
        ("ハシ:3", "kana", "", "ハシ has 2 moras: write one of ハシ:0 to ハシ:2"),
        ("ハ'シ:1", "kana", "", "no such accent"),
        (":1", "kana", "", "No kana is there"),
        (
            "təʘa",
            "ipa",
            "en",
            "ʘ (U+0298) can't be there: English has no sound",
        ),
        ("ðo", "ipa", "ja", "Japanese has no sound for it"),
        ("θa4", "ipa", "zh", "Mandarin has no sound for it"),
        ("ma", "ipa", "zh", "No syllable has a tone"),
        ("ma˥˧˥", "ipa", "zh", "˥˧˥ is no tone of Mandarin (character 3"),
        ("//", "ipa", "en", "No sound is there"),
        ("a", "ipa", "ko", "en, ja and zh"),
        (" ", "cmu", "", "The reading is empty"),
    ],
)
def test_what_is_wrong_is_named(written: str, alphabet: Alphabet, language: str, told: str) -> None:
    with pytest.raises(TextError) as error:
        to_reading(written, alphabet, language)
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("written", "alphabet"),
    [
        ("ハシ:1", "kana"),
        ("はし", "kana"),
        ("hang2 zhang3", "pinyin"),
        ("hángzhǎng", "pinyin"),
        ("T AH0", "cmu"),
        ("S T", "cmu"),
        ("/tə/", "ipa"),
        ("[tə]", "ipa"),
        *dict.fromkeys(
            ("tomato", "ni hao", "", "OK", "ハシとx", "COVID-19", "B2", "10", "café"), None
        ).items(),
    ],
)
def test_the_alphabet_is_guessed(written: str, alphabet: Alphabet | None) -> None:
    assert guess_alphabet(written) == alphabet


@given(st.lists(st.tuples(st.sampled_from(sorted(syllables())), st.integers(1, 5)), min_size=1))
def test_normal_readings_stay(names: list[tuple[str, int]]) -> None:
    written = " ".join(f"{name}{tone}" for name, tone in names)
    _, reading = to_reading(written, "pinyin")
    assert to_reading(reading, "pinyin") == ("zh", reading)
    assert len(reading.split()) == len(names)


@given(
    st.one_of(st.text(max_size=20), st.text("abgɡzʒtʃdʒəɚˈˌː˥˩ꜜニー:1' ̩̃r", max_size=20)),
    st.sampled_from(ALPHABETS),
    st.sampled_from(["", "en", "ja", "zh"]),
)
def test_anything_is_a_reading_or_told(written: str, alphabet: Alphabet, language: str) -> None:
    guess_alphabet(written)
    try:
        code, reading = to_reading(written, alphabet, language)
    except TextError:
        return
    known: dict[str, Alphabet] = {"en": "cmu", "zh": "pinyin", "ja": "kana"}
    assert to_reading(reading, known[code]) == (code, reading)


def test_importing_loads_no_front_end() -> None:
    script = """
import sys
import vinovits.text.notation
print(sorted(m for m in sys.modules if m.startswith("vinovits.text.")))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "['vinovits.text.notation']\n", done.stderr
