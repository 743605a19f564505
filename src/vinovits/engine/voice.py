"""A voice that is ready to speak, and the way of the data through its stages."""

from __future__ import annotations

import difflib
import math
import numbers
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, Literal, Unpack, cast, get_args, overload

import numpy as np
import numpy.typing as npt

from vinovits.devices import Placement, parse_placement
from vinovits.engine.conditions import Conditions, Style
from vinovits.engine.idle import IdleTimer, give_memory_back
from vinovits.engine.many import Errors, Many, Stopped, Text, check_errors, check_workers
from vinovits.engine.precision import parse_precision
from vinovits.engine.reference import linear_spectrogram
from vinovits.engine.result import Audio
from vinovits.engine.scripts import Lexicons, lexicon_of, to_script
from vinovits.engine.settings import Speaker, SpeakSettings, check_settings
from vinovits.engine.shapes import ShapePolicy
from vinovits.engine.speakers import mixed
from vinovits.engine.stages import UNTUNED, Stages, Tuning
from vinovits.engine.stream import Cast, Stream
from vinovits.engine.tuned import Tuned, read_tuned
from vinovits.engine.windows import GROWTH
from vinovits.errors import LanguageError, TextError, UsageError, VinovitsError, VoiceError
from vinovits.graphs import GraphInfo, default_cache_dir
from vinovits.text import front_ends
from vinovits.text.front_ends import Reading, spoken_in
from vinovits.text.markup import Markup
from vinovits.text.reading import Sentence
from vinovits.text.script import Script
from vinovits.threads import ENVIRONMENT as THREADS
from vinovits.threads import limit
from vinovits.voices.manifest import VoiceManifest, open_folder
from vinovits.voices.store import find_voice, list_voices

Array = npt.NDArray[np.float32]

_SPEAKERS_SHOWN = 20
"""In the error that names a voice's speakers."""

_LONGEST_NUMBER = 10
"""Characters: a longer one is no number of a speaker."""

_LANGUAGE_NAMES = {"zh": "Chinese", "ja": "Japanese", "en": "English"}


def load(
    voice: str | Path,
    *,
    device: str = "cpu",
    features: str | None = None,
    precision: str | None = None,
    shapes: ShapePolicy = "auto",
    warm: bool = True,
    threads: int | None = None,
    idle_seconds: float | None = None,
    cache_dir: str | Path | None = None,
) -> Voice:
    """Load a voice.

    On a CPU, what `vinovits tune` has found best on this machine stands in for `precision` and
    `threads`, if they aren't given, and sets the decoder's windows.

    Args:
        voice: A name that `list_voices()` lists, or the path of a voice folder.
        device: Where it runs: "cpu", "gpu", "gpu.1", "npu"; "auto" for the flow and the decoder on
            the first GPU that can and the rest on the CPU; or stage by stage, such as
            "encoder=cpu,flow=gpu,decoder=gpu,features=npu", with "cpu" for those that aren't named
            (`vinovits.devices.STAGES`). A device that is named is never left for another.
        features: "none" speaks without feature models: a smaller and quicker start, a little less
            natural. None takes those that the voice was trained with.
        precision: What the decoder computes in, or each stage, such as
            "decoder=bf16,features=int8"; those that aren't named are "auto". Of the decoder, "auto"
            takes bf16 on a CPU with instructions for it, which is two to three times as fast there,
            if the voice was found to sound the same at its conversion (noise at least 30 dB below
            the sound); "f32" gives the same samples, but for rounding, on every chip; "bf16";
            "f16". On a GPU, "auto" takes f16 if a window that it decodes at the first load has its
            noise as far below the sound. Other graphs of the voice are in f32 if "auto". Feature
            models are as their folder says: those of released voices with weights in int8 have
            activations in int8 as well, others f32; "int8-features" has int8 in all of them. None
            is what was tuned, else "auto".
        shapes: "dynamic" compiles each graph once, for all lengths; "static" pads to few lengths
            and compiles each; "auto" is static on every device but the CPU.
        warm: Compile the usual static shapes in the background from now on, for programs that will
            speak more than once. A process that ends meanwhile waits for the one at hand.
        threads: At most that many of the CPU work for it. None takes the environment variable
            VINOVITS_THREADS, else what was tuned, else OMP_NUM_THREADS, else as many as there are
            processors that the process may use, by its affinity and the quota of its container.
        idle_seconds: Unload the voice when nobody has used it for so long, as servers may want it;
            None: never.
        cache_dir: Where compiled graphs are kept; the user's cache folder if not given.

    Raises:
        UsageError: There is no such voice, device, or value of `features`, `precision` or `shapes`.
        DeviceFailedError: A device that was named can't compile a graph.
        VoiceError: The folder, or that of a feature model, is broken or of another format.
    """
    if features not in (None, "none"):
        raise UsageError(f'`features` is None or "none", not {features!r}.')
    if not isinstance(voice, str | Path) or not isinstance(device, str):
        raise UsageError("`voice` is a name or a path and `device` a name, such as 'cpu'.")
    if shapes not in get_args(ShapePolicy):
        raise UsageError(
            f"There is no such policy for shapes as {shapes!r:.40}. There are: "
            f"{', '.join(get_args(ShapePolicy))}."
        )
    if idle_seconds is not None and not (
        isinstance(idle_seconds, numbers.Real) and 0 < idle_seconds < math.inf
    ):
        raise UsageError(
            f"`idle_seconds` is None or a number of seconds above 0, not {idle_seconds!r:.40}."
        )
    if precision is not None:
        parse_precision(precision)
    folder = find_voice(voice)
    placement = parse_placement(device)
    cache = default_cache_dir() if cache_dir is None else Path(cache_dir)
    found = read_tuned() if "CPU" in placement.decoder else Tuned()
    most = limit(threads)
    # What was tuned is for one text at a time, and no more than the bound.
    usual = found.threads if threads is None and not os.environ.get(THREADS) else None
    return Voice(
        folder,
        placement,
        features is None,
        cache,
        precision or found.precision or "auto",
        shapes,
        warm,
        Tuning(usual or most, most, growth=found.windows or GROWTH),
        idle_seconds,
        found.workers or 1,
    )


