"""Speaking sentence by sentence: one is decoded while the next is prepared."""

from __future__ import annotations

import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from vinovits.engine import delivery, synthesis
from vinovits.engine.pacing import MOST_HELD, Following, Pace, Span
from vinovits.engine.result import Chunk, SpokenSentence, Stats
from vinovits.engine.settings import Settings
from vinovits.engine.stages import Stages
from vinovits.engine.timings import time_sentence
from vinovits.engine.windows import Window, work
from vinovits.errors import UsageError
from vinovits.text.reading import Sentence
from vinovits.text.sequence import to_sequence

Array = npt.NDArray[np.float32]
R = TypeVar("R")

_LOOK = 2
"""Sentences behind the first that are looked at before that is heard."""

_PHONE_SECONDS, _FEW_PHONES = 0.075, 12
"""How long a phone lasts at usual speed, and how few tell that of a voice badly."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Who speaks, and in which style: sentences name them, or leave it to the settings ("")."""

    speakers: Mapping[str, Array]
    """Vectors (1, gin, 1) by name; that of the settings is ""."""
    conditions: Mapping[str, dict[str, npt.NDArray[Any]]]
    """Inputs of the graph `encoder` that hold for a whole sentence, by the name of its style."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A sentence up to the decoder."""

    number: int
    start: int
    """Its first sample in the whole audio."""
    pause: int
    """Samples of silence before it."""
    z: Array
    """(1, C, F)."""
    speaker: Array
    """(1, gin, 1)."""
    splices: tuple[delivery.Splice, ...]
    loudness: delivery.Loudness | None
    spoken: SpokenSentence
    work: float
    """Seconds that it took until here."""


class _Sentences(Iterator[Sentence]):
    """Sentences, at whose beginning one may look while another thread takes them."""

    def __init__(self, sentences: Iterator[Sentence]) -> None:
        self._rest = sentences
        self._seen: deque[Sentence] = deque()
        self._taken: list[Sentence] | None = []
        """Those that were taken before anybody looked."""
        self._lock = threading.Lock()

    def __next__(self) -> Sentence:
        with self._lock:
            sentence = self._seen.popleft() if self._seen else next(self._rest)
            if self._taken is not None:
                self._taken.append(sentence)
            return sentence

    def look(self, count: int) -> list[Sentence]:
        """Those behind the first, at most so many; to be called once."""
        with self._lock:
            behind = (self._taken or [])[1:]
            self._taken = None
            while len(behind) + len(self._seen) < count:
                if (one := next(self._rest, None)) is None:
                    break
                self._seen.append(one)
            return [*behind, *self._seen]


class _ClosedError(Exception):
    """The stream was closed while a sentence was prepared."""


