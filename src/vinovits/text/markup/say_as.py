"""Text that is to be read as a number, a date, or character by character.

It is written so that each front end reads it that way, in the language that markup gives there,
else in the one of the nearest letters.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from vinovits.text.reading import Said
from vinovits.text.script import Script

SayAs = Literal["characters", "digits", "cardinal", "ordinal", "date", "telephone"]

Change = tuple[int, int, str]
"""First character, the one behind the last, and what is to stand there."""


@dataclass(frozen=True, slots=True, eq=False)
class Say:
    """How a stretch is to be read. Two are never the same, so that neighbours stay apart."""

    kind: SayAs
    order: str = ""
    """Of a date, such as "mdy"; "" if it isn't told."""


_KANA = re.compile("[\u3041-\u30ff\uff66-\uff9f]")
_HAN = re.compile("[\u2e80-\u2fdf\u3005-\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
_LETTER = re.compile(r"[^\W\d_]")
_AROUND = 100
"""Characters that are looked at on each side."""

_SIGNS = {
    "en": {
        **{".": "dot", "-": "dash", "_": "underscore", "@": "at", "/": "slash", "#": "hash"},
        **{"\\": "backslash", "+": "plus", "*": "star", "&": "and", ":": "colon", "%": "percent"},
        **{"=": "equals", "?": "question mark", "!": "exclamation mark", ",": "comma"},
    },
    "zh": {
        **{".": "点", "-": "杠", "_": "下划线", "@": "艾特", "/": "斜杠", "#": "井号"},
        **{"\\": "反斜杠", "+": "加", "*": "星号", "&": "和", ":": "冒号", "%": "百分号"},
        **{"=": "等于", "?": "问号", "!": "感叹号", ",": "逗号"},
    },
    "ja": {
        **{".": "ドット", "-": "ハイフン", "_": "アンダーバー", "@": "アットマーク"},
        **{"/": "スラッシュ", "#": "シャープ", "\\": "バックスラッシュ", "+": "プラス"},
        **{"*": "アスタリスク", "&": "アンド", ":": "コロン", "%": "パーセント"},
        **{"=": "イコール", "?": "はてな", "!": "ビックリマーク", ",": "カンマ"},
    },
}
"""Names of signs where characters are read one by one."""
_LETTER_A = "EY1"
"""The letter, not the article."""
_DIGITS = {
    "zh": "零一二三四五六七八九",
    "zh telephone": "零幺二三四五六七八九",
    "ja": ("ゼロ", "イチ", "ニー", "サン", "ヨン", "ゴー", "ロク", "ナナ", "ハチ", "キュー"),
}
_PLUS = {"en": "plus ", "zh": "加", "ja": "プラス、"}
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August"),
    *("September", "October", "November", "December"),
)

_CHARACTER = re.compile(r"\S[\u0300-\u036f\u3099\u309a\ufe00-\ufe0f\u200d]*")
_DIGITS_APART = re.compile(r"(?P<digits>\d+)|(?<=\d)(?P<between>[^\w]+)(?=\d)")
_CARDINAL = re.compile(r"(?P<sign>[+-]?)(?P<whole>\d[\d,]*)(?P<rest>\.\d+)?")
_TELEPHONE = re.compile(r"\+?[\d(][\d\s().+/-]*")
_GROUPS = {11: (3, 4, 4), 10: (3, 3, 4), 7: (3, 4), 8: (4, 4)}
"""How telephone numbers are grouped that are written without gaps, by how many digits they have."""


def is_date_order(order: str) -> bool:
    """Whether it is y, m and d in some order, each at most once."""
    return bool(order) and len(set(order)) == len(order) and set(order) <= set("ymd")


def said_as(script: Script, says: Sequence[tuple[int, int, Say]], language: str = "") -> Script:
    """Write what is to be read in a certain way so that it is.

    Args:
        script: A script.
        says: Stretches of its text that nothing else is told about within, in order, and how to
            read them.
        language: Code of the language where neither markup nor letters around tell one.

    Returns:
        A script of the same original. What isn't what it should be (a date that is none) is left
        as it stands.
    """
    changes: list[Change] = []
    letters: list[Said] = []
    grown = 0
    for start, end, say in says:
        here = _language(script, start, end, language)
        for first, behind, new in _changes(script.text[start:end], say, here):
            if say.kind == "characters" and here == "en" and new in ("A", "A, "):
                at = start + first + grown
                letters.append(Said(at, at + 1, _LETTER_A, "en", "markup"))
            changes.append((start + first, start + behind, new))
            grown += len(new) - (behind - first)
    written = script.rewritten(changes)
    said = sorted((*written.said, *letters), key=lambda one: one.start)
    return replace(written, said=tuple(said))


def _language(script: Script, start: int, end: int, usual: str) -> str:
    """The language of a stretch: the one that is given, else that of the nearest letters."""
    number = bisect_right(script.languages, start, key=lambda stretch: stretch[0]) - 1
    if number >= 0 and script.languages[number][1] > start:
        return script.languages[number][2]
    before = script.text[max(start - _AROUND, 0) : start].rpartition("\n")[2]
    after = script.text[end : end + _AROUND].partition("\n")[0]
    kana = _KANA.search(before + after) is not None
    # A number goes with the word that it touches, else with the one before it.
    touching = [after[:1], before[-1:]]
    near = [*reversed(_LETTER.findall(before)), *_LETTER.findall(after)]
    letter = next((c for c in (*touching, *near) if _LETTER.match(c)), "")
    if _KANA.match(letter) or (_HAN.match(letter) and kana):
        return "ja"
    if _HAN.match(letter):
        return usual if usual in ("zh", "ja") else "zh"
    return "en" if letter else usual or "en"


