"""What is written with digits and signs, in words: numbers, dates, times, units, money, formulas.

Each rule is a pattern and what it says; they are tried one after the other on the whole text, the
special ones first, so that what is left for the last ones is plain numbers.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from functools import cache

from vinovits.text.chinese.given import STAND_INS
from vinovits.text.chinese.numbers import MAX_DIGITS, cardinal, digits
from vinovits.text.chinese.tables import data_file
from vinovits.text.traced import Traced, joined, substitute

Say = Callable[[re.Match[str]], str | None]
"""What a match is in words; None where it isn't what the pattern looks for."""

_NUM = r"\d+(?:\.\d+)?"
_SIGNED = rf"(?<![\d.A-Za-z])-?{_NUM}"
_TO = r"\s?[-–—~]{1,2}\s?"
_COUNTERS = (
    "个位只条张块瓶杯份本辆台匹头亩次天年岁斤吨克公倍名人件家层座栋间套双对种类届场部首篇句段"
    "项把支根棵朵片颗粒滴间所门口盒箱袋包碗盘桶元角分米里厘毫升小点周号月日世页章节集季步"
)


@cache
def _names(section: str) -> dict[str, str]:
    """How the signs of one section of signs.toml are said."""
    return dict(tomllib.loads(data_file("signs.toml").read_text("utf-8"))[section])


def in_words(traced: Traced) -> Traced:
    """Write out digits and signs."""
    if not _ANYTHING.search(traced.text):
        return traced
    traced = _addresses(traced)
    for pattern, say in _rules():
        traced = substitute(traced, pattern, lambda match, say=say: _said(match, say))  # type: ignore[misc]
    return traced


_ANYTHING = re.compile("[\\d#%‰&@+=±×÷≈≠≤≥√∞°→℡¥$€£₩½⅓⅔¼¾⅛\u0370-\u03ff]|://")


def _said(match: re.Match[str], say: Say) -> str:
    said = say(match)
    return match[0] if said is None else said


def number(text: str, counted: bool = False) -> str:
    """A number in words, of any length and with any sign.

    Args:
        text: Digits, maybe "-" before them and "." between.
        counted: Whether something is counted: then 2 is 两, and 200 两百.
    """
    sign = "负" if text.startswith("-") else ""
    whole, point, fraction = text.removeprefix("-").partition(".")
    if (len(whole) > 1 and whole[0] == "0") or len(whole) > MAX_DIGITS:
        said = digits(whole)
    else:
        said = cardinal(whole)
        if counted and said == "二" and not point:
            said = "两"
        said = (
            re.sub("^二(?=[百千万亿])", "两", said)
            if counted
            else re.sub("^二(?=[千万亿])", "两", said)
        )
    return sign + said + ("点" + digits(fraction) if fraction else "")


def telephone(text: str) -> str:
    """Digits one by one, 1 as 幺; what stands between groups is a pause."""
    groups = re.findall(r"\d+", text)
    return "，".join(digits(group).replace("一", "幺") for group in groups)


def _is_date(month: str, day: str | None = None) -> bool:
    return 1 <= int(month) <= 12 and (day is None or 1 <= int(day) <= 31)


def _date(match: re.Match[str]) -> str | None:
    year, month, day = match["year"], match["month"], match["day"]
    if not _is_date(month, day):
        return None
    said = f"{digits(year)}年{cardinal(month)}月"
    return said + (f"{cardinal(day)}日" if day else "")


def _month_and_day(match: re.Match[str]) -> str | None:
    month, day = match["month"], match["day"]
    dated = int(day) > 12 or match["context"]
    if not dated or not _is_date(month, day):
        return None
    return f"{match['context'] or ''}{cardinal(month)}月{cardinal(day)}日"


def _time(match: re.Match[str]) -> str | None:
    hour, minute, second = match["hour"], match["minute"], match["second"]
    if int(hour) > 24 or int(minute) > 59 or int(second or 0) > 59:
        return None
    return _clock(hour, minute, second)


def _clock(hour: str, minute: str, second: str | None = None) -> str:
    said = ("两" if int(hour) == 2 else cardinal(hour)) + "点"
    if int(minute) or second:
        said += ("零" if int(minute) < 10 and int(minute) else "") + f"{cardinal(minute)}分"
    return said + (f"{cardinal(second)}秒" if second else "整" if not int(minute) else "")


