"""Converting an upload: in a process of its own, one at a time, for a bounded time."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from vinovits.errors import UsageError
from vinovits.places import own
from vinovits.serve.errors import ApiError

WEIGHTS = {".pth": "G_0.pth", ".safetensors": "model.safetensors", ".aivm": "model.aivm"}
"""What is taken, and what the converter sees: names of uploads mean nothing to it."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_MOST_BESIDE = 16 << 20
"""Bytes of a config or of styles."""
_SECONDS = 1800.0
_MOST_TOLD = 1500
"""Characters of what the converter says."""

_one = threading.Lock()


def has_converter() -> bool:
    """Whether the extra `convert` is installed."""
    return all(importlib.util.find_spec(name) for name in ("torch", "safetensors"))


def convert(files: Sequence[Path], name: str, licence: str) -> str:
    """Convert uploaded files into a voice folder in the user's own place.

    Args:
        files: A checkpoint, its config.json, and the style_vectors.npy if it has one; or an AIVM
            file.
        name: Of the voice.
        licence: For its card.

    Returns:
        What the converter says.

    Raises:
        UsageError: The files or the name can't be right, or the converter refuses them.
        ApiError: Another upload is being converted.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            "The name of a voice has 1 to 64 letters, digits and `_ . -`, and begins with a letter "
            "or a digit."
        )
    out = own("voices") / name
    if out.exists():
        raise UsageError(f"There is a voice {name!r} already. Choose another name.")
    weights = [file for file in files if file.suffix.lower() in WEIGHTS]
    beside = [file for file in files if file not in weights]
    if len(weights) != 1:
        raise UsageError("Give one checkpoint: a .pth, .safetensors or .aivm file.")
    if not _one.acquire(blocking=False):
        raise ApiError(429, "Another upload is being converted. Try again later.", "converting")
    try:
        with tempfile.TemporaryDirectory(prefix="vinovits-convert-") as folder:
            place = Path(folder)
            checkpoint = place / WEIGHTS[weights[0].suffix.lower()]
            shutil.copyfile(weights[0], checkpoint)
            for file in beside:
                shutil.copyfile(file, place / _beside(file))
            return _run(checkpoint, out, licence)
    finally:
        _one.release()


def _beside(file: Path) -> str:
    kinds = {".json": "config.json", ".npy": "style_vectors.npy"}
    kind = kinds.get(file.suffix.lower())
    if kind is None:
        raise UsageError(f"{file.name[:60]} is neither a checkpoint nor what lies beside one.")
    if file.stat().st_size > _MOST_BESIDE:
        raise UsageError(f"{file.name[:60]} is too large to be a {kind}.")
    return kind


def _run(checkpoint: Path, out: Path, licence: str) -> str:
    out.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "vinovits", "convert", str(checkpoint), str(out)]
    if licence:
        command.append(f"--licence={licence}")
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UsageError(f"This took longer than the {_SECONDS:g} s that it may.") from None
    told = done.stderr.replace(f"{checkpoint.parent}/", "").replace(f"{out.parent}/", "")
    told = told.strip()[-_MOST_TOLD:]
    if done.returncode:
        raise UsageError(told.removeprefix("error: ") or "The converter ended without a word.")
    return told
