"""Speaking sentence by sentence: one is decoded while the next is prepared."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from vinovits.engine import delivery, synthesis
from vinovits.engine.result import Chunk, SpokenSentence, Stats
from vinovits.engine.settings import Settings
from vinovits.engine.stages import Stages
from vinovits.engine.timings import time_sentence
from vinovits.errors import UsageError
from vinovits.text.reading import Sentence
from vinovits.text.sequence import to_sequence

Array = npt.NDArray[np.float32]
R = TypeVar("R")


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
            ahead: Prepare the next sentence while one is decoded: for a listener. Who waits for
                the whole gets it sooner without, as the two compete for one device.
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
        self._samples = 0
        self._ended = False
        self._tell_end = weakref.finalize(self, ended)
        self._tell_end.atexit = False
        self.stats.stages["read"] = time.perf_counter() - began
        prepared = self._prepare(sentences)
        self._chunks = self._run_ahead(prepared) if ahead else self._run(prepared)

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
        self.stats.audio_seconds = self._samples / self._stages.manifest.sampling_rate
        return chunk

    def close(self) -> None:
        """Stop the work; the chunks end here."""
        self._ended = True
        self._chunks.close()
        self._tell_end()

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, prepared: Iterator[_Prepared]) -> Generator[Chunk]:
        for sentence in prepared:
            yield from self._decode(sentence)

    def _run_ahead(self, prepared: Iterator[_Prepared]) -> Generator[Chunk]:
        ahead = ThreadPoolExecutor(1, "vinovits-ahead")
        try:
            upcoming: Future[_Prepared | None] = ahead.submit(next, prepared, None)
            while (current := upcoming.result()) is not None:
                for chunk in self._decode(current):
                    if chunk.spoken is not None:
                        # From the first sound on, the next sentence is prepared beside the decoder.
                        upcoming = ahead.submit(next, prepared, None)
                    yield chunk
        finally:
            ahead.shutdown(cancel_futures=True)

    def _prepare(self, sentences: Iterator[Sentence]) -> Iterator[_Prepared]:
        stages, manifest, settings = self._stages, self._stages.manifest, self._settings
        rate, hop = manifest.sampling_rate, manifest.hop_length
        usual = round(settings.pause * rate)
        start, number, pause = 0, 0, 0
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
            yield _Prepared(number, start, pause, z, speaker, splices, loudness, spoken)
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
        sound = delivery.spliced(self._windows(prepared), prepared.splices, rate)
        for samples in chain(delivery.silences(prepared.pause, rate), sound):
            start = prepared.start + done
            spoken = prepared.spoken if done == -prepared.pause else None
            done += len(samples)
            self._samples = prepared.start + done
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
            # Only the first sentence is waited for.
            self._stages.growth[1:] if prepared.number else self._stages.growth,
        )
        total = prepared.z.shape[2] * manifest.hop_length
        fade = min(round(delivery.FADE_SECONDS * manifest.sampling_rate), total // 2)
        done = 0
        while (samples := self._timed("decode", next, windows, None)) is not None:
            if prepared.loudness is not None:
                samples = prepared.loudness(samples, done)
            yield delivery.faded(samples, done, total, fade)
            done += len(samples)

    def _timed(self, stage: str, work: Callable[..., R], *arguments: Any) -> R:
        began = time.perf_counter()
        try:
            return work(*arguments)
        finally:
            self.stats.stages[stage] += time.perf_counter() - began
