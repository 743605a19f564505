"""A voice that is ready to speak, and the way of the data through its stages."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from vinovits.engine import synthesis
from vinovits.engine.reference import linear_spectrogram
from vinovits.engine.result import Audio, Chunk, SpokenSentence, Stats
from vinovits.engine.settings import Settings, check_settings
from vinovits.engine.timings import time_sentence
from vinovits.errors import LanguageError, TextError, UsageError, VoiceError
from vinovits.graphs import Graph, GraphInfo, compile_graph, default_cache_dir, prune_cache
from vinovits.text.checks import check_text
from vinovits.text.reading import Sentence
from vinovits.text.sequence import PhoneSequence, to_sequence
from vinovits.voices.manifest import VoiceManifest, open_folder
from vinovits.voices.store import find_voice, list_voices

if TYPE_CHECKING:
    from vinovits.features.bert import BertFeatures

Array = npt.NDArray[np.float32]
Speaker = str | int | Array | None
R = TypeVar("R")

_FADE_SECONDS = 0.003
"""At both ends of a sentence, so that sentences join without a click."""

_LANGUAGE_NAMES = {"zh": "Chinese", "ja": "Japanese", "en": "English"}

_READABLE = ("en",)
"""Languages that have a front end."""


def load(
    voice: str | Path,
    *,
    device: str = "cpu",
    features: str | None = None,
    cache_dir: Path | None = None,
) -> Voice:
    """Load a voice.

    Args:
        voice: A name that `list_voices()` lists, or the path of a voice folder.
        device: Where its graphs run: "cpu", "gpu", "gpu.1", "npu".
        features: "none" speaks without feature models: a smaller and quicker start, a little less
            natural. None takes those that the voice was trained with.
        cache_dir: Where compiled graphs are kept; the user's cache folder if not given.

    Raises:
        UsageError: There is no such voice, device, or value of `features`.
        VoiceError: The folder, or that of a feature model, is broken or of another format.
    """
    if features not in (None, "none"):
        raise UsageError(f'`features` is None or "none", not {features!r}.')
    folder = find_voice(voice)
    return Voice(folder, device, features is None, cache_dir or default_cache_dir())


class Voice:
    """A loaded voice; every method may be called from many threads at once."""

    def __init__(self, folder: Path, device: str, with_features: bool, cache_dir: Path) -> None:
        """Load a voice folder; `vinovits.load` finds the arguments."""
        self.folder = folder
        self.manifest: VoiceManifest = open_folder(folder)
        self._graphs: dict[str, Graph] = {
            path.removesuffix(".xml"): compile_graph(folder / path, device, cache_dir)
            for path in self.manifest.files
            if path.endswith(".xml")
        }
        prune_cache(cache_dir)
        self._speakers = _read_speakers(folder, self.manifest)
        self._bert: dict[str, BertFeatures] = {}
        if with_features:
            self._load_features(device, cache_dir)

    def speak(
        self,
        text: str,
        *,
        seed: int = 0,
        speed: float | None = None,
        sdp_ratio: float | None = None,
        noise: float | None = None,
        noise_w: float | None = None,
        pause: float | None = None,
        speaker: Speaker = None,
    ) -> Audio:
        """Speak a text and return all of it.

        The same text, seed and settings give the same samples on every call.

        Args:
            text: What to say, in a language of the voice.
            seed: A whole number that all noise is drawn from.
            speed: 0.25 to 4; 2 is twice as fast.
            sdp_ratio: 0 to 1, the share of the stochastic duration predictor.
            noise: 0 to 2, liveliness of the sound.
            noise_w: 0 to 2, liveliness of the rhythm.
            pause: 0 to 10, seconds of silence between sentences, beside what the voice itself
                makes of their punctuation.
            speaker: Name or number of a speaker, or a speaker vector (gin,); the first if None.

        Raises:
            TextError: Nothing in the text can be spoken, or it is too long.
            LanguageError: The text is in a language that the voice can't speak.
            UsageError: A setting is outside of its range, or there is no such speaker.
        """
        stream = self.stream(
            text,
            seed=seed,
            speed=speed,
            sdp_ratio=sdp_ratio,
            noise=noise,
            noise_w=noise_w,
            pause=pause,
            speaker=speaker,
        )
        chunks = list(stream)
        return Audio(
            samples=np.concatenate([chunk.samples for chunk in chunks]),
            sampling_rate=self.manifest.sampling_rate,
            sentences=tuple(chunk.spoken for chunk in chunks if chunk.spoken is not None),
            stats=stream.stats,
        )

    def stream(
        self,
        text: str,
        *,
        seed: int = 0,
        speed: float | None = None,
        sdp_ratio: float | None = None,
        noise: float | None = None,
        noise_w: float | None = None,
        pause: float | None = None,
        speaker: Speaker = None,
    ) -> Stream:
        """Speak a text piece by piece, as it is decoded; memory doesn't grow with the text.

        Arguments and errors as in `speak`; errors come from this call, before any sound. The
        chunks joined are the very samples of `speak`.
        """
        began = time.perf_counter()
        settings = check_settings(
            self.manifest.defaults, seed, speed, sdp_ratio, noise, noise_w, pause
        )
        vector = self._speaker_vector(speaker)
        self._check_text(text)
        return Stream(self, text, settings, vector, began)

    def speaker_from(self, samples: Array, sampling_rate: int) -> Array:
        """Make a speaker vector from recorded speech, for a voice without named speakers.

        Args:
            samples: (n,) in [-1, 1], at least a second of one person.
            sampling_rate: Of the samples; they are resampled as needed.

        Returns:
            (gin,), to be passed as `speaker`.

        Raises:
            UsageError: The voice has named speakers, or the recording is too short.
        """
        if self.manifest.spectrogram is None:
            raise UsageError(
                f"The voice {self.manifest.name!r} has named speakers and takes no reference "
                f"speech. It has: {', '.join(self.manifest.speakers)}."
            )
        spectrogram = linear_spectrogram(samples, sampling_rate, self.manifest)
        vector: Array = self._graphs["reference"](spectrogram=spectrogram)["speaker"][0, :, 0]
        return vector

    def graphs(self) -> dict[str, GraphInfo]:
        """Where each graph really runs and at what precision, as OpenVINO tells it."""
        infos = {name: graph.info for name, graph in self._graphs.items()}
        for bert in self._bert.values():
            infos[bert.name] = bert.info
        return infos

    def _load_features(self, device: str, cache_dir: Path) -> None:
        from vinovits.features.bert import BertFeatures
        from vinovits.features.store import find_features

        for need in self.manifest.features:
            if need.language in self.manifest.languages and need.language in _READABLE:
                bert = BertFeatures(find_features(need.model), device, cache_dir)
                if bert.width > need.width:
                    raise VoiceError(
                        f"The feature model {need.model} gives {bert.width} channels, but the "
                        f"voice {self.manifest.name!r} takes {need.width}. It needs another model."
                    )
                self._bert[need.input] = bert

    def _speaker_vector(self, speaker: Speaker) -> Array:
        width = self.manifest.speaker_channels
        if isinstance(speaker, np.ndarray):
            if speaker.shape != (width,) or not np.isfinite(speaker).all():
                raise UsageError(
                    f"A speaker vector of this voice has {width} finite numbers, not the shape "
                    f"{speaker.shape}."
                )
            return speaker.astype(np.float32).reshape(1, width, 1)
        if self._speakers is None:
            raise UsageError(
                f"The voice {self.manifest.name!r} has no named speakers: it takes its speaker "
                "from recorded speech. Pass speaker=voice.speaker_from(samples, sampling_rate)."
            )
        names = self.manifest.speakers
        if speaker is None:
            row = min(names.values())
        elif isinstance(speaker, str) and speaker in names:
            row = names[speaker]
        elif isinstance(speaker, int) and 0 <= speaker < len(self._speakers):
            row = speaker
        else:
            known = ", ".join(f"{name} ({number})" for name, number in names.items())
            raise UsageError(
                f"The voice {self.manifest.name!r} has no speaker {speaker!r}. It has: {known}."
            )
        vector: Array = self._speakers[row].reshape(1, width, 1)
        return vector

    def _check_text(self, text: str) -> None:
        languages = [code for code in self.manifest.languages if code in _READABLE]
        if not languages:
            spoken = ", ".join(_LANGUAGE_NAMES.get(c, c) for c in self.manifest.languages)
            raise VoiceError(
                f"The voice {self.manifest.name!r} speaks {spoken}, which this release can't read "
                "yet: it reads English."
            )
        try:
            check_text(text, languages)
        except LanguageError as error:
            able = [
                info.name
                for info in list_voices()
                if error.language
                in [_LANGUAGE_NAMES.get(code, code) for code in info.manifest.languages]
            ]
            others = f"Voices that can: {', '.join(able)}." if able else "No voice here can."
            raise LanguageError(
                f"{error} The voice {self.manifest.name!r} can't speak it. {others}",
                error.language,
            ) from None

    def _features(self, sentence: Sentence, sequence: PhoneSequence) -> dict[str, Array]:
        features = {}
        for need in self.manifest.features:
            bert = self._bert.get(need.input)
            if bert is not None and need.language == sentence.language:
                rows = bert.features(sequence.pieces)
                spread = synthesis.spread_features(rows, sequence.word2ph, need.width)
            else:
                spread = np.zeros((1, need.width, len(sequence.phones)), np.float32)
            features[need.input] = spread
        return features

    def _pieces(self, language: str) -> Callable[[str], list[int]]:
        for need in self.manifest.features:
            if need.language == language and need.input in self._bert:
                return self._bert[need.input].pieces
        return lambda word: []


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
    spoken: SpokenSentence


class Stream(Iterator[Chunk]):
    """The chunks of a text that is being spoken; `stats` is complete when they end."""

    def __init__(
        self, voice: Voice, text: str, settings: Settings, speaker: Array, began: float
    ) -> None:
        self.stats = Stats(
            stages=dict.fromkeys(
                ("read", "features", "encode", "durations", "flow", "decode"), 0.0
            ),
            graphs=voice.graphs(),
        )
        self._voice, self._settings, self._speaker = voice, settings, speaker
        self._watch = began
        self._samples = 0
        self.stats.stages["read"] = time.perf_counter() - began
        self._chunks = self._run(text)

    def __next__(self) -> Chunk:
        resumed = time.perf_counter()
        chunk = next(self._chunks)
        now = time.perf_counter()
        if chunk.start_sample == 0:
            self.stats.first_chunk_seconds = now - self._watch
            resumed = self._watch
        self.stats.wall_seconds += now - resumed
        self.stats.audio_seconds = self._samples / self._voice.manifest.sampling_rate
        return chunk

    def close(self) -> None:
        """Stop the work; the chunks end here."""
        self._chunks.close()

    def _run(self, text: str) -> Generator[Chunk]:
        from vinovits.text import english

        prepared = self._prepare(english.read(text))
        spoken = False
        with ThreadPoolExecutor(1, "vinovits-ahead") as ahead:
            upcoming: Future[_Prepared | None] = ahead.submit(next, prepared, None)
            while (current := upcoming.result()) is not None:
                spoken = True
                for chunk in self._decode(current):
                    if chunk.spoken is not None:
                        # From the first sound on, the next sentence is prepared beside the decoder.
                        upcoming = ahead.submit(next, prepared, None)
                    yield chunk
        if not spoken:
            raise TextError("There is nothing in this text that can be spoken.")

    def _prepare(self, sentences: Iterator[Sentence]) -> Iterator[_Prepared]:
        voice, manifest, settings = self._voice, self._voice.manifest, self._settings
        pause = round(settings.pause * manifest.sampling_rate)
        start, number = 0, 0
        while (sentence := self._timed("read", next, sentences, None)) is not None:
            sequence = self._timed(
                "read", to_sequence, sentence, manifest.table, voice._pieces(sentence.language)
            )
            features = self._timed("features", voice._features, sentence, sequence)
            # Each sentence has its own generator: it sounds the same wherever the work begins.
            generator = np.random.default_rng((settings.seed, number))
            noise = generator.standard_normal((1, 2, len(sequence.phones)), np.float32)
            encoded = self._timed(
                "encode",
                synthesis.encode,
                voice._graphs["encoder"],
                sequence,
                features,
                self._speaker,
                noise * np.float32(settings.noise_w),
            )
            logw = synthesis.mix_durations(encoded.logw_sdp, encoded.logw_dp, settings.sdp_ratio)
            frames = synthesis.frames_per_phone(logw, 1 / settings.speed)
            spoken = self._timed(
                "durations",
                time_sentence,
                sentence,
                sequence,
                frames,
                start / manifest.sampling_rate,
                manifest.hop_length / manifest.sampling_rate,
            )
            total = int(frames.sum())
            prior = generator.standard_normal((1, manifest.latent_channels, total), np.float32)
            z_p = synthesis.expand(encoded.m_p, encoded.logs_p, frames, prior, settings.noise)
            z = self._timed("flow", synthesis.flow, voice._graphs["flow"], z_p, self._speaker)
            yield _Prepared(number, start, pause if number else 0, z, spoken)
            start += total * manifest.hop_length + pause
            number += 1

    def _decode(self, prepared: _Prepared) -> Iterator[Chunk]:
        manifest = self._voice.manifest
        windows = synthesis.decode(
            self._voice._graphs["decoder"],
            prepared.z,
            self._speaker,
            manifest.decoder_context,
            manifest.hop_length,
        )
        total = prepared.z.shape[2] * manifest.hop_length
        fade = min(round(_FADE_SECONDS * manifest.sampling_rate), total // 2)
        done = 0
        while (samples := self._timed("decode", next, windows, None)) is not None:
            samples = _faded(samples, done, total, fade)
            first = done == 0
            start = prepared.start + done
            done += len(samples)
            self._samples = prepared.start + done
            if first and prepared.pause:
                start -= prepared.pause
                samples = np.concatenate([np.zeros(prepared.pause, np.float32), samples])
            spoken = prepared.spoken if first else None
            yield Chunk(samples, start, prepared.number, done == total, spoken)

    def _timed(self, stage: str, work: Callable[..., R], *arguments: Any) -> R:
        began = time.perf_counter()
        try:
            return work(*arguments)
        finally:
            self.stats.stages[stage] += time.perf_counter() - began


def _read_speakers(folder: Path, manifest: VoiceManifest) -> Array | None:
    if manifest.spectrogram is not None:
        return None
    try:
        table = np.load(folder / "speakers.npy", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise VoiceError(f"{folder / 'speakers.npy'} can't be read: {error}.") from None
    rows = max(manifest.speakers.values(), default=0) + 1
    if table.ndim != 2 or table.shape[1] != manifest.speaker_channels or len(table) < rows:
        raise VoiceError(
            f"{folder / 'speakers.npy'} has the shape {table.shape}, but the manifest names "
            f"{rows} speakers of {manifest.speaker_channels} channels. Get the voice again."
        )
    speakers: Array = table.astype(np.float32)
    return speakers


def _faded(samples: Array, done: int, total: int, fade: int) -> Array:
    """Fade the part of a sentence that begins at sample `done` of `total`, at the ends only."""
    position = np.arange(done, done + len(samples))
    edge = np.minimum(position, total - 1 - position)
    if fade == 0 or edge.min() >= fade:
        return samples
    ramp: Array = np.clip(edge / fade, 0.0, 1.0).astype(np.float32)
    return samples * ramp
