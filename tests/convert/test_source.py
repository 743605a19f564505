"""What people hold: files, folders as the released programs lay them out, and AIVM files."""

from __future__ import annotations

import base64
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from vinovits.convert.aivm import read_aivm
from vinovits.convert.source import open_source, read_styles
from vinovits.errors import CheckpointError

PNG = b"\x89PNG\r\n\x1a\n..."


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text('{"data": {}}')
    return tmp_path


def _touch(path: Path, *, age: float = 0) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.touch()
    os.utime(path, (1e9 - age, 1e9 - age))
    return path


def test_the_checkpoint_with_the_most_steps_is_taken(folder: Path) -> None:
    for name in ("G_0.pth", "G_900.pth", "G_12000.pth", "D_99000.pth", "DUR_99000.pth"):
        _touch(folder / name)
    source = open_source(folder)
    assert source.weights.name == "G_12000.pth"
    assert "Of 3 checkpoints" in source.notes[0]


def test_steps_in_names_of_the_other_program_and_age_where_they_tie(folder: Path) -> None:
    _touch(folder / "anna_e10_s500.safetensors")
    _touch(folder / "anna_e100_s5000.safetensors")
    assert open_source(folder).weights.name == "anna_e100_s5000.safetensors"
    _touch(folder / "older" / "x")
    _touch(folder / "b_s5000.safetensors", age=-5)
    assert open_source(folder).weights.name == "b_s5000.safetensors"


def test_what_isnt_a_file_is_no_checkpoint(folder: Path) -> None:
    (folder / "G_5.pth").symlink_to(folder / "gone.pth")
    (folder / "G_6.pth").mkdir()
    with pytest.raises(CheckpointError, match="holds no checkpoint"):
        open_source(folder)
    _touch(folder / "G_1.pth")
    assert open_source(folder).weights.name == "G_1.pth"


def test_the_layout_of_a_training_folder(tmp_path: Path) -> None:
    _touch(tmp_path / "models" / "G_100.pth")
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "config.json").write_text('{"version": "2.1"}')
    assert open_source(tmp_path).config == {"version": "2.1"}
    assert open_source(tmp_path / "models" / "G_100.pth").config == {"version": "2.1"}


def test_what_lies_beside_the_checkpoint_is_read(folder: Path) -> None:
    _touch(folder / "model.safetensors")
    np.save(folder / "style_vectors.npy", np.ones((2, 256), np.float32))
    (folder / "card.json").write_text('{"title": "Anna", "licence": "CC0-1.0"}')
    (folder / "config.json").write_text('{"data": {"style2id": {"Neutral": 0, "Glad": 1}}}')
    source = open_source(folder)
    assert source.styles is not None
    assert source.styles.names == {"Neutral": 0, "Glad": 1}
    assert source.card.title == "Anna"
    (folder / "card.json").write_text('{"colour": "red"}')
    with pytest.raises(CheckpointError, match="isn't a voice's card"):
        open_source(folder)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="holds no checkpoint"):
        open_source(tmp_path)
    with pytest.raises(CheckpointError, match=r"no config.json beside.*CHECKPOINT CONFIG OUT"):
        open_source(_touch(tmp_path / "G_0.pth"))
    with pytest.raises(CheckpointError, match="No such file"):
        open_source(tmp_path / "G_7.pth")
    with pytest.raises(CheckpointError, match="ONNX graph"):
        open_source(_touch(tmp_path / "voice.onnx"))
    _touch(tmp_path / "voice.json")
    with pytest.raises(CheckpointError, match="a voice folder already"):
        open_source(tmp_path)