class Voice:
    """A loaded voice; every method may be called from many threads at once."""

    def __init__(
        self,
        folder: Path,
        placement: Placement,
        with_features: bool,
        cache_dir: Path,
        precision: str = "auto",
        shapes: ShapePolicy = "auto",
        warm: bool = True,
        tuning: Tuning = UNTUNED,
        idle_seconds: float | None = None,
        workers: int = 1,
    ) -> None:
        """Load a voice folder; `vinovits.load` finds the arguments."""
        self.folder = folder
        self.manifest: VoiceManifest = open_folder(folder)
        self._speakers = _read_speakers(folder, self.manifest)
        self.placement = placement
        self._conditions = Conditions(folder, self.manifest, "cpu", cache_dir)
        self._recipe = placement, with_features, cache_dir, precision, shapes, warm
        self._tuning, self._workers = tuning, workers
        self._lock = threading.Lock()
        self._stages: Stages | None = self._load(tuning)
        self._side_by_side: weakref.WeakValueDictionary[int, Stages] = weakref.WeakValueDictionary()
        unload = weakref.WeakMethod(self.unload)
        self._idle = IdleTimer(idle_seconds, lambda: _call(unload))
        with self._idle.use():  # the time begins now
            pass

    @property
    def stages(self) -> Stages:
        """What it runs on; loads it again after `unload`."""
        with self._lock:
            if self._stages is None:
                self._stages = self._load(self._tuning)
            return self._stages

    @property
    def loaded(self) -> bool:
        """Are its graphs in memory?"""
        return self._stages is not None

    def unload(self) -> None:
        """Give the memory of graphs and feature models back; the next call loads them again.

        Calls in flight go on, and what they use goes when the last of them has ended. Feature
        models that other voices use stay.
        """
        with self._lock:
            self._stages = None
        self._conditions.unload()
        give_memory_back()

    def _load(self, tuning: Tuning) -> Stages:
        placement, with_features, cache_dir, precision, shapes, warm = self._recipe
        return Stages(
            self.folder,
            self.manifest,
            placement,
            with_features,
            cache_dir,
            precision,
            shapes,
            warm,
            tuning,
        )

    def speak(self, text: str, **settings: Unpack[SpeakSettings]) -> Audio:
        """Speak a text and return all of it.

        The same text, seed and settings give the same samples on every call.

        Args:
            text: What to say, in a language of the voice.
            **settings: See `SpeakSettings`.

        Raises:
            TextError: Nothing in the text can be spoken, it is too long, or its markup is broken.
            LanguageError: The text is in a language that the voice can't speak.
            LexiconError: A lexicon can't be right.
            MissingExtraError: What reads a language isn't installed.
            VoiceError: A feature model of a language that is spoken isn't here, or is broken.
            UsageError: There is no such setting; one is outside of its range, or the voice doesn't
                take it; or there is no such speaker, style or emotion, nor one that the text asks
                for.
        """
        return self._whole(self.stream(text, ahead=False, **settings))

    @overload
    def speak_many(
        self,
        texts: Iterable[Text],
        *,
        workers: int | None = None,
        errors: Literal["raise"] = "raise",
        **settings: Unpack[SpeakSettings],
    ) -> Many[Audio]: ...

    @overload
    def speak_many(
        self,
        texts: Iterable[Text],
        *,
        workers: int | None = None,
        errors: Errors,
        **settings: Unpack[SpeakSettings],
    ) -> Many[Audio | VinovitsError]: ...

    def speak_many(
        self,
        texts: Iterable[Text],
        *,
        workers: int | None = None,
        errors: Errors = "raise",
        **settings: Unpack[SpeakSettings],
    ) -> Many[Any]:
        """Speak many texts and give the audio of each, in their order.

        Each sounds as `speak` has it, but for rounding. Memory doesn't grow with their number:
        `workers` texts and two more are begun before they are asked for.

        Args:
            texts: What to say: any iterable, which is taken from as the work goes on. Each is a
                text, or a mapping of `text` to it and of settings to values that go before those of
                all.
            workers: How many texts are spoken at once, each by its share of the threads. Above 1,
                a CPU compiles the graphs of the voice once more for that, which takes the memory of
                another voice for as long. None is what `vinovits tune` has found, else 1: on two
                cores, more were not faster.
            errors: What becomes of a text that can't be spoken. "raise" raises its error at its
                turn; `next` then goes on with the text behind it. "yield" gives the error, a
                `VinovitsError`, in place of its audio.
            **settings: See `SpeakSettings`; for all texts.

        Returns:
            An iterator to be used in a `with` statement, or closed by `close()`, if it isn't gone
            through to its end.

        Raises:
            UsageError: The settings of all can't be right, as for `speak`; or `workers` or `errors`
                can't.
        """
        check_errors(errors)
        if isinstance(texts, str | Mapping) or not isinstance(texts, Iterable):
            raise UsageError(
                "`texts` is a list or another iterable of texts. Speak one by `speak`."
            )
        count = check_workers(self._workers if workers is None else workers)
        check_settings(self.manifest.defaults, settings)
        stages = self._stages_for(count)

        def speak(text: str, own: Mapping[str, Any], stop: threading.Event) -> Audio:
            if stop.is_set():
                raise Stopped
            both = cast(SpeakSettings, {**settings, **own})
            running = stages if stages is not None else self.stages
            return self._whole(self._stream(running, text, False, both), stop)

        return Many(speak, texts, count, errors)

    def _stages_for(self, workers: int) -> Stages | None:
        """Stages for several texts at once; None where those of the voice are as good."""
        if workers == 1 or self.placement.decoder[0] != "CPU":
            return None
        with self._lock:
            stages = self._side_by_side.get(workers)
            if stages is None:
                together = self._tuning.together
                tuning = replace(self._tuning, threads=together, streams=workers)
                stages = self._load(tuning)
                self._side_by_side[workers] = stages
            return stages

    def _whole(self, stream: Stream, stop: threading.Event | None = None) -> Audio:
        """All that a stream gives; it is closed at the end, or when the event is set."""
        chunks = []
        with stream:
            for chunk in stream:
                if stop is not None and stop.is_set():
                    raise Stopped
                chunks.append(chunk)
        return Audio(
            samples=np.concatenate([chunk.samples for chunk in chunks]),
            sampling_rate=self.manifest.sampling_rate,
            sentences=tuple(chunk.spoken for chunk in chunks if chunk.spoken is not None),
            stats=stream.stats,
        )

    def stream(self, text: str, *, ahead: bool = True, **settings: Unpack[SpeakSettings]) -> Stream:
        """Speak a text piece by piece, as it is decoded; memory doesn't grow with the text.

        The chunks joined are the very samples of `speak`. Errors are those of `speak`, and come
        from this call, before any sound.

        Args:
            text: What to say, in a language of the voice.
            ahead: Prepare the next sentence while one is decoded, for a listener who hears this
                one meanwhile. Who only waits for the whole has it sooner without, as both compete
                for the same cores.
            **settings: See `SpeakSettings`.
        """
        self._idle.enter()
        try:
            return self._stream(self.stages, text, ahead, settings)
        finally:
            self._idle.leave()

    def _stream(self, stages: Stages, text: str, ahead: bool, settings: SpeakSettings) -> Stream:
        began = time.perf_counter()
        checked = check_settings(self.manifest.defaults, settings)
        languages = self._languages(settings.get("language"))
        reading = self._reading(settings.get("reading"))
        script = self._script(
            text, languages, settings.get("markup", "auto"), settings.get("lexicon")
        )
        cast = self._cast(script, settings)
        sentences = self._read(stages, script, languages, reading)
        first = next(sentences, None)
        if first is None:
            raise TextError("There is nothing in this text that can be spoken.")
        given = {code for _, _, code in script.given_languages()}
        spoken = spoken_in(script.text, languages, reading)
        for language in [code for code in languages if code in given.union(spoken)]:
            stages.load_features(language)
        if checked.assist_text and not stages.has_features:
            raise UsageError(
                "An assist text is heard through feature models, and none are in use. Speak "
                'without features="none", or without the assist text.'
            )
        self._idle.enter()  # until the stream has ended
        whole = chain([first], sentences)
        return Stream(stages, whole, checked, cast, began, ahead, self._idle.leave)

    def read(
        self,
        text: str,
        *,
        language: str | None = None,
        reading: Reading | None = None,
        markup: Markup = "auto",
        lexicon: Lexicons = None,
    ) -> list[Sentence]:
        """Show how a text is read: what `speak` says, without saying it.

        Args:
            text: A text, in a language of the voice.
            language: As in `SpeakSettings`, like all that follow.
            reading: "better", or "released": that of the front end which came with the voice's
                family.
            markup: What the text is written in.
            lexicon: Readings that go before all others.

        Returns:
            Sentences of words, each with its place in the text, phones, tones, its reading as
            people write it, and where that is from.

        Raises:
            TextError: Nothing in the text can be spoken, it is too long, or its markup is broken.
            LanguageError: The text is in a language that the voice can't speak.
            LexiconError: A lexicon can't be right.
            MissingExtraError: What reads a language isn't installed.
            VoiceError: A model that helps to read is broken.
            UsageError: There is no such reading, markup, or language of this voice.
        """
        languages = self._languages(language)
        script = self._script(text, languages, markup, lexicon)
        with self._idle.use():
            return list(self._read(self.stages, script, languages, self._reading(reading)))

    def speaker_from(self, samples: Array, sampling_rate: int) -> Array:
        """Make a speaker vector from recorded speech, for a voice without named speakers.

        Args:
            samples: (n,) in [-1, 1], at least a second of one person.
            sampling_rate: Of the samples; they are resampled as needed.

        Returns:
            (gin,), to be passed as `speaker`.

        Raises:
            UsageError: The voice has named speakers, or the recording is silent, too short or
                above two minutes.
        """
        if self.manifest.spectrogram is None:
            raise UsageError(
                f"The voice {self.manifest.name!r} has named speakers and takes no reference "
                f"speech. It has: {', '.join(self.manifest.speakers)}."
            )
        spectrogram = linear_spectrogram(samples, sampling_rate, self.manifest)
        with self._idle.use():
            graph = self.stages.graphs["reference"]
            vector: Array = graph(spectrogram=spectrogram)["speaker"][0, :, 0]
        return vector

    def emotion_from(self, samples: Array, sampling_rate: int, *, seed: int = 0) -> Array:
        """Make an emotion from a recording, for a voice that takes one.

        Args:
            samples: (n,) in [-1, 1], at least 0.1 s, not silent; at most a minute for voices of the
                family 2.1, else an hour.
            sampling_rate: Of the samples; they are resampled as needed.
            seed: Chooses what is heard in detail of a recording above 10 s; 2.1 hears all of it.

        Returns:
            (width,), to be passed as `emotion`.

        Raises:
            UsageError: The voice takes no emotion, or the recording can't be a prompt.
            VoiceError: The feature model isn't here, or is broken.
        """
        with self._idle.use():
            return self._conditions.emotion_from(samples, sampling_rate, seed)

    def graphs(self) -> dict[str, GraphInfo]:
        """Where each graph really runs and at what precision, as OpenVINO tells it."""
        with self._idle.use():
            return self.stages.infos()

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
        if isinstance(speaker, Mapping):
            return mixed(speaker, self._speaker_vector)
        if speaker is None:
            row = min(names.values())
        elif isinstance(speaker, str) and speaker in names:
            row = names[speaker]
        elif _is_row(speaker, len(self._speakers)):
            row = int(speaker)
        else:
            raise UsageError(_unknown_speaker(self.manifest, speaker))
        vector: Array = self._speakers[row].reshape(1, width, 1)
        return vector

    def _languages(self, asked: str | None) -> tuple[str, ...]:
        if asked is None:
            return self.manifest.languages
        if asked not in self.manifest.languages:
            raise UsageError(
                f"The voice {self.manifest.name!r} doesn't speak {asked!r:.20}. It speaks "
                f"{', '.join(self.manifest.languages)}."
            )
        return (asked,)

    def _reading(self, asked: Reading | None) -> Reading:
        return self.manifest.reading if asked is None else asked

    def _script(
        self, text: str, languages: Sequence[str], markup: Markup, lexicon: Lexicons
    ) -> Script:
        """A text with what markup and lexicons say of it."""
        own = lexicon_of(lexicon, self.manifest.name, self.folder)
        try:
            return to_script(text, markup, own, languages)
        except LanguageError as error:
            able = [
                info.name
                for info in list_voices()
                if error.language
                in [_LANGUAGE_NAMES.get(code, code) for code in info.manifest.languages]
            ]
            others = f"Voices that can: {', '.join(able)}." if able else "No voice here can."
            raise LanguageError(f"{error} {others}", error.language) from None

    def _read(
        self, stages: Stages, script: Script, languages: Sequence[str], reading: Reading
    ) -> Iterator[Sentence]:
        tools = stages.tools(languages, reading)
        return front_ends.read(script, languages, self.manifest.variant, reading, tools)

    def _cast(self, script: Script, settings: SpeakSettings) -> Cast:
        """All speakers and styles that a text asks for, and those of the settings."""
        manners = [manner for _, _, manner in script.manners]
        speakers: dict[str, Speaker] = {
            name: self._speaker_in_text(name) for name in {manner.speaker for manner in manners}
        }
        styles: dict[str, Style] = {name: name for name in {manner.style for manner in manners}}
        speakers[""], styles[""] = settings.get("speaker"), settings.get("style")
        weight, emotion = settings.get("style_weight"), settings.get("emotion")
        return Cast(
            {name: self._speaker_vector(speaker) for name, speaker in speakers.items()},
            {
                name: self._conditions.inputs(style, weight, emotion)
                for name, style in styles.items()
            },
        )

    def _speaker_in_text(self, name: str) -> Speaker:
        """A speaker that a text names, or numbers."""
        if name and self._speakers is None:
            raise UsageError(
                f"The text asks for the speaker {name!r:.60}, but the voice "
                f"{self.manifest.name!r} has no named speakers: it takes one from recorded speech."
            )
        if name not in self.manifest.speakers and name.isdecimal() and len(name) < _LONGEST_NUMBER:
            return int(name)
        return name


def _call(method: weakref.WeakMethod[Callable[[], None]]) -> None:
    """Call a method, if its object is still there."""
    if (bound := method()) is not None:
        bound()


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


def _is_row(speaker: object, rows: int) -> bool:
    if isinstance(speaker, bool) or not isinstance(speaker, numbers.Integral):
        return False
    return 0 <= int(speaker) < rows


def _unknown_speaker(manifest: VoiceManifest, speaker: object) -> str:
    names = manifest.speakers
    message = f"The voice {manifest.name!r} has no speaker {speaker!r:.60}."
    close = difflib.get_close_matches(str(speaker)[:60], names, n=1)
    if close:
        message += f" Did you mean {close[0]!r}?"
    shown = ", ".join(f"{name} ({row})" for name, row in list(names.items())[:_SPEAKERS_SHOWN])
    more = len(names) - _SPEAKERS_SHOWN
    return f"{message} It has: {shown}" + (f" and {more} more." if more > 0 else ".")
