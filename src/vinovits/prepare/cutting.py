"""Where recordings are cut: clips from pause to pause, or as subtitles have it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vinovits.prepare.settings import Settings
from vinovits.prepare.sources import Utterance
from vinovits.prepare.speech import SECONDS, Heard, runs

_DRIFT = 0.4
"""Seconds by which a subtitle may begin late or end early."""
_ENDS = ".!?。！？…」』”\"'"
"""What a subtitle that is the end of a sentence ends with."""
_JOINED = 1.0
"""Seconds between two subtitles of one sentence."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a recording that becomes a clip."""

    start: float
    """Seconds from the beginning of the recording."""
    end: float
    text: str = ""
    whole: bool = False
    """It stands for the recording, of which only silence at the ends was left out."""


def pieces(utterances: Sequence[Utterance], heard: Heard, settings: Settings) -> list[Piece]:
    """Cut one recording.

    Args:
        utterances: All that is known of it: one without text or one with a text for the whole, or
            one for each of its subtitles.
        heard: The recording.
        settings: How long clips may be.

    Returns:
        Its clips in order. A text that belongs to the whole is never cut, however long it is.
    """
    timed = [one for one in utterances if one.end is not None]
    if timed:
        return _by_cues(timed, heard, settings)
    text = next((one.text for one in utterances if one.text), "")
    if text or heard.seconds <= settings.longest:
        return [_trimmed(Piece(0.0, heard.seconds, text, whole=True), heard, settings.edge)]
    return [
        _trimmed(Piece(start * SECONDS, end * SECONDS), heard, settings.edge)
        for start, end in cut(heard.speech, heard.power, settings)
    ]


def cut(
    speech: NDArray[np.bool_], power: NDArray[np.float32], settings: Settings
) -> list[tuple[int, int]]:
    """Cut at pauses: windows (n,) of speech and power to first windows and those behind the last.

    Neighbouring stretches of speech are joined as long as they fit; the longest pause within reach
    is where a clip ends, so that clips are sentences rather than of one length. Speech without a
    pause that is too long for a clip is cut where it is softest.
    """
    longest = int((settings.longest - 2 * settings.edge) / SECONDS)
    pause = max(1, round(settings.pause / SECONDS))
    stretches = _joined(runs(speech), pause)
    found: list[tuple[int, int]] = []
    index = 0
    while index < len(stretches):
        start = stretches[index][0]
        last = index
        while last + 1 < len(stretches) and stretches[last + 1][1] - start <= longest:
            last += 1
        if last + 1 < len(stretches) and last > index:
            last = _best_end(stretches, index, last)
        end = stretches[last][1]
        while end - start > longest:
            middle = _softest(power, start + longest // 2, start + longest)
            found.append((start, middle))
            start = middle
        found.append((start, end))
        index = last + 1
    return found


def _joined(stretches: Sequence[tuple[int, int]], pause: int) -> list[tuple[int, int]]:
    """Stretches of speech with at least `pause` windows between them."""
    joined: list[tuple[int, int]] = []
    for start, end in stretches:
        if joined and start - joined[-1][1] < pause:
            joined[-1] = joined[-1][0], end
        else:
            joined.append((start, end))
    return joined


def _best_end(stretches: Sequence[tuple[int, int]], first: int, last: int) -> int:
    """Which stretch ends a clip: the one before the longest pause, in the second half of it."""
    middle = (stretches[first][0] + stretches[last][1]) // 2
    later = [i for i in range(first, last + 1) if stretches[i][1] >= middle]
    return max(later, key=lambda i: (stretches[i + 1][0] - stretches[i][1], i))


def _softest(power: NDArray[np.float32], start: int, end: int) -> int:
    """The window from `start` to `end` where the speech is softest, for about a tenth second."""
    width = 3
    around = np.convolve(power[start - width : end + width], np.ones(width) / width, "same")
    return start + int(np.argmin(around[width : width + end - start]))


def _by_cues(timed: Sequence[Utterance], heard: Heard, settings: Settings) -> list[Piece]:
    """Subtitles as pieces: those of one sentence joined, their ends moved to silence nearby."""
    ordered = sorted(timed, key=lambda one: one.start)
    merged: list[Utterance] = []
    for one in ordered:
        before = merged[-1] if merged else None
        if before is not None and _goes_on(before, one, settings.longest):
            spaced = " " if before.text[-1:].isascii() and one.text[:1].isascii() else ""
            text = f"{before.text}{spaced}{one.text}"
            merged[-1] = replace(before, end=one.end, text=text)
        else:
            merged.append(one)
    found = []
    for index, one in enumerate(merged):
        assert one.end is not None
        lowest = (merged[index - 1].end or 0.0) if index else 0.0
        highest = merged[index + 1].start if index + 1 < len(merged) else heard.seconds
        start = _edge(heard.speech, one.start, max(lowest, one.start - _DRIFT), -1)
        end = _edge(heard.speech, one.end, min(highest, one.end + _DRIFT), 1)
        piece = Piece(max(start, 0.0), min(end, heard.seconds), one.text)
        found.append(_trimmed(piece, heard, settings.edge))
    return found


def _goes_on(before: Utterance, one: Utterance, longest: float) -> bool:
    """Whether a subtitle is the rest of the sentence that the one before begins."""
    assert before.end is not None
    assert one.end is not None
    return (
        not before.text.rstrip().endswith(tuple(_ENDS))
        and one.start - before.end <= _JOINED
        and one.end - before.start <= longest
        and before.speaker == one.speaker
    )


def _edge(speech: NDArray[np.bool_], seconds: float, limit: float, step: int) -> float:
    """Move an edge outwards to the next window without speech, or to the limit."""
    window = min(max(int(seconds / SECONDS), 0), len(speech) - 1)
    bound = min(max(int(limit / SECONDS), 0), len(speech) - 1)
    while window != bound and (bound - window) * step > 0 and speech[window]:
        window += step
    return (
        min(max(seconds, window * SECONDS), limit)
        if step > 0
        else max(min(seconds, window * SECONDS), limit)
    )


def _trimmed(piece: Piece, heard: Heard, edge: float) -> Piece:
    """Without silence at the ends, but for `edge` seconds; as it is where no speech was heard."""
    first = int(piece.start / SECONDS)
    behind = max(first + 1, int(np.ceil(piece.end / SECONDS)))
    spoken = np.flatnonzero(heard.speech[first:behind])
    if not len(spoken):
        return piece
    start = max(piece.start, (first + int(spoken[0])) * SECONDS - edge)
    end = min(piece.end, (first + int(spoken[-1]) + 1) * SECONDS + edge)
    return replace(piece, start=start, end=end)
