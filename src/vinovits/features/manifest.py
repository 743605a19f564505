"""features.json: what a folder with a feature model says about itself, read with suspicion."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from vinovits.errors import VoiceError
from vinovits.manifests import build, check_files, check_names, read_json, write_json

MANIFEST = "features.json"
FORMAT = 1
"""The folder format that this version of vinovits writes, and the only one that it reads."""
REQUIRED_FILES = ("model.xml", "model.bin", "tokenizer.json")


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
    files: dict[str, str]
    """sha256 of every other file of the folder, by name."""

    def _check(self, where: str) -> None:
        check_names(self.files, REQUIRED_FILES, where)
        lowest = {
            **dict.fromkeys(("first_id", "last_id", "layer"), 0),
            **dict.fromkeys(("width", "vocabulary"), 1),
            "max_length": 3,
        }
        for name, least in lowest.items():
            if getattr(self, name) < least:
                raise VoiceError(f"{where} has {name} {getattr(self, name)}, below {least}.")
        for name in ("first_id", "last_id"):
            if getattr(self, name) >= self.vocabulary:
                raise VoiceError(
                    f"{where} has {name} {getattr(self, name)}, beyond its vocabulary of "
                    f"{self.vocabulary}."
                )


def read_manifest(folder: Path) -> FeatureManifest:
    """Read and validate features.json, and compare the files beside it with its sums.

    Raises:
        VoiceError: A file is missing, truncated or altered, or the manifest isn't one: no JSON, of
            another format version, with an unknown, missing or impossible entry, or naming a file
            outside of the folder.
    """
    path = folder / MANIFEST
    missing = (
        f"{folder} isn't a feature model: it has no {MANIFEST}. "
        "Name a folder that vinovits made from a BERT model."
    )
    manifest = build(FeatureManifest, read_json(path, missing, FORMAT), str(path))
    manifest._check(str(path))
    check_files(folder, manifest.files)
    return manifest


def write_manifest(manifest: FeatureManifest, folder: Path) -> None:
    """Write features.json into `folder`."""
    write_json(folder / MANIFEST, dataclasses.asdict(manifest), FORMAT)
