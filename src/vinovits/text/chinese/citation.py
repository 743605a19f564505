"""How each character of a clause is read before its neighbours change its tone: the default rules.

In this order: pypinyin's phrases over the whole clause, phrases of our own, characters whose
reading follows from the words beside them, and neutral tones.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import accumulate

from vinovits.text.chinese.pinyin import (
    NEUTRAL,
    Polyphones,
    Syllable,
    every_reading,
    parse,
    read_word,
)
from vinovits.text.chinese.segment import Token, is_listed, tag
from vinovits.text.chinese.tables import readings, rows_of, words
from vinovits.text.chinese.traditional import to_traditional

_PARTICLES = frozenset("吧呢啊呐噻嘛吖嗨哦哒嘞呗哩哟喽啰耶吗啦呀哇么")
_BEFORE_COUNTER = frozenset("这那哪几每各整一上下某首")
_BEFORE_MUST = frozenset("我你您他她它们还都总就又必也可非先只全")
_KIN = frozenset("爸妈爷奶哥姐弟妹叔伯姑姨舅公婆太娃宝星猩谢")
_CITED = {"一": Syllable("yi", 1), "不": Syllable("bu", 4)}
_MEASURES = {"长": Syllable("chang", 2, "context"), "重": Syllable("zhong", 4, "context")}
_MEASURED = re.compile(
    "长(?=[约达有]?[零一二三四五六七八九十百千万两几半点]+[多余]?(?:[公厘毫分千英]?[米尺寸丈里]|公分))"
    "|重(?=[约达有]?[零一二三四五六七八九十百千万两几半点]+[多余]?[公千毫]?[斤克吨两磅])"
)
_TITLES = (
    *(
        "老师",
        "先生",
        "小姐",
        "女士",
        "太太",
        "叔叔",
        "阿姨",
        "教授",
        "经理",
        "医生",
        "大夫",
        "师傅",
    ),
    *("同学", "主任", "校长", "院长", "总", "某", "家村", "家庄", "爷爷", "奶奶", "哥", "姐"),
)
_IDIOM = 4
"""From this length on a phrase is sure, however the clause was cut into words."""
_MOST = 8
"""Characters of the longest phrase."""


def tokens_of(clause: str) -> list[Token]:
    """The words of a clause.

    Where jieba guesses a verb with 得 in front (你得系上), 得 is a word of its own: must.
    """
    tokens: list[Token] = []
    for token in tag(clause):
        first, rest = token.text[0], token.text[1:]
        after = tokens[-1].text[-1] if tokens else ""
        if first == "得" and rest and after in _BEFORE_MUST and not is_listed(token.text):
            tokens += [Token(first, "v"), *tag(rest)]
        else:
            tokens.append(token)
    return tokens


def citation(
    clause: str, tokens: Sequence[Token], polyphones: Polyphones | None = None
) -> list[Syllable]:
    """Read a clause: one syllable per character, with neutral tones but without sandhi.

    Args:
        clause: Hanzi, maybe other characters.
        tokens: Its words.
        polyphones: A model to ask about characters that are words of their own.
    """
    syllables = _by_words(clause, tokens)
    if polyphones is not None:
        _by_model(clause, tokens, polyphones, syllables)
    for at, character in enumerate(clause):
        if character in _CITED:  # pypinyin's phrases have what comes of them in speech
            syllables[at] = _CITED[character]
    _surnames(clause, tokens, syllables)
    for match in _MEASURED.finditer(clause):
        syllables[match.start()] = _MEASURES[match[0]]
    _phrases(clause, tokens, syllables)
    position = 0
    for index, token in enumerate(tokens):
        end = position + len(token.text)
        _particles(tokens, index, syllables, position)
        _neutral(clause, token, syllables, position, end)
        position = end
    return syllables


def _by_words(clause: str, tokens: Sequence[Token]) -> list[Syllable]:
    """By pypinyin's phrases: those of the word, for single characters those of the clause."""
    syllables = list(read_word(clause))
    position = 0
    for token in tokens:
        length = len(token.text)
        if length > 1:
            syllables[position : position + length] = read_word(token.text)
        position += length
    return syllables


