"""AIVM files: Style-Bert-VITS2 voices as one safetensors file whose header tells all about them.

The format: https://github.com/Aivis-Project/aivmlib#aivm-specification
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from vinovits.convert.source import Source, read_styles
from vinovits.errors import CheckpointError
from vinovits.voices.manifest import Card

T = TypeVar("T")

_MANIFEST_VERSION = "1.0"

_ARCHITECTURES = {"Style-Bert-VITS2": "sbv2", "Style-Bert-VITS2 (JP-Extra)": "sbv2-jp-extra"}

_PICTURES = {"data:image/png;base64,": b"\x89PNG", "data:image/jpeg;base64,": b"\xff\xd8\xff"}
"""How the two kinds of data URLs of icons begin, and how what they hold does."""


def read_aivm(path: Path) -> Source:
    """Read an AIVM file.

    Raises:
        CheckpointError: It can't be read, or its manifest doesn't fit the rest of the file.
    """
    header = _header(path)
    manifest, config = (
        _json(header, "aivm_manifest", path),
        _json(header, "aivm_hyper_parameters", path),
    )
    if (version := manifest.get("manifest_version")) != _MANIFEST_VERSION:
        raise CheckpointError(
            f"{path} has an AIVM manifest of version {version}; version {_MANIFEST_VERSION} is "
            "read."
        )
    architecture = _get(manifest, "model_architecture", str, path)
    if architecture not in _ARCHITECTURES:
        raise CheckpointError(
            f"{path} holds a model of the kind {architecture!r}; there are "
            f"{', '.join(_ARCHITECTURES)}."
        )
    if (form := manifest.get("model_format")) != "Safetensors":
        raise _lie(path, f"its format is {form}, but this is a safetensors file")
    styles = read_styles(_bytes(_get(header, "aivm_style_vectors", str, path), path), config, path)
    speakers, rows, languages = _people(manifest, config, path)
    unknown = [f"{name} ({row})" for name, row in rows.items() if row not in styles.names.values()]
    if unknown:
        raise _lie(path, f"there are no style vectors for {', '.join(unknown)}")
    name = _get(manifest, "name", str, path)
    return Source(
        path,
        config,
        Card(
            title=name,
            description=_get(manifest, "description", str, path, ""),
            author=", ".join(str(who) for who in _get(manifest, "creators", list, path, [])),
            licence=str(manifest.get("license") or manifest.get("terms_of_use") or ""),
            source=f"AIVM {manifest.get('uuid', '')}, version {manifest.get('version', '')}",
        ),
        type(styles)(styles.vectors, rows),
        name,
        _ARCHITECTURES[architecture],
        languages,
        speakers,
        _icon(manifest["speakers"][0], path),
    )


def _header(path: Path) -> Mapping[str, str]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            return file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path} is damaged, or no AIVM file ({error}). Download it again and compare its size."
        ) from None


def _json(header: Mapping[str, str], key: str, path: Path) -> dict[str, Any]:
    try:
        data = json.loads(_get(header, key, str, path))
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"The {key} of {path} isn't valid JSON: {error}.") from None
    if not isinstance(data, dict):
        raise CheckpointError(f"The {key} of {path} is no JSON object.")
    return data


def _people(
    manifest: Mapping[str, Any], config: Mapping[str, Any], path: Path
) -> tuple[dict[str, int], dict[str, int], tuple[str, ...]]:
    """Names and rows of speakers and of styles, and the codes of the languages they speak."""
    table = _get(_get(config, "data", dict, path), "spk2id", dict, path)
    speakers: dict[str, int] = {}
    styles: dict[str, int] = {}
    languages: dict[str, None] = {}
    for speaker in _get(manifest, "speakers", list, path):
        name = _add(speakers, speaker, path)
        if speakers[name] not in table.values():
            raise _lie(path, f"the config has no speaker with the number of {name!r}")
        for style in _get(speaker, "styles", list, path):
            _add(styles, style, path)
        for tag in _get(speaker, "supported_languages", list, path):
            languages[str(tag).partition("-")[0]] = None
    if not speakers or not styles:
        raise _lie(path, "it names no speakers, or no styles")
    return speakers, styles, tuple(languages)


def _add(rows: dict[str, int], entry: Any, path: Path) -> str:
    """Note the row of a speaker or style by its name."""
    if not isinstance(entry, dict):
        raise _lie(path, f"{entry!r:.40} is no speaker and no style")
    name, row = _get(entry, "name", str, path), _get(entry, "local_id", int, path)
    if rows.setdefault(name, row) != row:
        raise _lie(path, f"{name!r} stands for the numbers {rows[name]} and {row}")
    return name


def _icon(speaker: Mapping[str, Any], path: Path) -> bytes | None:
    url = _get(speaker, "icon", str, path, "")
    if not url:
        return None
    for start, magic in _PICTURES.items():
        if url.startswith(start):
            content = _bytes(url.removeprefix(start), path)
            if content.startswith(magic):
                return content
    raise _lie(path, "its icon is no PNG or JPEG picture")


def _bytes(text: str, path: Path) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise CheckpointError(f"A part of {path} isn't valid base64. Get the file again.") from None


def _get(
    data: Mapping[str, Any], key: str, kind: type[T], path: Path, default: T | None = None
) -> T:
    value = data.get(key, default)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise CheckpointError(
            f"The manifest of {path} has no sound {key!r} ({value!r:.40}). Is it an AIVM file?"
        )
    return value


def _lie(path: Path, what: str) -> CheckpointError:
    return CheckpointError(
        f"The AIVM manifest of {path} doesn't tell the truth: {what}. Get the file from its maker."
    )
