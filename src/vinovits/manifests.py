"""What voice.json and features.json have in common: a versioned manifest, read with suspicion."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from vinovits.errors import VinovitsError, VoiceError

T = TypeVar("T")

_LONGEST_NAME = 100
_UNSEEN = ("Cc", "Cs", "Zl", "Zp")
"""Unicode categories: control characters, lone surrogates, line and paragraph separators."""

REMEDY = "Get the folder again, or convert it again."


def read_json(path: Path, missing: str, format_version: int) -> dict[str, Any]:
    """Read a manifest file and check its format version.

    Args:
        path: The file.
        missing: The sentence for a folder that has no such file.
        format_version: The only one that is read; the key is "format".

    Returns:
        The other keys.

    Raises:
        VoiceError: No such file, not readable, no JSON object, or another format version.
    """
    _check_plain(path)
    try:
        data = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise VoiceError(missing) from None
    except OSError as error:
        raise VoiceError(f"{path} can't be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:  # bad UTF-8, bad JSON, JSON nested without end
        raise VoiceError(f"{path} isn't valid JSON ({error}). {REMEDY}") from None
    if not isinstance(data, dict):
        raise VoiceError(f"{path} holds no JSON object. {REMEDY}")
    # The version comes first: another format may well have other keys.
    found = data.pop("format", None)
    if type(found) is not int or found != format_version:
        newer = type(found) is int and found > format_version
        raise VoiceError(
            f"{path} has format version {found!r}; this release reads version {format_version}. "
            + ("Update vinovits." if newer else "Convert it again.")
        )
    return data


def write_json(path: Path, data: Mapping[str, Any], format_version: int) -> None:
    """Write a manifest, its format version first."""
    text = json.dumps({"format": format_version, **data}, ensure_ascii=False, indent=1)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def build(kind: type[T], data: Any, where: str) -> T:
    """Make a flat dataclass from JSON data.

    Args:
        kind: A dataclass with fields of str, int, float, or dictionaries and tuples of them;
            fields of other types are taken as they are.
        data: The parsed JSON.
        where: Named in errors.

    Raises:
        VoiceError: `data` is no object; a key is missing, unknown or of the wrong type.
    """
    _check_type(data, dict, where)
    fields = {entry.name: entry for entry in dataclasses.fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(set(data) - set(fields)):
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
        raise VoiceError(f"{where} lacks the keys: {', '.join(missing)}. {REMEDY}")
    return kind(
        **{
            name: _value(value, str(fields[name].type), f"{where}: {name}")
            for name, value in data.items()
        }
    )


_SCALARS: dict[str, Any] = {"str": str, "int": int, "float": (int, float)}


def _value(value: Any, annotation: str, where: str) -> Any:
    """Check a value against the annotation of its field, if that is a plain one."""
    if annotation in _SCALARS:
        _check_type(value, _SCALARS[annotation], where)
    elif annotation.startswith("dict[str, "):
        _check_type(value, dict, where)
        if (inner := annotation[10:-1]) in _SCALARS:
            for member in value.values():
                _check_type(member, _SCALARS[inner], where)
    elif annotation.startswith("tuple["):
        _check_type(value, list, where)
        if (inner := annotation[6:].removesuffix(", ...]")) in _SCALARS:
            for member in value:
                _check_type(member, _SCALARS[inner], where)
        return tuple(value)
    return value


def _check_type(value: Any, expected: Any, where: str) -> None:
    if not isinstance(value, expected) or isinstance(value, bool):
        raise VoiceError(f"{where} has a value of the wrong kind, {value!r:.60}. {REMEDY}")


def check_name(name: str, what: str, error: type[VinovitsError] = VoiceError) -> None:
    """Check the name of a voice or a feature model: people see it, and folders are named so.

    Args:
        name: The name.
        what: What it names, for the error.
        error: What to raise.

    Raises:
        VinovitsError: `error`: it is empty, too long, holds what can't be seen or parts a path,
            or begins or ends as a file name shouldn't.
    """
    if (
        not 1 <= len(name) <= _LONGEST_NAME
        or name != name.strip()
        or name.startswith(".")
        or any(c in "/\\" or unicodedata.category(c) in _UNSEEN for c in name)
    ):
        raise error(
            f"{what} can't be {name!r:.60}. A name has 1 to {_LONGEST_NAME} characters that can be "
            "seen, no slash or backslash among them, and begins with no dot."
        )


def check_names(files: Iterable[str], required: Iterable[str], where: str) -> None:
    """Check the file names of a manifest: plain ones, and all that are required.

    Raises:
        VoiceError: A name leads out of the folder, or a required one isn't there.
    """
    names = set(files)
    for name in names:
        # On Windows a colon parts the letter of a drive from a path on it.
        if name in ("", ".", "..") or set(name) & set("/\\:\0"):
            raise VoiceError(
                f"{where} names the file {name!r}, which lies outside of its folder. "
                "Don't use this folder; get it from its maker again."
            )
    for name in required:
        if name not in names:
            raise VoiceError(f"{where} lists no {name}, which every such folder has. {REMEDY}")


def check_files(folder: Path, files: Mapping[str, str]) -> None:
    """Check that a folder has its files, unaltered; 60 MB take about 50 ms.

    Args:
        folder: The folder.
        files: sha256 by name, as `check_names` has found good.

    Raises:
        VoiceError: A file is missing, unreadable, altered, or a link out of the folder.
    """
    for name, expected in files.items():
        path = folder / name
        try:
            if path.is_symlink() and path.resolve().parent != folder.resolve():
                raise VoiceError(
                    f"{path} is a link that leads out of its folder; it is not followed. {REMEDY}"
                )
            _check_plain(path)
            actual = sha256(path)
        except FileNotFoundError:
            raise VoiceError(f"{path} is missing. {REMEDY}") from None
        except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links
            raise VoiceError(f"{path} can't be read: {error}. {REMEDY}") from None
        if actual != expected:
            raise VoiceError(
                f"{path} is truncated or altered: its sha256 isn't the one that the manifest "
                f"lists. {REMEDY}"
            )


def _check_plain(path: Path) -> None:
    # Reading a pipe or a device may never end.
    if path.exists() and not path.is_file():
        raise VoiceError(f"{path} is no ordinary file. {REMEDY}")


def sha256(path: Path) -> str:
    """Hex sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_sums(folder: Path) -> dict[str, str]:
    """Hex sha256 of every file in a folder, by name."""
    return {path.name: sha256(path) for path in sorted(folder.iterdir())}