def _changes(text: str, say: Say, language: str) -> Iterator[Change]:
    match say.kind:
        case "characters":
            yield from _characters(text, language)
        case "digits":
            yield from _digits(text, language)
        case _:
            stripped = text.strip()
            start = text.find(stripped)
            plain = unicodedata.normalize("NFKC", stripped)
            if new := _whole(plain, say, language):
                yield start, start + len(stripped), new


def _characters(text: str, language: str) -> Iterator[Change]:
    """Letters in capitals, digits, and signs by their names, with short pauses between."""
    found = list(_CHARACTER.finditer(text))
    for number, match in enumerate(found):
        plain = unicodedata.normalize("NFKC", match[0])
        name = _SIGNS[language].get(plain) or plain.upper()
        yield match.start(), match.end(), name + (", " if number + 1 < len(found) else "")


def _digits(text: str, language: str) -> Iterator[Change]:
    for match in _DIGITS_APART.finditer(text):
        if match["between"]:
            yield match.start(), match.end(), ", "
            continue
        for index in range(match.start(), match.end()):
            digit = unicodedata.digit(text[index])
            if language == "en":
                last = index + 1 == match.end()
                yield index, index + 1, f"{digit}" if last else f"{digit} "
            else:
                yield index, index + 1, _DIGITS[language][digit]


def _whole(text: str, say: Say, language: str) -> str | None:
    match say.kind:
        case "cardinal":
            return _cardinal(text, language)
        case "ordinal":
            return _ordinal(text, language)
        case "date":
            return _date(text, say.order, language)
        case _:
            return _telephone(text, language)


def _cardinal(text: str, language: str) -> str | None:
    match = _CARDINAL.fullmatch(text)
    if match is None:
        return None
    whole = match["whole"].replace(",", "").lstrip("0") or "0"
    rest = match["rest"] or ""
    if language == "zh" and 5 <= len(whole) <= 16 and not rest:
        # In digits it might be taken for a telephone number.
        from vinovits.text.chinese.numbers import cardinal

        sign = {"-": "负", "+": "加"}.get(match["sign"], "")
        return sign + cardinal(whole)
    groups = [whole[max(end - 3, 0) : end] for end in range(len(whole), 0, -3)]
    return match["sign"] + ",".join(reversed(groups)) + rest


def _ordinal(text: str, language: str) -> str | None:
    if not re.fullmatch(r"\d{1,12}", text):
        return None
    number = text.lstrip("0") or "0"
    if language == "zh":
        return f"第{number}"
    if language == "ja":
        return f"{number}番目"
    return number + _suffix(int(number))


def _suffix(number: int) -> str:
    if number % 100 in (11, 12, 13):
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")


def _date(text: str, order: str, language: str) -> str | None:
    fields = re.findall(r"\d+", text)
    if not fields or re.search(r"[^\W\d_]", re.sub("[年月日号]", "", text)):
        return None
    order = order or _order(fields)
    if len(fields) == 1 and len(fields[0]) == 8 and len(order) == 3:
        fields = _split_date(fields[0], order)
    if not order or len(fields) != len(order):
        return None
    parts = dict(zip(order, (int(field) for field in fields), strict=True))
    if "y" in parts and len(fields[order.index("y")]) <= 2:
        parts["y"] += 1900 if parts["y"] > 68 else 2000  # as POSIX has it
    right = {"y": range(1, 10_000), "m": range(1, 13), "d": range(1, 32)}
    if any(value not in right[part] for part, value in parts.items()):
        return None
    return _english_date(parts) if language == "en" else _eastern_date(parts)


def _order(fields: Sequence[str]) -> str:
    """What the fields of a date seem to be; as in English text the month is first."""
    match [len(field) for field in fields]:
        case [8] | [4, _, _]:
            return "ymd"
        case [_, _, 4]:
            return "dmy" if int(fields[0]) > 12 else "mdy"
        case [4, _]:
            return "ym"
        case [_, 4]:
            return "my"
    return ""


def _split_date(digits: str, order: str) -> list[str]:
    fields = []
    for part in order:
        length = 4 if part == "y" else 2
        fields.append(digits[:length])
        digits = digits[length:]
    return fields


def _english_date(parts: dict[str, int]) -> str:
    month = _MONTHS[parts["m"] - 1] if "m" in parts else ""
    if len(parts) == 3 and parts["y"] >= 1000:
        return f"{parts['y']}-{parts['m']:02}-{parts['d']:02}"
    day = f"{parts['d']}{_suffix(parts['d'])}" if "d" in parts else ""
    year = str(parts["y"]) if "y" in parts else ""
    return " ".join(filter(None, (month, day, year)))


def _eastern_date(parts: dict[str, int]) -> str:
    signs = {"y": "年", "m": "月", "d": "日"}
    return "".join(f"{parts[part]}{sign}" for part, sign in signs.items() if part in parts)


def _telephone(text: str, language: str) -> str | None:
    if not _TELEPHONE.fullmatch(text):
        return None
    groups = re.findall(r"\d+", text)
    if len(groups) == 1:
        groups = _grouped(groups[0], text[0] == "+")
    plus = _PLUS[language] if text[0] == "+" else ""
    match language:
        case "en":
            return plus + ", ".join(" ".join(group) for group in groups)
        case "zh":
            names = _DIGITS["zh telephone"]
            return plus + "，".join("".join(names[int(c)] for c in group) for group in groups)
    return plus + "、".join("".join(_DIGITS["ja"][int(c)] for c in group) for group in groups)


def _grouped(digits: str, abroad: bool) -> list[str]:
    lengths = () if abroad else _GROUPS.get(len(digits), ())
    groups, position = [], 0
    for length in lengths or (len(digits),):
        groups.append(digits[position : position + length])
        position += length
    return groups
