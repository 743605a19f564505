"""A prepared training set: what was recorded, what is said in it, and where its features lie.

A folder of two files, which `write_data` makes, and of what they name:

    data.json     `Facts`: one object
    clips.jsonl   `Clip`: one object a line
    ...           recordings and features, at the paths that the clips name, relative to the folder

Lists of Bert-VITS2, with features beside the recordings, are read too (`vinovits.train.lists`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import get_args

from vinovits.errors import DataError, VoiceError
from vinovits.manifests import REMEDY, build, read_json, write_json
from vinovits.output.atomic import atomic_file, write_error
from vinovits.text.front_ends import Reading

FACTS_NAME = "data.json"
CLIPS_NAME = "clips.jsonl"
FORMAT = 1
"""The format version of `data.json` that this release writes and reads."""

SPLITS = ("train", "validation")


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording and what is said in it."""

    path: str
    """Of the recording: any format that libsndfile reads, any rate; channels are averaged."""
    speaker: str
    language: str
    """Code of its language: "zh", "ja" or "en"."""
    text: str
    """What is said, normalised: what the feature models were given."""
    phones: tuple[str, ...]
    """Without blanks, with "_" at both ends."""
    tones: tuple[int, ...]
    """One for each phone, without the language's offset; that of "_" is 0."""
    word2ph: tuple[int, ...]
    """How many phones each row of the text features covers; the first and the last row are for the
    two ends. Sums to the number of phones."""
    split: str = "train"
    """"train", or "validation" for what the voice is judged by and doesn't learn from."""
    seconds: float = 0.0
    """Its length; 0 where it wasn't measured."""
    languages: tuple[str, ...] = ()
    """Codes, one for each phone, where more than one language is spoken."""
    features: dict[str, str] = field(default_factory=dict)
    """Paths of the text features by the code of their language: .npy (rows, width), a row for each
    number in `word2ph`, zeros where another language is spoken; or the .pt of Bert-VITS2."""
    emotion: str = ""
    """Path of the vector that families 2.4 and jp-extra hear (512 numbers); "" for none."""
    style: str = ""
    """Path of the style vector of Style-Bert-VITS2 (256 numbers); "" for none."""
    rejected: str = ""
    """Why the check of the recordings took it out, as a sentence; "" for those that passed."""
    forced: bool = False
    """The user wants it nevertheless."""

    @property
    def used(self) -> bool:
        """Whether it is trained on or judged by."""
        return self.forced or not self.rejected


@dataclass(frozen=True, slots=True)
class Facts:
    """What is true of a whole training set."""

    sampling_rate: int = 0
    """Of the recordings, in Hz; 0 where they have several."""
    feature_models: dict[str, str] = field(default_factory=dict)
    """Names of the models that made the text features, by the code of the language."""
    family: str = ""
    """The family of voices whose symbols and tones the phones have; "" where it isn't told."""
    reading: str = "better"
    """The reading that the phones came from."""
    licence: str = ""
    """Under which terms the recordings may be used, as their owner says."""
    source: str = ""
    """Where they are from."""


@dataclass(frozen=True, slots=True)
class TrainingData:
    """A training set as it was read."""

    folder: Path
    """What paths are relative to."""
    facts: Facts
    clips: tuple[Clip, ...]
    """Those that are used."""
    notes: tuple[str, ...] = ()
    """Sentences for the user."""

    def at(self, path: str) -> Path:
        """Where a file that a clip names lies."""
        return self.folder / path


def write_data(folder: Path, facts: Facts, clips: Iterable[Clip]) -> None:
    """Write `data.json` and `clips.jsonl` into a folder, each whole or not at all.

    Raises:
        OutputError: They can't be written.
    """
    lines = [
        json.dumps(
            {key: value for key, value in asdict(clip).items() if value not in ("", (), {}, False)},
            ensure_ascii=False,
        )
        for clip in clips
    ]
    for name in (CLIPS_NAME, FACTS_NAME):
        with atomic_file(folder / name) as part:
            try:
                if name == FACTS_NAME:
                    write_json(part, asdict(facts), FORMAT)
                else:
                    part.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
            except OSError as error:
                raise write_error(folder / name, error) from error


def read_data(path: Path) -> TrainingData:
    """Read a prepared folder, or a cleaned list of Bert-VITS2 (see `lists.read_lists`).

    Raises:
        DataError: There is no such thing, it can't be read, or nothing in it is used.
    """
    if path.is_dir() and (path / CLIPS_NAME).is_file():
        data = _read_folder(path)
    else:
        from vinovits.train.lists import read_lists

        data = read_lists(path)
    if not data.clips:
        raise DataError(f"{path} has no clip to train on: all of them were rejected, or none was.")
    return data


def _read_folder(folder: Path) -> TrainingData:
    try:
        facts = build(
            Facts,
            read_json(folder / FACTS_NAME, f"{folder} has no {FACTS_NAME}.", FORMAT),
            str(folder / FACTS_NAME),
        )
    except VoiceError as error:
        raise DataError(_remedied(error)) from None
    if facts.reading not in get_args(Reading):
        raise DataError(f"{folder / FACTS_NAME} names no reading that is known: {facts.reading!r}.")
    clips = []
    for number, line in enumerate(_lines(folder / CLIPS_NAME), 1):
        if line.strip():
            clips.append(_clip(line, f"{folder / CLIPS_NAME}, line {number}"))
    return TrainingData(folder, facts, tuple(clip for clip in clips if clip.used))


def _remedied(error: VoiceError) -> str:
    """What is wrong with a manifest, and the remedy for one of a training set."""
    return str(error).replace(REMEDY, "Prepare the recordings again.")


def _lines(path: Path) -> list[str]:
    try:
        # Other characters that Unicode counts as line ends may stand in a text.
        return path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} can't be read: {error}.") from None


def _clip(line: str, where: str) -> Clip:
    try:
        clip = build(Clip, json.loads(line), where)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where} isn't valid JSON ({error}).") from None
    except VoiceError as error:
        raise DataError(_remedied(error)) from None
    check_shape(clip, where)
    return clip


def check_shape(clip: Clip, where: str) -> None:
    """Refuse a clip whose parts can't belong together.

    Args:
        clip: As it was read.
        where: Named in errors.

    Raises:
        DataError: Another number of tones, of languages, or of phones in `word2ph` than of phones,
            or an unknown split.
    """
    phones = len(clip.phones)
    if clip.split not in SPLITS:
        raise DataError(f"{where}: a split is {' or '.join(SPLITS)}, not {clip.split!r:.30}.")
    if phones < 3 or len(clip.tones) != phones or sum(clip.word2ph) != phones:
        raise DataError(
            f"{where}: there are {phones} phones, {len(clip.tones)} tones and word2ph for "
            f"{sum(clip.word2ph)}. The three must agree, and with the two ends be 3 at the least."
        )
    if min(clip.word2ph) < 0:
        raise DataError(f"{where}: word2ph can't be negative.")
    if clip.languages and len(clip.languages) != phones:
        raise DataError(f"{where}: there are {phones} phones, but {len(clip.languages)} languages.")
