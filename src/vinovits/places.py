"""Where voices and feature models are looked for by name."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


def roots(environment: str, kind: str) -> list[Path]:
    """Folders that are searched, in order.

    Those that the user names, the user's own data folder, and what came with the package.

    Args:
        environment: Name of a variable that holds folders, separated as in PATH.
        kind: "voices" or "features".
    """
    import platformdirs

    named = [Path(part) for part in os.environ.get(environment, "").split(os.pathsep) if part]
    own = platformdirs.user_data_path("vinovits", appauthor=False) / kind
    return [*named, own, Path(__file__).resolve().parent / "data" / kind]


def find(folders: Iterable[Path], manifest: str) -> dict[str, Path]:
    """Folders by name that hold a file `manifest`; of two of one name, the first.

    A folder that can't be read holds nothing.
    """
    found: dict[str, Path] = {}
    for folder in folders:
        try:
            paths = sorted(folder.glob(f"*/{manifest}"))
        except OSError:
            continue
        for path in paths:
            found.setdefault(path.parent.name, path.parent)
    return found
