"""Files that appear whole, and what is remembered of work that is done."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vinovits.output.atomic import atomic_file, write_error


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; its folder is made.

    Raises:
        OutputError: It can't be written, as on a full disk.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(path) as part:
            part.write_bytes(content)
    except OSError as error:
        raise write_error(path, error) from error


def write_json(path: Path, data: Any) -> None:
    """Write JSON on one line."""
    write(path, json.dumps(data, ensure_ascii=False, allow_nan=False).encode())


def read_json(path: Path, key: str) -> dict[str, Any] | None:
    """What was kept with this key; None where there is nothing or something else."""
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) and data.get("key") == key else None


def write_arrays(path: Path, **arrays: NDArray[Any]) -> None:
    """Write arrays by name."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    write(path, buffer.getvalue())


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Write one array as .npy."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    write(path, buffer.getvalue())


def read_arrays(path: Path) -> dict[str, NDArray[Any]] | None:
    """Arrays by name; None where there are none, or broken ones."""
    try:
        with np.load(path, allow_pickle=False) as data:
            return {name: data[name] for name in data.files}
    except Exception:  # whatever half a zip file makes numpy say
        return None
