"""Normalising steps of the released front ends: what they do to a text, faults included."""

from __future__ import annotations

import re
from functools import partial

from vinovits.text.chinese import wetext
from vinovits.text.chinese.given import STAND_INS
from vinovits.text.chinese.numbers import MAX_DIGITS, cardinal, decimal, digits
from vinovits.text.traced import Traced, joined, realign, substitute

_STAND_IN = re.compile(f"[{STAND_INS}]")
_COUNTERS = (
    "斤|克|千克|公斤|吨|米|厘米|毫米|公里|升|毫升|元|角|分|个|只|条|张|块|瓶|杯|份|本|"
    "辆|台|匹|头|位|亩|小时|分钟|秒|天|半"
)
_RANGE = re.compile(rf"(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)(?=(?:{_COUNTERS}))")
_DATE = re.compile(r"(?:\d{2,4}年)?(?:\d{1,2}月)?(?:\d{1,2}日)?")
_YEAR = re.compile(r"\d+(?=年)")
_INTEGER = re.compile(r"\d+")
_FRACTION = re.compile(r"(\d+)/(\d+)")
_PERCENT = re.compile(r"(-?(?:\d+\.)?\d+)%")
_CELSIUS = re.compile(r"(\d+)℃")
_NUMBER = re.compile(r"-?(?:\d+\.)?\d+")
_DIGITS = re.compile(r"\d+(?:\.?\d+)?")

_MARKS = {
    **dict.fromkeys("：；，·、", ","),
    **dict.fromkeys("。\n$", "."),
    **dict.fromkeys("“”‘’（）()《》【】[]「」", "'"),
    **dict.fromkeys("—～~", "-"),
    "！": "!",
    "？": "?",
    "...": "…",
    "嗯": "恩",
    "呣": "母",
}
"""What the released front ends write for marks, and two characters with readings they lack."""
_UNSPOKEN = re.compile(f"[^\u4e00-\u9fa5!?…,.'{STAND_INS}-]+")


def _within_range(number: str) -> str:
    """A number as the package cn2an says it: no more than 16 digits behind the point."""
    whole, point, fraction = number.partition(".")
    return decimal(whole + point + fraction[:16])


def _or_as_it_was(match: re.Match[str], said: str) -> str:
    """The template `said` with the groups of the match in words; too long numbers stay digits."""
    try:
        return said.format(*(_within_range(group) for group in match.groups() or (match[0],)))
    except ValueError:
        return match[0]


def _date(match: re.Match[str]) -> str:
    years_said = _YEAR.sub(lambda year: digits(year[0]), match[0])
    return _INTEGER.sub(lambda number: cardinal(number[0]), years_said)


def numbers(traced: Traced) -> Traced:
    """Read runs of digits as cardinals. Up to 2.3 as it was released, and Style-Bert-VITS2.

    These front ends raise on more than 16 digits; here they are read one by one.
    """

    def say(match: re.Match[str]) -> str:
        whole = match[0].partition(".")[0]
        return digits(match[0]) if len(str(int(whole))) > MAX_DIGITS else _within_range(match[0])

    return substitute(traced, _DIGITS, say)


def cn2an(traced: Traced) -> Traced:
    """Dates, fractions, percentages and numbers as the package cn2an 0.5.24 transforms them."""
    traced = substitute(traced, _RANGE, partial(_or_as_it_was, said="{}到{}"))
    traced = substitute(traced, _DATE, _date)
    traced = substitute(traced, _FRACTION, partial(_or_as_it_was, said="{1}分之{0}"))
    traced = substitute(traced, _PERCENT, partial(_or_as_it_was, said="百分之{}"))
    traced = substitute(traced, _CELSIUS, partial(_or_as_it_was, said="{}摄氏度"))
    return substitute(traced, _NUMBER, partial(_or_as_it_was, said="{}"))


def compiled(traced: Traced, tagger: str, verbalizer: str) -> Traced:
    """Rules of WeTextProcessing. They are asked for each line, and know no control characters."""
    written = wetext.normalise(traced.text, tagger, verbalizer)
    old, new = _STAND_IN.split(traced.text), _STAND_IN.split(written)
    if len(old) == len(new) == 1:
        return realign(traced, written, cover=False)
    # What stands between two stand-ins stays there.
    parts: list[Traced] = []
    position = 0
    for before, behind in zip(old, new, strict=True):
        end = position + len(before)
        parts.append(realign(traced.part(position, end), behind, cover=False))
        position = end + 1
        parts.append(traced.part(end, position))
    return joined(parts)


def _marks(extra: dict[str, str]) -> tuple[re.Pattern[str], dict[str, str]]:
    table = _MARKS | extra
    return re.compile("|".join(map(re.escape, sorted(table, key=len, reverse=True)))), table


_MARKS_2_0 = _marks({})
_MARKS_2_1 = _marks({'"': "'"})


def marks_2_0(traced: Traced) -> Traced:
    """Marks as phones, up to 2.0; a straight double quote is none yet."""
    pattern, table = _MARKS_2_0
    return substitute(traced, pattern, lambda match: table[match[0]])


def marks_2_1(traced: Traced) -> Traced:
    """Marks as phones, from 2.1 on."""
    pattern, table = _MARKS_2_1
    return substitute(traced, pattern, lambda match: table[match[0]])


def spoken_only(traced: Traced) -> Traced:
    """Delete all but the hanzi of the first Unicode block and the marks."""
    return substitute(traced, _UNSPOKEN, lambda match: "")
