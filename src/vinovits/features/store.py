"""Where feature models are found: by name, in a few folders that are searched in order."""

from __future__ import annotations

from pathlib import Path

from vinovits.errors import VoiceError
from vinovits.features.manifest import MANIFEST
from vinovits.places import find, roots

ENVIRONMENT = "VINOVITS_FEATURES"
"""Environment variable with more folders to search first, separated as in PATH."""


def find_features(name: str) -> Path:
    """The folder of the feature model of this name.

    Args:
        name: The name of a feature model, such as "all-MiniLM-L6-v2".

    Returns:
        The first folder of this name that holds a features.json. Its content isn't checked here.

    Raises:
        VoiceError: There is none; the message lists those there are and where was looked.
    """
    searched = roots(ENVIRONMENT, "features")
    folders = find(searched, MANIFEST)
    # Looked up among the names that were found: a name with slashes or dots leads nowhere.
    if name in folders:
        return folders[name]
    raise VoiceError(
        f"There is no feature model {name!r}. There are: {', '.join(folders) or 'none'}. "
        f"Searched: {', '.join(map(str, searched))}. Set {ENVIRONMENT} to the folder that holds "
        "it, or speak without features (`--features none`)."
    )