def _by_model(
    clause: str, tokens: Sequence[Token], polyphones: Polyphones, syllables: list[Syllable]
) -> None:
    """Readings of single characters by a model, where the dictionary has them at all.

    The model was trained with the readings of Taiwan, which may have none of the dictionary's.
    """
    names = polyphones(to_traditional(clause))
    position = 0
    for token in tokens:
        name = names[position]
        if len(token.text) == 1 and name and name in every_reading(token.text):
            syllables[position] = parse(name, "network") or syllables[position]
        position += len(token.text)


@cache
def _own() -> dict[str, tuple[Syllable, ...]]:
    return {
        word: tuple(filter(None, map(parse, names.split())))
        for word, names in readings("phrases").items()
    }


@cache
def _heads() -> frozenset[str]:
    return frozenset(word[0] for word in _own())


def _phrases(clause: str, tokens: Sequence[Token], syllables: list[Syllable]) -> None:
    """Phrases of our own: the longest first, none across the border of a word it doesn't hold."""
    heads, own = _heads(), _own()
    starts = [at for at, character in enumerate(clause) if character in heads]
    if not starts:
        return
    borders = {0, *accumulate(len(token.text) for token in tokens)}
    taken: set[int] = set()
    for length in range(min(_MOST, len(clause)), 1, -1):
        for start in starts:
            end = start + length
            found = own.get(clause[start:end])
            if not found or not taken.isdisjoint(range(start, end)):
                continue
            inside = not any(start < border < end for border in borders)
            if length >= _IDIOM or inside or (start in borders and end in borders):
                syllables[start:end] = found
                taken.update(range(start, end))


def _surnames(clause: str, tokens: Sequence[Token], syllables: list[Syllable]) -> None:
    """Characters with a reading of their own as a family name: 姓单, 单老师."""
    names = readings("surnames")
    position = 0
    for token in tokens:
        first = token.text[0]
        if first in names:
            behind = clause[position + 1 :]
            titled = behind.startswith(_TITLES) and (position == 0 or token.text == first)
            if titled or (token.part_of_speech == "nr" and len(token.text) == 3):
                syllables[position] = parse(names[first], "context") or syllables[position]
        position += len(token.text)
    for at in range(1, len(clause)):
        if clause[at - 1] == "姓" and clause[at] in names:
            syllables[at] = parse(names[clause[at]], "context") or syllables[at]


@dataclass(frozen=True, slots=True)
class _Beside:
    """A reading that a character has beside certain others."""

    name: str
    side: str
    """"before" or "behind" them."""
    characters: frozenset[str]

    def chosen(self, before: Token | None, after: Token | None) -> str | None:
        if self.side == "before":
            return self.name if after is not None and after.text[0] in self.characters else None
        return self.name if before is not None and before.text[-1] in self.characters else None


@cache
def _by_characters() -> dict[str, tuple[_Beside, ...]]:
    rows: dict[str, tuple[_Beside, ...]] = {}
    for character, name, side, beside in rows_of("beside"):
        rows[character] = (*rows.get(character, ()), _Beside(name, side, frozenset(beside)))
    return rows


def _particles(
    tokens: Sequence[Token], index: int, syllables: list[Syllable], position: int
) -> None:
    """Single characters that are read by what stands beside them."""
    character = tokens[index].text
    rule = _BY_WORDS.get(character)
    rows = _by_characters().get(character, ())
    if (rule is not None or rows) and syllables[position].source != "network":
        before = tokens[index - 1] if index else None
        after = tokens[index + 1] if index + 1 < len(tokens) else None
        name = rule(before, after) if rule is not None else None
        for row in rows:
            name = name or row.chosen(before, after)
        if name:
            syllables[position] = parse(name, "context") or syllables[position]


def _de(before: Token | None, after: Token | None) -> str | None:
    """得: must between subject and verb, else the mark of a complement; get at the beginning."""
    if before is None:
        return "dei3" if after is not None and after.part_of_speech[:1] in "vd" else None
    if before.text[-1] in _BEFORE_MUST and after is not None and after.part_of_speech[:1] in "vd":
        return "dei3"
    return "de5"


