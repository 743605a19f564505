"""From frames per phone to seconds per phone, word and sentence."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vinovits.engine.result import MarkTiming, PhoneTiming, SpokenSentence, WordTiming
from vinovits.text.reading import Sentence
from vinovits.text.sequence import PhoneSequence


def time_sentence(
    sentence: Sentence,
    sequence: PhoneSequence,
    frames: npt.NDArray[np.int64],
    offset: float,
    frame_seconds: float,
    spliced: npt.NDArray[np.float64] | None = None,
) -> SpokenSentence:
    """Place a sentence's phones and words in time.

    A phone owns its own frames and those of the blank before it; the last one also those of the
    blank at the end, so that phones follow each other without gaps.

    Args:
        sentence: As read.
        sequence: Its phones.
        frames: Per phone with blanks (1, 1, T).
        offset: Seconds of audio before this sentence.
        frame_seconds: Length of a frame.
        spliced: Seconds by which each phone lasts longer than its frames (phones,), those of the
            edges among them; None: by nothing.
    """
    ends = offset + np.cumsum(frames[0, 0])[1::2] * frame_seconds
    finish = offset + float(frames.sum()) * frame_seconds
    if spliced is not None:
        longer = np.cumsum(spliced)
        ends += longer
        finish += float(longer[-1])
    ends[-1] = finish
    starts = np.concatenate([[offset], ends[:-1]])
    phones = tuple(
        PhoneTiming(name, float(start), float(end))
        for name, start, end in zip(sequence.names, starts, ends, strict=True)
    )
    words = tuple(
        WordTiming(
            word.text,
            word.start,
            word.end,
            float(starts[first]),
            float(ends[last - 1]),
            word.reading,
            word.source,
        )
        for word, (first, last) in zip(sentence.words, sequence.word_phones, strict=True)
    )
    return SpokenSentence(
        text=sentence.text,
        start_char=sentence.start,
        end_char=sentence.end,
        start=offset,
        end=finish,
        words=words,
        phones=phones,
        notes=sentence.notes,
        marks=tuple(
            # A place within a word, or behind the last one, is reached when that has ended.
            MarkTiming(
                name, char, next((word.start for word in words if word.start_char >= char), finish)
            )
            for name, char in sentence.marks
        ),
        speaker=sentence.speaker,
        style=sentence.style,
        shown=sentence.shown,
    )
