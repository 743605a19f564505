"""The description of the interface, as `python -m tests.serve.openapi` writes it down."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vinovits import __version__
from vinovits.engine.voice import Voice
from vinovits.serve.app import create_app
from vinovits.serve.settings import ServeSettings
from vinovits.serve.voices import VoiceFolders

SNAPSHOT = Path(__file__).parent / "openapi.json"
METHODS = ("get", "post", "put", "patch", "delete")


def described() -> dict[str, Any]:
    """What a server without a page says of itself."""

    def load(folder: Path) -> Voice:
        raise AssertionError("nothing is spoken")

    with tempfile.TemporaryDirectory() as folder:
        settings = ServeSettings(jobs=Path(folder))
        schema = create_app(settings, VoiceFolders([], load)).openapi()
    # The next release changes nothing but its number.
    found: dict[str, Any] = json.loads(json.dumps(schema).replace(f'"{__version__}"', '"any"'))
    return found


def operations(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each operation with its name, such as "post /voice"."""
    for path, item in schema["paths"].items():
        for method in METHODS:
            if method in item:
                yield f"{method} {path}", item[method]


if __name__ == "__main__":
    text = json.dumps(described(), ensure_ascii=False, indent=1, sort_keys=True)
    SNAPSHOT.write_text(text + "\n", encoding="utf-8")
    print(f"{SNAPSHOT} is written.")
