"""Subtitles: what is said, and when."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass

from vinovits.errors import TextError
from vinovits.text.markup import escape

_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,100}>|<\d\d:[\d:.]+>|\{\\[^{}]{0,100}\}")
_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?\s+([^<>]{1,80})>")


@dataclass(frozen=True, slots=True)
class Cue:
    """A text and its slot."""

    start: float
    """Seconds."""
    end: float
    """Seconds, not before `start`."""
    text: str
    """In vinovits' own markup, of one line."""
    speaker: str = ""
    """Who says it, where the file tells; "" where it doesn't."""


def read_subtitles(text: str, kind: str, name: str) -> tuple[Cue, ...]:
    """Read subtitles.

    Args:
        text: A file in SubRip or WebVTT.
        kind: "srt" or "vtt".
        name: What to call it in messages.

    Returns:
        Cues in the order of their beginnings, without those that have no text.

    Raises:
        TextError: It isn't what it should be, or has no cue.
    """
    import webvtt
    from webvtt.errors import MalformedCaptionError, MalformedFileError

    try:
        captions = webvtt.from_buffer(io.StringIO(text), format=kind)
    except (MalformedFileError, MalformedCaptionError, ValueError) as error:
        raise TextError(f"{name} can't be read as {kind.upper()}: {error}.") from None
    cues = []
    for caption in captions.captions:
        said = " ".join(_TAG.sub("", caption.raw_text).split())
        if not said:
            continue
        spoken = _VOICE.search(caption.raw_text)
        start, end = caption.start_in_seconds, caption.end_in_seconds
        fraction_start = int(caption.start.rsplit(".", 1)[-1]) / 1000
        fraction_end = int(caption.end.rsplit(".", 1)[-1]) / 1000
        begin = int(start) + fraction_start
        cues.append(
            Cue(
                begin,
                max(begin, int(end) + fraction_end),
                escape(said),
                spoken[1].strip() if spoken else "",
            )
        )
    if not cues:
        raise TextError(f"{name} holds no subtitles.")
    return tuple(sorted(cues, key=lambda cue: cue.start))
