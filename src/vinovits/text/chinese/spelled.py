"""Marks and letters of the default rules."""

from __future__ import annotations

import re

from vinovits.text.chinese.given import STAND_INS
from vinovits.text.traced import Traced, substitute

_MARKS = {
    **dict.fromkeys("：；，·、:;｡", ","),
    **dict.fromkeys("。", "."),
    **dict.fromkeys('“”‘’（）()《》【】[]「」『』〈〉〔〕{}<>"`', "'"),
    **dict.fromkeys("—–―~_|", "-"),
    **dict.fromkeys("#*/\\^", " "),
    "！": "!",
    "？": "?",
    "...": "…",
}
_PATTERN = re.compile("|".join(map(re.escape, sorted(_MARKS, key=len, reverse=True))))
_UNREAD = re.compile(f"[^\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffffA-Za-z!?…,.'{STAND_INS}-]+")
_AROUND = re.compile("(?<=[A-Za-z])['.-](?=[A-Za-z])")


def marks(traced: Traced) -> Traced:
    """Marks as phones: the released ones, and pauses for those that they delete."""
    traced = substitute(traced, _AROUND, lambda match: " ")
    return substitute(traced, _PATTERN, lambda match: _MARKS[match[0]])


def readable_only(traced: Traced) -> Traced:
    """Delete what is neither hanzi, letter nor mark; the spans tell what that was."""
    return substitute(traced, _UNREAD, lambda match: "")