def _times(match: re.Match[str]) -> str | None:
    first, last = match["a"], match["b"]
    hours = [part.split(":") for part in (first, last)]
    if any(int(hour) > 24 or int(minute) > 59 for hour, minute in hours):
        return None
    return "到".join(_clock(hour, minute).removesuffix("整") for hour, minute in hours)


def _percent(match: re.Match[str]) -> str:
    per = "千分之" if match[0].endswith("‰") else "百分之"
    first, last = match["a"], match["b"]
    said = _negative(per, first)
    return said if not last else f"{said}到{_negative(per, last)}"


def _negative(per: str, text: str) -> str:
    return ("负" if text.startswith("-") else "") + per + number(text.removeprefix("-"))


def _money(match: re.Match[str]) -> str:
    amount = number(match["amount"].replace(",", ""), counted=True)
    return f"{amount}{match['scale'] or ''}{_names('currencies')[match['sign']]}"


def _measured(match: re.Match[str]) -> str:
    unit = _names("units")[match["unit"]]
    amount = match["amount"].replace(",", "")
    if unit in ("摄氏度", "华氏度", "度") and amount.startswith("-"):
        return "零下" + number(amount[1:]) + unit
    return number(amount, counted=unit not in ("度", "摄氏度", "华氏度")) + unit


def _range_of_units(match: re.Match[str]) -> str:
    unit = _names("units")[match["unit"]] if match["unit"] in _names("units") else match["unit"]
    return f"{number(match['a'], counted=True)}到{number(match['b'], counted=True)}{unit}"


def _formula(match: re.Match[str]) -> str:
    parts = re.split(rf"({_NUM}|[A-Za-z]+)", match[0])
    said = []
    for part in parts:
        sign = part.strip()
        if not sign:
            continue
        if sign[0].isdigit():
            said.append(number(sign))
        else:
            said.append("".join(_names("operators").get(c, c) for c in sign if not c.isspace()))
    return "".join(said)


def _power(match: re.Match[str]) -> str:
    power = {"²": "2", "³": "3"}.get(match["power"], match["power"].lstrip("^"))
    named = {"2": "平方", "3": "立方"}.get(power, f"{number(power)}次方")
    base = match["base"]
    return f"{number(base) if base[0].isdigit() else base}的{named}"


def _year(match: re.Match[str]) -> str | None:
    year = match["year"]
    if (
        len(year) == 4
        and 1000 <= int(year) <= 2999
        and (year == "2000" or not year.endswith("000"))
    ):
        return digits(year) + "年"
    if len(year) == 2 and match["follows"] is not None:
        return digits(year) + "年"
    return None


def _years(match: re.Match[str]) -> str:
    return f"{digits(match['a'])}到{digits(match['b'])}年"


def _identifier(match: re.Match[str]) -> str:
    return match["name"] + digits(match["digits"]).replace("一", "幺")


def _after_letters(match: re.Match[str]) -> str:
    """GPT-4, B12, iPhone15 by value; CA1234 and A12345 digit by digit."""
    letters, sign, value = match["letters"], match["sign"], match["digits"]
    if "." in value or len(value) <= 2:
        said = number(value)
    elif (len(value) == 4 and value.startswith(("19", "20"))) or value.startswith("0"):
        said = digits(value)
    elif value.endswith("00"):
        said = number(value)
    else:
        said = digits(value).replace("一", "幺")
    return letters + (" " if sign else "") + said


def _before_letters(match: re.Match[str]) -> str:
    return number(match["digits"]) + match["letters"]


def _decade(match: re.Match[str]) -> str:
    return digits(match["decade"]) + match["who"]


def _dotted(match: re.Match[str]) -> str:
    """Versions and addresses: numbers with 点 between."""
    parts = match[0].split(".")
    plain = len(parts) == 4 and all(int(part) < 256 for part in parts)
    return "点".join(digits(part) if plain or part[0] == "0" else number(part) for part in parts)


def _plain(match: re.Match[str]) -> str:
    text = match["number"]
    counted = match["counter"] is not None and not _is_dated(match["counter"])
    if text.isdecimal() and len(text) >= 9 and not text.endswith("000"):
        return digits(text).replace("一", "幺")
    return number(text, counted=counted)


