"""Dates and times of day."""

from __future__ import annotations

import re
from functools import cache

from vinovits.text.english.numbers import cardinal, decimal, ordinal, plural, year
from vinovits.text.english.pieces import DIGITS, DOT, Piece, Reading, Rule, Scan, spelled, spoken
from vinovits.text.english.tables import table
from vinovits.text.word_sets import word_set

_IN_ORDER = "January February March April May June July August September October November December"
_MONTH_NAMES = tuple(_IN_ORDER.split())


@cache
def _months() -> dict[str, int]:
    months: dict[str, int] = table("abbreviations")["months"]
    return months


def _month_name(written: str) -> str:
    return _MONTH_NAMES[_months()[written.rstrip(".")] - 1]


def _read_numeric(scan: Scan, match: re.Match[str]) -> Reading | None:
    """2024-03-15, 3/15/2024, 15.03.2024: one span for all words."""
    groups = match.groupdict()
    if match.lastgroup in ("iso", "slashed"):
        years, month, day = re.findall(r"\d+", match[0])[:3]
    else:
        month, day, years = re.findall(r"\d+", match[0])[:3]
        if groups.get("dotted") or int(month) > 12:
            month, day = day, month
    if not (1 <= int(month) <= 12 and 1 <= int(day) <= 31):
        return None
    if len(years) == 2:
        years = ("20" if int(years) < 50 else "19") + years
    words = f"{_MONTH_NAMES[int(month) - 1]} {ordinal(day)} {year(years)}"
    return spoken(words, match.start(), match.end())


def _read_month_day(scan: Scan, match: re.Match[str]) -> Reading | None:
    """March 3rd, 2024; Mar 3; June 15-20."""
    if not 1 <= int(match["day"]) <= 31:
        return None
    pieces = [
        Piece(_month_name(match["month"]), *match.span("month")),
        *spoken(ordinal(match["day"]), *_with_ending(match, "day")),
    ]
    if match["until"]:
        pieces += spoken("to", _with_ending(match, "day")[1], match.start("until"))
        pieces += spoken(ordinal(match["until"]), *_with_ending(match, "until"))
    if match["year"]:
        pieces += spoken(year(match["year"]), *match.span("year"))
    return pieces


def _with_ending(match: re.Match[str], group: str) -> tuple[int, int]:
    """Where a day is written, with the letters of "3rd"."""
    start, end = match.span(group)
    return start, end + 2 * match.string.startswith(("st", "nd", "rd", "th"), end, match.end())


def _read_day_month(scan: Scan, match: re.Match[str]) -> Reading | None:
    """3 Mar 2024, 3rd of March: "the third of March"."""
    if not 1 <= int(match["day"]) <= 31:
        return None
    the = "" if scan.previous().lower() == "the" else "the "
    pieces = [
        *spoken(f"{the}{ordinal(match['day'])} of", match.start(), match.start("month")),
        Piece(_month_name(match["month"]), *match.span("month")),
    ]
    if match["year"]:
        pieces += spoken(year(match["year"]), *match.span("year"))
    return pieces


def _read_month_year(scan: Scan, match: re.Match[str]) -> Reading:
    return [
        Piece(_month_name(match["month"]), *match.span("month")),
        *spoken(year(match["year"]), *match.span("year")),
    ]


_DAY_OF = word_set("on by before until till since from after dated due between")


def _read_month_slash_day(scan: Scan, match: re.Match[str]) -> Reading | None:
    """3/15 after "on" and the like."""
    month, day = int(match[1]), int(match[2])
    if scan.written_before(match.start()).lower() not in _DAY_OF or not 1 <= month <= 12:
        return None
    if not 1 <= day <= 31:
        return None
    return spoken(f"{_MONTH_NAMES[month - 1]} {ordinal(match[2])}", match.start(), match.end())


def _read_time(scan: Scan, match: re.Match[str]) -> Reading | None:
    hour, minute, second = match["hour"], match["minute"], match["second"]
    half = match["half"]
    if int(hour) > (12 if half else 24):
        return None
    words = cardinal(str(int(hour)))
    if minute != "00":
        words += f" oh {DIGITS[int(minute[1])]}" if minute[0] == "0" else f" {cardinal(minute)}"
    elif not half and not second:
        words += " hundred" if int(hour) > 12 else " o'clock"
    if second and second != "00":
        words += f" and {decimal(second.lstrip('0') or '0')} second{'s' * (second != '01')}"
    end = match.end("second") if second else match.end("minute")
    return [*spoken(words, match.start(), end), *_read_half(match)]


