"""Subtitles: SubRip (.srt) and WebVTT (.vtt)."""

from __future__ import annotations

import re

_TIME = r"(?:(\d+):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
_TIMES = re.compile(rf"^\s*{_TIME}\s*-->\s*{_TIME}")
_TAG = re.compile(r"<[^<>\n]*>|\{\\[^{}\n]*\}")
_ENTITIES = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&nbsp;": " ", "&lrm;": "", "&rlm;": ""}
_SOUND = re.compile(r"^[\[(（【♪].*[\])）】♪]$")
"""A cue that isn't speech: "[music]"."""


def read_subtitles(text: str) -> tuple[list[tuple[float, float, str]], list[str]]:
    """Read cues.

    Args:
        text: A whole file, with "\\n" as line ends.

    Returns:
        First second, last second and text of each cue that holds speech, in order; and sentences on
        those that make no sense.
    """
    cues: list[tuple[float, float, str]] = []
    bad: list[str] = []
    lines = text.split("\n")
    index = 0
    while index < len(lines):
        times = _TIMES.match(lines[index])
        index += 1
        if not times:
            continue
        number = index
        start, end = _seconds(times.groups()[:4]), _seconds(times.groups()[4:])
        said = []
        while index < len(lines) and lines[index].strip() and not _TIMES.match(lines[index]):
            said.append(lines[index])
            index += 1
        if (
            index < len(lines)
            and _TIMES.match(lines[index])
            and said
            and said[-1].strip().isdecimal()
        ):
            said.pop()  # the number of the next cue, without an empty line before it
        spoken = _plain(" ".join(said))
        if end <= start:
            bad.append(f"The subtitle in line {number} ends before it begins. It is passed over.")
        elif spoken and not _SOUND.match(spoken):
            cues.append((start, end, spoken))
    if not cues and not bad:
        bad.append("There is no subtitle in it that can be read.")
    return sorted(cues), bad


def _seconds(groups: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, fraction = groups
    whole = int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0)
    return whole + int((fraction or "0").ljust(3, "0")) / 1000


def _plain(text: str) -> str:
    text = _TAG.sub("", text)
    for entity, character in _ENTITIES.items():
        text = text.replace(entity, character)
    text = re.sub(r"^\s*-\s*", "", text)
    return " ".join(text.split())
