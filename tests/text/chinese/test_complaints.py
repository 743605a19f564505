"""What users of such systems complain of in Chinese text: their words in sentences, read right."""

from __future__ import annotations

import pytest

from tests.text.chinese.test_given import words_of
from vinovits.text.chinese import read

# Polyphones: RVC-Boss/GPT-SoVITS#710 #1137 #1175 #1196 #1273 #1491 #1629, Plachtaa/
# VITS-fast-fine-tuning#380 #549, index-tts/index-tts#45, FunAudioLLM/CosyVoice#1372
POLYPHONES = {
    "皇帝让长公主退下，改天再重赏": "长公主 zhang3 gong1 zhu3, 重赏 zhong4 shang3",
    "那把剑长三尺，重五斤": "剑长 jian4 chang2, 重 zhong4",
    "写到这里要换行": "换行 huan4 hang2",
    "有了钱记得还钱": "还钱 huan2 qian2",
    "行长今天在银行": "行长 hang2 zhang3, 银行 yin2 hang2",
    "这条路长得离谱": "长 chang2, 得 de5",
    "你得系上红领巾": "得 dei3, 系 ji4",
    "大家载歌载舞": "载歌载舞 zai4 ge1 zai4 wu3",
    "过了三年五载": "五载 wu3 zai3",
    "他拍拍胸脯，吃了果脯": "胸脯 xiong1 pu2, 果脯 guo3 fu3",
    "别和稀泥，也别随声附和": "和稀泥 huo4 xi1 ni2, 随声附和 sui2 sheng1 fu4 he4",
    "先包扎伤口，再扎头发": "包扎 bao1 za1, 扎 za1",
    "别做折本的买卖，他很有长进": "折本 she2 ben3, 长进 zhang3 jin4",
    "他是行家里手": "行家里手 hang2 jia1 li3 shou3",
    "他数学好，数数却错": "数学 shu4 xue2, 数数 shu3 shu4",
    "换个调调，给我倒杯水": "调调 diao4 diao5, 倒杯水 dao4 bei1 shui3",
}

# Numbers and signs: rhasspy/piper#747, wenet-e2e/WeTextProcessing#272, SparkAudio/Spark-TTS#205,
# 2noise/ChatTTS#550, 0xShug0/audio.cpp#99; and what the released front ends make of dates
SAID = {
    "请问你的电话号码是13812345678对吗": "请问你的电话号码是幺三八幺二三四五六七八对吗.",
    "着火打119，急救打120。": "着火打幺幺九,急救打幺二零.",
    "今年4月15日": "今年四月十五日.",
    "会议在2024-03-15": "会议在二零二四年三月十五日.",
    "公元前221年到公元前121年": "公元前两百二十一年到公元前一百二十一年.",
    "涨了3.2%，剩下1/3": "涨了百分之三点二,剩下三分之一.",
    "用H2O做实验，限速60km/h": "用H二O做实验,限速六十千米每小时.",
}


@pytest.mark.parametrize("text", POLYPHONES)
def test_polyphones_are_read_by_their_words(text: str) -> None:
    words = [word for part in read(text) for word in part.words if not word.is_punctuation]
    written = "".join(word.text for word in words)
    names = " ".join(word.reading for word in words).split()
    for expected in POLYPHONES[text].split(", "):
        word, *reading = expected.split()
        start = written.index(word)
        assert names[start : start + len(word)] == reading


@pytest.mark.parametrize("text", SAID)
def test_numbers_are_read_by_what_they_are(text: str) -> None:
    assert "".join(word.text for sentence in read(text) for word in sentence.words) == SAID[text]


def test_a_reading_in_the_text_is_heard_even_if_it_is_odd() -> None:
    """RVC-Boss/GPT-SoVITS#1175 #1629 #1728: tags for readings had no effect."""
    words = words_of("他[数|shu3]数不好，我[教|jiao1]他[数|shu3]数，[狗|mao1]叫")
    assert [word.reading for word in words if word.source == "markup"] == [
        *("shu3", "jiao1", "shu3", "mao1"),
    ]


def test_odd_characters_are_read_or_told_and_never_raise() -> None:
    """litagin02/Style-Bert-VITS2#25 #47, rhasspy/piper#747."""
    [sentence] = read("人々说：“ＯＫ…”，α＝２㎏😀")
    assert "".join(word.text for word in sentence.words) == "人人说,'OK…',阿尔法等于两千克."
    assert sentence.notes == ("Left out signs and emoji: 😀.",)
