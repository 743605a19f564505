"""What markup asks of single words and marks: how fast, how loud, and how long a pause.

Rates and pauses that are shorter than the voice's own change how many frames phones have. What no
whole number of frames can give is made of the decoded samples: silence is spliced into a mark, or
samples are left out of it, and words are made louder or softer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from vinovits.text.reading import Sentence
from vinovits.text.sequence import PhoneSequence
from vinovits.voices.manifest import RANGES

Array = npt.NDArray[np.float32]
Frames = npt.NDArray[np.int64]

FADE_SECONDS = 0.003
"""At the ends of sentences, and on both sides of silence within one, so that nothing clicks."""

_RAMP_SECONDS = 0.01
"""Between words that are not equally loud."""

_SILENCE_SECONDS = 1
"""Silence is given in pieces of this length, so that memory doesn't grow with a pause."""


@dataclass(frozen=True, slots=True)
class Splice:
    """A place in the decoded samples of a sentence where silence stands in for some of them."""

    start: int
    """Index of the first sample that is left out."""
    stop: int
    """Index behind the last; `start` if none is."""
    silence: int
    """Samples of silence that are put there."""
    phone: int
    """The phone that is made longer or shorter, counted with the edges."""
    before: int
    """Samples in front that fade out."""
    after: int
    """Samples behind that fade in."""

    @property
    def longer(self) -> int:
        """By how many samples the sentence gets longer; below 0, it gets shorter."""
        return self.silence - (self.stop - self.start)


def length_scales(
    sentence: Sentence, sequence: PhoneSequence, speed: float
) -> npt.NDArray[np.float32]:
    """What the durations of each step are multiplied by.

    Args:
        sentence: As read.
        sequence: Its T steps.
        speed: That of the whole.

    Returns:
        (T,). A word's rate holds for its phones and for the blanks before them. With the speed of
        the whole it stays within the range of that.
    """
    low, high = RANGES["speed"]
    scales = np.full(len(sequence.phones), 1 / speed, np.float32)
    for word, (first, last) in zip(sentence.words, sequence.word_phones, strict=True):
        if word.rate != 1.0:
            scales[2 * first : 2 * last] = 1 / min(max(speed * word.rate, low), high)
    return scales


