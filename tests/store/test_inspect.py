from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save

from vinovits.store.inspect import problem

TENSORS = {"a": torch.arange(12.0), "b": torch.ones(3, 4)}


def _torch_bytes(**options: bool) -> bytes:
    stream = io.BytesIO()
    torch.save(TENSORS, stream, **options)
    return stream.getvalue()


def _npy_bytes() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.ones((4, 256), np.float32))
    return stream.getvalue()


def _onnx_bytes() -> bytes:
    # ir_version 8, producer "torch", a graph of 300 bytes: as real files begin.
    return b"\x08\x08" + b"\x12\x05torch" + b"\x3a\xac\x02" + bytes(300)


GOOD = {
    "model.safetensors": save(TENSORS, {"format": "pt"}),
    "voice.aivm": save(TENSORS),
    "G_0.pth": _torch_bytes(),
    "pytorch_model.bin": _torch_bytes(),
    "style_vectors.npy": _npy_bytes(),
    "g2pw.onnx": _onnx_bytes(),
    "config.json": json.dumps({"model_type": "bert", "name": "日本"}).encode(),
}


def _told(tmp_path: Path, name: str, content: bytes) -> str:
    path = tmp_path / "whatever.part"
    path.write_bytes(content)
    return problem(path, name)


@pytest.mark.parametrize("name", GOOD)
def test_real_files_are_fine(tmp_path: Path, name: str) -> None:
    assert _told(tmp_path, name, GOOD[name]) == ""


def test_files_from_before_torch_wrote_archives_are_fine(tmp_path: Path) -> None:
    old = _torch_bytes(_use_new_zipfile_serialization=False)
    assert _told(tmp_path, "pytorch_model.bin", old) == ""


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("part", [0.3, 0.97])
def test_truncated_files_are_found(tmp_path: Path, name: str, part: float) -> None:
    content = GOOD[name]
    assert "cut off" in _told(tmp_path, name, content[: int(len(content) * part)])


@pytest.mark.parametrize("name", [*GOOD, "vocab.txt", "spm.model"])
def test_impostors_are_named(tmp_path: Path, name: str) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 9\n" % (b"a" * 64)
    assert "git-lfs pointer" in _told(tmp_path, name, pointer)
    for page in (b"<!DOCTYPE html><html>", b"\xef\xbb\xbf\n <html lang='en'>", b"<?xml version"):
        assert "web page" in _told(tmp_path, name, page)
    assert _told(tmp_path, name, b"") == "is empty"


@pytest.mark.parametrize("name", sorted(set(GOOD) - {"config.json"}))
def test_an_error_message_in_place_of_the_file_is_found(tmp_path: Path, name: str) -> None:
    assert _told(tmp_path, name, b'{"error": "Rate limit reached"}')


def test_bytes_behind_the_end_are_found(tmp_path: Path) -> None:
    content = GOOD["model.safetensors"] + b"\0\0"
    assert "2 bytes too many" in _told(tmp_path, "model.safetensors", content)


@pytest.mark.parametrize(
    "header", [b"[]", b"{", b'{"a": 1}', b'{"a": {"data_offsets": ["x", "y"]}}']
)
def test_a_lying_safetensors_header_is_found(tmp_path: Path, header: bytes) -> None:
    content = len(header).to_bytes(8, "little") + header
    assert "isn't a safetensors file" in _told(tmp_path, "model.safetensors", content)
