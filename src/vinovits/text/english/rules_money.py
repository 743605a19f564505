"""Amounts: money, and numbers with units."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from vinovits.text.english.numbers import cardinal, decimal, quantity
from vinovits.text.english.pieces import NUMBER, Piece, Reading, Rule, Scan, spelled, spoken
from vinovits.text.english.rules_numbers import NO_NOUN
from vinovits.text.english.tables import table
from vinovits.text.word_sets import word_set

_POWERS = {"²": "square", "2": "square", "³": "cubic", "3": "cubic"}
_DETERMINERS = word_set("the this that his her its our their my your each every any one")


def _either(forms: Iterable[str]) -> str:
    return "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))


@cache
def rules() -> tuple[Rule, ...]:
    """The rules for amounts; their patterns are made from the tables of units."""
    units = table("units")
    symbols, codes, scales = units["symbols"], units["codes"], units["scales"]
    scale = (
        r"(?:\s?(?P<scale>thousand|million|billion|trillion)\b"
        rf"|\s?(?P<short>{_either(s for s in scales if len(s) < 4)})(?![A-Za-z0-9]))?"
    )
    number = f"(?P<number>{NUMBER})"
    upto = rf"(?:\s?[-–]\s?(?P<upto>{NUMBER})(?![\d/]))?"
    before = rf"(?P<currency>{_either(symbols)}|(?:{_either(codes)})(?=[\s\d]))\s?"
    after = rf"\s?(?P<currency>{_either(s for s in symbols if len(s) == 1)}|(?:{_either(codes)})\b)"
    whole = rf"(?P<number>(?:\d+\s)?\d+/\d+|\d+\s?[½⅓⅔¼¾⅛⅜⅝⅞]|[½⅓⅔¼¾⅛⅜⅝⅞]|{NUMBER})"
    free = [form for form in units["units"] if form not in units["attached"]["units"]]
    unit = (
        rf"(?:[\s-]?(?P<unit>{_either(free)})|(?P<tight>{_either(units['attached']['units'])})"
        r"|\s?(?P<inches>in)\.(?=\s[a-z]|[,;)]))"
        r"(?P<power>[²³]|\^?[23](?!\d))?(?:\s?/\s?(?P<per>"
        rf"{_either(units['per'])}))?(?![A-Za-z0-9])(?:\.(?=\s[a-z0-9]|[,;:)]))?"
    )
    big = r"(?P<scale>k|K|M|B|bn|mn|tn)(?![A-Za-z0-9])"
    return (
        Rule(re.compile(before + number + scale + upto + scale.replace("P<", "P<second_")), _money),
        Rule(re.compile(number + scale + after), _money),
        Rule(
            re.compile(r"(?P<feet>\d{1,2})'\s?(?P<inches>\d{1,2}(?:½)?)(?:\"|'')?(?!\w)"), _height
        ),
        Rule(re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<sign>['\"])(?![\w'])"), _feet_or_inches),
        Rule(re.compile(whole + upto.replace("\\s?[-–]", "(?:\\s?[-–]|\\sto)") + unit), _measure),
        Rule(re.compile(number + big), _scaled),
    )


def _money(scan: Scan, match: re.Match[str]) -> Reading:
    groups = match.groupdict()
    units = table("units")
    names = units["symbols"].get(match["currency"]) or units["codes"][match["currency"]]
    written = match["number"].replace(",", "").replace("\u00a0", "")
    scale = match["scale"] or units["scales"].get(match["short"] or "", "")
    start, end = match.span()
    single = _is_attribute(scan, match)
    if groups.get("upto"):
        upper = groups["second_scale"] or units["scales"].get(groups["second_short"] or "", "")
        amounts = f"{quantity(match['number'])[0]} {scale} to {quantity(match['upto'])[0]} {upper}"
        return spoken(f"{amounts} {names[1]}", start, end)
    if scale:
        return spoken(f"{decimal(written)} {scale} {names[0 if single else 1]}", start, end)
    whole, _, hundredths = written.partition(".")
    if len(hundredths) != 2 or len(names) < 4:
        return spoken(f"{decimal(written)} {names[0 if single else written != '1']}", start, end)
    words = [] if whole.strip("0") == "" and hundredths != "00" else [_count(whole, names[:2])]
    if hundredths != "00":
        words.append(_count(hundredths.lstrip("0"), names[2:]))
    return spoken(" and ".join(words), start, end)


def _is_attribute(scan: Scan, match: re.Match[str]) -> bool:
    """Whether the amount describes a noun: "a $20 bill", "the 5 km run" have singular units."""
    before = scan.written_before(match.start()).lower()
    if before in ("a", "an"):
        return True
    following = scan.written_after(match.end())
    return before in _DETERMINERS and following.islower() and following not in NO_NOUN


def _count(number: str, names: list[str]) -> str:
    return f"{cardinal(number)} {names[number != '1']}"


def _height(scan: Scan, match: re.Match[str]) -> Reading | None:
    """5'11": "five foot eleven"."""
    if int(match["inches"].rstrip("½")) > 11:
        return None
    return [
        *spoken(f"{cardinal(match['feet'])} foot", match.start(), match.start("inches")),
        *spoken(quantity(match["inches"])[0], match.start("inches"), match.end()),
    ]


