from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vinovits.text.chinese.folding import fold, simplify
from vinovits.text.chinese.spelled import marks, readable_only
from vinovits.text.chinese.written import in_words
from vinovits.text.traced import trace

SAID = {
    # dates and times
    "会议定于2024-03-15上午9:30开始": "会议定于二零二四年三月十五日上午九点三十分开始",
    "2023/12/26和2024.5.1": "二零二三年十二月二十六日和二零二四年五月一日",
    "1949年10月1日": "一九四九年十月一日",
    "98年3月": "九八年三月",
    "等了10年": "等了十年",
    "有5000年历史": "有五千年历史",
    "今天是12/25": "今天是十二月二十五日",
    "2019-2023年": "二零一九到二零二三年",
    "8:05，14:00，23:59:59": "八点零五分,十四点整,二十三点五十九分五十九秒",
    "每天9:00-17:30营业": "每天九点到十七点三十分营业",
    # telephones and numbers that are names
    "电话13812345678": "电话幺三八幺二三四五六七八",
    "请拨打010-88886666": "请拨打零幺零,八八八八六六六六",
    "报警请打110": "报警请打幺幺零",
    "订单号：20231226001": "订单号,二零二三幺二二六零零幺",
    "航班CA1234，5G，GPT-4，B12": "航班CA幺二三四,五G,GPT四,B十二",
    "地址192.168.0.1，版本1.2.3": "地址一九二点一六八点零点一,版本一点二点三",
    # amounts
    "人口1,400,000,000": "人口十四亿",
    "圆周率3.1415926": "圆周率三点一四一五九二六",
    "1,234,567.89元": "一百二十三万四千五百六十七点八九元",
    "降了-3.5%，5%-10%，3‰": "降了负百分之三点五,百分之五到百分之十,千分之三",
    "¥12.5和$3万": "十二点五元和三万美元",
    "12.5kg，3m，120km/h": "十二点五千克,三米,一百二十千米每小时",
    "-5℃到3℃": "零下五摄氏度到三摄氏度",
    "从5~10个减少到2-3个": "从五到十个减少到两到三个",
    "2个，12个，200克，第2名，2月": "两个,十二个,两百克,第二名,二月",
    "比分3:2，比例16:9": "比分三比二,比例十六比九",
    "1/2加1/3等于5/6": "二分之一加三分之一等于六分之五",
    "1½杯": "一又二分之一杯",
    "2^10=1024，7×8=56，10÷2=5": "二的十次方等于一千零二十四,七乘八等于五十六,十除以二等于五",
    "90后，007": "九零后,零零七",
    "1" * 20: "幺" * 20,
    # signs
    "α粒子和π": "阿尔法粒子和派",
    "二〇二四年〇〇七": "二零二四年零零七",
    "人々": "人人",
    "①首先，②其次": "一,首先,二,其次",
    "１２３ａｂｃ": "一百二十三abc",
    "温度：高；湿度：低": "温度,高,湿度,低",
    "『红楼梦』": "'红楼梦'",
    "後來髮型變長了": "后来发型变长了",
    "C++比C#快": "C加加比C井快",
    "https://www.example.com": "www点example点com",
    "a@b.com": "a艾特b点com",
}


def _said(text: str) -> str:
    traced = trace(text)
    for step in (fold, simplify, in_words, marks, readable_only):
        traced = step(traced)
        assert len(traced.text) == len(traced.spans)
    return traced.text


@pytest.mark.parametrize("written", SAID)
def test_digits_and_signs_are_read(written: str) -> None:
    assert _said(written) == SAID[written]


@given(st.text("0123456789.-/:,%℃年月日号元个kgA一~ ", max_size=25))
def test_no_digit_is_left_and_nothing_raises(text: str) -> None:
    assert not any(character.isdigit() for character in _said(text))
