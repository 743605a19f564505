"""features.json: what a folder with a feature model says about itself, read with suspicion."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vinovits.errors import VoiceError

MANIFEST = "features.json"
FORMAT = 1
"""The folder format that this version of vinovits writes, and the only one that it reads."""
REQUIRED_FILES = ("model.xml", "model.bin", "tokenizer.json")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class FileSum:
    """Size and checksum of one file, as they were when the folder was made."""

    bytes: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> FileSum:
        """Measure a file."""
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return cls(path.stat().st_size, digest)


@dataclass(frozen=True, slots=True)
class FeatureManifest:
    """The content of features.json."""

    name: str
    """The name that voices ask for; also the folder's name in a store."""
    kind: str
    """Which class of vinovits.features runs it: "bert" gives one row per word piece."""
    architecture: str
    """Which network the graph is: a key of vinovits.convert.features.ARCHITECTURES."""
    width: int
    """Numbers in a row of features."""
    layer: int
    """How many layers the graph keeps; its output is the state after the last of them."""
    max_length: int
    """The longest sequence, [CLS] and [SEP] included, that the graph takes."""
    vocabulary: int
    """Rows of the embedding table: every id is below it."""
    first_id: int
    """Id in front of every text, [CLS]."""
    last_id: int
    """Id behind every text, [SEP]."""
    precision: str
    """How the weights are stored: "int8", "f16" or "f32"."""
    source: str
    """Where the weights come from, for people."""
    licence: str
    """SPDX identifier of the weights' licence."""
    files: Mapping[str, FileSum]
    """Every other file of the folder."""
    format: int = FORMAT

    def to_json(self) -> str:
        """The text of features.json."""
        entries = {"format": self.format, **dataclasses.asdict(self)}
        return json.dumps(entries, indent=2, ensure_ascii=False) + "\n"


def read_manifest(folder: Path) -> FeatureManifest:
    """Read and validate features.json, and compare the files beside it with its sums.

    Hashing 20 MB takes about 20 ms, so that it is done on every load.

    Args:
        folder: A folder with a feature model.

    Returns:
        The manifest; every file that it names is there, unaltered.

    Raises:
        VoiceError: A file is missing, truncated or altered, or the manifest isn't one: no JSON, of
            another format version, with an unknown, missing or impossible entry, or naming a file
            outside of the folder.
    """
    path = folder / MANIFEST
    try:
        raw = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise VoiceError(
            f"{folder} isn't a feature model: it has no {MANIFEST}. "
            "Name a folder that vinovits made from a BERT model."
        ) from None
    except OSError as error:
        raise VoiceError(f"{path} can't be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:  # bad UTF-8, bad JSON, JSON nested without end
        raise VoiceError(f"{path} isn't valid JSON ({error}). {_REMEDY}") from error
    manifest = _parse(raw, path)
    for name, expected in manifest.files.items():
        _check_file(folder / name, expected)
    return manifest


_REMEDY = "Install the feature model again, or convert it again."


def _parse(raw: Any, path: Path) -> FeatureManifest:
    if not isinstance(raw, dict):
        raise VoiceError(f"{path} should hold one JSON object, but holds something else. {_REMEDY}")
    # The version comes first: another format may well have other keys.
    version = raw.get("format")
    if type(version) is not int or version != FORMAT:
        raise VoiceError(
            f"{path} has format {version!r}, but this vinovits reads format {FORMAT}. "
            "Upgrade vinovits, or convert the feature model again."
        )
    fields = {field.name: field.type for field in dataclasses.fields(FeatureManifest)}
    if unknown := sorted(set(raw) - set(fields)):
        raise VoiceError(f"{path} has unknown entries: {', '.join(map(repr, unknown))}. {_REMEDY}")
    if missing := sorted(set(fields) - set(raw)):
        raise VoiceError(f"{path} lacks these entries: {', '.join(missing)}. {_REMEDY}")
    for key, kind in fields.items():
        if kind == "int":
            lowest = 0 if key in ("first_id", "last_id", "layer") else 1
            if type(raw[key]) is not int or raw[key] < lowest:
                raise _impossible(path, key, raw[key], f"a whole number from {lowest}")
        elif kind == "str" and not isinstance(raw[key], str):
            raise _impossible(path, key, raw[key], "a text")
    if not _NAME.fullmatch(raw["name"]):
        raise _impossible(path, "name", raw["name"], "letters, digits, '.', '_' and '-'")
    if raw["max_length"] < 3:
        raise _impossible(path, "max_length", raw["max_length"], "at least 3")
    for key in ("first_id", "last_id"):
        if raw[key] >= raw["vocabulary"]:
            raise _impossible(path, key, raw[key], f"below the vocabulary of {raw['vocabulary']}")
    return FeatureManifest(**{**raw, "files": _parse_files(raw["files"], path)})


def _parse_files(raw: Any, path: Path) -> dict[str, FileSum]:
    if not isinstance(raw, dict):
        raise _impossible(path, "files", raw, "an object")
    files = {}
    for name, entry in raw.items():
        # Names are plain: a path may lead out of the folder, to a file that isn't the model's.
        if not _NAME.fullmatch(name):
            raise VoiceError(
                f"{path} names the file {name!r}, which isn't a plain name inside its folder. "
                f"{_REMEDY}"
            )
        match entry:
            case {"bytes": int(size), "sha256": str(digest), **rest} if (
                not rest and size >= 0 and _SHA256.fullmatch(digest)
            ):
                files[name] = FileSum(size, digest)
            case _:
                raise _impossible(path, f"files.{name}", entry, "{bytes, sha256}")
    if missing := [name for name in REQUIRED_FILES if name not in files]:
        raise VoiceError(f"{path} lists no {', '.join(missing)}. {_REMEDY}")
    return files


def _impossible(path: Path, key: str, value: Any, expected: str) -> VoiceError:
    shown = repr(value)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    return VoiceError(f"{path}: {key} is {shown}, but should be {expected}. {_REMEDY}")


def _check_file(path: Path, expected: FileSum) -> None:
    try:
        if path.is_symlink() and path.resolve().parent != path.parent.resolve():
            raise VoiceError(
                f"{path} is a link that leads out of its folder; it isn't followed. {_REMEDY}"
            )
        size = path.stat().st_size
        if size != expected.bytes:
            raise VoiceError(
                f"{path} has {size} bytes, but {expected.bytes} are expected: it is cut off or "
                f"altered. {_REMEDY}"
            )
        found = FileSum.of(path)
    except FileNotFoundError:
        raise VoiceError(f"{path} is missing. {_REMEDY}") from None
    except OSError as error:
        raise VoiceError(f"{path} can't be read: {error.strerror}. {_REMEDY}") from error
    if found.sha256 != expected.sha256:
        raise VoiceError(f"{path} was altered: its SHA-256 sum isn't the recorded one. {_REMEDY}")
