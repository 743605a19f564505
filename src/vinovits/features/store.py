"""Where feature models are found, and one of each in memory for all voices."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar
from weakref import WeakValueDictionary

from vinovits.errors import MissingModelError
from vinovits.features.manifest import MANIFEST
from vinovits.manifests import sha256
from vinovits.places import find, roots
from vinovits.store.catalogue import command_for

ENVIRONMENT = "VINOVITS_FEATURES"
"""Environment variable with more folders to search first, separated as in PATH."""


class FeatureModel(Protocol):
    """What the classes of vinovits.features have in common."""

    name: str

    def unload(self) -> None:
        """Give memory back; the next call loads again."""


Model = TypeVar("Model", bound=FeatureModel)

_lock = threading.Lock()
_models: WeakValueDictionary[tuple[Any, ...], Any] = WeakValueDictionary()


def features_folder(name: str) -> Path | None:
    """The folder of the feature model of this name; None if there is none. It isn't opened."""
    # Looked up among the names that were found: a name with slashes or dots leads nowhere.
    return find(roots(ENVIRONMENT, "features"), MANIFEST).get(name)


def find_features(name: str) -> Path:
    """The folder of the feature model of this name.

    Args:
        name: The name of a feature model, such as "all-MiniLM-L6-v2".

    Returns:
        The first folder of this name that holds a features.json. Its content isn't checked here.

    Raises:
        MissingModelError: There is none; the message says how to get it, lists those there are and
            where was looked.
    """
    searched = roots(ENVIRONMENT, "features")
    folders = find(searched, MANIFEST)
    # Looked up among the names that were found: a name with slashes or dots leads nowhere.
    if name in folders:
        return folders[name]
    command = command_for(name)
    raise MissingModelError(
        f"There is no feature model {name!r}. "
        + (f"Get it by `{command}`, or speak" if command else "Speak")
        + f" without features (`--features none`). There are: {', '.join(folders) or 'none'}. "
        f"Searched: {', '.join(map(str, searched))}; {ENVIRONMENT} may name another folder that "
        "holds it.",
        name,
        command,
    )


def shared(
    kind: Callable[..., Model],
    folder: Path,
    device: str = "cpu",
    cache_dir: Path | None = None,
    **options: Any,
) -> Model:
    """The one object in this process that runs a feature model on a device.

    All who ask for the same files and device get the same object, so that ten voices need the
    memory of one model. It goes when the last of them does.

    Args:
        kind: Class of the model, such as BertFeatures.
        folder: A feature folder. Two with the same content are one model.
        device: The OpenVINO device to run on.
        cache_dir: Where compiled graphs are kept; the first to ask decides.
        **options: What else the class takes; other options, another object.

    Raises:
        VoiceError: The folder isn't a sound feature model of this kind.
        DeviceError: OpenVINO doesn't have this device.
    """
    try:
        content = sha256(folder / MANIFEST)  # it has the sums of all other files
    except OSError:
        return kind(folder, device, cache_dir, **options)  # which says what is wrong
    key = (kind, content, device.strip().lower(), *sorted(options.items()))
    with _lock:
        model = _models.get(key)
        if model is None:
            model = _models[key] = kind(folder, device, cache_dir, **options)
    found: Model = model
    return found


def unload_features() -> None:
    """Give the memory of all feature models back; they load again when next needed."""
    with _lock:
        models = list(_models.values())
    for model in models:
        model.unload()
