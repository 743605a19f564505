"""What a downloaded file really is: the file that was asked for, or one of the usual impostors."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import BinaryIO

_POINTER = b"version https://git-lfs.github.com/spec/"
_PAGES = (b"<!doctype html", b"<html", b"<head", b"<?xml")
_LONGEST_HEADER = 100_000_000
"""Bytes of the header of a safetensors file; the library has the same limit."""
_LARGE_VARINT = 10
"""Bytes of the longest number in protobuf."""


def problem(path: Path, name: str = "") -> str:
    """What is wrong with a file, by its content and the extension of its name.

    Finds a git-lfs pointer, a web page, an error message instead of the file, and files that are
    cut off. Only the beginning and the end are read, and JSON.

    Args:
        path: The file.
        name: What it is called, if `path` is a temporary file.

    Returns:
        The end of a sentence that begins with the file's name, such as "is empty"; nothing if the
        file looks right.
    """
    size = path.stat().st_size
    if size == 0:
        return "is empty"
    with path.open("rb") as file:
        head = file.read(512)
        if head.startswith(_POINTER):
            return "is a git-lfs pointer, not the file itself"
        if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_PAGES):
            return "is a web page, not the file itself"
        kind = Path(name or path.name).suffix.lower()
        match kind:
            case ".json":
                return _json(path)
            case ".safetensors" | ".aivm":
                return _safetensors(file, size)
            case ".bin" | ".pth" | ".pt":
                return _torch(path, head)
            case ".npy":
                return _npy(path)
            case ".onnx":
                return _onnx(file, size)
    return ""


def _json(path: Path) -> str:
    try:
        json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return "isn't valid JSON, or is cut off"
    return ""


def _safetensors(file: BinaryIO, size: int) -> str:
    """The file is 8 bytes with the length of a JSON header, the header, and the tensors."""
    file.seek(0)
    length = int.from_bytes(file.read(8), "little")
    if not 2 <= length <= _LONGEST_HEADER:
        return "isn't a safetensors file"
    if 8 + length > size:
        return f"is cut off: it has {size} bytes, and its header alone takes {8 + length}"
    try:
        header = json.loads(file.read(length))
        ends = [
            entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"
        ]
        whole = 8 + length + max(ends, default=0)
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError, IndexError):
        return "isn't a safetensors file"
    if size < whole:
        return f"is cut off: it has {size} of {whole} bytes"
    return "" if size == whole else f"has {size - whole} bytes too many"


def _torch(path: Path, head: bytes) -> str:
    """torch.save writes a zip archive, whose table of contents is at the end; long ago a pickle."""
    if head.startswith(b"PK\x03\x04"):
        return "" if zipfile.is_zipfile(path) else "is cut off"
    return "" if head.startswith(b"\x80") else "isn't a file that torch wrote"


def _npy(path: Path) -> str:
    import numpy as np

    try:
        np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        return f"isn't a numpy array, or is cut off ({error})"
    return ""


def _onnx(file: BinaryIO, size: int) -> str:
    """An ONNX file is a protobuf message: numbered fields, most with their length in front."""
    file.seek(0)
    position = 0
    while position < size:
        tag, used = _varint(file)
        kind = tag & 7
        if not used or tag >> 3 == 0 or kind not in (0, 1, 2, 5):
            return "isn't an ONNX file, or is cut off"
        position += used
        length, used = _varint(file) if kind in (0, 2) else (0, 0)
        position += used + {0: 0, 1: 8, 2: length, 5: 4}[kind]
        if position > size:
            return f"is cut off: it has {size} of at least {position} bytes"
        file.seek(position)
    return ""


def _varint(file: BinaryIO) -> tuple[int, int]:
    """A number of protobuf and how many bytes it took; none at the end of the file."""
    value = 0
    for index in range(_LARGE_VARINT):
        byte = file.read(1)
        if not byte:
            return 0, 0
        value |= (byte[0] & 0x7F) << (7 * index)
        if byte[0] < 0x80:
            return value, index + 1
    return 0, 0
