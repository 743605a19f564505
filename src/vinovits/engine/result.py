"""What comes out of a voice: samples, timings, and how they were made."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from vinovits.graphs import GraphInfo
from vinovits.text.hidden import Shown
from vinovits.text.reading import Source


@dataclass(frozen=True, slots=True)
class PhoneTiming:
    """When a phone is heard."""

    phone: str
    start: float
    """Seconds from the start of the audio."""
    end: float


@dataclass(frozen=True, slots=True)
class WordTiming:
    """When a word is heard, and where it stands in the text."""

    text: str
    """The word as spoken."""
    start_char: int
    """Index of its first character in the text given."""
    end_char: int
    start: float
    """Seconds from the start of the audio."""
    end: float
    reading: str = ""
    """The reading as people write it: ARPAbet, pinyin, kana; "" for marks."""
    source: Source = ""
    """Where the reading came from, such as "dictionary" or "lexicon"."""


@dataclass(frozen=True, slots=True)
class MarkTiming:
    """When a place is reached that markup has named."""

    name: str
    char: int
    """Index of the place in the text given."""
    time: float
    """Seconds from the start of the audio."""


@dataclass(frozen=True, slots=True)
class SpokenSentence:
    """One sentence of the audio."""

    text: str
    """The original characters, those of markup among them."""
    start_char: int
    end_char: int
    start: float
    """Seconds from the start of the audio."""
    end: float
    words: tuple[WordTiming, ...]
    """Punctuation included, as its pauses take time."""
    phones: tuple[PhoneTiming, ...]
    notes: tuple[str, ...] = ()
    """Sentences for the user about what was left out or guessed in reading it."""
    marks: tuple[MarkTiming, ...] = ()
    """The places in it that markup has named."""
    speaker: str = ""
    """Name of the speaker that markup asks for; "" for the one of the whole."""
    style: str = ""
    """Name of the style that markup asks for; "" for the one of the whole."""
    shown: Shown | None = None
    """The text without markup and other hidden parts, and where its characters stand in the text
    given; None: all of `text` is shown."""


@dataclass(slots=True)
class Stats:
    """How long the work took, and where it ran."""

    stages: dict[str, float] = field(default_factory=dict)
    """Seconds per stage: read, features, encode, durations, flow, decode. The next sentence is
    prepared while one is decoded, so that together they may be more than `wall_seconds`."""
    graphs: dict[str, GraphInfo] = field(default_factory=dict)
    features: dict[str, str] = field(default_factory=dict)
    """What each feature input of the voice was filled by: the name of a feature model, or "none"
    for zeros, as `features="none"` asks and as for languages that aren't spoken. Beside them
    "polyphones", where a model (g2pW) has told readings of Chinese characters apart."""
    audio_seconds: float = 0.0
    wall_seconds: float = 0.0
    """How long the caller waited for samples in all. Work that went on while the caller held a
    chunk isn't in it."""
    first_chunk_seconds: float = 0.0
    """From the call to the first samples."""

    @property
    def real_time_factor(self) -> float:
        """Seconds waited per second of audio; below 1 is faster than it is heard."""
        return self.wall_seconds / self.audio_seconds if self.audio_seconds else 0.0


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of audio of a stream."""

    samples: npt.NDArray[np.float32]
    """(n,) in [-1, 1]."""
    start_sample: int
    """Index of its first sample in the whole audio."""
    sentence: int
    """Number of its sentence, from 0."""
    last_of_sentence: bool
    spoken: SpokenSentence | None
    """The whole sentence and its timings, with its first chunk, which may be silence."""


@dataclass(frozen=True, slots=True)
class Audio:
    """Speech, complete."""

    samples: npt.NDArray[np.float32]
    """(n,) in [-1, 1]."""
    sampling_rate: int
    sentences: tuple[SpokenSentence, ...]
    stats: Stats

    @property
    def seconds(self) -> float:
        """Length of the audio."""
        return len(self.samples) / self.sampling_rate
