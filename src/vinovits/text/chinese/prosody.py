"""Tones as they are spoken in a clause: 一 and 不, unstressed syllables, third tones by feet.

Third tones change where words stand together in one breath. Words are grouped into feet of up to
three syllables, and in a foot the tones change from its end to its beginning (Duanmu, The Phonology
of Standard Chinese, 2007; Chen, Tone Sandhi, 2000).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from vinovits.text.chinese.given import Tones
from vinovits.text.chinese.pinyin import NEUTRAL
from vinovits.text.chinese.segment import Token, halves
from vinovits.text.chinese.tables import words

_DIGITS = frozenset("零一二三四五六七八九十〇幺两")
_PLACES = frozenset("百千万亿")
_ORDINAL_BEFORE = frozenset("第初十百千万亿零点周期")
_ORDINAL_BEHIND = frozenset("月号日楼级班等")
_DIRECTIONS = frozenset("上下进出回过起开")
_FOOT = 3
"""Syllables of a foot; one word may have more."""


def spoken_tones(
    clause: str, tokens: Sequence[Token], tones: Sequence[int], fixed: Collection[int] = ()
) -> list[int]:
    """Change the tones of a clause as speech does.

    Args:
        clause: Its characters.
        tokens: Its words.
        tones: The tone of each character by the dictionary, 0 for what isn't read.
        fixed: Characters whose tone stays; those beside them heed it.

    Returns:
        The tone of each character.
    """
    changed = Tones(tones, fixed)
    starts = [0]
    for token in tokens:
        starts.append(starts[-1] + len(token.text))
    for token, start, end in zip(tokens, starts, starts[1:], strict=False):
        _unstressed(token, changed, start, end)
    _yi_and_bu(clause, changed)
    for index, (token, start) in enumerate(zip(tokens, starts, strict=False)):
        if _is_between(tokens, index):
            changed[start + token.text.index("不")] = NEUTRAL
    for token, start, end in zip(tokens, starts, starts[1:], strict=False):
        _inside(token.text, changed, start, end)
    _between(tokens, starts, changed)
    return changed


def _unstressed(token: Token, tones: list[int], start: int, end: int) -> None:
    """Words and characters that have no stress in speech."""
    word, tag = token.text, token.part_of_speech
    if (
        word in words("better", "spoken")
        or (len(word) == 2 and word[0] == word[1] and tag == "v")
        or (len(word) > 1 and word[-1] in "来去" and word[-2] in _DIRECTIONS and tag[:1] == "v")
        or (len(word) > 1 and word[-1] in "上里下" and tag in ("s", "f"))
        or (word in ("上", "里") and tag == "f" and start)
        or (word == "个" and start)
    ):
        tones[end - 1] = NEUTRAL


def _yi_and_bu(clause: str, tones: list[int]) -> None:
    for at, character in enumerate(clause):
        following = clause[at + 1] if at + 1 < len(clause) else ""
        before = clause[at - 1] if at else ""
        if character == "不" and following:
            if tones[at + 1] == 4:
                tones[at] = 2
        elif character == "一" and following:
            if before and before == following and before not in _DIGITS:
                tones[at] = NEUTRAL
            elif not _is_number(before, clause[at + 1 : at + 3]) and tones[at + 1]:
                # 个 is unstressed but was a fourth tone.
                tones[at] = 2 if tones[at + 1] == 4 or following == "个" else 4


def _is_between(tokens: Sequence[Token], index: int) -> bool:
    """Whether 不 stands between a verb and its complement or the verb again: 看不见, 好 不 好."""
    word = tokens[index].text
    if len(word) == 3 and word[1] == "不":
        return True
    around = 0 < index < len(tokens) - 1
    return word == "不" and around and tokens[index - 1].text == tokens[index + 1].text


def _is_number(before: str, behind: str) -> bool:
    """Whether 一 keeps its tone: in a row of digits, behind 第, at the end of a number."""
    following = behind[0]
    if before == "第" or following in _ORDINAL_BEHIND:
        return True
    if before and (before in _ORDINAL_BEFORE or before in _DIGITS):
        return following not in _PLACES
    return following in _DIGITS or (following == "点" and behind[1:] in _DIGITS)


def _inside(word: str, tones: list[int], start: int, end: int) -> None:
    """Third tones of one word, its parts first."""
    if end - start < 2 or not any(tones[at] == tones[at + 1] == 3 for at in range(start, end - 1)):
        return
    middle = start + (2 if end - start == 4 else len(halves(word)[0]))
    if middle == end or end - start == 2:
        for at in range(end - 1, start, -1):
            _meet(tones, at)
    else:
        _inside(word[: middle - start], tones, start, middle)
        _inside(word[middle - start :], tones, middle, end)
        _meet(tones, middle)


def _meet(tones: list[int], at: int) -> None:
    """Before another third tone a third tone rises."""
    if tones[at - 1] == tones[at] == 3:
        tones[at - 1] = 2


def _between(tokens: Sequence[Token], starts: Sequence[int], tones: list[int]) -> None:
    foot: list[int] = []
    size = 0
    for index, token in enumerate(tokens):
        length = len(token.text)
        leaves = length == 1 and size > 1 and foot[-1] < starts[index] - 1
        if foot and size > 1 and (size + length > _FOOT or (leaves and not _leans(token))):
            _within_foot(foot, tones)
            foot, size = [], 0
        foot.append(starts[index])
        size += length
    _within_foot(foot, tones)


def _leans(token: Token) -> bool:
    """Whether a word of one syllable belongs to what is before it."""
    return token.part_of_speech[:1] in "uyf"


def _within_foot(begins: Sequence[int], tones: list[int]) -> None:
    for at in reversed(begins[1:]):
        _meet(tones, at)
