"""features.json: what a folder with a feature model says about itself, read with suspicion."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, TypeVar

from vinovits.errors import VoiceError
from vinovits.manifests import build, check_files, check_name, check_names, read_json, write_json

MANIFEST = "features.json"
FORMAT = 1
"""The folder format that this version of vinovits writes, and the only one that it reads."""


@dataclass(frozen=True, slots=True)
class FeatureManifest:
    """What features.json says of any feature model. Each kind has a class that adds to it."""

    KIND: ClassVar[str] = ""
    """The value of `kind` that a class is for."""
    REQUIRED_FILES: ClassVar[tuple[str, ...]] = ("model.xml", "model.bin")

    name: str
    """The name that voices ask for; also the folder's name in a store."""
    kind: str
    """Which class of vinovits.features runs it: a key of KINDS."""
    architecture: str
    """Which network the graph is: a key of vinovits.convert.features.ARCHITECTURES."""
    precision: str
    """How the weights are stored: "int8", "f16" or "f32"."""
    source: str
    """Where the weights come from, for people."""
    licence: str
    """SPDX identifier of the weights' licence."""
    files: dict[str, str]
    """sha256 of every other file of the folder, by name."""

    def check(self, where: str) -> None:
        """Refuse what can't be.

        Raises:
            VoiceError: An entry is impossible; the message names `where`.
        """
        check_name(self.name, f"{where}: name")
        check_names(self.files, self.REQUIRED_FILES, where)

    def check_least(self, where: str, **least: int) -> None:
        """Refuse entries that are below what they can be, given by name."""
        for name, lowest in least.items():
            if getattr(self, name) < lowest:
                raise VoiceError(f"{where} has {name} {getattr(self, name)}, below {lowest}.")


@dataclass(frozen=True, slots=True)
class BertManifest(FeatureManifest):
    """One row of numbers per token of a text."""

    KIND: ClassVar[str] = "bert"
    REQUIRED_FILES: ClassVar[tuple[str, ...]] = ("model.xml", "model.bin", "tokenizer.json")

    width: int
    """Numbers in a row of features."""
    layer: int
    """How many layers the graph keeps; its output is the state after the last of them."""
    max_length: int
    """The longest sequence, [CLS] and [SEP] included, that the graph takes."""
    vocabulary: int
    """Rows of the embedding table: every id is below it."""
    first_id: int
    """Id in front of every text, mostly that of [CLS]."""
    last_id: int
    """Id behind every text, mostly that of [SEP]."""
    normalise: str = ""
    """"columns" if every column of a text's rows is brought to a length of 1, over all its tokens;
    else nothing is done."""
    word_splitter: str = ""
    """"mecab" if the folder also has word_pieces.json, for texts that MeCab has cut into words;
    tokenizer.json takes any text in either case."""

    def check(self, where: str) -> None:
        """Refuse what can't be."""
        FeatureManifest.check(self, where)
        if self.normalise not in ("", "columns") or self.word_splitter not in ("", "mecab"):
            raise VoiceError(
                f"{where} asks for what this release doesn't know: {self.normalise!r}, "
                f"{self.word_splitter!r}. Upgrade vinovits, or convert the model again."
            )
        if self.word_splitter:
            check_names(self.files, ("word_pieces.json",), where)
        self.check_least(where, first_id=0, last_id=0, layer=0, width=1, vocabulary=1, max_length=3)
        for name in ("first_id", "last_id"):
            if getattr(self, name) >= self.vocabulary:
                raise VoiceError(
                    f"{where} has {name} {getattr(self, name)}, beyond its vocabulary of "
                    f"{self.vocabulary}."
                )


@dataclass(frozen=True, slots=True)
class ClapManifest(FeatureManifest):
    """One point on a sphere for a text or a sound."""

    KIND: ClassVar[str] = "clap"
    REQUIRED_FILES: ClassVar[tuple[str, ...]] = (
        *("text.xml", "text.bin", "audio.xml", "audio.bin"),
        "tokenizer.json",
    )

    width: int
    """Numbers of an embedding."""
    max_length: int
    """The longest sequence of tokens, <s> and </s> included, that the graph `text` takes."""
    vocabulary: int
    """Rows of the embedding table: every id is below it."""
    pad_id: int
    """Id that fills sequences up."""
    sampling_rate: int
    """Of the sound, in Hz."""
    fft_size: int
    """Samples of a frame of the spectrogram."""
    hop_length: int
    """Samples from one frame to the next."""
    mel_bins: int
    """Numbers of a frame."""
    lowest_hz: float
    """Where the lowest bin begins."""
    highest_hz: float
    """Where the highest bin ends."""
    clip_samples: int
    """Samples of sound in the spectrograms that the graph `audio` takes."""

    def check(self, where: str) -> None:
        """Refuse what can't be."""
        FeatureManifest.check(self, where)
        self.check_least(where, width=1, max_length=3, vocabulary=1, pad_id=0, mel_bins=1)
        self.check_least(where, sampling_rate=1000, fft_size=2, hop_length=1)
        self.check_least(where, clip_samples=self.fft_size)
        if self.pad_id >= self.vocabulary:
            raise VoiceError(
                f"{where} has pad_id {self.pad_id}, beyond its vocabulary of {self.vocabulary}."
            )
        if not 0 <= self.lowest_hz < self.highest_hz <= self.sampling_rate / 2:
            raise VoiceError(
                f"{where} has mel bins from {self.lowest_hz:g} to {self.highest_hz:g} Hz, but a "
                f"sound of {self.sampling_rate} Hz has frequencies from 0 to "
                f"{self.sampling_rate // 2}."
            )


