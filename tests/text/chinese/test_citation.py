from __future__ import annotations

import pytest

from vinovits.text.chinese.citation import citation, tokens_of
from vinovits.text.chinese.prosody import spoken_tones

READINGS = {
    "他在银行行长面前行走": "ta1 zai4 yin2 hang2 hang2 zhang3 mian4 qian2 xing2 zou3",
    "重庆的重量很重": "chong2 qing4 de5 zhong4 liang4 hen3 zhong4",
    "他还没还钱": "ta1 hai2 mei2 huan2 qian2",
    "我看得懂": "wo3 kan4 de5 dong3",
    "你得看": "ni3 dei3 kan4",
    "头发又黑又长": "tou2 fa5 you4 hei1 you4 chang2",
    "为了为人民服务": "wei4 le5 wei2 ren2 min2 fu2 wu4",
    "音乐使我快乐": "yin1 yue4 shi3 wo3 kuai4 le4",
    "这只猫只吃鱼": "zhe4 zhi1 mao1 zhi3 chi1 yu2",
    "没有空气没空打扫": "mei2 you3 kong1 qi4 mei2 kong4 da3 sao3",
    "人参差不齐": "ren2 cen1 ci1 bu4 qi2",
    "衣服晒干了": "yi1 fu5 shai4 gan1 le5",
    "单老师姓单": "shan4 lao3 shi1 xing4 shan4",
    "朴小姐和查老师": "piao2 xiao3 jie5 he2 zha1 lao3 shi1",
    "他教我弹钢琴": "ta1 jiao1 wo3 tan2 gang1 qin2",
    "六安蚌埠铅山": "lu4 an1 beng4 bu4 yan2 shan1",
    "女儿说那儿的花儿红": "nv3 er2 shuo1 na4 er5 de5 hua1 er5 hong2",
    "男子和孩子": "nan2 zi3 he2 hai2 zi5",
    "妈妈喜欢这个东西": "ma1 ma5 xi3 huan5 zhe4 ge5 dong1 xi5",
}
SPOKEN = {
    "你好": "2 3",
    "我很好": "3 2 3",
    "老李想买小米": "2 3 2 3 2 3",
    "纸老虎": "3 2 3",
    "展览馆": "2 2 3",
    "给李老板": "2 3 2 3",
    "不是": "2 4",
    "不吃": "4 1",
    "看不见": "4 5 4",
    "好不好": "3 5 3",
    "一个人": "2 5 2",
    "一天": "4 1",
    "一定": "2 4",
    "第一": "4 1",
    "十一月一号": "2 1 4 1 4",
    "一百一十一": "4 3 1 2 1",
    "二零一一年": "4 2 1 1 2",
    "看一看": "4 5 4",
    "统一": "3 1",
    "一点五": "1 3 3",
    "看看桌子上": "4 5 1 5 5",
}


@pytest.mark.parametrize("text", READINGS)
def test_characters_have_the_reading_of_their_words(text: str) -> None:
    syllables = citation(text, tokens_of(text))
    expected = READINGS[text].split()
    found = [f"{syllable.name}{syllable.tone}" for syllable in syllables]
    assert found == expected


@pytest.mark.parametrize("text", SPOKEN)
def test_tones_change_in_speech(text: str) -> None:
    tokens = tokens_of(text)
    cited = [syllable.tone for syllable in citation(text, tokens)]
    assert spoken_tones(text, tokens, cited) == [int(tone) for tone in SPOKEN[text].split()]


def test_a_model_is_asked_about_characters_that_stand_alone() -> None:
    text = "他长银行"
    model = ["ta1", "chang2", "yin2", "xing2"]
    found = citation(text, tokens_of(text), lambda traditional: model)
    assert [f"{s.name}{s.tone}" for s in found] == ["ta1", "chang2", "yin2", "hang2"]
    assert [s.source for s in found] == ["network", "network", "dictionary", "dictionary"]
    # What the dictionary doesn't know isn't taken.
    assert citation("息", tokens_of("息"), lambda traditional: ["xi2"])[0].tone == 1
