"""The `default_config.yml` of Bert-VITS2 as settings of our server: what it says of serving."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vinovits.errors import UsageError
from vinovits.voices.manifest import MANIFEST_NAME

_SERVING = ("server", "webui")
_DEVICES = {"cpu": "cpu", "xpu": "gpu", "gpu": "gpu", "auto": "auto"}
_MOST_MODELS = 100
_MOST_LOOKED_AT = 1000
"""Entries of a folder."""


@dataclass(frozen=True, slots=True)
class UpstreamConfig:
    """What such a file means here."""

    settings: dict[str, Any]
    """Of the server, by name."""
    used: tuple[str, ...]
    """Keys that something was made of."""
    unused: tuple[str, ...]
    """Keys that nothing was made of."""
    notes: tuple[str, ...] = ()
    """Sentences for the user."""


@dataclass(slots=True)
class _Reading:
    """What has been found so far."""

    settings: dict[str, Any] = field(default_factory=dict)
    used: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Model:
    """A model that the file names."""

    key: str
    config_key: str
    checkpoint: Path
    config: Path | None


def is_upstream(content: Any) -> bool:
    """Whether a YAML file is upstream's, by what it holds: our settings have no such sections.

    Args:
        content: Of the whole file.
    """
    return isinstance(content, Mapping) and any(
        isinstance(content.get(name), Mapping) for name in _SERVING
    )


def read_upstream(content: Mapping[str, Any], path: Path) -> UpstreamConfig:
    """Read the sections `server` and `webui`.

    Models are checkpoints there. Each is looked for as a converted voice: a voice folder beside the
    checkpoint, in the folder above it, or beside the file itself.

    Args:
        content: Of the file, for which `is_upstream` holds.
        path: The file.

    Raises:
        UsageError: No model has been converted; the message says how.
    """
    reading = _Reading()
    server = _mapping(content.get("server"))
    webui = _mapping(content.get("webui"))
    _take_port(reading, server, webui)
    _take_device(reading, server, webui)
    folder = path.absolute().parent
    models = list(_models(server, webui, folder, _data(content, folder)))[:_MOST_MODELS]
    _take_voices(reading, models, folder)
    used = tuple(reading.used)
    unused = tuple(key for key in _leaves(content) if not _is_within(key, used))
    return UpstreamConfig(reading.settings, used, unused, tuple(reading.notes))


def told(config: UpstreamConfig, path: Path) -> str:
    """A sentence about what became of a file's keys."""
    used = ", ".join(config.used) or "nothing"
    unused = ", ".join(config.unused) or "nothing"
    return f"{path} is a config of Bert-VITS2. Used of it: {used}. Not used: {unused}."


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _data(content: Mapping[str, Any], folder: Path) -> Path:
    """The folder that the paths of `webui` begin at."""
    path = content.get("dataset_path")
    return folder / path if isinstance(path, str) else folder


def _take_port(reading: _Reading, *sections: Mapping[str, Any]) -> None:
    for name, section in zip(_SERVING, sections, strict=True):
        port = section.get("port")
        if isinstance(port, int) and not isinstance(port, bool) and 0 <= port < 65536:
            reading.settings["port"] = port
            reading.used.append(f"{name}.port")
            return


def _take_device(reading: _Reading, *sections: Mapping[str, Any]) -> None:
    for name, section in zip(_SERVING, sections, strict=True):
        device = section.get("device")
        if not isinstance(device, str):
            continue
        word, _, number = device.lower().partition(":")
        known = _DEVICES.get(word)
        reading.settings["device"] = known or "auto"
        if known == "gpu" and number.isdecimal():
            reading.settings["device"] = f"gpu.{int(number[:3])}"
        reading.used.append(f"{name}.device")
        if known is None:
            reading.notes.append(
                f"The device {device!r:.40} of {name}.device isn't one of OpenVINO's: voices run "
                "at the first Intel GPU where there is one, else at the CPU (--device auto)."
            )
        return