@dataclass(frozen=True, slots=True)
class EmotionManifest(FeatureManifest):
    """One row of numbers for a recording of speech."""

    KIND: ClassVar[str] = "emotion"

    width: int
    """Numbers of an embedding."""
    sampling_rate: int
    """Of the speech, in Hz."""
    shortest: int
    """Samples that make one frame."""
    normalise: str
    """"variance" if the graph takes samples of zero mean and unit variance, "" if it takes them as
    they are."""

    def check(self, where: str) -> None:
        """Refuse what can't be."""
        FeatureManifest.check(self, where)
        self.check_least(where, width=1, sampling_rate=1000, shortest=1)
        if self.normalise not in ("", "variance"):
            raise VoiceError(
                f"{where} asks for what this release doesn't know: {self.normalise!r}. Upgrade "
                "vinovits, or convert the model again."
            )


@dataclass(frozen=True, slots=True)
class WavlmManifest(FeatureManifest):
    """All hidden states of a recording of speech."""

    KIND: ClassVar[str] = "wavlm"

    width: int
    """Numbers in a row."""
    states: int
    """Hidden states, the one before the first layer included."""
    sampling_rate: int
    """Of the speech, in Hz."""
    shortest: int
    """Samples that make one frame."""

    def check(self, where: str) -> None:
        """Refuse what can't be."""
        FeatureManifest.check(self, where)
        self.check_least(where, width=1, states=1, sampling_rate=1000, shortest=1)


@dataclass(frozen=True, slots=True)
class G2pwManifest(FeatureManifest):
    """A reading for each character of a Chinese sentence."""

    KIND: ClassVar[str] = "g2pw"
    REQUIRED_FILES: ClassVar[tuple[str, ...]] = (
        *("model.xml", "model.bin"),
        *("tokenizer.json", "tables.json"),
    )

    max_length: int
    """The longest sequence, [CLS] and [SEP] included, that the graph takes."""
    first_id: int
    """Id in front of every text, [CLS]."""
    last_id: int
    """Id behind every text, [SEP]."""
    unknown_id: int
    """Id of what the vocabulary lacks, [UNK]."""

    def check(self, where: str) -> None:
        """Refuse what can't be."""
        FeatureManifest.check(self, where)
        self.check_least(where, max_length=3, first_id=0, last_id=0, unknown_id=0)


KINDS: dict[str, type[FeatureManifest]] = {
    kind.KIND: kind
    for kind in (BertManifest, ClapManifest, EmotionManifest, G2pwManifest, WavlmManifest)
}
"""The manifest of each kind of feature model."""

M = TypeVar("M", bound=FeatureManifest)


def read_manifest(folder: Path, wanted: type[M]) -> M:
    """Read and validate features.json, and compare the files beside it with its sums.

    Args:
        folder: A feature folder.
        wanted: The class of its kind; FeatureManifest if any will do.

    Raises:
        VoiceError: A file is missing, truncated or altered, it is a model of another kind, or the
            manifest isn't one: no JSON, of another format version, with an unknown, missing or
            impossible entry, or naming a file outside of the folder.
    """
    path = folder / MANIFEST
    missing = (
        f"{folder} isn't a feature model: it has no {MANIFEST}. "
        "Name a folder that `vinovits convert-features` made."
    )
    data = read_json(path, missing, FORMAT)
    kind = data.get("kind")
    # Where there is no kind at all, `build` says what else is missing.
    found = KINDS.get(str(kind)) if "kind" in data else wanted
    if found is None or not issubclass(found, wanted):
        needed = repr(wanted.KIND) if wanted.KIND else f"one of {', '.join(KINDS)}"
        raise VoiceError(
            f"{folder} holds features of kind {kind!r}, but {needed} is needed here. "
            "Name another feature model, or upgrade vinovits."
        )
    manifest = build(found, data, str(path))
    manifest.check(str(path))
    check_files(folder, manifest.files)
    return manifest


def write_manifest(manifest: FeatureManifest, folder: Path) -> None:
    """Write features.json into `folder`."""
    write_json(folder / MANIFEST, dataclasses.asdict(manifest), FORMAT)
