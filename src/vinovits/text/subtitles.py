"""Subtitles, SubRip (.srt) or WebVTT (.vtt): what is said, when, and by whom."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

_TIME = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})(?:[.,](\d{1,3}))?"
_TIMES = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}")
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,100}>|<\d\d:[\d:.]+>|\{\\[^{}]{0,100}\}")
_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?\s+([^<>]{1,80})>")
_DASH = re.compile(r"^\s*[-–]+(?!\d)")
"""Before what another speaker says; not a minus."""
_LINE_END = re.compile(r"\r\n?|\n")
_SOUND = re.compile(r"♪.*♪|(?:(?:\[[^]]*]|\([^)]*\)|（[^）]*）|【[^】]*】)\s*)+")


@dataclass(frozen=True, slots=True)
class Cue:
    """A text and its slot."""

    start: float
    """Seconds."""
    end: float
    """Seconds; before `start` where the file is wrong."""
    text: str
    """Plain, of one line, never empty."""
    speaker: str
    """Who says it, where the file tells; "" where it doesn't."""
    line: int
    """That of its times in the file, from 1."""

    @property
    def is_speech(self) -> bool:
        """Whether something is said, not heard: "[music]"."""
        return not _SOUND.fullmatch(self.text)


def read_subtitles(text: str) -> list[Cue]:
    """Read cues, with what people leave out of the forms: numbers, empty lines, hours.

    Args:
        text: A whole file.

    Returns:
        Those that have a text, in the order of their beginnings.
    """
    cues: list[Cue] = []
    times: re.Match[str] | None = None
    number, said = 0, list[str]()
    for at, line in enumerate([*_LINE_END.split(text), ""], 1):
        next_times = _TIMES.match(line)
        if line.strip() and not next_times:
            said.append(line)
            continue
        if next_times and said and said[-1].strip().isdecimal():
            said.pop()  # the number of the next cue, without an empty line before it
        if times and (cue := _cue(times, said, number)):
            cues.append(cue)
        times, number, said = next_times, at, []
    return sorted(cues, key=lambda cue: cue.start)


def _cue(times: re.Match[str], said: list[str], line: int) -> Cue | None:
    spoken = _VOICE.search("\n".join(said))
    plain = " ".join(_DASH.sub("", html.unescape(_TAG.sub("", one))) for one in said)
    text = " ".join(plain.replace("\u200e", "").replace("\u200f", "").split())
    if not text:
        return None
    speaker = html.unescape(spoken[1]).strip() if spoken else ""
    return Cue(_seconds(times.groups()[:4]), _seconds(times.groups()[4:]), text, speaker, line)


def _seconds(groups: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, fraction = groups
    whole = int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0)
    return whole + int((fraction or "0").ljust(3, "0")) / 1000
