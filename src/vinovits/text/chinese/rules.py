"""What each released Chinese front end does, and the default, as rows of one table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from vinovits.text.chinese import folding, released, spelled, written
from vinovits.text.traced import Traced

Step = Callable[[Traced], Traced]


@dataclass(frozen=True, slots=True)
class ChineseRules:
    """How a family's front end reads Chinese."""

    steps: tuple[str, ...]
    """Names of the normalising steps in `STEPS`, in order."""
    readings: str = "words"
    """Which reading a character has: "words" asks pypinyin for each joined word, "clauses" asks
    g2pW or its table for the characters of the whole clause first, and pypinyin for the rest;
    "citation" knows more phrases, and what stands beside a character."""
    tones: str = "joined"
    """Which tones change: "joined" those of PaddleSpeech's joined words, "feet" all in a clause."""
    several_yi: bool = True
    """Whether 看一看 is joined where it comes more than once in a clause."""
    respelled: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Syllables with other phones than the released table gives them."""
    brackets: bool = False
    """Whether pinyin in brackets is the reading of the hanzi before it."""
    closes: bool = False
    """Whether a sentence without a mark at its end gets a full stop."""


_WETEXT = {
    "wetext-1.2.0": ("wetext-1.2.0-tagger", "wetext-verbalizer-keep"),
    "wetext-1.0.4.1": ("wetext-1.0.4.1-tagger", "wetext-verbalizer-keep"),
    "wetext-1.2.0-drop": ("wetext-1.2.0-tagger", "wetext-verbalizer-drop"),
    "wetext-1.0.4.1-drop": ("wetext-1.0.4.1-tagger", "wetext-verbalizer-drop"),
    "wetext-0.1.12-drop": ("wetext-0.1.12-tagger", "wetext-0.1.12-verbalizer"),
}
"""By name: versions of WeTextProcessing; "drop" leaves out erhua and interjections."""

STEPS: dict[str, Step] = {
    "numbers": released.numbers,
    "cn2an": released.cn2an,
    "marks-2.0": released.marks_2_0,
    "marks-2.1": released.marks_2_1,
    "spoken-only": released.spoken_only,
    "fold": folding.fold,
    "simplify": folding.simplify,
    "in-words": written.in_words,
    "marks": spelled.marks,
    "readable-only": spelled.readable_only,
    **{
        name: partial(released.compiled, tagger=tagger, verbalizer=verbalizer)
        for name, (tagger, verbalizer) in _WETEXT.items()
    },
}
"""The normalising steps by name."""

_FIRST = ChineseRules(("numbers", "marks-2.0", "spoken-only"), several_yi=False)
_SECOND = ChineseRules(("numbers", "marks-2.1", "spoken-only"), several_yi=False)


def _later(normaliser: str, readings: str) -> ChineseRules:
    return ChineseRules((normaliser, "marks-2.1", "spoken-only"), readings)


RULES: dict[str, ChineseRules] = {
    **dict.fromkeys(("1.0.1", "1.1.0", "1.1.1", "2.0"), _FIRST),
    **dict.fromkeys(("2.1", "2.2", "2.3-tag", "sbv2"), _SECOND),
    "2.3": _later("wetext-1.2.0", "words"),
    "2.3/wetext-1.0.4.1": _later("wetext-1.0.4.1", "words"),
    "2.3/cn2an": _later("cn2an", "words"),
    "2.4": _later("wetext-1.2.0-drop", "clauses"),
    "2.4/wetext-1.0.4.1": _later("wetext-1.0.4.1-drop", "clauses"),
    "2.4/wetext-0.1.12": _later("wetext-0.1.12-drop", "clauses"),
    "2.4/cn2an": _later("cn2an", "clauses"),
    "better": ChineseRules(
        ("fold", "simplify", "in-words", "marks", "readable-only"),
        readings="citation",
        tones="feet",
        respelled=(("yo", ("y", "o")),),
        brackets=True,
        closes=True,
    ),
}
"""By the version that shipped the front end. 2.3 and 2.4 read numbers by whatever was installed:
behind the slash is which, without one it is WeTextProcessing 1.2.0. "better" is the default."""