def _is_dated(counter: str) -> bool:
    return counter in "月号日分点角元世"


_ADDRESS = re.compile(
    r"(?P<way>https?://)?(?P<rest>(?:(?<=://)|www\.)[!-~]+"
    r"|[\w.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z]{2,})+)"
)
_IN_ADDRESSES = {
    ".": "点",
    "/": "斜杠",
    "@": "艾特",
    "-": "杠",
    "_": "下划线",
    ":": "冒号",
    "?": "问号",
    "=": "等于",
    "&": "和",
    "%": "百分号",
    "#": "井号",
    "~": "波浪号",
    "+": "加",
}


def _addresses(traced: Traced) -> Traced:
    """Web addresses and mail: signs by name, letters and digits one by one, each in its place."""
    parts: list[Traced] = []
    position = 0
    for match in _ADDRESS.finditer(traced.text):
        parts.append(traced.part(position, match.start()))
        position = match.end()
        end = match.start() + len(match[0].rstrip("/"))
        for at in range(match.start("rest"), end):
            character = traced.text[at]
            said = _IN_ADDRESSES.get(character) or (
                digits(character) if character.isdecimal() else character
            )
            first = match.start() if at == match.start("rest") else at
            behind = position if at == end - 1 else at + 1
            parts.append(Traced(said, [traced.span(first, behind)] * len(said)))
    return joined([*parts, traced.part(position, len(traced.text))]) if parts else traced