def _read_hour(scan: Scan, match: re.Match[str]) -> Reading | None:
    if not 1 <= int(match["hour"]) <= 12:
        return None
    return [*spoken(cardinal(str(int(match["hour"]))), *match.span("hour")), *_read_half(match)]


def _read_half(match: re.Match[str]) -> Reading:
    """The letters of a.m. or p.m., each with its own span."""
    if not match["half"]:
        return []
    first = match.start("half")
    last = first + match["half"].lower().index("m")
    return [*spelled(match["half"][0], first), *spelled("m", last)]


def _read_decade(scan: Scan, match: re.Match[str]) -> Reading | None:
    """1980s, '90s, the 30s."""
    number = match["number"]
    is_bare = len(number) == 2 and not match["short"]
    if is_bare and scan.written_before(match.start()).lower() not in _BEFORE_DECADE:
        return None
    words = year(number) if len(number) == 4 else cardinal(number)
    return spoken(plural(words), match.start(), match.end())


_BEFORE_DECADE = word_set("the their his her my your our its early mid late into")
_END = r"(?![\w/]|[.:,-]\d)"
_HALF = rf"(?P<half>[aApP](?:\.\s?[mM]{DOT}|[mM]\b))"
_MONTH = (
    r"(?P<month>January|February|March|April|May|June|July|August|September|October|November|December"
    r"|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept|Sep|Oct|Nov|Dec)\b\.?)"
)
_DAY = r"(?P<day>\d{1,2})"
_YEAR = r"(?P<year>[12]\d{3})"

RULES = (
    Rule(re.compile(r"(?P<iso>\d{4}-\d{1,2}-\d{1,2})(?:T(?=\d\d:\d\d)|(?![\w-]))"), _read_numeric),
    Rule(re.compile(rf"(?P<slashed>\d{{4}}/\d{{1,2}}/\d{{1,2}}){_END}"), _read_numeric),
    Rule(re.compile(rf"\d{{1,2}}/\d{{1,2}}/(?:\d{{4}}|\d\d){_END}"), _read_numeric),
    Rule(re.compile(rf"\d{{1,2}}-\d{{1,2}}-\d{{4}}{_END}"), _read_numeric),
    Rule(re.compile(rf"(?P<dotted>\d{{1,2}}\.\d{{1,2}}\.\d{{4}}){_END}"), _read_numeric),
    Rule(
        re.compile(
            rf"{_MONTH}\s{{1,2}}{_DAY}(?:st|nd|rd|th)?(?![\w:%/]|[.,]\d)"
            rf"(?:\s?[-–]\s?(?P<until>\d{{1,2}})(?:st|nd|rd|th)?(?!\w))?(?:,?\s{_YEAR}{_END})?"
        ),
        _read_month_day,
    ),
    Rule(
        re.compile(rf"{_DAY}(?:st|nd|rd|th)?(?:\sof)?[\s-]{_MONTH}(?!\w)(?:,?[\s-]{_YEAR}{_END})?"),
        _read_day_month,
    ),
    Rule(re.compile(rf"{_MONTH},?\s{_YEAR}{_END}"), _read_month_year),
    Rule(re.compile(rf"(\d{{1,2}})/(\d{{1,2}}){_END}"), _read_month_slash_day),
    Rule(
        re.compile(
            r"(?P<hour>\d{1,2}):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d(?:\.\d+)?))?(?![\d:])"
            rf"(?:\s?{_HALF})?(?:Z\b)?"
        ),
        _read_time,
    ),
    Rule(
        re.compile(rf"(?P<hour>\d{{1,2}})\.(?P<minute>[0-5]\d)(?P<second>(?!))?\s?{_HALF}"),
        _read_time,
    ),
    Rule(re.compile(rf"(?P<hour>\d{{1,2}})\s?{_HALF}"), _read_hour),
    Rule(re.compile(r"(?P<short>')(?P<number>[1-9]0)s\b"), _read_decade),
    Rule(re.compile(r"(?P<number>[1-9]\d{2}0|[2-9]0)(?P<short>(?!))?s\b"), _read_decade),
)
