"""Where feature models are found: by name, in a few folders that are searched in order."""

from __future__ import annotations

import os
from pathlib import Path

from vinovits.errors import VoiceError
from vinovits.features.manifest import MANIFEST

ENVIRONMENT = "VINOVITS_FEATURES"
"""Environment variable with more folders to search first, separated as in PATH."""


def feature_folders() -> list[Path]:
    """The folders that may hold feature models, in the order of search.

    First those that the user names in VINOVITS_FEATURES, then the user's own data folder, then what
    came with the package.
    """
    import platformdirs

    named = [Path(part) for part in os.environ.get(ENVIRONMENT, "").split(os.pathsep) if part]
    packaged = Path(__file__).resolve().parent.parent / "data" / "features"
    return [*named, platformdirs.user_data_path("vinovits") / "features", packaged]


def find_features(name: str) -> Path:
    """The folder of the feature model of this name.

    Args:
        name: The name of a feature model, such as "all-MiniLM-L6-v2".

    Returns:
        The first folder of this name that holds a features.json. Its content isn't checked here.

    Raises:
        VoiceError: There is none; the message lists those there are and where was looked.
    """
    folders = feature_folders()
    available = sorted({path.parent.name for folder in folders for path in _manifests(folder)})
    # Looked up among the names that were found: a name with slashes or dots leads nowhere.
    if name in available:
        return next(folder / name for folder in folders if (folder / name / MANIFEST).is_file())
    raise VoiceError(
        f"There is no feature model {name!r}. There are: {', '.join(available) or 'none'}. "
        f"Searched: {', '.join(map(str, folders))}. Set {ENVIRONMENT} to the folder that holds it, "
        "or speak without features (`--features none`)."
    )


def _manifests(folder: Path) -> list[Path]:
    try:
        return list(folder.glob(f"*/{MANIFEST}"))
    except OSError:
        return []  # A folder that can't be read holds nothing; the error lists it as searched.