@pytest.mark.parametrize(
    ("table", "data", "message"),
    [
        (np.ones((3, 256), np.float32), {"num_styles": 2}, "counts 2 styles, but.*3 style"),
        (np.ones((2, 256), np.float32), {"style2id": {"Glad": 2}}, "'Glad' row 2.*has 2 rows"),
        (np.ones((2, 256), np.float32), {"style2id": {"Glad": -1}}, "'Glad' row -1"),
        (np.ones((2, 256), np.float32), {"style2id": {"Glad": "1"}}, "should name the rows"),
        (np.ones(256, np.float32), {}, r"float32 of the shape \(256,\)"),
        (np.ones((0, 256), np.float32), {}, "should be a table"),
        (np.ones((2, 256), np.int64), {}, "not int64"),
        (np.full((2, 256), np.nan, np.float32), {}, "aren't all finite"),
    ],
)
def test_style_vectors_that_cant_be(table: Any, data: dict[str, Any], message: str) -> None:
    content = io.BytesIO()
    np.save(content, table)
    with pytest.raises(CheckpointError, match=message):
        read_styles(content.getvalue(), {"data": data}, Path("here"))


HUGE = (
    b"{'descr': '<f4', 'fortran_order': False, 'shape': (10000000000000, 256), }".ljust(117) + b"\n"
)


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"\x93NUMPY\x01\x00", b"\x93NUMPY\x01\x00v\x00" + HUGE]
)
def test_style_vectors_that_are_none(content: bytes) -> None:
    with pytest.raises(CheckpointError, match="can't be read"):
        read_styles(content, {}, Path("here"))


def test_style_vectors_with_objects_arent_unpickled() -> None:
    content = io.BytesIO()
    np.save(content, np.array([{"a": 1}], object))
    with pytest.raises(CheckpointError, match="can't be read"):
        read_styles(content.getvalue(), {}, Path("here"))


