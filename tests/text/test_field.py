"""What users of such systems ask for and complain of, through the whole of the text side.

Of the complaints that were gathered, these concern text: long texts, dictionaries, polyphones and
readings in the text, pauses, numbers and odd characters, several languages in a sentence, the same
result each time, no network, and the times of words. Sentences in one language only are in
`chinese/test_complaints.py`, `english/test_field.py` and `japanese/test_field.py`, those in
several in `test_several_languages.py`; how pauses and joins sound is in `tests/engine`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import islice, pairwise
from pathlib import Path

import pytest

import vinovits
from tests.text.markup.scripts import readings, sentences, spoken
from vinovits import Lexicon, LexiconEntry
from vinovits.text.front_ends import read
from vinovits.text.markup import escape, parse
from vinovits.text.reading import Sentence, Word
from vinovits.text.script import plain

ALL = ("zh", "ja", "en")
KANA = re.compile("[ぁ-ゖァ-ヺー]+")


def words(read_out: list[Sentence]) -> list[Word]:
    return [word for sentence in read_out for word in sentence.words if not word.is_punctuation]


# Dictionaries


@pytest.mark.parametrize(
    ("text", "language", "entries"),
    [
        # rhasspy/piper#711: no spelling helped to have a name said right.
        ("My last name is Geis.", "en", {"Geis": "G AY1 S"}),
        # thewh1teagle/kokoro-onnx#189
        ("Where is Kinzleigh? Off!", "en", {"Kinzleigh": "K IH1 N Z L IY0"}),
        ("The HVAC is off.", "en", {"HVAC": "EY1 CH V AE2 K"}),
        # Elleo/pied#40: hums were spelled.
        ("Mmm, nice.", "en", {"Mmm": "HH AH0 M"}),
        # RVC-Boss/GPT-SoVITS#1273
        ("丫鬟对王爷说", "zh", {"丫鬟": "ya1 huan5", "王爷": "wang2 ye5"}),
        ("你数一数", "zh", {"数一数": "shu3 yi5 shu3"}),
        # RVC-Boss/GPT-SoVITS#1443
        ("主殿に会う", "ja", {"主殿": "アルジドノ:0"}),
        # litagin02/Style-Bert-VITS2#74: words that end in ー or have signs took no effect.
        ("ローファーを履く", "ja", {"ローファー": "ローファー:1"}),
        ("CとC++とC#", "ja", {"C++": "シープラスプラス", "C#": "シーシャープ"}),
        # ayutaz/piper-plus#160: a word within a compound
        ("音声合成のテスト", "ja", {"音声合成": "オンセイゴウセイ"}),
    ],
)
def test_a_word_of_the_dictionary_is_read_so(
    text: str, language: str, entries: dict[str, str]
) -> None:
    lexicon = Lexicon.of(entries)
    for languages in ([language], ALL):
        script = lexicon.applied(plain(text), languages)
        found = {
            text[word.start : word.end]: word.reading
            for word in words(list(read(script, languages, "2.3")))
            if word.source == "lexicon"
        }
        assert found == entries


def test_a_word_of_the_dictionary_counts_within_another_language() -> None:
    lexicon = Lexicon(LexiconEntry("Geis", "G AY1 S", "en"))
    text = "我在巴黎遇见了Geis先生。"
    read_out = list(read(lexicon.applied(plain(text), ALL), ALL, "2.3"))
    [word] = [word for word in words(read_out) if word.source == "lexicon"]
    assert (word.text, word.language, word.phones) == ("Geis", "en", ("g", "ay", "s"))


# Polyphones, readings in the text


def test_pinyin_in_brackets_is_not_read_letter_by_letter() -> None:
    # RVC-Boss/GPT-SoVITS#1728
    text = "这个字的读音是角(jue2)色，而不是角(jiao3)色"
    found = [word.reading for word in words(sentences(text, "zh")) if "角" in word.text]
    assert found == ["jue2 se4", "jiao3 se4"]


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        # index-tts/index-tts#625: dei3 in place of 得 was read de.
        ("[得|dei3]立即去医院", "dei3 li4 ji2 qu4 yi1 yuan4 ."),
        # index-tts/index-tts#130: rare characters, for which there is no homophone to write
        ("[扽|den4]一下", "den4 yi1 xia4 ."),
        ("他[哕|yue3]了", "ta1 yue3 le5 ."),
        # RVC-Boss/GPT-SoVITS#1137
        ("[操|cao4]！", "cao4 !"),
    ],
)
def test_a_reading_in_the_text_counts(text: str, reading: str) -> None:
    assert " ".join(readings(text, "zh")) == reading


def test_rare_characters_and_dull_ones_are_read() -> None:
    # index-tts/index-tts#130 #218 #226, RVC-Boss/GPT-SoVITS#985
    found = readings("吗丁啉、丁苯酞，暴殄天物，新米，略输文采", "zh")
    assert " ".join(found) == (
        "ma5 ding1 lin2 , ding1 ben3 tai4 , bao4 tian3 tian1 wu4 , xin1 mi3 , lve4 shu1 wen2 cai3 ."
    )


def test_measures_are_long_and_heavy() -> None:
    # RVC-Boss/GPT-SoVITS#1629
    found = readings("这把剑长三十公分，重五斤十两。", "zh")
    assert " ".join(found) == (
        "zhe4 ba3 jian4 chang2 san1 shi2 gong1 fen1 , zhong4 wu3 jin1 shi2 liang3 ."
    )


@pytest.mark.parametrize("text", ["钱已经还了", "她把车还了", "他还了3本书"])
def test_what_is_given_back_is_no_still(text: str) -> None:
    # index-tts/index-tts#45
    assert "huan2" in readings(text, "zh")


def test_someone_is_asked_out() -> None:
    # litagin02/Style-Bert-VITS2#25
    found = "".join(readings("誘おうと思ったんだけど教室行ったらもういなかったんだよ", "ja"))
    assert found == "サソオートオモッタンダケドキョーシツイッタラモーイナカッタンダヨ."


def test_an_accent_in_the_text_counts() -> None:
    # litagin02/Style-Bert-VITS2#118 #152: what was set by hand had no effect.
    tones = {}
    for accent in (0, 1, 4):
        [sentence] = read(parse(f"[水平線|スイヘイセン:{accent}]が見える"), ["ja"], "2.3")
        tones[accent] = "".join(map(str, sentence.words[0].tones))
    assert tones == {0: "001111111", 1: "110000000", 4: "001111000"}


@pytest.mark.parametrize(
    "text",
    [
        "I read what you have read to the record keepers of Nerevar.",
        "他长得很高，行长却没有还钱。",
        "橋本さんが3本の傘を買った。",
        "我昨天在GitHub上看到一个很酷的プロジェクト，it works!",
    ],
)
def test_readings_that_are_shown_can_be_given_back(text: str) -> None:
    # litagin02/Style-Bert-VITS2#60: an editor shows readings, and gives those that were changed.
    shown = list(read(text, ALL, "2.3"))
    edited = written = ""
    for word in words(shown):
        # Between words in kana alone, a bar parts choices: what reads as it stands isn't given.
        if word.start >= len(written) and not KANA.fullmatch(word.text):
            edited += text[len(written) : word.start]
            written = text[: word.end]
            edited += f"[{text[word.start : word.end]}|{word.reading}]"
    again = list(read(parse(edited + text[len(written) :]), ALL, "2.3"))
    assert [word.phones for word in words(again)] == [word.phones for word in words(shown)]


# Pauses


def test_breaks_last_as_long_as_they_say() -> None:
    # henryhu55/tts-web-vue#10
    text = (
        '<speak version="1.0" xmlns="http://www.w3.org/2001/10/synthesis" xml:lang="zh-CN">\n'
        '    请仔细听，<break time="3s"/> 现在继续。\n'
        '    Listen carefully, <break time="3000ms"/> now continue.\n</speak>'
    )
    paused = [
        [(word.text, word.pause) for word in sentence.words if word.is_punctuation]
        for sentence in sentences(text, "zh", "en")
    ]
    assert paused == [[(",", 3.0), (".", None)], [(",", 3.0), (".", None)]]


def test_a_pause_within_a_sentence_can_be_written() -> None:
    # RVC-Boss/GPT-SoVITS#651, treethought/flask-assistant#153
    first, second = sentences("哎哟[pause 1s]。\n\n真的是。", "zh")
    assert first.words[-1].pause == 1.0
    assert second.words[-1].pause is None
    assert spoken("<speak>Test <break/> message</speak>") == "Test , message ."


@pytest.mark.parametrize("tag", ["[pause 1.5s]", "[pause 500ms]"])
def test_a_pause_is_never_read_aloud(tag: str) -> None:
    # remsky/Kokoro-FastAPI#369, thewh1teagle/kokoro-onnx#32
    assert "pause" not in spoken(f"Hello. {tag} This audio {tag} was made by a voice. {tag} End.")


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        # OHF-Voice/piper1-gpl#128: no mark of Chinese made a pause.
        ("你好，世界！省略号……一、二，三。", ",!……,,."),
        # OHF-Voice/piper1-gpl#29: pauses within words
        ("彩虹，又稱天弓、天虹、絳等，簡稱虹，是氣象中的一種光學現象。", ",,,,,."),
    ],
)
def test_pauses_are_where_marks_are(text: str, marks: str) -> None:
    read_out = sentences(text, "zh")
    assert "".join(w.text for s in read_out for w in s.words if w.is_punctuation) == marks


# Numbers, signs, odd characters


@pytest.mark.parametrize(
    ("text", "language", "said"),
    [
        # index-tts/index-tts#126 #531 #16, chenpipi0807/ComfyUI-Index-TTS#4
        ("2H的铅笔似乎比H23的更硬", "zh", "二H 的 铅笔 似乎 比 H二十三 的 更 硬 ."),
        ("v1、v2重新截止", "zh", "v一 , v二 重新 截止 ."),
        ("剩余1.94米", "zh", "剩余 一点九四 米 ."),
        ("售价超过13999元", "zh", "售价 超过 一万三千九百九十九 元 ."),
        # PolyAI-LDN/pheme#17, myshell-ai/MeloTTS#129, rhasspy/piper#713
        ("It costs $4,000.", "en", "It costs four thousand dollars ."),
        ("US paused shipment.", "en", "U S paused shipment ."),
        ("It is 2 4 5, not 245.", "en", "It is two four five , not two hundred forty five ."),
        ("It is [say digits]245[/say].", "en", "It is two four five ."),
        ("[spell]Tomas[/spell]", "en", "T , O , M , A , S ."),
        # index-tts/index-tts#168: the number was read in Chinese.
        ("It needs beta1, or beta 1.", "en zh", "It needs beta one , or beta one ."),
    ],
)
def test_numbers_and_letters(text: str, language: str, said: str) -> None:
    assert spoken(text, *language.split()) == said


@pytest.mark.parametrize("languages", [("zh",), ("en",), ("ja",), ALL])
def test_numbers_marks_and_letters_together_do_not_raise(languages: tuple[str, ...]) -> None:
    # 2noise/ChatTTS#93, thewh1teagle/kokoro-onnx#32
    text = (
        "123456789,1,2,3。how are you ！ I'm fine , thank you 。啊！啊？啊，啊。"
        'abb一样，246一样。能不能说清楚&（*" <|pause 0.5s|> [[pause 0.5s]]'
    )
    read_out = list(read(parse(text), languages, "2.3"))
    assert "fine" in {word.text for word in words(read_out)} or languages == ("ja",)
    assert all(word.phones for word in words(read_out))


# Several languages


def test_english_in_a_chinese_sentence_is_read() -> None:
    # RVC-Boss/GPT-SoVITS#651: it was silent, or an error.
    [first, second] = read("让我 see see 你的画...哟，你脸红啦！", ["zh", "en"], "2.3")
    assert [w.text for w in first.words if w.language == "en"] == ["see", "see"]
    assert "".join(w.text for w in second.words) == "哟,你脸红啦!"
    for word in words(list(read("让我 see see 你的画", ["zh"], "2.3"))):
        assert word.phones


def test_traditional_chinese_before_english_is_read() -> None:
    # k2-fsa/sherpa-onnx#1195 raised.
    text = "相信你們聽過這句話Genius is one percent inspiration."
    [sentence] = read(text, ["zh", "en"], "2.3")
    assert not sentence.notes
    assert [w.reading for w in sentence.words[:2]] == ["xiang1 xin4", "ni3 men5"]
    assert sentence.words[-2].text == "inspiration"


def test_upstreams_way_to_mark_languages_is_read() -> None:
    # Artrajz/vits-simple-api#136
    read_out = sentences("[wj]<zh>哈哈哈。<en>ABC", "zh", "en")
    assert [(s.language, s.speaker) for s in read_out] == [("zh", "wj"), ("en", "wj")]
    assert words(read_out)[-1].reading == "EY1 B IY2 S IY2"


# Long texts

CHAPTER = (
    "他推开门，屋里没有人，桌上放着一封信，信上只有一句话，别等我，他把信看了三遍，又放回原处，"
    "走到窗前，雨下得很大，街上一个人也没有，远处的灯亮着，他想起去年的今天，她也是这样走的，"
)


def test_nothing_of_a_long_text_is_lost() -> None:
    # RVC-Boss/GPT-SoVITS#294 #836 #1246, Plachtaa/VITS-fast-fine-tuning#393: noise, or words lost.
    text = CHAPTER * 30
    read_out = list(read(text, ["zh"], "2.3"))
    said = {at for word in words(read_out) for at in range(word.start, word.end)}
    assert {at for at, sign in enumerate(text) if sign != "，"} <= said
    assert max(sum(len(word.phones) for word in one.words) for one in read_out) <= 400


@pytest.mark.parametrize(
    "text",
    [
        # RVC-Boss/GPT-SoVITS#2220 #1113: what is said twice was said once.
        "粉红墙上画凤凰，凤凰画在粉红墙。红凤凰、粉凤凰，红粉凤凰花凤凰。",
        "一个枣，两个枣，三个枣，四个枣，五个枣，五个枣，四个枣，三个枣，两个枣，一个枣。",
        "大力弘扬劳模精神、劳动精神、工匠精神，让他倍感自豪",
        "道可道，非常道。",
    ],
)
def test_what_comes_again_is_read_again(text: str) -> None:
    said = "".join(word.text for word in words(list(read(text, ["zh"], "2.3"))))
    assert said == "".join(sign for sign in text if sign.isalpha())


@pytest.mark.parametrize("unit", [CHAPTER, "雨が降っている、", "It rains, and rains, ", "雨rain、"])
def test_the_first_sentences_do_not_wait_for_the_last(unit: str) -> None:
    # RVC-Boss/GPT-SoVITS#1519 #2155: memory and waiting grew with the text.
    text = (unit * (900_000 // len(unit) + 1))[:900_000]
    first = list(islice(read(text, ALL, "2.3"), 5))
    assert len(first) == 5
    assert first[-1].end < 10_000


# The same each time, without a network

ELSEWHERE = """
import socket, sys
def refuse(*arguments, **options):
    raise AssertionError("a connection was opened")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
