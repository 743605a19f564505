"""voice.json: what a voice folder says about itself."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from vinovits.errors import VoiceError
from vinovits.text.symbols import LanguageNumbers, SymbolTable

FORMAT = 1
"""The format version that this release writes and reads."""

MANIFEST_NAME = "voice.json"

T = TypeVar("T")


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


@dataclass(frozen=True, slots=True)
class VoiceManifest:
    """All of voice.json."""

    name: str
    variant: str
    """Family of the network, such as "2.3"."""
    precision: str
    """Of the stored weights: "f32" or "f16"."""
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

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data, the format version first."""
        data: dict[str, Any] = {"format": FORMAT}
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
        """Validate plain JSON data.

        Args:
            data: The parsed voice.json.
            where: Named in errors.

        Raises:
            VoiceError: Another format version; a key is missing, unknown or of the wrong type;
                a file name that leaves the folder.
        """
        found = data.get("format")
        if found != FORMAT:
            newer = isinstance(found, int) and found > FORMAT
            raise VoiceError(
                f"{where} has format version {found!r}; this release reads version {FORMAT}. "
                + ("Update vinovits." if newer else "Convert the voice again.")
            )
        rest = {key: value for key, value in data.items() if key != "format"}
        fields = _check_keys(cls, rest, where)
        fields["languages"] = tuple(fields["languages"])
        table = fields["table"]
        _check_type(table, dict, "table", where)
        fields["table"] = SymbolTable(
            symbols=tuple(table.get("symbols", ())),
            languages={
                code: _build(LanguageNumbers, numbers, f"{where}, table.languages.{code}")
                for code, numbers in dict(table.get("languages", {})).items()
            },
        )
        fields["features"] = tuple(
            _build(FeatureNeed, need, f"{where}, features") for need in fields["features"]
        )
        for key, kind in (("defaults", Defaults), ("card", Card), ("spectrogram", Spectrogram)):
            if fields.get(key) is not None:
                fields[key] = _build(kind, fields[key], f"{where}, {key}")
        manifest = cls(**fields)
        manifest._check(where)
        return manifest

    def _check(self, where: str) -> None:
        for name in self.files:
            if name in ("", ".", "..") or "/" in name or "\\" in name or "\0" in name:
                raise VoiceError(
                    f"{where} names the file {name!r}, which lies outside of the voice folder. "
                    "Don't use this voice; get it from its maker again."
                )
        wanted = ["encoder.xml", "encoder.bin", "flow.xml", "flow.bin", "decoder.xml"]
        wanted.append("decoder.bin")
        wanted += ["speakers.npy"] if self.spectrogram is None else ["reference.xml"]
        for name in wanted:
            if name not in self.files:
                raise VoiceError(f"{where} lists no {name}, which every such voice has.")
        for name in ("sampling_rate", "hop_length", "latent_channels", "speaker_channels"):
            if getattr(self, name) < 1:
                raise VoiceError(f"{where} has {name} {getattr(self, name)}; it must be positive.")
        for code in self.languages:
            if code not in self.table.languages:
                raise VoiceError(f"{where} speaks {code!r}, but its table has no such language.")


def read_manifest(folder: Path) -> VoiceManifest:
    """Read and validate voice.json of a voice folder; its other files are not looked at.

    Raises:
        VoiceError: As `VoiceManifest.from_dict`, or the file is missing or no JSON object.
    """
    path = folder / MANIFEST_NAME
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise VoiceError(
            f"{folder} is no voice folder: it has no {MANIFEST_NAME}. "
            "`vinovits convert` makes one from a checkpoint."
        ) from None
    except OSError as error:
        raise VoiceError(f"{path} can't be read: {error.strerror}.") from None
    except ValueError as error:
        raise VoiceError(f"{path} isn't valid JSON: {error}. Get the voice again.") from None
    if not isinstance(data, dict):
        raise VoiceError(f"{path} holds no JSON object. Get the voice again.")
    return VoiceManifest.from_dict(data, str(path))


def write_manifest(manifest: VoiceManifest, folder: Path) -> None:
    """Write voice.json into `folder`."""
    text = json.dumps(manifest.to_dict(), ensure_ascii=False, indent=1)
    (folder / MANIFEST_NAME).write_text(text + "\n", encoding="utf-8")


def read_dataclass(kind: type[T], data: Any, where: str) -> T:
    """Build a flat dataclass from JSON data, refusing unknown keys by name.

    Args:
        kind: A dataclass whose fields are str, int, float or dicts and lists of them.
        data: The parsed JSON.
        where: Named in errors.

    Raises:
        VoiceError: `data` is no object; a key is missing, unknown or of the wrong type.
    """
    return _build(kind, data, where)


_PLAIN = {
    "str": str,
    "int": int,
    "float": (int, float),
    "dict[str, int]": dict,
    "dict[str, str]": dict,
    "tuple[str, ...]": list,
    "tuple[FeatureNeed, ...]": list,
}


def _build(kind: type[T], data: Any, where: str) -> T:
    _check_type(data, dict, "", where)
    return kind(**_check_keys(kind, data, where))


def _check_keys(kind: type, data: Mapping[str, Any], where: str) -> dict[str, Any]:
    fields = {entry.name: entry for entry in dataclasses.fields(kind)}
    unknown = sorted(set(data) - set(fields))
    if unknown:
        raise VoiceError(
            f"{where} has unknown keys: {', '.join(unknown)}. Known are: {', '.join(fields)}."
        )
    missing = [
        name
        for name, entry in fields.items()
        if name not in data
        and entry.default is dataclasses.MISSING
        and entry.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise VoiceError(f"{where} lacks the keys: {', '.join(missing)}.")
    for name, value in data.items():
        expected = _PLAIN.get(str(fields[name].type))
        if expected is not None:
            _check_type(value, expected, name, where)
            if str(fields[name].type) in ("dict[str, int]", "dict[str, str]", "tuple[str, ...]"):
                inner = int if "int" in str(fields[name].type) else str
                members = value.values() if isinstance(value, dict) else value
                for member in members:
                    _check_type(member, inner, name, where)
    return dict(data)


def _check_type(value: Any, expected: Any, name: str, where: str) -> None:
    if not isinstance(value, expected) or isinstance(value, bool):
        subject = f"{where}: {name}" if name else where
        raise VoiceError(f"{subject} has a value of the wrong kind, {value!r:.60}.")
