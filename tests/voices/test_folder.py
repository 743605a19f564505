"""Voice folders that are broken, altered, foreign or hostile."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.helpers import minimal_manifest
from vinovits.errors import VoiceError
from vinovits.voices.manifest import FORMAT, VoiceManifest, open_folder, read_manifest


@pytest.fixture
def folder(tiny_voice: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_voice, tmp_path / "voice"))


def _change(folder: Path, **changes: Any) -> None:
    data = json.loads((folder / "voice.json").read_text())
    data.update(changes)
    (folder / "voice.json").write_text(json.dumps(data))


def test_a_manifest_survives_the_round_trip() -> None:
    manifest = minimal_manifest()
    data = json.loads(json.dumps(manifest.to_dict()))
    assert VoiceManifest.from_dict(data, "here") == manifest


def test_a_converted_folder_is_complete_and_holds_no_other_files(folder: Path) -> None:
    manifest = open_folder(folder)
    assert {path.name for path in folder.iterdir()} == {"voice.json", *manifest.files}
    assert manifest.speakers == {"ann": 0, "bob": 1}
    assert manifest.languages == ("en",)
    assert [need.input for need in manifest.features] == ["en_bert"]
    assert manifest.features[0].model == "all-MiniLM-L6-v2"
    assert manifest.card.licence == "CC0-1.0"


@pytest.mark.parametrize("name", ["encoder.bin", "flow.xml", "decoder.bin", "speakers.npy"])
def test_missing_truncated_and_altered_files_are_named(folder: Path, name: str) -> None:
    path = folder / name
    content = path.read_bytes()
    path.unlink()
    with pytest.raises(VoiceError, match=f"{name} is missing"):
        open_folder(folder)
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(VoiceError, match=f"{name} is truncated or altered"):
        open_folder(folder)
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(VoiceError, match=f"{name} is truncated or altered"):
        open_folder(folder)


def test_a_newer_format_asks_for_an_update(folder: Path) -> None:
    _change(folder, format=FORMAT + 1)
    with pytest.raises(VoiceError, match=rf"format version {FORMAT + 1}.*Update vinovits"):
        read_manifest(folder)


@pytest.mark.parametrize(
    "name", ["../encoder.bin", "/etc/passwd", "a/b", "..", "a\\b", "x\0", "C:encoder.bin"]
)
def test_paths_that_climb_out_are_refused(folder: Path, name: str) -> None:
    files = json.loads((folder / "voice.json").read_text())["files"]
    _change(folder, files={**files, name: "0" * 64})
    with pytest.raises(VoiceError, match="outside of its folder"):
        read_manifest(folder)


ODD_NAMES = ["", "../x", "a/b", "a\\b", ".", "..", ".x", " x", "x ", "x" * 101, "a\nb", "\x1b[31m"]


@pytest.mark.parametrize("name", [*ODD_NAMES, "\x00", "\u2028", "\ud800"])
def test_odd_names_are_refused(folder: Path, name: str) -> None:
    before = json.loads((folder / "voice.json").read_text())
    _change(folder, name=name)
    with pytest.raises(VoiceError, match=r"voice\.json: name can't be .* A name has 1 to 100"):
        read_manifest(folder)
    _change(folder, name="fine", features=[{**before["features"][0], "model": name}])
    with pytest.raises(VoiceError, match=r"voice\.json: model can't be "):
        read_manifest(folder)


@pytest.mark.parametrize(
    "name", ["joe", "Ann's voice (2)", "小春音アミ", "山田　太郎", "é", "x" * 100]
)
def test_names_of_people_are_fine(folder: Path, name: str) -> None:
    _change(folder, name=name)
    assert read_manifest(folder).name == name


def test_links_that_lead_out_arent_followed(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "flow.bin"
    shutil.move(folder / "flow.bin", outside)
    (folder / "flow.bin").symlink_to(outside)
    with pytest.raises(VoiceError, match="leads out of its folder"):
        open_folder(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"surprise": 1}, "unknown keys: surprise"),
        ({"sampling_rate": "fast"}, "sampling_rate has a value of the wrong kind"),
        ({"hop_length": 0}, "hop_length 0, below 1"),
        ({"decoder_context": -50}, "decoder_context -50, below 0"),
        ({"speakers": {}}, "names no speakers"),
        ({"speakers": {"a": -1}}, "row below 0"),
        ({"reading": "worse"}, "wants the reading 'worse'. There are: better, released"),
        ({"reading": None}, "wants the reading None"),
        ({"defaults": None}, "wrong kind"),
        ({"defaults": {"speed": 0}}, "default speed 0, not 0.25 to 4"),
        ({"defaults": {"noise": float("nan")}}, "default noise nan"),
        ({"table": {"symbols": 5, "languages": {}}}, "wrong kind"),
        ({"table": {"symbols": ["a"], "languages": {}}, "languages": []}, "no symbol '_'"),
        ({"table": {"symbols": ["_"], "languages": [1]}}, "wrong kind"),
        ({"table": {"symbols": ["_"], "languages": {}, "x": 1}}, "unknown keys: x"),
        ({"languages": ["xx"]}, "no such language"),
        ({"languages": [1]}, "wrong kind"),
        ({"speakers": {"a": "b"}}, "wrong kind"),
        ({"files": {}}, "lists no encoder.xml"),
        ({"card": {"prize": 1}}, "card has unknown keys: prize"),
        ({"defaults": {"noise": "x"}}, "noise has a value of the wrong kind"),
        ({"table": []}, "wrong kind"),
        ({"features": [{"input": "en_bert"}]}, "lacks the keys"),
    ],
)
def test_manifests_that_cant_be(folder: Path, changes: dict[str, Any], message: str) -> None:
    _change(folder, **changes)
    with pytest.raises(VoiceError, match=message):
        read_manifest(folder)


def test_a_manifest_that_asks_for_no_reading_gets_ours(folder: Path) -> None:
    data = json.loads((folder / "voice.json").read_text())
    assert data.pop("reading") == "better"
    (folder / "voice.json").write_text(json.dumps(data))
    assert read_manifest(folder).reading == "better"


def test_missing_keys_are_listed(folder: Path) -> None:
    data = json.loads((folder / "voice.json").read_text())
    del data["variant"], data["hop_length"]
    (folder / "voice.json").write_text(json.dumps(data))
    with pytest.raises(VoiceError, match="lacks the keys: variant, hop_length"):
        read_manifest(folder)


@pytest.mark.parametrize(("content", "message"), [("{", "valid JSON"), ("[]", "no JSON object")])
def test_a_manifest_that_is_no_manifest(folder: Path, content: str, message: str) -> None:
    (folder / "voice.json").write_text(content)
    with pytest.raises(VoiceError, match=message):
        read_manifest(folder)


def test_a_folder_without_manifest(tmp_path: Path) -> None:
    with pytest.raises(VoiceError, match=r"no voice\.json"):
        read_manifest(tmp_path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@given(
    key=st.sampled_from([field.name for field in dataclasses.fields(VoiceManifest)]),
    value=json_values,
)
def test_whatever_an_entry_holds_there_is_a_manifest_or_a_sentence(key: str, value: Any) -> None:
    data = json.loads(json.dumps(minimal_manifest().to_dict()))
    with contextlib.suppress(VoiceError):  # any other exception fails the test
        VoiceManifest.from_dict({**data, key: value}, "voice.json")


def test_a_manifest_nested_without_end(folder: Path) -> None:
    (folder / "voice.json").write_text("[" * 100_000)
    with pytest.raises(VoiceError, match="valid JSON"):
        read_manifest(folder)


def test_graphs_that_dont_fit_the_manifest(folder: Path, graph_cache: Path) -> None:
    import vinovits

    _change(folder, features=[])
    with pytest.raises(VoiceError, match=r"encoder\.xml takes en_bert"):
        vinovits.load(folder, cache_dir=graph_cache)


def test_speakers_that_dont_fit_the_manifest(folder: Path, graph_cache: Path) -> None:
    import vinovits

    _change(folder, speakers={"ann": 0, "zoe": 9})
    with pytest.raises(VoiceError, match="names 10 speakers"):
        vinovits.load(folder, features="none", cache_dir=graph_cache)