from vinovits.text.front_ends import read
for sentence in read(sys.argv[1], ("zh", "ja", "en"), "2.3"):
    print(sentence)
"""


def test_reading_is_the_same_in_every_process_and_opens_no_connection() -> None:
    # jaywalnut310/vits#23, SWivid/F5-TTS#1012; myshell-ai/MeloTTS#224 #282, hexgrad/kokoro#279
    text = "我昨天在GitHub上看到一个很酷的プロジェクト，it works! 橋本さんの zorblatt 是什么？"
    printed = {
        subprocess.run(
            [sys.executable, "-c", ELSEWHERE, text],
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
        ).stdout
        for seed in ("1", "2")
    }
    [found] = printed
    assert "zorblatt" in found


# Times of words


def test_every_word_has_its_time_and_its_place_in_the_text(
    tiny_voice: Path, graph_cache: Path
) -> None:
    # rhasspy/piper#364 #531 #753 and pull request 407: words were missing, or two were one.
    text = "A musical/sport event in the yard costs $25, e.g. — [pause 200ms] on 3/4/2024… 🎉 OK?"
    voice = vinovits.load(tiny_voice, features="none", cache_dir=graph_cache)
    audio = voice.speak(text)
    timed = [word for sentence in audio.sentences for word in sentence.words]
    assert all(before.end <= after.start + 1e-9 for before, after in pairwise(timed))
    assert all(word.start < word.end for word in timed)
    placed = [(word.text, text[word.start_char : word.end_char]) for word in timed]
    for pair in (("musical", "musical"), ("sport", "sport"), ("in", "in"), ("the", "the")):
        assert pair in placed
    for said in ("twenty", "five", "dollars"):
        assert (said, "$25") in placed
    assert placed[-3:-1] == [("O", "O"), ("K", "K")]
    phones = [phone for sentence in audio.sentences for phone in sentence.phones]
    assert all(before.end <= after.start + 1e-9 for before, after in pairwise(phones))
    assert phones[-1].end <= audio.seconds + 1e-9


def test_brackets_of_users_are_not_markup() -> None:
    # RVC-Boss/GPT-SoVITS#1246: such text is common; and any text can be written to be only text.
    text = "我是[您的名字]，[pause 1s]"
    assert parse("我是[您的名字]").text == "我是[您的名字]"
    assert parse(escape(text)).text == text
