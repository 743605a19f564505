"""Model folders as people hold them: every way of storing tensors, and what only looks like it."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from vinovits.convert.features.source import Config, Weights
from vinovits.errors import CheckpointError

VALUES = torch.tensor([[1.5, -2.0], [0.25, 8.0]])


def read(folder: Path, name: str = "a.weight", prefix: str = "") -> np.ndarray:
    weights = Weights(folder, prefix)
    values = weights.take(name, 2, 2)
    weights.check()
    return values


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("way", ["safetensors", "zip", "legacy"])
def test_all_types_become_float32(tmp_path: Path, dtype: torch.dtype, way: str) -> None:
    state = {"a.weight": VALUES.to(dtype), "position_ids": torch.arange(3)}
    if way == "safetensors":
        save_file(state, tmp_path / "model.safetensors")
    else:
        path = tmp_path / "pytorch_model.bin"
        torch.save(state, path, _use_new_zipfile_serialization=way == "zip")
    values = read(tmp_path)
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, VALUES.numpy())


def test_names_of_heads_and_of_tensorflow(tmp_path: Path) -> None:
    state = {"bert.a.LayerNorm.gamma": VALUES, "bert.a.LayerNorm.beta": -VALUES}
    torch.save(state, tmp_path / "pytorch_model.bin")
    np.testing.assert_array_equal(read(tmp_path, "a.LayerNorm.weight", "bert."), VALUES)
    np.testing.assert_array_equal(read(tmp_path, "a.LayerNorm.bias", "bert."), -VALUES)
    assert "a.LayerNorm.weight" in Weights(tmp_path, "bert.")
    assert "b" not in Weights(tmp_path, "bert.")


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("dim", [0, 1, 2])
@pytest.mark.parametrize(
    ("magnitude", "direction"),
    [
        ("weight_g", "weight_v"),
        ("parametrizations.weight.original0", "parametrizations.weight.original1"),
    ],
)
def test_weight_norm_is_folded(tmp_path: Path, dim: int, magnitude: str, direction: str) -> None:
    conv = torch.nn.utils.weight_norm(torch.nn.Conv1d(4, 6, 3), dim=dim)
    with torch.no_grad():
        conv.weight_g.mul_(1.7)
    state = {f"c.{magnitude}": conv.weight_g.data, f"c.{direction}": conv.weight_v.data}
    torch.save(state, tmp_path / "pytorch_model.bin")
    weights = Weights(tmp_path)
    values = weights.take("c.weight", 6, 4, 3)
    weights.check()
    conv(torch.zeros(1, 4, 3))  # computes conv.weight
    np.testing.assert_allclose(values, conv.weight.detach().numpy(), rtol=1e-5)


def test_half_of_a_folded_weight_is_missing(tmp_path: Path) -> None:
    torch.save({"c.weight_g": torch.ones(6, 1, 1)}, tmp_path / "pytorch_model.bin")
    weights = Weights(tmp_path)
    weights.take("c.weight", 6, 4, 3)
    with pytest.raises(CheckpointError, match=r"c\.weight is missing"):
        weights.check()


@pytest.mark.parametrize("kind", ["model.safetensors", "pytorch_model.bin"])
def test_models_in_parts(tmp_path: Path, kind: str) -> None:
    parts = {"part-1": {"a.weight": VALUES}, "part-2": {"b.weight": VALUES + 1}}
    suffix = Path(kind).suffix
    for name, state in parts.items():
        path = tmp_path / f"{name}{suffix}"
        if suffix == ".bin":
            torch.save(state, path)
        else:
            save_file(state, path)
    index = {"weight_map": {"a.weight": f"part-1{suffix}", "b.weight": f"part-2{suffix}"}}
    (tmp_path / f"{kind}.index.json").write_text(json.dumps(index), encoding="utf-8")
    np.testing.assert_array_equal(read(tmp_path), VALUES)
    np.testing.assert_array_equal(read(tmp_path, "b.weight"), VALUES + 1)
    (tmp_path / f"part-2{suffix}").unlink()
    with pytest.raises(CheckpointError, match=f"part-2{suffix} is missing"):
        Weights(tmp_path)


@pytest.mark.parametrize("entry", ["../secret.bin", "/etc/passwd", 7, "a/b.bin"])
def test_parts_outside_of_the_folder(tmp_path: Path, entry: object) -> None:
    index = {"weight_map": {"a": entry}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    with pytest.raises(CheckpointError, match="doesn't list the files"):
        Weights(tmp_path)


class Evil:
    """Says so when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("code has run",)


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_pickle_is_never_run(
    tmp_path: Path, zipped: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "pytorch_model.bin"
    torch.save({"a": Evil()}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match="such a file can run code"):
        Weights(tmp_path)
    assert "code has run" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git-lfs pointer"),
        (b"<!DOCTYPE html><html>", "is a web page"),
        (b"PK\x03\x04" + bytes(100), r"cut off|isn't a safetensors file"),
        (pickle.dumps([1, 2])[:5], "isn't|damaged|sound"),
        (bytes(8) + b"{}", "isn't"),
    ],
)
def test_what_only_looks_like_weights(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CheckpointError, match=message):
        Weights(tmp_path)


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_cut_off_anywhere(tmp_path: Path, name: str) -> None:
    state = {f"{index}.weight": VALUES + index for index in range(20)}
    path = tmp_path / name
    if name.endswith("bin"):
        torch.save(state, path)
    else:
        save_file(state, path)
    whole = path.read_bytes()
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError):
            Weights(tmp_path)


def test_a_table_of_something_else(tmp_path: Path) -> None:
    torch.save([VALUES], tmp_path / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="holds no table of tensors"):
        Weights(tmp_path)


@pytest.mark.parametrize(
    "value", [VALUES.to_sparse(), VALUES.to("meta"), torch.ones(1).expand(10**5, 10**6)]
)
def test_tensors_without_values_are_missing(tmp_path: Path, value: torch.Tensor) -> None:
    torch.save({"a.weight": value}, tmp_path / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match=r"a\.weight is missing"):
        read(tmp_path)


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    state = {"nan": torch.tensor([1.0, float("nan")]), "shape": torch.zeros(3)}
    torch.save(state, tmp_path / "pytorch_model.bin")
    weights = Weights(tmp_path)
    for name in ("nan", "shape", "gone"):
        assert not weights.take(name, 2).any()
    with pytest.raises(CheckpointError) as caught:
        weights.check()
    for part in ("nan holds NaN", r"shape has the shape (3,), not (2,)", "gone is missing"):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("read", "value"),
    [
        ("number", "3"),
        ("number", 0),
        ("number", True),
        ("real", 2),
        ("real", "x"),
        ("text", 3),
        ("flag", 1),
        ("numbers", []),
        ("numbers", [1, "2"]),
        ("numbers", 3),
        ("part", []),
    ],
)
def test_config_entries_of_the_wrong_kind(tmp_path: Path, read: str, value: object) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"x": value}), encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"config\.json: x is"):
        getattr(Config(path), read)("x")