def _di(before: Token | None, after: Token | None) -> str | None:
    """地: the mark of an adverb before a verb, else the ground."""
    if before is not None and after is not None and after.part_of_speech[:1] in "vad":
        return "de5"
    return "di4" if before is None or after is None else None


def _zhe(before: Token | None, after: Token | None) -> str | None:
    return "zhe5" if before is not None and before.part_of_speech[:1] in "vap" else None


def _le(before: Token | None, after: Token | None) -> str | None:
    return "le5" if before is not None else None


def _hai(before: Token | None, after: Token | None) -> str | None:
    """还: give back things, else still."""
    given = ("书", "钱", "债", "贷款", "给", "了", "完")
    return "huan2" if after is not None and after.text in given else "hai2"


def _wei(before: Token | None, after: Token | None) -> str | None:
    """为 behind a verb: become."""
    return "wei2" if before is not None and before.part_of_speech == "v" else None


def _chang(before: Token | None, after: Token | None) -> str | None:
    """长 beside an amount or a degree: long, else grow."""
    amount = after is not None and (after.part_of_speech[:1] == "m" or after.text in ("约", "达"))
    degree = before is not None and before.text in ("多", "很", "太", "更", "最", "不", "好", "又")
    return "chang2" if amount or degree else None


def _zhi(before: Token | None, after: Token | None) -> str | None:
    """只 behind a number or this: the counter."""
    counts = before is not None and before.part_of_speech[:1] in "mr" and before.text[-1] in _ANY
    return "zhi1" if counts else "zhi3"


_ANY = frozenset("这那哪几两半多每一二三四五六七八九十百千万某")


def _jiao(before: Token | None, after: Token | None) -> str | None:
    return "jiao1"


def _tan(before: Token | None, after: Token | None) -> str | None:
    """弹 a thing, or an instrument."""
    return "tan2" if after is not None else None


def _dou(before: Token | None, after: Token | None) -> str | None:
    return "dou1"


_BY_WORDS: dict[str, Callable[[Token | None, Token | None], str | None]] = {
    "得": _de,
    "地": _di,
    "着": _zhe,
    "了": _le,
    "还": _hai,
    "为": _wei,
    "都": _dou,
    "长": _chang,
    "只": _zhi,
    "教": _jiao,
    "弹": _tan,
}


@cache
def _always() -> frozenset[str]:
    return (words("neutral_tone", "always") | words("better", "neutral")) - (
        words("better", "full") | words("better", "spoken")
    )


def _neutral(clause: str, token: Token, syllables: list[Syllable], position: int, end: int) -> None:
    """Take the tone of syllables that have none in this word."""
    word, tag = token.text, token.part_of_speech
    last = word[-1]
    full = words("better", "full")
    if word in full:
        if last == "子":
            syllables[end - 1] = Syllable("zi", 3)
        return
    neutral = []
    if len(word) == 3 and word[1] == "得" and word[0] != "不":
        neutral.append(position + 1)
    if len(word) == 2 and word[0] == last and last in _KIN:
        neutral.append(end - 1)
    if (
        (last in _PARTICLES and (len(word) == 1 or tag[:1] == "y") and position)
        or (len(word) > 1 and last in "们子" and tag[:1] in "rn")
        or word in _always()
        or (len(word) > 2 and word[-2:] in _always())
    ):
        neutral.append(end - 1)
    for at in range(position, end):
        if clause[at] == "个" and (
            (at and clause[at - 1] in _BEFORE_COUNTER and (at > position or len(word) == 1))
            or word == "个"
        ):
            neutral.append(at)
        if clause[at] == "儿" and at and not _is_stem(clause, at):
            neutral.append(at)
    for at in neutral:
        syllables[at] = replace(syllables[at], tone=NEUTRAL)


def _is_stem(clause: str, at: int) -> bool:
    """Whether 儿 is a child here, rather than a suffix."""
    stems = words("better", "stems")
    return any(
        clause[start : start + length] in stems
        for length in range(2, 6)
        for start in range(max(at - length + 1, 0), at + 1)
    )
