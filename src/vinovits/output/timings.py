"""Timings of a speech as JSON, SubRip, WebVTT and LRC, written sentence by sentence.

Each writer gives strings: a head, one for each sentence, a tail. A text of any length needs the
memory of one sentence.
"""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from vinovits.errors import UsageError
from vinovits.output.cues import Cue, cues, written_pieces

if TYPE_CHECKING:
    from vinovits.engine.result import SpokenSentence

FORMAT = 1
"""Version of the JSON written here."""


class TimingsFormat(Protocol):
    """Turns sentences into the text of a file, in their order."""

    def head(self, voice: str, sampling_rate: int) -> str:
        """What stands before the first sentence."""

    def sentence(self, sentence: SpokenSentence) -> str:
        """What stands for one sentence."""

    def tail(self, seconds: float) -> str:
        """What stands behind the last sentence; `seconds` is the length of the audio."""


class JsonTimings:
    """Everything that is known: sentences, words with their place in the text, phones."""

    def __init__(self) -> None:
        self._is_first = True

    def head(self, voice: str, sampling_rate: int) -> str:
        """Open the object; see `TimingsFormat`."""
        top = {"format": FORMAT, "voice": voice, "sampling_rate": sampling_rate}
        return json.dumps(top)[:-1] + ', "sentences": ['

    def sentence(self, sentence: SpokenSentence) -> str:
        """One object on a line of its own; see `TimingsFormat`."""
        data = sentence_data(sentence)
        comma = "" if self._is_first else ","
        self._is_first = False
        # Lone surrogates, which a text may hold, have no UTF-8; JSON can escape them.
        return comma + "\n" + _encodable(json.dumps(data, ensure_ascii=False))

    def tail(self, seconds: float) -> str:
        """Close the object; see `TimingsFormat`."""
        return f'\n], "seconds": {json.dumps(_seconds(seconds))}}}\n'


class SrtTimings:
    """SubRip: numbered cues, comma before the milliseconds."""

    def __init__(self) -> None:
        self._count = 0

    def head(self, voice: str, sampling_rate: int) -> str:
        """Nothing: the format has no head."""
        return ""

    def sentence(self, sentence: SpokenSentence) -> str:
        """The sentence's cues."""
        blocks = []
        for cue in cues(sentence):
            self._count += 1
            times = " --> ".join(_clock(time, ",") for time in _milliseconds(cue))
            # An arrow in a text would look like a line of times.
            text = "\n".join(cue.lines).replace("-->", "->")
            blocks.append(f"{self._count}\n{times}\n{_visible(text)}\n\n")
        return "".join(blocks)

    def tail(self, seconds: float) -> str:
        """Nothing: the format has no end."""
        return ""


class VttTimings:
    """WebVTT, as the W3C's recommendation has it."""

    def head(self, voice: str, sampling_rate: int) -> str:
        """The signature."""
        return "WEBVTT\n\n"

    def sentence(self, sentence: SpokenSentence) -> str:
        """The sentence's cues, with the three characters escaped that are markup."""
        blocks = []
        for cue in cues(sentence):
            times = " --> ".join(_clock(time, ".") for time in _milliseconds(cue))
            text = "\n".join(cue.lines)
            text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            blocks.append(f"{times}\n{_visible(text)}\n\n")
        return "".join(blocks)

    def tail(self, seconds: float) -> str:
        """Nothing: the format has no end."""
        return ""


class LrcTimings:
    """Lyrics: a line for each sentence, and the time of each word in the enhanced form's `<>`."""

    def head(self, voice: str, sampling_rate: int) -> str:
        """The tag that names the program."""
        return "[re:vinovits]\n"

    def sentence(self, sentence: SpokenSentence) -> str:
        """One line."""
        text = "".join(
            # The brackets are the format's own and can't be escaped.
            f"<{_minutes(piece.start)}>{piece.text.translate(_NO_BRACKETS)}"
            for piece in written_pieces(sentence)
        )
        line = _visible(" ".join(text.split()))
        return f"[{_minutes(sentence.start)}]{line}<{_minutes(sentence.end)}>\n"

    def tail(self, seconds: float) -> str:
        """An empty line at the end of the audio, so that players clear the last one."""
        return f"[{_minutes(seconds)}]\n"


_FORMATS: dict[str, type[JsonTimings | SrtTimings | VttTimings | LrcTimings]] = {
    ".json": JsonTimings,
    ".srt": SrtTimings,
    ".vtt": VttTimings,
    ".lrc": LrcTimings,
}
_NO_BRACKETS = str.maketrans("[]<>", "()()")


def sentence_data(sentence: SpokenSentence) -> dict[str, Any]:
    """Everything that is known of a sentence, as plain JSON data."""
    return {
        "text": sentence.text,
        "start_char": sentence.start_char,
        "end_char": sentence.end_char,
        "start": _seconds(sentence.start),
        "end": _seconds(sentence.end),
        "words": [
            {
                "text": word.text,
                "start_char": word.start_char,
                "end_char": word.end_char,
                "start": _seconds(word.start),
                "end": _seconds(word.end),
                "reading": word.reading,
                "source": word.source,
            }
            for word in sentence.words
        ],
        "phones": [
            {"phone": phone.phone, "start": _seconds(phone.start), "end": _seconds(phone.end)}
            for phone in sentence.phones
        ],
        "marks": [
            {"name": mark.name, "char": mark.char, "time": _seconds(mark.time)}
            for mark in sentence.marks
        ],
        "speaker": sentence.speaker,
        "style": sentence.style,
        "notes": list(sentence.notes),
    }


def timings_format(path: Path) -> TimingsFormat:
    """A new writer for the format that a file name asks for.

    Args:
        path: A path whose extension, in any case, is .json, .srt, .vtt or .lrc.

    Returns:
        The writer.

    Raises:
        UsageError: The extension is missing or unknown.
    """
    kind = _FORMATS.get(path.suffix.lower())
    if kind is None:
        given = f"the extension {path.suffix}" if path.suffix else "no extension"
        raise UsageError(
            f"{path} has {given}, so the format of the timings isn't known. "
            f"Use one of {', '.join(_FORMATS)}."
        )
    return kind()


def _seconds(value: float) -> float:
    return round(value, 5)  # finer than a sample at 48 kHz


def _milliseconds(cue: Cue) -> tuple[int, int]:
    """Start and end, at least a millisecond apart, as players skip empty cues."""
    start = round(cue.start * 1000)
    return start, max(round(cue.end * 1000), start + 1)


def _clock(milliseconds: int, mark: str) -> str:
    seconds, thousandths = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{mark}{thousandths:03}"


def _minutes(seconds: float) -> str:
    minutes, hundredths = divmod(round(seconds * 100), 6000)
    return f"{minutes:02}:{hundredths // 100:02}.{hundredths % 100:02}"


def _visible(text: str) -> str:
    """Without control characters and what has no UTF-8."""
    return _encodable(
        "".join(c for c in text if c == "\n" or unicodedata.category(c) != "Cc"), "ignore"
    )


def _encodable(text: str, errors: str = "backslashreplace") -> str:
    return text.encode("utf-8", errors).decode("utf-8")