@cache
def _rules() -> tuple[tuple[re.Pattern[str], Say], ...]:
    """The patterns in the order in which they are tried."""
    units = "|".join(map(re.escape, sorted(_names("units"), key=len, reverse=True)))
    signs = _names("currencies") | _names("fractions") | _names("signs")
    compiled: list[tuple[str, Say]] = [
        (
            r"(?<!\d)(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)"
            r"|(?<!\d)0\d{2,3}[- ]\d{7,8}(?!\d)|(?<!\d)[48]00[- ]\d{3,4}[- ]\d{3,4}(?!\d)",
            lambda match: telephone(match[0]),
        ),
        (
            r"(?P<name>(?:电话|热线|致电|拨打|报警|手机|号码|传真|拨|打)(?:是|为|号)?[：:，\s]?)"
            r"(?P<digits>\d{3,})(?![\d.年月])",
            _identifier,
        ),
        (
            r"(?P<name>(?:号|编号|代码|密码|账号|帐号|卡号|学号|工号|单号|尾号|验证码|邮编|QQ|微信|身份证|车牌)"
            r"(?:是|为)?[：:]?\s?)(?P<digits>\d{3,})(?![\d.年月])",
            _identifier,
        ),
        (
            r"(?<![\d.])(?P<year>[12]\d{3})(?P<s>[-/.])(?P<month>\d{1,2})(?P=s)(?P<day>\d{1,2})(?![\d.])",
            _date,
        ),
        (r"(?<![\d.])(?P<year>[12]\d{3})[-/](?P<month>0\d|1[0-2])(?P<day>)(?![\d/.-])", _date),
        (rf"(?<!\d)(?P<a>[12]\d{{3}}){_TO}(?P<b>[12]\d{{3}})年", _years),
        (r"(?<!\d)(?P<year>\d{4}|\d\d(?P<follows>(?=年\d{1,2}月)))年", _year),
        (
            r"(?P<context>今天是|明天是|昨天是|日期[是为：:]|定于)?(?<![\d/.])"
            r"(?P<month>\d{1,2})/(?P<day>\d{1,2})(?![\d/.])",
            _month_and_day,
        ),
        (rf"(?<![\d:])(?P<a>\d{{1,2}}:\d\d){_TO}(?P<b>\d{{1,2}}:\d\d)(?![\d:])", _times),
        (
            rf"(?P<before>比分[^，。{STAND_INS}]{{0,6}}?|以|比)(?P<a>\d{{1,3}})[:：-](?P<b>\d{{1,3}})(?!\d)",
            lambda m: f"{m['before']}{number(m['a'])}比{number(m['b'])}",
        ),
        (
            r"(?<![\d:])(?P<hour>\d{1,2})[:：](?P<minute>\d\d)(?:[:：](?P<second>\d\d))?(?![\d:：])",
            _time,
        ),
        (
            r"(?<![\d:])(?P<a>\d+)[:：](?P<b>\d+)(?![\d:])",
            lambda m: f"{number(m['a'])}比{number(m['b'])}",
        ),
        (r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?!\d)", lambda m: m[0].replace(",", "")),
        (
            rf"(?P<a>{_SIGNED})%?{_TO}(?P<b>-?{_NUM})[%‰]|(?P<c>{_SIGNED})[%‰]",
            lambda m: (
                _percent(m)
                if m["a"]
                else _negative("千分之" if m[0][-1] == "‰" else "百分之", m["c"])
            ),
        ),
        (
            r"(?P<sign>US\$|[¥$€£₩])\s?(?P<amount>\d[\d,]*(?:\.\d+)?)\s?(?P<scale>[万亿千百])?",
            _money,
        ),
        (
            rf"(?<![\d.])(?P<a>{_NUM}){_TO}(?P<b>{_NUM})\s?(?P<unit>(?:{units})(?![A-Za-z])|[{_COUNTERS}])",
            _range_of_units,
        ),
        (rf"(?P<amount>{_SIGNED})\s?(?P<unit>{units})(?![A-Za-z²³/])", _measured),
        (
            rf"(?P<whole>\d+)(?P<part>[{''.join(_names('fractions'))}])",
            lambda m: f"{number(m['whole'])}又{_names('fractions')[m['part']]}",
        ),
        (r"°(?P<unit>[CF])(?![A-Za-z])", lambda m: _names("units")["°" + m["unit"]]),
        (r"(?<![\d.A-Za-z])\.(?P<fraction>\d+)", lambda m: "零点" + digits(m["fraction"])),
        (r"(?P<base>\d+(?:\.\d+)?|[A-Za-z])(?P<power>\^-?\d+|[²³])", _power),
        (
            r"(?<![\d/])(?P<a>\d+)/(?P<b>\d+)(?![\d/])",
            lambda m: f"{number(m['b'])}分之{number(m['a'])}",
        ),
        (
            rf"(?<![\dA-Za-z])(?:{_NUM}|[A-Za-z])(?:\s?[+×÷*=<>≤≥≠≈±]\s?-?(?:{_NUM}|[A-Za-z](?![A-Za-z])))+",
            _formula,
        ),
        (rf"(?<=[等于大小约加减乘以])\s?(?:[-+×÷*=<>≤≥≠≈]\s?{_NUM})+", _formula),
        (r"(?<![\d.])\d+(?:\.\d+){2,}(?![\d.])", _dotted),
        (r"(?<!\d)(?P<decade>[06-9][05]|10)(?P<who>后|零后)(?!\d)", _decade),
        (r"(?P<letters>[A-Za-z]+)(?P<sign>[- ]?)(?P<digits>\d+(?:\.\d+)?)", _after_letters),
        (r"(?P<digits>\d+)(?P<letters>[A-Za-z]+)", _before_letters),
        (r"第(?P<ordinal>\d+)", lambda m: "第" + cardinal(m["ordinal"][:MAX_DIGITS])),
        (
            rf"(?<![\d.])(?P<a>{_NUM}){_TO}(?P<b>{_NUM})(?![\d.-])",
            lambda m: f"{number(m['a'])}到{number(m['b'])}",
        ),
        (rf"(?<=[\d零一二三四五六七八九十百千万亿])\s?-\s?(?={_NUM})", lambda m: "杠"),
        (rf"(?P<number>{_SIGNED}|{_NUM})(?=(?P<counter>[{_COUNTERS}])?)", _plain),
        (r"(?<=[A-Za-z])\+\+", lambda m: "加加"),
        (r"(?<=(?<![A-Za-z])[A-Z])#", lambda m: "井"),
        ("[\u0391-\u03c9]", lambda m: _names("greek").get(m[0].lower().replace("ς", "σ"))),
        (
            "[" + re.escape("".join(key for key in signs if len(key) == 1)) + "]",
            lambda m: signs[m[0]],
        ),
    ]
    return tuple((re.compile(pattern), say) for pattern, say in compiled)
