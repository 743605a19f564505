from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vinovits.errors import VoiceError
from vinovits.features.manifest import BertManifest, FeatureManifest, read_manifest
from vinovits.features.store import ENVIRONMENT, find_features


def rewrite(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "features.json"
    manifest = json.loads(path.read_bytes())
    change(manifest)
    path.write_text(json.dumps(manifest), encoding="utf-8")


def test_manifest_says_what_was_converted(converted: Path) -> None:
    manifest = read_manifest(converted, BertManifest)
    assert manifest.name == "tiny"
    assert (manifest.kind, manifest.architecture, manifest.precision) == ("bert", "bert", "f32")
    assert (manifest.width, manifest.layer, manifest.max_length) == (32, 3, 40)
    assert (manifest.vocabulary, manifest.first_id, manifest.last_id) == (25, 2, 3)
    assert (manifest.source, manifest.licence) == ("random numbers", "CC0-1.0")
    assert set(manifest.files) == {"model.xml", "model.bin", "tokenizer.json"}


@pytest.mark.parametrize("name", ["model.xml", "model.bin", "tokenizer.json"])
def test_files_missing_truncated_or_altered(folder: Path, name: str) -> None:
    path = folder / name
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(VoiceError, match=f"{name} is truncated or altered.*convert it again"):
        read_manifest(folder, FeatureManifest)
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(VoiceError, match=f"{name} is truncated or altered"):
        read_manifest(folder, FeatureManifest)
    path.unlink()
    with pytest.raises(VoiceError, match=f"{name} is missing"):
        read_manifest(folder, FeatureManifest)


def test_a_folder_without_a_manifest(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(VoiceError, match=r"isn't a feature model: it has no features\.json"):
            read_manifest(folder, FeatureManifest)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "isn't valid JSON"),
        ('{"format": 1', "isn't valid JSON"),
        ("[" * 100_000, "isn't valid JSON"),
        ("[]", "holds no JSON object"),
        ("{}", "has format version None; this release reads version 1"),
        ('{"format": 1}', "lacks the keys: name, kind, architecture"),
    ],
)
def test_a_manifest_that_is_none(folder: Path, text: str, message: str) -> None:
    (folder / "features.json").write_text(text, encoding="utf-8")
    with pytest.raises(VoiceError, match=message):
        read_manifest(folder, FeatureManifest)


def test_a_newer_format_is_named_before_its_unknown_entries(folder: Path) -> None:
    rewrite(folder, lambda manifest: manifest.update(format=2, colour="blue"))
    with pytest.raises(VoiceError, match=r"has format version 2.*Update vinovits"):
        read_manifest(folder, FeatureManifest)


def test_unknown_entries_are_named(folder: Path) -> None:
    rewrite(folder, lambda manifest: manifest.update(colour="blue", size=3))
    with pytest.raises(VoiceError, match="unknown keys: colour, size"):
        read_manifest(folder, FeatureManifest)


@pytest.mark.parametrize(
    ("entry", "value", "message"),
    [
        ("width", "32", "width has a value of the wrong kind, '32'"),
        ("width", 0, "width 0, below 1"),
        ("layer", -1, "layer -1, below 0"),
        ("vocabulary", True, "vocabulary has a value of the wrong kind, True"),
        ("max_length", 2, "max_length 2, below 3"),
        ("first_id", 25, "first_id 25, beyond its vocabulary of 25"),
        ("kind", 7, "features of kind 7, but one of bert, "),
        ("files", [], "files has a value of the wrong kind"),
        ("files", {}, r"lists no model\.xml"),
        ("files", {"model.xml": 1}, "files has a value of the wrong kind"),
        ("source", ["x"] * 1000, "source has a value of the wrong kind"),
    ],
)
def test_impossible_entries(folder: Path, entry: str, value: object, message: str) -> None:
    rewrite(folder, lambda manifest: manifest.update({entry: value}))
    with pytest.raises(VoiceError, match=message):
        read_manifest(folder, FeatureManifest)


@pytest.mark.parametrize("name", ["../secret", "", "a\nb", "x" * 101])
def test_a_name_that_cant_be(folder: Path, name: str) -> None:
    rewrite(folder, lambda manifest: manifest.update(name=name))
    with pytest.raises(VoiceError, match=r"features\.json: name can't be "):
        read_manifest(folder, FeatureManifest)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/b", "..", "C:\\x", ""])
def test_a_path_that_climbs_out_of_the_folder(folder: Path, name: str) -> None:
    rewrite(folder, lambda manifest: manifest["files"].update({name: "0" * 64}))
    with pytest.raises(VoiceError, match="outside of its folder"):
        read_manifest(folder, FeatureManifest)


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_link_that_leads_out_of_the_folder(folder: Path, tmp_path: Path) -> None:
    outside = (folder / "model.bin").rename(tmp_path / "model.bin")
    (folder / "model.bin").symlink_to(outside)
    with pytest.raises(VoiceError, match=r"model\.bin is a link that leads out of its folder"):
        read_manifest(folder, FeatureManifest)


@pytest.mark.parametrize("entry", [None, {}, "", "0" * 64, "x"])
def test_sums_that_are_none(folder: Path, entry: object) -> None:
    rewrite(folder, lambda manifest: manifest["files"].update({"model.bin": entry}))
    with pytest.raises(VoiceError, match=r"files has a value|model\.bin is truncated or altered"):
        read_manifest(folder, FeatureManifest)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([field.name for field in dataclasses.fields(BertManifest)]), json_values)
def test_whatever_an_entry_holds_there_is_a_manifest_or_a_sentence(
    converted: Path, tmp_path: Path, entry: str, value: object
) -> None:
    folder = tmp_path / "tiny"
    if not folder.exists():
        shutil.copytree(converted, folder)
    manifest = json.loads((converted / "features.json").read_bytes())
    (folder / "features.json").write_text(json.dumps({**manifest, entry: value}), "utf-8")
    # Any other exception fails the test.
    with contextlib.suppress(VoiceError):
        read_manifest(folder, FeatureManifest)


def test_features_are_found_in_the_order_of_the_folders(
    converted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packaged = find_features("all-MiniLM-L6-v2")
    assert packaged.parts[-4:] == ("vinovits", "data", "features", "all-MiniLM-L6-v2")
    monkeypatch.setattr("platformdirs.user_data_path", lambda *_, **__: tmp_path / "user")
    shutil.copytree(converted, tmp_path / "user" / "features" / "tiny")
    assert find_features("tiny") == tmp_path / "user" / "features" / "tiny"
    shutil.copytree(converted, tmp_path / "mine" / "tiny")
    named = os.pathsep.join(["", str(tmp_path / "nowhere"), str(tmp_path / "mine")])
    monkeypatch.setenv(ENVIRONMENT, named)
    assert find_features("tiny") == tmp_path / "mine" / "tiny"
    assert find_features("all-MiniLM-L6-v2") == packaged


@pytest.mark.parametrize(
    "name", ["MiniLM", "../features/all-MiniLM-L6-v2", "", "/etc", ".", "a\x00"]
)
def test_unknown_features(name: str) -> None:
    with pytest.raises(VoiceError, match=r"--features none.*all-MiniLM-L6-v2"):
        find_features(name)


def test_a_model_that_is_not_here_names_the_command_that_gets_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VINOVITS_DATA", str(tmp_path))
    with pytest.raises(VoiceError, match="Get it by `vinovits models pull deberta-v3-large`, or"):
        find_features("deberta-v3-large")
