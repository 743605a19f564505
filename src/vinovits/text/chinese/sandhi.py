"""Tone sandhi of the released voices: how tones change next to each other.

The rules are those of PaddleSpeech's front end (Apache-2.0), which the released families use. They
work inside words, so words that influence each other are joined first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from vinovits.text.chinese.given import NOTHING, Readings, Tones, with_readings
from vinovits.text.chinese.pinyin import NEUTRAL, Syllable, read_word
from vinovits.text.chinese.segment import Token, halves
from vinovits.text.chinese.tables import words

_MARKS = frozenset("：，；。？！“”‘’':,;.?!")
_PARTICLES = frozenset("吧呢啊呐噻嘛吖嗨呐哦哒额滴哩哟喽啰耶喔诶")
_COUNTED = frozenset("几有两半多各整每做是")
"""What makes a 个 behind it a counter, beside numbers."""


def join_words(tokens: Sequence[Token], several_yi: bool, given: Readings = NOTHING) -> list[Token]:
    """Join the words of one clause whose tones depend on each other.

    Args:
        tokens: The clause.
        several_yi: Whether 看一看 is also joined where it comes more than once in a clause.
        given: Characters of the clause whose reading is given.

    Returns:
        Tokens with the same text in all.
    """
    joined = _join_bu(tokens)
    joined = _join_yi(joined, several_yi)
    joined = _join_doubled(joined)
    joined = _join_third(joined, _all_third, given)
    joined = _join_third(joined, _edges_third, given)
    return _join_er(joined)


def change_tones(
    word: str, part_of_speech: str, tones: Sequence[int], fixed: Collection[int] = ()
) -> list[int]:
    """The tones of a joined word as they are spoken.

    Args:
        word: Its characters, maybe with a mark at the end.
        part_of_speech: jieba's tag of its first part.
        tones: One per character, 0 for a mark.
        fixed: Characters whose tone stays.
    """
    changed = Tones(tones, fixed)
    _bu(word, changed)
    _yi(word, changed)
    _neutral(word, part_of_speech, changed)
    _third(word, changed)
    for at in range(len(changed) - 1, 0, -1):
        if at in fixed and changed[at - 1] == changed[at] == 3:
            changed[at - 1] = 2  # what the rules above had left to the one that stays
    return changed


def _join_bu(tokens: Sequence[Token]) -> list[Token]:
    """不 and the word behind it."""
    joined: list[Token] = []
    last = ""
    for token in tokens:
        text = last + token.text if last == "不" else token.text
        if text != "不":
            joined.append(Token(text, token.part_of_speech))
        last = text
    if last == "不":
        joined.append(Token("不", "d"))
    return joined


def _join_yi(tokens: Sequence[Token], several: bool) -> list[Token]:
    """A verb, 一, the verb again; else 一 and the word behind it."""
    if not several and sum(_is_yi_between(tokens, index) for index in range(len(tokens))) > 1:
        return list(tokens)
    joined: list[Token] = []
    index = 0
    while index < len(tokens):
        if _is_yi_between(tokens, index) and joined[-1] == tokens[index - 1]:
            joined[-1] = Token(f"{joined[-1].text}一{joined[-1].text}", "v")
            index += 2
        else:
            joined.append(tokens[index])
            index += 1
    tokens, joined = joined, []
    for token in tokens:
        if joined and joined[-1].text == "一":
            joined[-1] = Token("一" + token.text, joined[-1].part_of_speech)
        else:
            joined.append(token)
    return joined


def _is_yi_between(tokens: Sequence[Token], index: int) -> bool:
    """Whether token `index` is the 一 of 看一看."""
    if not 0 < index < len(tokens) - 1 or tokens[index].text != "一":
        return False
    return tokens[index - 1] == tokens[index + 1] and tokens[index - 1].part_of_speech == "v"


def _join_doubled(tokens: Sequence[Token]) -> list[Token]:
    """A word and the same word again."""
    joined: list[Token] = []
    for token in tokens:
        if joined and joined[-1].text == token.text:
            joined[-1] = Token(joined[-1].text + token.text, joined[-1].part_of_speech)
        else:
            joined.append(token)
    return joined


def _all_third(left: Sequence[Syllable], right: Sequence[Syllable]) -> bool:
    return all(syllable.tone == 3 for syllable in (*left, *right))


def _edges_third(left: Sequence[Syllable], right: Sequence[Syllable]) -> bool:
    return left[-1].tone == right[0].tone == 3


def _join_third(
    tokens: Sequence[Token],
    meet: Callable[[Sequence[Syllable], Sequence[Syllable]], bool],
    given: Readings,
) -> list[Token]:
    """Two short words whose third tones meet, unless the first is a doubled one."""
    joined: list[Token] = []
    open_end = False
    position = 0
    for index, token in enumerate(tokens):
        before = tokens[index - 1].text if index else ""
        if (
            open_end
            and len(before) + len(token.text) <= 3
            and not (len(before) == 2 and before[0] == before[1])
            and meet(
                with_readings(read_word(before), given, position - len(before)),
                with_readings(read_word(token.text), given, position),
            )
        ):
            joined[-1] = Token(joined[-1].text + token.text, joined[-1].part_of_speech)
            open_end = False
        else:
            joined.append(token)
            open_end = True
        position += len(token.text)
    return joined


def _join_er(tokens: Sequence[Token]) -> list[Token]:
    """A word and 儿."""
    joined: list[Token] = []
    for token in tokens:
        if joined and token.text == "儿":
            joined[-1] = Token(joined[-1].text + "儿", joined[-1].part_of_speech)
        else:
            joined.append(token)
    return joined


def _bu(word: str, tones: list[int]) -> None:
    if len(word) == 3 and word[1] == "不":
        tones[1] = NEUTRAL
        return
    for index, character in enumerate(word[:-1]):
        if character == "不" and tones[index + 1] == 4:
            tones[index] = 2


def _yi(word: str, tones: list[int]) -> None:
    if "一" not in word or all(c.isnumeric() for c in word):
        return
    if len(word) == 3 and word[1] == "一" and word[0] == word[2]:
        tones[1] = NEUTRAL
    elif word.startswith("第一"):
        tones[1] = 1
    else:
        for index, character in enumerate(word[:-1]):
            if character != "一":
                continue
            if tones[index + 1] == 4:
                tones[index] = 2
            elif word[index + 1] not in _MARKS:
                tones[index] = 4


def _neutral(word: str, part_of_speech: str, tones: list[int]) -> None:
    always, never = words("neutral_tone", "always"), words("neutral_tone", "never")
    if part_of_speech[:1] in ("n", "v", "a") and word not in never:
        for index in range(1, len(word)):
            if word[index] == word[index - 1]:
                tones[index] = NEUTRAL
    counter = word.find("个")
    long = len(word) > 1
    if (
        word[-1] in _PARTICLES
        or word[-1] in "的地得"
        or (long and word[-1] in "们子" and part_of_speech in ("r", "n") and word not in never)
        or (long and word[-1] in "上下里" and part_of_speech in ("s", "l", "f"))
        or (long and word[-1] in "来去" and word[-2] in "上下进出回过起开")
    ):
        tones[-1] = NEUTRAL
    elif word == "个" or (
        counter > 0 and (word[counter - 1].isnumeric() or word[counter - 1] in _COUNTED)
    ):
        tones[counter] = NEUTRAL
    elif word in always or word[-2:] in always:
        tones[-1] = NEUTRAL
    end = 0
    for part in halves(word):
        end += len(part)
        if part in always or part[-2:] in always:
            tones[end - 1] = NEUTRAL


def _third(word: str, tones: list[int]) -> None:
    if len(word) == 2 and tones == [3, 3]:
        tones[0] = 2
    elif len(word) == 3:
        _third_of_three(len(halves(word)[0]), tones)
    elif len(word) == 4:
        for start in (0, 2):
            if tones[start : start + 2] == [3, 3]:
                tones[start] = 2


def _third_of_three(first: int, tones: list[int]) -> None:
    """Of three syllables, the first `first` of which are one part of the word."""
    if tones == [3, 3, 3]:
        if first == 2:
            tones[0] = tones[1] = 2  # 蒙古/包
        elif first == 1:
            tones[1] = 2  # 纸/老虎
        return
    left, right = tones[:first], tones[first:]
    if left == [3, 3]:
        tones[0] = 2  # 所有/人
    if right == [3, 3]:
        tones[first] = 2
    elif right and right[0] == 3 and set(right) != {3} and left[-1] == 3:
        tones[first - 1] = 2  # 好/喜欢
