"""Where voices and models lie, and where they are looked for by name."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

DATA = "VINOVITS_DATA"
"""Environment variable: the user's data folder, if not where the system has such folders."""
BASES = "VINOVITS_BASES"
"""Environment variable: folders with bases, each a folder with config.json and a checkpoint."""


def own(kind: str) -> Path:
    """The user's own folder for things of a kind; it need not exist.

    Args:
        kind: "voices", "features", "bases", "downloads" or "lexicons".
    """
    if named := os.environ.get(DATA):
        return Path(named).absolute() / kind
    import platformdirs

    return platformdirs.user_data_path("vinovits", appauthor=False) / kind


def roots(environment: str, kind: str) -> list[Path]:
    """Folders that are searched, in order.

    Those that the user names, the user's own data folder, and what came with the package.

    Args:
        environment: Name of a variable that holds folders, separated as in PATH.
        kind: "voices", "features" or "bases".
    """
    named = [Path(part) for part in os.environ.get(environment, "").split(os.pathsep) if part]
    return [*named, own(kind), Path(__file__).resolve().parent / "data" / kind]


def find_bases() -> dict[str, Path]:
    """What voices can be trained on, by name: folders with config.json and a checkpoint."""
    return find(roots(BASES, "bases"), "config.json")


def find(folders: Iterable[Path], manifest: str) -> dict[str, Path]:
    """Folders by name that hold a file `manifest`; of two of one name, the first.

    A folder that can't be read holds nothing, and one whose name begins with a dot is unfinished.
    """
    found: dict[str, Path] = {}
    for folder in folders:
        try:
            paths = sorted(folder.glob(f"*/{manifest}"))
        except OSError:
            continue
        for path in paths:
            if not path.parent.name.startswith("."):
                found.setdefault(path.parent.name, path.parent)
    return found