def _feet_or_inches(scan: Scan, match: re.Match[str]) -> Reading | None:
    """6' and 11", unless the sign closes a quotation."""
    sign = match["sign"]
    before = scan.text[: match.start()]
    opened = (
        len(re.findall(r'(?<!\d)"', before)) % 2
        if sign == '"'
        else re.search(r"(?<!\w)'", before) is not None
    )
    if opened:
        return None
    names = ("inch", "inches") if sign == '"' else ("foot", "feet")
    single = match["number"] == "1" or _is_attribute(scan, match)
    words = f"{decimal(match['number'])} {names[0 if single else 1]}"
    return spoken(words, match.start(), match.end())


def _measure(scan: Scan, match: re.Match[str]) -> Reading | None:
    units = table("units")
    form = match["unit"] or match["tight"] or match["inches"]
    if form in _NOT_UNITS and _NOT_UNITS[form].match(match["number"]):
        return None
    if form == "s" and match["number"].isdigit() and _counts_things(scan, match.start()):
        return None
    names = units["units"][form]
    words, single = quantity(match["number"])
    hyphen = scan.text[match.start(_form_group(match)) - 1] == "-"
    if match["upto"]:
        words += f" to {quantity(match['upto'])[0]}"
        single = False
    start = match.start()
    if hyphen or (form.isalpha() and _is_attribute(scan, match)):
        single = True
    name = names[0 if single else 1]
    if match["power"]:
        name = f"{_POWERS[match['power'][-1]]} {name}"
    if match["per"]:
        name += f" per {units['per'][match['per']]}"
    split = match.start(_form_group(match))
    return [*spoken(words, start, split), *spoken(name, split, match.end())]


def _counts_things(scan: Scan, start: int) -> bool:
    """Whether "747s" are things, as behind an article, rather than seconds."""
    return scan.written_before(start).lower() in ("the", "these", "those", "old", "new", "boeing")


def _form_group(match: re.Match[str]) -> str:
    """Name of the group that holds the unit."""
    return next(name for name in ("unit", "tight", "inches") if match[name])


_NOT_UNITS = {
    "K": re.compile(r"\d{1,6}$"),  # 4K, 50K: see _scaled
    "s": re.compile(r"(?:1[0-9]\d0|20\d0)$"),  # 1980s
    "t": re.compile(r"\d$"),
    "A": re.compile(r"[1-9]$"),  # 4A is an exercise or a flat
    "h": re.compile(r"\d{3,}"),
}


def _scaled(scan: Scan, match: re.Match[str]) -> Reading:
    """50k, 5M, 2bn; but 4K, 10K, 13700K and 221B Baker Street keep their letter."""
    number, sign = match["number"], match["scale"]
    words = decimal(number.replace(",", ""))
    split = match.start("scale")
    is_name = sign == "B" and scan.written_after(match.end())[:1].isupper()
    small = sign == "K" and number.isdigit() and (int(number) <= 16 or len(number) > 3)
    if is_name or small:
        return [*spoken(words, match.start(), split), *spelled(sign, split)]
    scale = table("units")["scales"][sign]
    return [*spoken(words, match.start(), split), Piece(scale, split, match.end())]


_AMOUNT_BEFORE = re.compile(
    r"(?:\d|[%°²³$€£]|\b(?:million|billion|thousand|users|people|times|calls|requests|words|items|"
    r"dollars|euros|pounds|hours|meters|miles|km|mg|g|kg|ml|l|cal|kcal))\s?\Z"
)


def read_per(scan: Scan, match: re.Match[str]) -> Reading | None:
    """Read "/month" behind an amount: "per month"."""
    what = table("units")["per"].get(match[1])
    if what is None or not scan.pieces:
        return None
    if not _AMOUNT_BEFORE.search(scan.text, max(0, match.start() - 12), match.start()):
        return None
    return [
        Piece("per", match.start(), match.start(1)),
        *spoken(what, match.start(1), match.end()),
    ]
