"""Wide, styled and combined characters as the ones that the rules know."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from vinovits.text.chinese.traditional import to_simplified
from vinovits.text.traced import Traced, substitute

_SPECIAL = {
    "〇": "零",
    "○": "零",
    "℃": "°C",
    "℉": "°F",
    "№": "号",
    "㏎": "km",
    "−": "-",
    "－": "-",
    "∼": "~",
    "〜": "~",
    "～": "~",
    "¥": "¥",
    "￥": "¥",
    "×": "×",
    "…": "…",
    "⋯": "…",
    "‧": "·",
    "・": "·",
    "•": "·",
    "\u3000": " ",
    "\u00a0": " ",
    "\n": "\n",
    # Radicals that Unicode folds to nothing, and PDF files have in the place of these.
    **dict(
        zip(
            "⺠⻄⻅⻆⻉⻋⻓⻔⻘⻚⻛⻜⻝⻢⻣⻤⻥⻦⻨⻩⻬⻮⻰⻳⺟⻁",
            "民西见角贝车长门青页风飞食马骨鬼鱼鸟麦黄齐齿龙龟母虎",
            strict=True,
        )
    ),
}
_KEPT = frozenset("：；，。！？、·…—“”‘’（）《》【】「」『』〈〉〔〕～￥°²³½⅓⅔¼¾⅛±×÷≈≠≤≥√∞π™®©")
_CIRCLED = {chr(0x2460 + i): i + 1 for i in range(20)} | {chr(0x2474 + i): i + 1 for i in range(20)}
_ROMAN = {chr(0x2160 + i): i + 1 for i in range(12)} | {chr(0x2170 + i): i + 1 for i in range(12)}
_ITERATION = re.compile("(?<=([\u3400-\u9fff]))[々〻]")
_ODD = re.compile("[^\\u4e00-\\u9fff!-~ \\n，。！？：；、…—“”]")


def fold(traced: Traced) -> Traced:
    """Fold characters one by one; 人々 becomes 人人, and ① the number with a pause behind it."""
    traced = substitute(traced, _ITERATION, lambda match: match[1])
    return substitute(traced, _ODD, lambda match: _folded(match[0]))


@lru_cache(maxsize=4096)
def _folded(character: str) -> str:
    if character in _SPECIAL:
        return _SPECIAL[character]
    if character in _CIRCLED:
        return f"{_CIRCLED[character]}，"
    if character in _ROMAN:
        return str(_ROMAN[character])
    if character in _KEPT:
        return character
    category = unicodedata.category(character)
    if category in ("Cf", "Cc", "Mn", "Me"):
        return " " if character in "\t\r\v\f" else ""
    plain = unicodedata.normalize("NFKC", character)
    if plain != character and len(plain) <= 4:
        return plain
    base = unicodedata.normalize("NFKD", character)[:1]
    return base if category[0] == "L" and base.isascii() else character


def simplify(traced: Traced) -> Traced:
    """Simplified characters for traditional ones, one for one."""
    return Traced(to_simplified(traced.text), traced.spans)
