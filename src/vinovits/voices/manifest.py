"""voice.json: what a voice folder says about itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from vinovits.errors import UsageError, VoiceError
from vinovits.manifests import build, check_files, check_name, check_names, read_json, write_json
from vinovits.text.front_ends import Reading
from vinovits.text.sequence import EDGE
from vinovits.text.symbols import TABLES, LanguageNumbers, SymbolTable

FORMAT = 1
"""The format version that this release writes and reads."""

MANIFEST_NAME = "voice.json"

GRAPHS = ("encoder", "flow", "decoder")
"""The graphs that every voice has."""


@dataclass(frozen=True, slots=True)
class Card:
    """What people should know of a voice before they use it."""

    title: str = ""
    description: str = ""
    author: str = ""
    licence: str = ""
    """A licence's name, or a sentence where no standard one fits."""
    source: str = ""
    """What the voice was made from."""
    use: str = ""
    """What it may and may not be used for, in plain words."""


RANGES = {
    # Slower than a quarter makes one sentence so long that memory suffers; faster than four
    # times leaves no frames to hear.
    "speed": (0.25, 4.0),
    "sdp_ratio": (0.0, 1.0),
    "noise": (0.0, 2.0),
    "noise_w": (0.0, 2.0),
    "pause": (0.0, 10.0),
}
"""The least and the greatest value of each setting."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """Settings that suit the voice, taken where the caller names none."""

    sdp_ratio: float = 0.2
    noise: float = 0.6
    noise_w: float = 0.8
    speed: float = 1.0
    pause: float = 0.0
    """Seconds of silence between sentences, for voices whose final punctuation is hardly one."""


@dataclass(frozen=True, slots=True)
class FeatureNeed:
    """A feature input of the graph `encoder`, and the feature model that fills it."""

    input: str
    """Name of the graph input."""
    width: int
    """Channels of the graph input; rows of a narrower model are filled up with zeros."""
    language: str
    """Code of the language whose sentences have real rows; others get zeros."""
    model: str
    """Name of the feature folder."""


@dataclass(frozen=True, slots=True)
class Spectrogram:
    """The linear spectrogram that the graph `reference` reads."""

    filter_length: int
    win_length: int


EMOTION_KINDS = ("clap", "speech")


@dataclass(frozen=True, slots=True)
class EmotionNeed:
    """The input `emotion` of the graph `encoder`, and the feature model that makes it."""

    kind: str
    """What the vector is made from: "clap" is a text or a sound, "speech" is recorded speech."""
    width: int
    """Channels of the vector."""
    model: str
    """Name of the feature folder."""
    rows: int = 0
    """How many emotions have a number too, for the graph input `emotion_row`; 0: there is none."""


@dataclass(frozen=True, slots=True)
class VoiceManifest:
    """All of voice.json."""

    name: str
    variant: str
    """Family of the network, a key of `TABLES`."""
    precision: str
    """Of the stored weights: "f32", "f16" or "int8"."""
    sampling_rate: int
    """Samples per second."""
    hop_length: int
    """Samples per frame."""
    latent_channels: int
    """Channels of the prior, of the flow and of the decoder's input."""
    speaker_channels: int
    """Width of the speaker vector."""
    decoder_context: int
    """Frames on each side that a frame's samples depend on."""
    decoder_late_context: int
    """The same behind the decoder's first up-sampling stage."""
    languages: tuple[str, ...]
    """Codes of the languages that the voice speaks."""
    speakers: dict[str, int]
    """Names and rows of speakers.npy; empty if the speaker comes from reference speech."""
    table: SymbolTable
    features: tuple[FeatureNeed, ...]
    files: dict[str, str]
    """sha256 of each file of the folder but voice.json, by name."""
    defaults: Defaults = field(default_factory=Defaults)
    card: Card = field(default_factory=Card)
    spectrogram: Spectrogram | None = None
    """Set if the folder has a graph `reference` instead of speakers.npy."""
    emotion: EmotionNeed | None = None
    """Set if the voice takes an emotion."""
    styles: dict[str, int] = field(default_factory=dict)
    """Names and rows of styles.npy, whose row 0 is the mean; empty if it takes no style."""
    icon: str = ""
    """Name of a picture in the folder, if there is one."""
    reading: Reading = "better"
    """How texts are read where the caller doesn't say: as we read them, or as the front end that
    came with the family did, faults included, which a fine-tuned voice may have learnt."""
    bf16_snr: float = 0.0
    """How far below the sound the noise lies that the decoder makes in bf16, in decibels, as
    measured at the conversion; 0 where it isn't known."""

    def spoken(self, asked: str | None) -> tuple[str, ...]:
        """Codes of the languages that a text may be in.

        Args:
            asked: The one that it is in; None: any that the voice speaks.

        Raises:
            UsageError: The voice doesn't speak it.
        """
        if asked is None:
            return self.languages
        if asked not in self.languages:
            raise UsageError(
                f"The voice {self.name!r} doesn't speak {asked!r:.20}. It speaks "
                f"{', '.join(self.languages)}."
            )
        return (asked,)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data, without the format version."""
        data: dict[str, Any] = {}
        for entry in dataclasses.fields(self):
            value = getattr(self, entry.name)
            if isinstance(value, SymbolTable):
                data[entry.name] = value.to_dict()
            elif dataclasses.is_dataclass(value) and not isinstance(value, type):
                data[entry.name] = dataclasses.asdict(value)
            elif entry.name == "features":
                data[entry.name] = [dataclasses.asdict(need) for need in value]
            else:
                data[entry.name] = list(value) if isinstance(value, tuple) else value
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], where: str) -> VoiceManifest:
        """Validate plain JSON data, without its format version.

        Args:
            data: The parsed voice.json.
            where: Named in errors.

        Raises:
            VoiceError: A key is missing, unknown or of the wrong type; a file name that leaves
                the folder; a value that can't be.
        """
        fields = dict(data)
        if "table" in fields:
            table = build(_Table, fields["table"], f"{where}, table")
            languages = {
                code: build(LanguageNumbers, entry, f"{where}, table.languages.{code}")
                for code, entry in table.languages.items()
            }
            fields["table"] = SymbolTable(table.symbols, languages)
        if isinstance(features := fields.get("features"), list):
            fields["features"] = [
                build(FeatureNeed, need, f"{where}, features") for need in features
            ]
        for key, kind in _SECTIONS.items():
            if key in fields and (fields[key] is not None or key not in _OPTIONAL):
                fields[key] = build(kind, fields[key], f"{where}, {key}")
        manifest = build(cls, fields, where)
        manifest._check(where)
        return manifest

    def _check(self, where: str) -> None:
        check_name(self.name, f"{where}: name")
        models = [need.model for need in self.features]
        if self.emotion is not None:
            models.append(self.emotion.model)
        for model in models:
            check_name(model, f"{where}: model")
        speaker = ["speakers.npy"]
        if self.spectrogram is not None:
            speaker = ["reference.xml", "reference.bin"]
        graphs = [f"{name}.{end}" for name in GRAPHS for end in ("xml", "bin")]
        if self.styles:
            speaker.append("styles.npy")
        if self.icon:
            speaker.append(self.icon)
        check_names(self.files, graphs + speaker, where)
        if self.variant not in TABLES:
            raise VoiceError(
                f"{where} is of the family {self.variant!r}, which this release doesn't know. It "
                f"knows {', '.join(TABLES)}."
            )
        if self.reading not in get_args(Reading):
            raise VoiceError(
                f"{where} wants the reading {self.reading!r:.60}. There are: "
                f"{', '.join(get_args(Reading))}."
            )
        if self.styles and min(self.styles.values()) < 0:
            raise VoiceError(f"{where} names a style with a row below 0.")
        need = self.emotion
        if need is not None and (need.width < 1 or need.rows < 0 or need.kind not in EMOTION_KINDS):
            raise VoiceError(f"{where} has an impossible input for emotions: {need}.")
        lowest = {
            **dict.fromkeys(("sampling_rate", "hop_length", "latent_channels"), 1),
            "speaker_channels": 1,
            "decoder_context": 0,
            "decoder_late_context": 0,
        }
        for name, least in lowest.items():
            if getattr(self, name) < least:
                raise VoiceError(f"{where} has {name} {getattr(self, name)}, below {least}.")
        if EDGE not in self.table.symbols:
            raise VoiceError(f"{where} has no symbol {EDGE!r}. Convert the voice again.")
        if self.spectrogram is None and (not self.speakers or min(self.speakers.values()) < 0):
            raise VoiceError(f"{where} names no speakers, or one with a row below 0.")
        for name, (low, high) in RANGES.items():
            value = getattr(self.defaults, name)
            if not low <= value <= high:  # NaN is in no range
                raise VoiceError(
                    f"{where} has the default {name} {value}, not {low:g} to {high:g}."
                )
        for code, numbers in self.table.languages.items():
            if numbers.id < 0 or numbers.tone_start < 0 or numbers.tones < 1:
                raise VoiceError(f"{where} numbers the language {code!r} impossibly: {numbers}.")
        for code in self.languages:
            if code not in self.table.languages:
                raise VoiceError(f"{where} speaks {code!r}, but its table has no such language.")


_OPTIONAL: dict[str, Any] = {"spectrogram": Spectrogram, "emotion": EmotionNeed}
_SECTIONS: dict[str, Any] = {"defaults": Defaults, "card": Card, **_OPTIONAL}


@dataclass(frozen=True, slots=True)
class _Table:
    symbols: tuple[str, ...]
    languages: dict[str, Any]


def read_manifest(folder: Path) -> VoiceManifest:
    """Read and validate voice.json of a voice folder; its other files are not looked at.

    Raises:
        VoiceError: As `VoiceManifest.from_dict`; or the file is missing, no JSON object, or of
            another format version.
    """
    path = folder / MANIFEST_NAME
    missing = (
        f"{folder} is no voice folder: it has no {MANIFEST_NAME}. "
        "`vinovits convert` makes one from a checkpoint."
    )
    return VoiceManifest.from_dict(read_json(path, missing, FORMAT), str(path))


def open_folder(folder: Path) -> VoiceManifest:
    """Read the manifest of a voice folder and check each file that it lists.

    Raises:
        VoiceError: As `read_manifest`; or a file is missing, altered, or a link that leads
            elsewhere.
    """
    manifest = read_manifest(folder)
    check_files(folder, manifest.files)
    return manifest


def write_manifest(manifest: VoiceManifest, folder: Path) -> None:
    """Write voice.json into `folder`."""
    write_json(folder / MANIFEST_NAME, manifest.to_dict(), FORMAT)