def fit_pauses(
    sentence: Sentence,
    sequence: PhoneSequence,
    frames: Frames,
    hop_length: int,
    sampling_rate: int,
) -> tuple[Frames, tuple[Splice, ...]]:
    """Make marks last as long as they are asked to, to the sample.

    Args:
        sentence: As read.
        sequence: Its T steps.
        frames: As the voice has them (1, 1, T).
        hop_length: Samples per frame.
        sampling_rate: Samples per second.

    Returns:
        Frames (1, 1, T), fewer for marks that are to be shorter, and what is to be done to the
        samples that are decoded from them, in order.
    """
    asked = [
        (round(word.pause * sampling_rate), first, last)
        for word, (first, last) in zip(sentence.words, sequence.word_phones, strict=True)
        if word.pause is not None
    ]
    if not asked:
        return frames, ()
    own = frames[0, 0].copy()
    for samples, first, last in asked:
        mark = slice(2 * first, 2 * last)
        own[mark] = _at_most(own[mark], -(-samples // hop_length))
    starts = np.concatenate([[0], np.cumsum(own)]) * hop_length
    fade = round(FADE_SECONDS * sampling_rate)
    splices = []
    for samples, first, last in asked:
        start, stop = int(starts[2 * first]), int(starts[2 * last])
        if samples == stop - start:
            continue
        kept = min(samples, stop - start)
        before, after = min(kept // 2, fade), min(kept - kept // 2, fade)
        if start == stop:
            # A mark that has no phone of its own: there is only the sound around it to fade.
            before = after = fade
        splices.append(
            Splice(
                start=start + kept // 2,
                stop=stop - (kept - kept // 2),
                silence=samples - kept,
                phone=first if first < last else first - 1,
                before=before,
                after=after,
            )
        )
    return own[None, None], tuple(splices)


def longer_phones(
    splices: Iterable[Splice], phones: int, sampling_rate: int
) -> npt.NDArray[np.float64]:
    """Seconds by which each of the phones, edges included, lasts longer than its frames."""
    seconds = np.zeros(phones)
    for splice in splices:
        seconds[splice.phone] += splice.longer / sampling_rate
    return seconds


def final_pause(sentence: Sentence) -> float | None:
    """Seconds that the marks at a sentence's end are asked to last; None if they aren't."""
    pauses = []
    for word in reversed(sentence.words):
        if not word.is_punctuation:
            break
        if word.pause is not None:
            pauses.append(word.pause)
    return sum(pauses) if pauses else None


@dataclass(frozen=True, slots=True)
class Loudness:
    """A factor for each sample, by straight lines between points."""

    places: npt.NDArray[np.float64]
    """Indices of samples, rising."""
    factors: npt.NDArray[np.float64]
    """At those."""

    def __call__(self, samples: Array, start: int) -> Array:
        """Samples (n,), the first of index `start`, made louder or softer, within [-1, 1]."""
        at = np.arange(start, start + len(samples))
        factors = np.interp(at, self.places, self.factors).astype(np.float32)
        scaled: Array = np.clip(samples * factors, -1.0, 1.0)
        return scaled


def loudness(
    sentence: Sentence,
    sequence: PhoneSequence,
    frames: Frames,
    hop_length: int,
    sampling_rate: int,
) -> Loudness | None:
    """How loud each sample is to be; None if all are as they are.

    Words have their volume, and the edges of the sentence that of the word beside them. Where it
    changes, it does so within 10 ms, half of them in each word.

    Args:
        sentence: As read.
        sequence: Its T steps.
        frames: (1, 1, T).
        hop_length: Samples per frame.
        sampling_rate: Samples per second.
    """
    if all(word.volume == 1.0 for word in sentence.words):
        return None
    ends = np.cumsum(frames[0, 0]) * hop_length
    stretches: list[tuple[float, int]] = []
    for word, (first, last) in zip(sentence.words, sequence.word_phones, strict=True):
        end = int(ends[2 * last - 1])
        if first == last or end == (stretches[-1][1] if stretches else 0):
            continue  # it isn't heard
        if stretches and stretches[-1][0] == word.volume:
            stretches.pop()
        stretches.append((word.volume, end))
    if not stretches:
        return None
    stretches[-1] = (stretches[-1][0], int(ends[-1]))
    places, factors = [0.0], [stretches[0][0]]
    ramp = _RAMP_SECONDS * sampling_rate / 2
    start = 0
    for (volume, end), (following, behind) in pairwise(stretches):
        half = min(ramp, (end - start) / 2, (behind - end) / 2)
        places += [end - half, end + half]
        factors += [volume, following]
        start = end
    return Loudness(np.array(places), np.array(factors))


def faded(samples: Array, start: int, total: int, fade: int) -> Array:
    """Fade the part of a sentence that begins at sample `start` of `total`, at the ends only."""
    position = np.arange(start, start + len(samples))
    edge = np.minimum(position, total - 1 - position)
    if fade == 0 or edge.min() >= fade:
        return samples
    ramp: Array = np.clip(edge / fade, 0.0, 1.0).astype(np.float32)
    return samples * ramp


def spliced(
    parts: Iterable[Array], splices: Sequence[Splice], sampling_rate: int
) -> Iterator[Array]:
    """Put silence into a sentence, and leave out what is to be left out.

    Args:
        parts: The decoded samples, in parts (n,) that follow each other.
        splices: In order.
        sampling_rate: Samples per second.

    Yields:
        Samples (n,), n > 0, that follow each other.
    """
    waiting = deque(splices)
    position = 0
    for part in parts:
        start, end = position, position + len(part)
        part = _faded_around(part, start, splices)
        while waiting and waiting[0].start < end:
            splice = waiting[0]
            if position <= splice.start:
                if position < splice.start:
                    yield part[position - start : splice.start - start]
                yield from silences(splice.silence, sampling_rate)
            position = min(splice.stop, end)
            if splice.stop > end:
                break
            waiting.popleft()
        if position < end:
            yield part[position - start :]
        position = end


def silences(samples: int, sampling_rate: int) -> Iterator[Array]:
    """Silence (n,) of that many samples in all, in pieces of a second."""
    piece = _SILENCE_SECONDS * sampling_rate
    for done in range(0, samples, piece):
        yield np.zeros(min(piece, samples - done), np.float32)


def _faded_around(part: Array, start: int, splices: Sequence[Splice]) -> Array:
    """Fade the samples beside each splice that lie in a part, whose first has the index `start`."""
    end = start + len(part)
    for splice in splices:
        first, behind = splice.start - splice.before, splice.stop + splice.after
        if first >= end or behind <= start:
            continue
        at = np.arange(start, end)
        ramp = np.ones(len(part), np.float32)
        if splice.before:
            fading = at < splice.start
            ramp[fading] = np.clip((splice.start - 1 - at[fading]) / splice.before, 0.0, 1.0)
        if splice.after:
            fading = at >= splice.stop
            ramp[fading] = np.clip((at[fading] - splice.stop) / splice.after, 0.0, 1.0)
        part = part * ramp
    return part


def _at_most(frames: npt.NDArray[np.int64], most: int) -> npt.NDArray[np.int64]:
    """Frames (n,) of no more than `most` in all, in the proportions that they have."""
    total = int(frames.sum())
    if total <= most:
        return frames
    ends = np.round(np.cumsum(frames) * most / total).astype(np.int64)
    return np.diff(ends, prepend=0)
