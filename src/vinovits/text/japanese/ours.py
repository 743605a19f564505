"""The steps of `better`: what people write beside kana and kanji, written as it is said.

Numbers stay digits, because Open JTalk reads them with their counters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cache

from vinovits.text.japanese.given import STAND_INS
from vinovits.text.japanese.latin import in_japanese, spelled
from vinovits.text.japanese.tables import table
from vinovits.text.traced import Traced, substitute

Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]

_KANA = "\u3041-\u3096\u30a1-\u30fa"
_SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789", strict=True))
_WORD = re.compile(r"[A-Za-z]+(?:['’-][A-Za-z]+)*")
_MAX_LETTERS = 40
"""Longer "words" are no words: they are spelled out."""


def before_nfkc(traced: Traced) -> Traced:
    """Powers and roman numerals, which NFKC would spoil."""
    for pattern, replacement in _BEFORE:
        traced = substitute(traced, pattern, replacement)
    return traced


def after_nfkc(traced: Traced) -> Traced:
    """Everything else, in an order in which the rules don't take each other's signs."""
    for pattern, replacement in (*_after(), *_words()):
        traced = substitute(traced, pattern, replacement)
    return traced


def _power(match: re.Match[str]) -> str:
    exponent = "".join(_SUPERSCRIPTS[digit] for digit in match["power"])
    unit = table("words")["units"].get(match["unit"] or "")
    if unit and exponent in ("2", "3"):
        return f"{'平方' if exponent == '2' else '立方'}{unit}"
    return f"{match['unit'] or ''}の{exponent}乗"


def _repeated(match: re.Match[str]) -> str:
    """ゝ says the kana before it again, ゞ with a voice."""
    said = match.string[match.start() - 1]
    plain = unicodedata.normalize("NFD", said)[0]
    voiced = unicodedata.normalize("NFC", plain + "\u3099")
    return "".join(voiced if mark in "ゞヾ" and len(voiced) == 1 else plain for mark in match[0])


_LATIN = {"ß": "ss", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ø": "o", "Ø": "O", "ł": "l"}


def _plain_latin(match: re.Match[str]) -> str:
    """A letter without its accents: café."""
    base = unicodedata.normalize("NFD", match[0])[0]
    return base if base.isascii() else _LATIN.get(match[0], match[0])


def _repeated_pair(match: re.Match[str]) -> str:
    """〳〵 says the two kana before it again, 〴〵 with a voice."""
    plain = unicodedata.normalize("NFD", match["pair"][0])[0] + match["pair"][1:]
    if match["mark"][0] in "〲〴":
        plain = unicodedata.normalize("NFC", plain[0] + "\u3099") + plain[1:]
    return match["pair"] + plain


_BEFORE: tuple[Rule, ...] = (
    # Faces: brackets with neither kana nor kanji nor letters of use in them.
    (
        re.compile(
            r"[(（][^()（）\s\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff\dA-Za-z０-９Ａ-Ｚａ-ｚ"
            rf"\u2150-\u218b\u2460-\u24ff{STAND_INS}]{{2,20}}[)）]"
        ),
        lambda match: "、",
    ),
    (re.compile("[①-⑳](?=[①-⑳])"), lambda match: match[0] + "、"),
    (re.compile("㈱|[(（]株[)）]"), lambda match: "株式会社"),
    (re.compile("㈲|[(（]有[)）]"), lambda match: "有限会社"),
    (re.compile("(?P<unit>[km]?m)?(?P<power>[⁰¹²³⁴⁵⁶⁷⁸⁹]+)"), _power),
    (
        re.compile("[\u2160-\u216b\u2170-\u217b]"),
        lambda match: str(int(unicodedata.numeric(match[0]))),
    ),
)


def _date(match: re.Match[str]) -> str:
    year, month, day = match["year"], int(match["month"]), int(match["day"])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return match[0]
    return f"{year}年{month}月{day}日"


def _time(match: re.Match[str]) -> str:
    hour, minute, second = int(match["hour"]), int(match["minute"]), match["second"]
    if hour > 29 or minute > 59:
        return match[0]
    said = f"{hour}時" + (f"{minute}分" if minute or second else "")
    return said + (f"{int(second)}秒" if second else "")


def _fraction(match: re.Match[str]) -> str:
    """1/2 is a half, but 3/15 and 1/2(月) are days."""
    above, below = int(match["above"]), int(match["below"])
    is_day = 1 <= above <= 12 and 1 <= below <= 31
    if is_day and (match["weekday"] is not None or below not in _DENOMINATORS):
        return f"{above}月{below}日"
    return f"{below}分の{above}"


_DENOMINATORS = (*range(2, 11), 16)


def _price(match: re.Match[str]) -> str:
    names = {"$": "ドル", "¥": "円", "£": "ポンド", "€": "ユーロ"}
    return match["number"] + (match["scale"] or "") + names[match["sign"]]


def _unit(match: re.Match[str]) -> str:
    return f"{match['number']}{table('words')['units'][match['unit']]}"


@cache
def _after() -> tuple[Rule, ...]:
    tables = table("words")
    units = "|".join(map(re.escape, sorted(tables["units"], key=len, reverse=True)))
    signs = "".join(map(re.escape, tables["signs"]))
    easier = "|".join(f"{word}(?={row['before']})" for word, row in tables["easier"].items())
    greek = "".join(tables["greek"])
    abbreviations = "|".join(tables["abbreviations"])
    return (
        (re.compile("[\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff]"), _plain_latin),
        (re.compile(easier), lambda match: tables["easier"][match[0]]["spelling"]),
        (re.compile("(?<![0-9\u4e00-\u9fff々〇])人(?=[がはをもにと])"), lambda match: "ひと"),
        (re.compile(rf"(?P<pair>[{_KANA}]{{2}})(?P<mark>[〱〲]|[〳〴]〵)"), _repeated_pair),
        # What a browser shows of an address begins behind its scheme.
        (re.compile(r"(?i)\b(?:https?|ftp)://(\w)"), lambda match: match[1]),
        (re.compile(r"(?<=[A-Za-z0-9])@(?=[A-Za-z0-9])"), lambda match: "アットマーク"),
        (
            re.compile(rf"(?<![A-Za-z])({abbreviations})\.\s?(?=\w)"),
            lambda match: tables["abbreviations"][match[1]],
        ),
        (re.compile(r"(?<=[A-Za-z0-9])\.(?=[A-Za-z])|(?<=[A-Za-z])\.(?=\d)"), lambda m: "ドット"),
        (re.compile(r"([A-Za-z])-(?=\d)"), lambda match: match[1]),
        (re.compile(r"(?<=[A-Za-z0-9])_(?=[A-Za-z0-9])"), lambda match: "アンダーバー"),
        (
            re.compile(r"(?<=[A-Za-z])/(?=[A-Za-z])(?!h(?![a-z])|s(?![a-z]))"),
            lambda m: "スラッシュ",
        ),
        (
            re.compile(
                r"(?<![\d/-])(?P<year>\d{4})(?P<sign>[-/.])(?P<month>\d{1,2})(?P=sign)"
                r"(?P<day>\d{1,2})(?![\d/-])"
            ),
            _date,
        ),
        (
            re.compile(
                r"(?<![\d:])(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?(?![\d:])"
            ),
            _time,
        ),
        (re.compile(r"(?<![\d:])(\d{1,2}):(\d{1,2})(?![\d:])"), lambda m: f"{m[1]}タイ{m[2]}"),
        (re.compile(r"(?<=\d)対(?=\d)"), lambda match: "タイ"),
        (re.compile(r"(\d),(?=\d{3}(?!\d))"), lambda match: match[1]),
        (
            re.compile(r"(?P<sign>[$¥£€])(?P<number>\d+(?:\.\d+)?)(?P<scale>[万億兆千百]*)"),
            _price,
        ),
        (
            re.compile(
                r"(?<![\d/])(?P<above>\d{1,3})[/\u2044](?P<below>\d{1,3})(?![\d/])"
                r"(?P<weekday>(?=\s?\(?[月火水木金土日][)曜]))?"
            ),
            _fraction,
        ),
        (re.compile("(?<=日)\\s?\\(([月火水木金土日])\\)"), lambda match: f"、{match[1]}曜日"),
        (re.compile(r"(?<=\d)\.(?=\d+\.\d)|(?<=\d\.\d)\.(?=\d)"), lambda match: "テン"),
        (
            re.compile(r"(?<=[\d%年月日時分秒円人個歳回])\s?[〜～~]\s?(?=[\dA-Z¥$約第])"),
            lambda match: "から",
        ),
        (re.compile("(?<=[\u4e00-\u9fff])[〜～](?=[\u4e00-\u9fff])"), lambda match: "から"),
        (re.compile(r"(?<![\w)\]])[-−](?=\d)"), lambda match: "マイナス"),
        (re.compile(rf"(?P<number>\d)\s?(?P<unit>{units})(?![A-Za-z])"), _unit),
        (
            re.compile(r"(?<=[\u3040-\u30ff\u4e00-\u9fff])w+(?!ドット|[A-Za-z0-9])"),
            lambda match: "ワラ",
        ),
        (re.compile(r"(?<![A-Za-z])([CFcf])#"), lambda match: spelled(match[1]) + "シャープ"),
        (re.compile(r"#(?=\d)"), lambda match: "ナンバー"),
        (re.compile(r"#(?=\w)"), lambda match: "ハッシュタグ、"),
        (re.compile("[〇○◯]×"), lambda match: "マルバツ"),
        (re.compile(r"(?<=[\w)])\s?×(?=\s?[\w(])"), lambda match: "かける"),
        (re.compile(rf"[{signs}]"), lambda match: tables["signs"][match[0]]),
        # However long they are, dots are one pause.
        (re.compile(r"\.{4,}"), lambda match: "..."),
        (re.compile(rf"(?i)[{greek}]"), lambda match: tables["greek"][match[0].casefold()]),
        (re.compile(rf"(?<=[{_KANA}ー])[〜～~]+"), lambda match: "ー"),
        (re.compile("[〜～~]+"), lambda match: "、"),
        (re.compile(rf"(?<![{_KANA}\u4e00-\u9fffー々])ー+"), lambda match: "-"),
        (re.compile(f"(?<=[{_KANA}])[ゝヽゞヾ]+"), _repeated),
    )


@cache
def _words() -> tuple[Rule, ...]:
    return (
        (re.compile(f"[A-Za-z]{{{_MAX_LETTERS},}}"), lambda match: spelled(match[0])),
        (_WORD, lambda match: in_japanese(match[0])),
    )