def _manifest() -> dict[str, Any]:
    return {
        "manifest_version": "1.0",
        "name": "Anna",
        "description": "A calm voice.",
        "creators": ["Jane Doe", "John Doe"],
        "license": "CC0-1.0",
        "model_architecture": "Style-Bert-VITS2 (JP-Extra)",
        "model_format": "Safetensors",
        "uuid": "0-1",
        "version": "1.2.0",
        "speakers": [
            {
                "name": "アンナ",
                "icon": "data:image/png;base64," + base64.b64encode(PNG).decode(),
                "supported_languages": ["ja", "en-US"],
                "local_id": 0,
                "styles": [
                    {"name": "ノーマル", "local_id": 0},
                    {"name": "喜び", "local_id": 1},
                ],
            }
        ],
    }


Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes an AIVM file with a changed manifest or header."""

    def write(change: Callable[[Any], Any] = lambda manifest: None, **header: str) -> Path:
        manifest = _manifest()
        change(manifest)
        styles = io.BytesIO()
        np.save(styles, np.ones((2, 256), np.float32))
        config = {"data": {"spk2id": {"anna": 0}, "style2id": {"Neutral": 0, "Glad": 1}}}
        metadata = {
            "aivm_manifest": json.dumps(manifest),
            "aivm_hyper_parameters": json.dumps(config),
            "aivm_style_vectors": base64.b64encode(styles.getvalue()).decode(),
            **header,
        }
        path = tmp_path / "anna.aivm"
        save_file({"x": np.zeros(1, np.float32)}, path, metadata)
        return path

    return write


def test_names_licence_icon_and_styles_of_an_aivm_file_come_over(write: Write) -> None:
    source = open_source(write())
    assert source.name == source.card.title == "Anna"
    assert source.card.licence == "CC0-1.0"
    assert source.card.author == "Jane Doe, John Doe"
    assert source.claimed == "sbv2-jp-extra"
    assert source.speakers == {"アンナ": 0}
    assert source.styles is not None
    assert source.styles.names == {"ノーマル": 0, "喜び": 1}
    assert source.languages == ("ja", "en")
    assert source.icon == PNG


def _speaker(**changes: Any) -> Callable[[Any], None]:
    return lambda manifest: manifest["speakers"][0].update(changes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.update(manifest_version="2.0"), "version 2.0; version 1.0 is read"),
        (lambda m: m.update(model_architecture="GPT-SoVITS"), "of the kind 'GPT-SoVITS'"),
        (lambda m: m.update(model_format="ONNX"), "doesn't tell the truth: its format is ONNX"),
        (lambda m: m.update(speakers=[]), "names no speakers"),
        (lambda m: m.update(speakers=["anna"]), "is no speaker and no style"),
        (lambda m: m.update(name=7), "no sound 'name'"),
        (_speaker(local_id=3), "no speaker with the number of 'アンナ'"),
        (_speaker(local_id=True), "no sound 'local_id'"),
        (_speaker(styles=[{"name": "x", "local_id": 2}]), r"no style vectors for x \(2\)"),
        (
            _speaker(styles=[{"name": "x", "local_id": 0}, {"name": "x", "local_id": 1}]),
            "'x' stands for the numbers 0 and 1",
        ),
        (_speaker(icon="data:image/png;base64,AAAA"), "no PNG or JPEG"),
        (_speaker(icon="data:image/svg+xml;base64,AAAA"), "no PNG or JPEG"),
        (_speaker(icon="data:image/png;base64,*"), "isn't valid base64"),
    ],
)
def test_a_manifest_that_lies_is_refused(write: Write, change: Any, message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        read_aivm(write(change))


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"aivm_manifest": "{"}, "aivm_manifest of .* isn't valid JSON"),
        ({"aivm_manifest": "[]"}, "is no JSON object"),
        ({"aivm_hyper_parameters": "{}"}, "no sound 'data'"),
        ({"aivm_style_vectors": "!"}, "isn't valid base64"),
        ({"aivm_style_vectors": "AAAA"}, "can't be read"),
    ],
)
def test_headers_that_cant_be(write: Write, header: dict[str, str], message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        read_aivm(write(**header))


def test_a_file_that_is_no_aivm(tmp_path: Path) -> None:
    (tmp_path / "a.aivm").write_bytes(b"nonsense")
    with pytest.raises(CheckpointError, match="no AIVM file"):
        read_aivm(tmp_path / "a.aivm")
    save_file({"x": np.zeros(1, np.float32)}, tmp_path / "b.aivm")
    with pytest.raises(CheckpointError, match="Is it an AIVM file"):
        read_aivm(tmp_path / "b.aivm")


def test_a_file_that_calls_itself_what_no_voice_can_be_called(tmp_path: Path, write: Write) -> None:
    from vinovits.convert.voice import convert_checkpoint

    path = write(lambda manifest: manifest.update(name="../evil"))
    with pytest.raises(CheckpointError, match=r"anna.aivm \(--name gives another\).*'\.\./evil'"):
        convert_checkpoint(path, None, tmp_path / "voice")


def test_an_aivm_file_becomes_a_voice_with_all_it_tells(tmp_path: Path, write: Write) -> None:
    import vinovits
    from tests.engine.test_conditions import save_checkpoint
    from vinovits.convert.voice import convert_checkpoint

    def packed(family: str) -> Path:
        source = save_checkpoint(
            tmp_path / family, family, spk2id={"anna": 0}, style2id={"Neutral": 0, "Glad": 1}
        )
        tensors = load_file(source / "tiny_s7.safetensors")
        with safe_open(write(_speaker(supported_languages=["ja"])), framework="np") as file:
            header = {
                **file.metadata(),
                "aivm_hyper_parameters": (source / "config.json").read_text(),
            }
        save_file(tensors, tmp_path / "anna.aivm", header)
        return tmp_path / "anna.aivm"

    made = convert_checkpoint(packed("sbv2-jp-extra"), None, tmp_path / "voice")
    manifest = made.manifest
    assert (manifest.name, manifest.variant) == ("Anna", "sbv2-jp-extra")
    assert manifest.speakers == {"アンナ": 0}
    assert manifest.styles == {"ノーマル": 0, "喜び": 1}
    assert manifest.languages == ("ja",)
    assert (made.folder / manifest.icon).read_bytes() == PNG
    assert manifest.card.licence == "CC0-1.0"
    vinovits.load(made.folder, features="none", cache_dir=tmp_path / "cache")

    with pytest.raises(CheckpointError, match="says that it is of the family sbv2-jp-extra"):
        convert_checkpoint(packed("sbv2"), None, tmp_path / "other")