class Stream(Iterator[Chunk]):
    """The chunks of a text that is being spoken, for one thread; `stats` is complete at the end.

    Used in a `with` statement, it stops its work when the block is left. It gives its chunks once:
    to go through them again, after their end or `close`, raises a `UsageError`.
    """

    def __init__(
        self,
        stages: Stages,
        sentences: Iterator[Sentence],
        settings: Settings,
        cast: Cast,
        began: float,
        ahead: bool = True,
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepare to speak; `Voice.stream` finds the arguments.

        Args:
            stages: Of the voice.
            sentences: As a front end reads them.
            settings: How to speak.
            cast: All whom the sentences name.
            began: Time of the call by `time.perf_counter`.
            ahead: Prepare the next sentence while one is decoded, and hold the first chunk back
                where a listener would else hear gaps. Who waits for the whole gets it sooner
                without, as the two compete for one device.
            ended: Called once, when the work has ended or nobody holds the stream any more.
        """
        self.stats = Stats(
            stages=dict.fromkeys(
                ("read", "features", "encode", "durations", "flow", "decode"), 0.0
            ),
            graphs=stages.infos(),
            features=stages.feature_models(),
        )
        self._stages, self._settings, self._cast = stages, settings, cast
        self._watch = began
        self._ended = False
        self._closing = threading.Event()
        self._pace = Pace()
        self._windows_left: deque[Span] = deque()
        self._ahead: Future[_Prepared | None] | None = None
        self._tell_end = weakref.finalize(self, ended)
        self._tell_end.atexit = False
        self.stats.stages["read"] = time.perf_counter() - began
        self._sentences = _Sentences(sentences)
        if ahead:
            self._chunks = self._run_ahead(self._sentences)
        else:
            self._chunks = self._run(self._prepare(self._sentences))

    def __iter__(self) -> Stream:
        if self._ended:
            # An empty second pass would look like a text without a sound.
            raise UsageError(
                "This stream has given its chunks, or was closed. Keep them, as in "
                "`chunks = list(stream)`, or call `voice.stream` again."
            )
        return self

    def __next__(self) -> Chunk:
        resumed = time.perf_counter()
        self._pace.asked()
        try:
            chunk = next(self._chunks)
        except BaseException:
            self._ended = True
            self._tell_end()
            raise
        now = time.perf_counter()
        if chunk.start_sample == 0:
            self.stats.first_chunk_seconds = now - self._watch
            resumed = self._watch
        self.stats.wall_seconds += now - resumed
        rate = self._stages.manifest.sampling_rate
        self.stats.audio_seconds = (chunk.start_sample + len(chunk.samples)) / rate
        self._pace.given(len(chunk.samples) / rate)
        return chunk

    def timings(self) -> Iterator[SpokenSentence]:
        """The sentences with their timings, in place of the chunks: nothing is decoded.

        Raises:
            UsageError: Chunks have been taken, or the stream was closed.
        """
        chunks = iter(self)._chunks
        self._ended = True
        chunks.close()
        try:
            for prepared in self._prepare(self._sentences):
                yield prepared.spoken
        finally:
            self._tell_end()

    def close(self) -> None:
        """Stop the work, within a window or a graph of the next sentence; the chunks end here."""
        self._ended = True
        self._closing.set()
        self._chunks.close()
        self._tell_end()

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, prepared: Iterator[_Prepared]) -> Generator[Chunk]:
        for sentence in prepared:
            yield from self._decode(sentence)

    def _run_ahead(self, sentences: _Sentences) -> Generator[Chunk]:
        """Chunks for a listener: none is late if the voice is faster than it is heard."""
        held: list[Chunk] = []
        following: list[Following] = []
        ready = 0.0
        with closing(self._chunks_ahead(sentences)) as chunks:
            for chunk in chunks:
                held.append(chunk)
                if not ready:
                    ready = time.perf_counter()
                    following = self._following(chunk, sentences)
                rest = following[chunk.sentence :]
                seconds = (
                    sum(len(one.samples) for one in held) / self._stages.manifest.sampling_rate
                )
                if (
                    self._pace.is_enough(seconds, self._windows_left, rest)
                    or time.perf_counter() - ready > MOST_HELD
                    or chunk.sentence == _LOOK
                ):
                    break
            yield from held
            held.clear()
            yield from chunks

    def _chunks_ahead(self, sentences: _Sentences) -> Generator[Chunk]:
        """Chunks as they are decoded, and the next sentence as there is time for it."""
        prepared = self._prepare(sentences)
        ahead = ThreadPoolExecutor(1, "vinovits-ahead")
        longest = 0.0
        alone = True
        try:
            self._ahead = ahead.submit(next, prepared, None)
            while (current := self._ahead.result()) is not None:
                self._ahead = None
                seconds = self._seconds(current.z.shape[2])
                longest = max(longest, seconds)
                if alone:
                    self._pace.has_prepared(current.work, seconds)
                alone = True
                for chunk in self._decode(current):
                    if self._ahead is None and (
                        chunk.last_of_sentence or self._pace.has_time(self._windows_left, longest)
                    ):
                        self._ahead = ahead.submit(next, prepared, None)
                        alone = chunk.last_of_sentence
                    yield chunk
                if self._ahead is None:
                    self._ahead = ahead.submit(next, prepared, None)
        finally:
            self._closing.set()
            ahead.shutdown(cancel_futures=True)

    def _following(self, first: Chunk, sentences: _Sentences) -> list[Following]:
        """What is known of the sentences behind the first."""
        assert first.spoken is not None
        phones = len(first.spoken.phones)
        each = _PHONE_SECONDS / self._settings.speed
        if phones >= _FEW_PHONES:
            each = (first.spoken.end - first.spoken.start) / phones
        window = self._seconds(self._stages.growth[-1])
        found = []
        for sentence in self._timed("read", sentences.look, _LOOK):
            sound = each * sum(len(word.phones) for word in sentence.words)
            span = Span(min(window, sound), min(window, sound))
            found.append(Following(self._settings.pause + sentence.silence, sound, span))
        return found

    def _seconds(self, frames: float) -> float:
        return frames * self._stages.manifest.hop_length / self._stages.manifest.sampling_rate

    def _span(self, window: Window) -> Span:
        return Span(self._seconds(work(window)), self._seconds(window.last - window.first))

    def _prepare(self, sentences: Iterator[Sentence]) -> Iterator[_Prepared]:
        stages, manifest, settings = self._stages, self._stages.manifest, self._settings
        rate, hop = manifest.sampling_rate, manifest.hop_length
        usual = round(settings.pause * rate)
        start, number, pause = 0, 0, 0
        before = self._work()
        while (sentence := self._timed("read", next, sentences, None)) is not None:
            sequence = self._timed("read", to_sequence, sentence, manifest.table, stages.pieces)
            features = self._timed(
                "features", stages.features, sequence, settings.assist_text, settings.assist_weight
            )
            speaker = self._cast.speakers[sentence.speaker]
            # Each sentence has its own generator: it sounds the same wherever the work begins.
            generator = np.random.default_rng((settings.seed, number))
            noise = generator.standard_normal((1, 2, len(sequence.phones)), np.float32)
            encoded = self._timed(
                "encode",
                synthesis.encode,
                stages.graphs["encoder"],
                sequence,
                features,
                self._cast.conditions[sentence.style],
                speaker,
                noise * np.float32(settings.noise_w),
            )
            logw = synthesis.mix_durations(encoded.logw_sdp, encoded.logw_dp, settings.sdp_ratio)
            scales = delivery.length_scales(sentence, sequence, settings.speed)
            frames = synthesis.frames_per_phone(logw, scales)
            frames, splices = delivery.fit_pauses(sentence, sequence, frames, hop, rate)
            pause += round(sentence.silence * rate)
            start += pause
            spoken = self._timed(
                "durations",
                time_sentence,
                sentence,
                sequence,
                frames,
                start / rate,
                hop / rate,
                delivery.longer_phones(splices, len(sequence.names), rate) if splices else None,
            )
            total = int(frames.sum())
            prior = generator.standard_normal((1, manifest.latent_channels, total), np.float32)
            z_p = synthesis.expand(encoded.m_p, encoded.logs_p, frames, prior, settings.noise)
            z = self._timed("flow", synthesis.flow, stages.graphs["flow"], z_p, speaker)
            loudness = delivery.loudness(sentence, sequence, frames, hop, rate)
            spent = self._work() - before
            yield _Prepared(number, start, pause, z, speaker, splices, loudness, spoken, spent)
            before = self._work()
            start += total * hop + sum(splice.longer for splice in splices)
            # A pause that is asked for behind a sentence stands in for the usual one.
            pause = usual if delivery.final_pause(sentence) is None else 0
            number += 1
        # Sentences may have asked for models that the first one had no need of.
        self.stats.graphs = stages.infos()
        self.stats.features = stages.feature_models()

    def _decode(self, prepared: _Prepared) -> Iterator[Chunk]:
        """A sentence's chunks, the silence before it first."""
        rate = self._stages.manifest.sampling_rate
        total = prepared.z.shape[2] * self._stages.manifest.hop_length
        total += sum(splice.longer for splice in prepared.splices)
        done = -prepared.pause
        plan = synthesis.windows_of(
            self._stages.graphs["decoder"],
            prepared.z.shape[2],
            self._stages.reach,
            self._growth(prepared),
        )
        self._windows_left = deque(map(self._span, plan))
        sound = delivery.spliced(self._windows(prepared), prepared.splices, rate)
        for samples in chain(delivery.silences(prepared.pause, rate), sound):
            start = prepared.start + done
            spoken = prepared.spoken if done == -prepared.pause else None
            done += len(samples)
            yield Chunk(samples, start, prepared.number, done == total, spoken)

    def _windows(self, prepared: _Prepared) -> Iterator[Array]:
        """What is decoded of a sentence, as loud as it is to be."""
        manifest = self._stages.manifest
        windows = synthesis.decode(
            self._stages.graphs["decoder"],
            prepared.z,
            prepared.speaker,
            self._stages.reach,
            manifest.hop_length,
            self._growth(prepared),
        )
        total = prepared.z.shape[2] * manifest.hop_length
        fade = min(round(delivery.FADE_SECONDS * manifest.sampling_rate), total // 2)
        done = 0
        while True:
            alone, began = self._is_alone(), time.perf_counter()
            if (samples := self._timed("decode", next, windows, None)) is None:
                return
            span = self._windows_left.popleft()
            if alone and self._is_alone():
                self._pace.has_decoded(time.perf_counter() - began, span)
            if prepared.loudness is not None:
                samples = prepared.loudness(samples, done)
            yield delivery.faded(samples, done, total, fade)
            done += len(samples)

    def _growth(self, prepared: _Prepared) -> Sequence[int]:
        """Only the first sentence is waited for."""
        return self._stages.growth[1:] if prepared.number else self._stages.growth

    def _is_alone(self) -> bool:
        """Is nothing prepared beside the decoder?"""
        return self._ahead is None or self._ahead.done()

    def _work(self) -> float:
        """Seconds of work on all that was prepared."""
        return sum(spent for stage, spent in self.stats.stages.items() if stage != "decode")

    def _timed(self, stage: str, do: Callable[..., R], *arguments: Any) -> R:
        if self._closing.is_set():
            raise _ClosedError
        began = time.perf_counter()
        try:
            return do(*arguments)
        finally:
            self.stats.stages[stage] += time.perf_counter() - began