def _models(
    server: Mapping[str, Any], webui: Mapping[str, Any], folder: Path, data: Path
) -> Iterator[_Model]:
    """The models of the file, those of the server first."""
    entries = server.get("models")
    for number, entry in enumerate(entries if isinstance(entries, Sequence) else ()):
        given = _mapping(entry)
        if isinstance(model := given.get("model"), str):
            config = given.get("config")
            yield _Model(
                f"server.models.{number}.model",
                f"server.models.{number}.config",
                folder / model,
                folder / config if isinstance(config, str) else None,
            )
    if isinstance(model := webui.get("model"), str):
        config = webui.get("config_path")
        yield _Model(
            "webui.model",
            "webui.config_path",
            data / model,
            data / config if isinstance(config, str) else None,
        )


def _take_voices(reading: _Reading, models: Sequence[_Model], folder: Path) -> None:
    found: list[Path] = []
    missing: list[_Model] = []
    for model in models:
        voice = _converted(model, folder)
        if voice is None:
            missing.append(model)
            continue
        reading.used.append(model.key)
        if model.config is not None:
            reading.used.append(model.config_key)
        if voice not in found:
            found.append(voice)
    told = [
        f"{model.key} names {model.checkpoint}, which hasn't been converted. Convert it with: "
        f"{_conversion(model)}"
        for model in missing
    ]
    if found:
        reading.settings["voices"] = tuple(found)
        reading.settings["voice"] = found[0].name
        reading.notes += told
    elif missing:
        raise UsageError("\n".join(told))


def _conversion(model: _Model) -> str:
    out = model.checkpoint.parent / _voice_name(model)
    config = "" if model.config is None else f" '{model.config}'"
    return f"vinovits convert '{model.checkpoint}'{config} '{out}'"


def _voice_name(model: _Model) -> str:
    """What the folder of a voice is called where nothing else tells: that of its data."""
    parent = model.checkpoint.parent
    name = parent.parent.name if parent.name == "models" else parent.name
    return name or "voice"


def _converted(model: _Model, folder: Path) -> Path | None:
    """The voice folder that a checkpoint has become, if there is one and no doubt."""
    checkpoint = model.checkpoint
    exact = (checkpoint, checkpoint.with_suffix(""), checkpoint.parent / _voice_name(model))
    for path in exact:
        if _is_voice(path):
            return path
    for place in (checkpoint.parent, checkpoint.parent.parent, folder):
        if _is_voice(place):
            return place
        voices = [path for path in _folders(place) if _is_voice(path)]
        named = [path for path in voices if path.name == _voice_name(model)]
        if len(found := named or voices) == 1:
            return found[0]
    return None


def _is_voice(path: Path) -> bool:
    try:
        return (path / MANIFEST_NAME).is_file()
    except (OSError, ValueError):  # a name that no path can have
        return False


def _folders(place: Path) -> list[Path]:
    try:
        entries = sorted(place.iterdir())
    except (OSError, ValueError):
        return []
    return entries[:_MOST_LOOKED_AT]


def _leaves(content: Any, prefix: str = "", depth: int = 0) -> Iterator[str]:
    """The keys of the file that hold something: server.port, server.models.0.model …"""
    if isinstance(content, Mapping) and depth < 2:
        for name, value in content.items():
            yield from _leaves(value, f"{prefix}.{name}" if prefix else str(name), depth + 1)
    elif (
        isinstance(content, Sequence) and not isinstance(content, str) and prefix == "server.models"
    ):
        for number, entry in enumerate(content[:_MOST_MODELS]):
            for name in _mapping(entry):
                yield f"{prefix}.{number}.{name}"
    elif prefix and content not in (None, "", {}, []):
        yield prefix


def _is_within(key: str, used: Sequence[str]) -> bool:
    return any(key == one or key.startswith(f"{one}.") for one in used)
