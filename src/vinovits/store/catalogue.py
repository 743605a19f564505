"""The models that are known by name: data/catalogue.toml, read once and checked."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from vinovits.errors import UsageError, VoiceError
from vinovits.manifests import build, check_names

KINDS = ("features", "base", "voice")
"""What a model is: one that voices listen to, one to train on, a voice."""

_CATALOGUE = Path(__file__).resolve().parent.parent / "data" / "catalogue.toml"
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class File:
    """A file of a model."""

    name: str
    """As it is called on this machine."""
    path: str = ""
    """Where it lies in the repository, if not under its name."""
    repository: str = ""
    """Where it comes from, if not from the model's repository; then from its branch `main`."""
    sha256: str = ""
    """Hex sum; empty: not known, remembered after the first pull."""
    size: int = 0
    """Bytes; 0: not known."""
    optional: bool = False
    """A model is whole without it; not every revision has it."""

    @property
    def source(self) -> str:
        """Where it lies in its repository."""
        return self.path or self.name


@dataclass(frozen=True, slots=True)
class Model:
    """An entry of the catalogue."""

    name: str
    """As people and voices name it."""
    kind: str
    """One of KINDS."""
    repository: str
    """OWNER/REPO on Hugging Face."""
    files: tuple[File, ...]
    """What is downloaded; small files come first."""
    revision: str = ""
    """Commit to take; empty: that of the first pull, then the same."""
    licence: str = ""
    """SPDX identifier; empty: the repository states none."""
    purpose: str = ""
    """What it is for."""
    families: tuple[str, ...] = ()
    """Families of voices that use it."""
    size: int = 0
    """About how many bytes, where the files' sizes aren't known; 0: not known."""
    note: str = ""
    """What else one should know."""

    @property
    def size_bytes(self) -> int:
        """Bytes to download, as far as known; 0: not known."""
        if self.size:
            return self.size
        # The weights are nearly all of it, and last.
        return sum(file.size for file in self.files) if self.files[-1].size else 0

    def check(self, where: str) -> None:
        """Check that names, sums and paths can be what they say.

        Raises:
            VoiceError: They can't.
        """
        check_names([self.name, *(file.name for file in self.files)], (), where)
        problems = [
            *(["its kind"] * (self.kind not in KINDS)),
            *(["its files"] * (not self.files)),
            *(["its revision"] * (self.revision != "" and not is_commit(self.revision))),
        ]
        for file in self.files:
            repository = file.repository or self.repository
            problems += [f"the repository of {file.name}"] * (not is_repository(repository))
            problems += [f"the sha256 of {file.name}"] * (
                file.sha256 != "" and not is_sha256(file.sha256)
            )
            problems += [f"the path of {file.name}"] * (not is_inside(file.source))
            problems += [f"the size of {file.name}"] * (file.size < 0)
        if problems:
            raise VoiceError(f"{where} can't be right in {', '.join(problems)}.")


@cache
def catalogue() -> Mapping[str, Model]:
    """All models of the catalogue by name, in its order."""
    return read_catalogue(_CATALOGUE)


def read_catalogue(path: Path) -> dict[str, Model]:
    """Read and check a catalogue file.

    Raises:
        VoiceError: It isn't valid; the message names the entry.
    """
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    models: dict[str, Model] = {}
    for index, entry in enumerate(data["models"]):
        model = _model(entry, f"{path.name}, model {entry.get('name', index)!r}")
        if model.name in models:
            raise VoiceError(f"{path.name} has two models of the name {model.name!r}.")
        models[model.name] = model
    return models


def _model(entry: dict[str, Any], where: str) -> Model:
    files = tuple(build(File, file, f"{where}, file") for file in entry.get("files", ()))
    model = build(Model, {**entry, "files": list(files)}, where)
    model.check(where)
    return model


def find_model(name: str) -> Model:
    """The entry of this name.

    Raises:
        UsageError: There is none; the message suggests the closest and lists all.
    """
    models = catalogue()
    if name in models:
        return models[name]
    by_fold = {known.casefold(): known for known in models}
    close = difflib.get_close_matches(name.casefold(), by_fold, n=1, cutoff=0.5)
    hint = f" Did you mean {by_fold[close[0]]!r}?" if close else ""
    raise UsageError(f"The catalogue has no model {name!r:.80}.{hint} It has: {', '.join(models)}.")


def command_for(name: str) -> str:
    """The command that gets a model, for messages; empty if the catalogue doesn't have it."""
    model = catalogue().get(name)
    if model is None:
        return ""
    return f"vinovits pull {name}" if model.kind == "voice" else f"vinovits models pull {name}"


def is_repository(text: str) -> bool:
    """Whether this is an OWNER/REPO."""
    return bool(_REPOSITORY.fullmatch(text)) and is_inside(text)


def is_commit(text: str) -> bool:
    """Whether this is the hex name of a commit."""
    return bool(_COMMIT.fullmatch(text))


def is_sha256(text: str) -> bool:
    """Whether this is a hex sha256."""
    return bool(_SHA256.fullmatch(text))


def is_inside(path: str) -> bool:
    """Whether a path of a repository stays within it."""
    parts = path.split("/")
    return not any(part in ("", ".", "..") or set(part) & set("\\\0:") for part in parts)
