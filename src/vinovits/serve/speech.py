"""Speaking for a request: what a worker does, piece by piece."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vinovits.engine.result import SpokenSentence, Stats
from vinovits.engine.settings import SpeakSettings
from vinovits.engine.voice import Voice
from vinovits.errors import LexiconError
from vinovits.output.audio_stream import AudioStream, Kind
from vinovits.output.timings import TimingsFormat, timings_format
from vinovits.serve.bodies import SpeakFields, VoiceFields, speak_settings
from vinovits.serve.errors import lexicon_error
from vinovits.serve.metrics import Metrics
from vinovits.serve.recordings import FIELD, Recording, has_use, with_recording
from vinovits.serve.voices import ServedVoices
from vinovits.serve.work import Job

_RANDOM_BITS = 32
"""Short enough to be written down, and exact in JavaScript."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What is known before the first sound."""

    sampling_rate: int
    """Of the audio that is sent."""
    ignored: tuple[str, ...]
    """Fields that the voice has no use for."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A piece of audio."""

    data: bytes
    """Encoded; the encoder may hold some back, or give what it held."""
    seconds: float
    """Of the samples that were encoded."""


Piece = Opening | SpokenSentence | Sound | bytes
"""A sentence stands before its audio."""


@dataclass(frozen=True, slots=True)
class Whole:
    """All of an answer."""

    told: dict[str, Any]
    """What is known of the audio, as JSON has it."""
    subtitles: dict[str, str]
    """By format."""
    audio: bytes
    """Encoded."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to speak, and as what to send it."""

    voice: str
    text: str
    settings: SpeakSettings
    kind: Kind
    rate: int | None
    """To resample to."""
    instructions: str | None = None
    timings: bool = False
    """Whether sentences are told with their audio."""
    recording: Recording | None = None
    """Whose speaker or emotion the voice takes, if it can."""

    @property
    def seed(self) -> int:
        """The one that counts."""
        return self.settings["seed"]


def order(
    fields: SpeakFields,
    voice: str,
    text: str,
    kind: Kind,
    instructions: str | None = None,
) -> Order:
    """What a request asks for.

    Args:
        fields: How to speak.
        voice: Name of the voice.
        text: What to say.
        kind: Format of the audio.
        instructions: How to sound, if the voice takes a description.
    """
    settings = speak_settings(fields, chosen_seed(fields))
    return Order(voice, text, settings, kind, fields.sample_rate, instructions)


def chosen_seed(fields: VoiceFields) -> int:
    """The seed that counts: the one that was asked for, or one that is drawn."""
    return secrets.randbits(_RANDOM_BITS) if fields.seed == "random" else fields.seed


class Speech:
    """Speaks orders, in worker threads."""

    def __init__(self, voices: ServedVoices, metrics: Metrics) -> None:
        """Speak with these voices, and count there."""
        self._voices, self._metrics = voices, metrics

    def streamed(self, order: Order) -> Callable[[Job[Piece]], None]:
        """The work that hands audio on as it is decoded, an `Opening` first."""

        def work(job: Job[Piece]) -> None:
            voice = self._voices.get(order.voice)
            settings, ignored = _directed(voice, order)
            rate = voice.manifest.sampling_rate
            with (
                _lexicon_told(settings),
                voice.stream(order.text, **settings) as stream,
                AudioStream(order.kind, rate, rate=order.rate) as audio,
            ):
                for number, chunk in enumerate(stream):
                    data = audio.write(chunk.samples)
                    if not number:
                        job.put(Opening(audio.rate, ignored))
                    if order.timings and chunk.spoken is not None:
                        job.put(chunk.spoken)
                    job.put(data, len(data))
                data = audio.finish()
                job.put(data, len(data))
            self._metrics.spoken(stream.stats)

        return work

    def continued(
        self, order: Order, audio: AudioStream, lock: threading.Lock
    ) -> Callable[[Job[Piece]], None]:
        """The work that encodes behind what was spoken before: a `SpokenSentence`, then `Sound`s.

        Args:
            order: What to speak.
            audio: The encoder; it isn't finished.
            lock: Held while it encodes.
        """

        def work(job: Job[Piece]) -> None:
            voice = self._voices.get(order.voice)
            rate = voice.manifest.sampling_rate
            with (
                _lexicon_told(order.settings),
                voice.stream(order.text, **order.settings) as stream,
            ):
                for chunk in stream:
                    if chunk.spoken is not None:
                        job.put(chunk.spoken)
                    with lock:
                        job.check()
                        data = audio.write(chunk.samples)
                    job.put(Sound(data, len(chunk.samples) / rate), len(data))
            self._metrics.spoken(stream.stats)

        return work

    def whole(self, order: Order, subtitles: Sequence[str]) -> Callable[[Job[Whole]], None]:
        """The work that makes all of an answer before it is sent.

        Args:
            order: What to speak.
            subtitles: Formats to add: "srt", "vtt", "lrc".
        """

        def work(job: Job[Whole]) -> None:
            voice = self._voices.get(order.voice)
            settings, ignored = _directed(voice, order)
            rate = voice.manifest.sampling_rate
            formats = {name: timings_format(Path(f"a.{name}")) for name in ("json", *subtitles)}
            sentences: list[SpokenSentence] = []
            with (
                _lexicon_told(settings),
                voice.stream(order.text, ahead=False, **settings) as stream,
                AudioStream(order.kind, rate, rate=order.rate, whole=True) as audio,
            ):
                for chunk in stream:
                    audio.write(chunk.samples)
                    if chunk.spoken is not None:
                        sentences.append(chunk.spoken)
                    job.check()
                data = audio.finish()
            stats = stream.stats
            texts = {
                name: _written(form, voice, sentences, stats) for name, form in formats.items()
            }
            timings = json.loads(texts.pop("json"))
            self._metrics.spoken(stats)
            told = {
                "voice": order.voice,
                "seed": order.seed,
                "format": order.kind,
                "sampling_rate": audio.rate,
                "seconds": timings["seconds"],
                "sentences": timings["sentences"],
                "ignored": list(ignored),
            }
            job.put(Whole(told, texts, data), len(data))

        return work


def _directed(voice: Voice, order: Order) -> tuple[SpeakSettings, tuple[str, ...]]:
    """The settings with recording and instructions, and what of these the voice can't use."""
    settings, ignored = order.settings, []
    if order.recording is not None:
        if has_use(voice.manifest):
            settings = with_recording(voice, settings, order.recording)
        else:
            ignored.append(FIELD)
    if order.instructions:
        need = voice.manifest.emotion
        if need is None or need.kind != "clap" or "emotion" in settings:
            ignored.append("instructions")
        else:
            settings = {**settings, "emotion": order.instructions}
    return settings, tuple(ignored)


@contextmanager
def _lexicon_told(settings: SpeakSettings) -> Iterator[None]:
    """Tell the caller of faults in a lexicon of his own; those of others are the server's."""
    try:
        yield
    except LexiconError as error:
        if settings.get("lexicon") is None:
            raise
        raise lexicon_error(error) from None


def _written(
    form: TimingsFormat, voice: Voice, sentences: Sequence[SpokenSentence], stats: Stats
) -> str:
    manifest = voice.manifest
    return "".join(
        [
            form.head(manifest.name, manifest.sampling_rate),
            *(form.sentence(sentence) for sentence in sentences),
            form.tail(stats.audio_seconds),
        ]
    )
