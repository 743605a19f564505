"""A voice that is ready to speak, and the way of the data through its stages."""

from __future__ import annotations

import difflib
import numbers
import time
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Unpack, get_args

import numpy as np
import numpy.typing as npt

from vinovits.devices import Placement, parse_placement
from vinovits.engine.conditions import Conditions, Style
from vinovits.engine.precision import Precision
from vinovits.engine.reference import linear_spectrogram
from vinovits.engine.result import Audio
from vinovits.engine.scripts import Lexicons, lexicon_of, to_script
from vinovits.engine.settings import Speaker, SpeakSettings, check_settings
from vinovits.engine.shapes import ShapePolicy
from vinovits.engine.stages import Stages
from vinovits.engine.stream import Cast, Stream
from vinovits.errors import LanguageError, TextError, UsageError, VoiceError
from vinovits.graphs import GraphInfo, default_cache_dir
from vinovits.text import front_ends
from vinovits.text.front_ends import Reading, spoken_in
from vinovits.text.markup import Markup
from vinovits.text.reading import Sentence
from vinovits.text.script import Script
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
    precision: Precision = "auto",
    shapes: ShapePolicy = "auto",
    warm: bool = True,
    cache_dir: str | Path | None = None,
) -> Voice:
    """Load a voice.

    Args:
        voice: A name that `list_voices()` lists, or the path of a voice folder.
        device: Where it runs: "cpu", "gpu", "gpu.1", "npu"; "auto" for the flow and the decoder on
            the first GPU that can and the rest on the CPU; or stage by stage, such as
            "encoder=cpu,flow=gpu,decoder=gpu,features=npu", with "cpu" for those that aren't named
            (`vinovits.devices.STAGES`). A device that is named is never left for another.
        features: "none" speaks without feature models: a smaller and quicker start, a little less
            natural. None takes those that the voice was trained with.
        precision: What the decoder computes in. "auto" takes bf16 on a CPU with instructions for
            it, which is two to three times as fast there, if the voice was found to sound the same
            at its conversion (noise at least 30 dB below the sound); "f32" gives the same samples,
            but for rounding, on every chip; "bf16"; "f16". On a GPU, "auto" takes f16 if a
            window that it decodes at the first load has its noise as far below the sound.
        shapes: "dynamic" compiles each graph once, for all lengths; "static" pads to few lengths
            and compiles each; "auto" is static on every device but the CPU.
        warm: Compile the usual static shapes in the background from now on, for programs that will
            speak more than once. A process that ends meanwhile waits for the one at hand.
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
    folder = find_voice(voice)
    placement = parse_placement(device)
    cache = default_cache_dir() if cache_dir is None else Path(cache_dir)
    return Voice(folder, placement, features is None, cache, precision, shapes, warm)


class Voice:
    """A loaded voice; every method may be called from many threads at once."""

    def __init__(
        self,
        folder: Path,
        placement: Placement,
        with_features: bool,
        cache_dir: Path,
        precision: Precision = "auto",
        shapes: ShapePolicy = "auto",
        warm: bool = True,
    ) -> None:
        """Load a voice folder; `vinovits.load` finds the arguments."""
        self.folder = folder
        self.manifest: VoiceManifest = open_folder(folder)
        self._speakers = _read_speakers(folder, self.manifest)
        self.placement = placement
        self._conditions = Conditions(folder, self.manifest, "cpu", cache_dir)
        self.stages = Stages(
            folder, self.manifest, placement, with_features, cache_dir, precision, shapes, warm
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
        with self.stream(text, ahead=False, **settings) as stream:
            chunks = list(stream)
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
        began = time.perf_counter()
        checked = check_settings(self.manifest.defaults, settings)
        languages = self._languages(settings.get("language"))
        reading = self._reading(settings.get("reading"))
        script = self._script(
            text, languages, settings.get("markup", "auto"), settings.get("lexicon")
        )
        cast = self._cast(script, settings)
        sentences = self._read(script, languages, reading)
        first = next(sentences, None)
        if first is None:
            raise TextError("There is nothing in this text that can be spoken.")
        given = {code for _, _, code in script.given_languages()}
        spoken = spoken_in(script.text, languages, reading)
        for language in [code for code in languages if code in given.union(spoken)]:
            self.stages.load_features(language)
        if checked.assist_text and not self.stages.has_features:
            raise UsageError(
                "An assist text is heard through feature models, and none are in use. Speak "
                'without features="none", or without the assist text.'
            )
        return Stream(self.stages, chain([first], sentences), checked, cast, began, ahead)

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
        return list(self._read(script, languages, self._reading(reading)))

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
        vector: Array = self.stages.graphs["reference"](spectrogram=spectrogram)["speaker"][0, :, 0]
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
        return self._conditions.emotion_from(samples, sampling_rate, seed)

    def graphs(self) -> dict[str, GraphInfo]:
        """Where each graph really runs and at what precision, as OpenVINO tells it."""
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
        self, script: Script, languages: Sequence[str], reading: Reading
    ) -> Iterator[Sentence]:
        tools = self.stages.tools(languages, reading)
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
