"""Vectors that voices hear beside phones: text features and the mood of a clip, made once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vinovits.errors import UsageError, VoiceError
from vinovits.features.bert import BertFeatures
from vinovits.features.store import find_features, shared
from vinovits.graphs import default_cache_dir
from vinovits.prepare import kept
from vinovits.prepare.checks import Candidate
from vinovits.prepare.reading import Said

if TYPE_CHECKING:
    from vinovits.features.clap import ClapFeatures

FOLDER = "features"


@dataclass(frozen=True, slots=True)
class Models:
    """The feature models that are here."""

    texts: dict[str, BertFeatures]
    """By the code of their language."""
    mood: ClapFeatures | None = None


def find_models(texts: dict[str, str], mood: str) -> tuple[Models, list[str]]:
    """Look for feature models.

    Args:
        texts: Names by the code of the language.
        mood: Name of a CLAP; "" for none.

    Returns:
        Those that are here, and a sentence on each that isn't.

    Raises:
        VoiceError: One is broken.
    """
    from vinovits.features.clap import ClapFeatures

    found: dict[str, BertFeatures] = {}
    notes = []
    for language, name in texts.items():
        try:
            folder = find_features(name)
        except VoiceError as error:
            notes.append(f"No text features for {language!r}: {error}")
            continue
        found[language] = shared(BertFeatures, folder, "cpu", default_cache_dir())
    clap = None
    if mood:
        try:
            clap = shared(ClapFeatures, find_features(mood), "cpu", default_cache_dir())
        except VoiceError as error:
            notes.append(f"No vectors of the mood of clips: {error}")
    return Models(found, clap), notes


def jobs(
    candidates: Sequence[Candidate], models: Models, folder: Path
) -> Iterator[Callable[[], None]]:
    """What is to be made for clips; what is there already is left as it is."""
    made: set[str] = set()
    for one in candidates:
        if one.said is None:
            continue
        for language, path in text_paths(one.said, models).items():
            if path not in made and not (folder / path).is_file():
                made.add(path)
                yield _text_job(one.said, language, models.texts[language], folder / path)
        path = mood_path(one, models)
        if path and not (folder / path).is_file():
            yield _mood_job(folder / one.path, models, folder / path)


def text_paths(said: Said, models: Models) -> dict[str, str]:
    """Where the text features of a clip lie, relative to the training set, by language.

    The name is made of what decides the content: the model and the word pieces, so that a text that
    was changed has others, and clips that say the same share them.
    """
    paths = {}
    for language in dict.fromkeys(stretch.language for stretch in said.stretches):
        if language in models.texts:
            name = models.texts[language].name
            parts = [(one.language, one.pieces, len(one.word2ph)) for one in said.stretches]
            digest = hashlib.sha256(repr((name, language, parts)).encode()).hexdigest()[:20]
            paths[language] = f"{FOLDER}/{name}/{digest}.npy"
    return paths


def mood_path(one: Candidate, models: Models) -> str:
    """Where the vector of a clip's mood lies; "" for none."""
    if models.mood is None or one.measures is None:
        return ""
    # The sound of a clip is decided by its name and by how far it was raised.
    level = f"{one.measures.gain - one.measures.lowered:.2f}"
    return f"{FOLDER}/{models.mood.name}/{Path(one.path).stem}{level}.npy"


def _text_job(said: Said, language: str, model: BertFeatures, path: Path) -> Callable[[], None]:
    def make() -> None:
        parts = []
        for stretch in said.stretches:
            rows = len(stretch.word2ph)
            if stretch.language == language:
                found = model.features(stretch.pieces)[:rows]
            else:
                found = np.zeros((rows, model.width), np.float32)
            parts.append(found)
        kept.write_array(path, np.concatenate(parts).astype(np.float16))

    return make


def _mood_job(sound: Path, models: Models, path: Path) -> Callable[[], None]:
    def make() -> None:
        import soundfile

        assert models.mood is not None
        samples, rate = soundfile.read(sound, dtype="float32")
        try:
            vector = models.mood.audio(samples, rate)
        except UsageError:  # too short or silent: such a clip isn't used
            return
        kept.write_array(path, vector.astype(np.float32))

    return make
