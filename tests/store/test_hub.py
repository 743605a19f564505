"""Repositories with voices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.store.conftest import FAST
from tests.store.server import COMMIT, Hub, body, status
from vinovits.errors import DownloadError, UsageError
from vinovits.store.catalogue import Model
from vinovits.store.hub import (
    Reference,
    choose_voice,
    list_files,
    read_reference,
    voice_name,
)
from vinovits.store.remote import Remote


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hf:a/b", Reference("a/b")),
        ("hf:a/b/", Reference("a/b")),
        ("hf:a/b@v1.0", Reference("a/b", "v1.0")),
        ("hf:a/b@refs%2Fpr%2F1/x", Reference("a/b", "refs/pr/1", "x")),
        ("hf:a/b/c d/日本.pth", Reference("a/b", "main", "c d/日本.pth")),
        ("hf:a/b@main/c/d/", Reference("a/b", "main", "c/d")),
        ("https://huggingface.co/a/b", Reference("a/b")),
        ("https://huggingface.co/a/b/tree/main", Reference("a/b")),
        ("https://huggingface.co/a/b/tree/main/c/d", Reference("a/b", "main", "c/d")),
        ("https://hf-mirror.com/a/b/tree/dev/c%20d/", Reference("a/b", "dev", "c d")),
        ("https://huggingface.co/a/b/blob/main/c/G_0.pth", Reference("a/b", "main", "c/G_0.pth")),
    ],
)
def test_references(text: str, expected: Reference) -> None:
    assert read_reference(text) == expected
    assert read_reference(str(expected).replace("refs/pr/1", "refs%2Fpr%2F1")) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("hf:", "hf:a", "hf:a/", "hf:a/..", "hf:../a/b", "hf:a/b/../c", "hf:a/b@", "hf:a b/c"),
        *("x:y", "https://x/a", "http://x/a/b", "https://huggingface.co/a/b/raw/x"),
    ],
)
def test_references_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="names no place in a repository"):
        read_reference(text)


def test_names_of_voices() -> None:
    assert voice_name(Reference("a/b")) == "b"
    assert voice_name(Reference("a/b", "main", "c/anna")) == "anna"
    assert voice_name(Reference("a/b", "main", "c/anna_e1_s2.safetensors")) == "anna_e1_s2"


def choose(hub: Hub, text: str, *paths: str) -> Model:
    repository = read_reference(text).repository
    hub.files |= {f"{repository}/{path}": path.encode() for path in paths}
    with Remote(patience=FAST) as remote:
        reference = read_reference(text)
        return choose_voice(reference, list_files(remote, reference))


def files(model: Model) -> list[str]:
    return [file.source for file in model.files]


@pytest.fixture(autouse=True)
def _store(store: Path) -> None:
    """All of these ask the hub."""


def test_a_repository_with_one_voice(hub: Hub) -> None:
    model = choose(
        hub,
        "hf:a/b",
        *("README.md", "config.json", "D_900.pth", "DUR_900.pth", "WD_900.pth"),
        *("G_100.pth", "G_900.pth", "G_1000.pth", "style_vectors.npy", "sample.wav"),
    )
    assert files(model) == ["config.json", "style_vectors.npy", "G_1000.pth"]
    assert (model.revision, model.licence, model.name) == (COMMIT, "cc-by-4.0", "a--b")
    assert model.files[-1].size == len("G_1000.pth")
    assert model.files[-1].sha256


def test_the_newest_of_style_bert_vits2(hub: Hub) -> None:
    model = choose(
        hub, "hf:a/b/x", *("x/config.json", "x/x_e9_s900.safetensors", "x/x_e10_s1000.safetensors")
    )
    assert files(model) == ["x/config.json", "x/x_e10_s1000.safetensors"]
    assert [file.name for file in model.files] == ["config.json", "x_e10_s1000.safetensors"]


def test_an_aivm_needs_nothing_else(hub: Hub) -> None:
    assert files(choose(hub, "hf:a/b", "voice.aivm", "config.json")) == ["voice.aivm"]


@pytest.mark.parametrize("config", ["config.json", "configs/config.json", "models/config.json"])
def test_upstream_keeps_its_config_elsewhere(hub: Hub, config: str) -> None:
    model = choose(hub, "hf:a/b", "models/G_0.pth", config)
    assert files(model) == [config, "models/G_0.pth"]


def test_one_checkpoint_of_several(hub: Hub) -> None:
    paths = ("config.json", "happy.safetensors", "sad.safetensors")
    with pytest.raises(DownloadError, match=r"hf:a/b/happy\.safetensors, hf:a/b/sad\.safetensors"):
        choose(hub, "hf:a/b", *paths)
    model = choose(hub, "hf:a/b/sad.safetensors")
    assert files(model) == ["config.json", "sad.safetensors"]


def test_many_voices_are_listed(hub: Hub) -> None:
    paths = [f"{name}/{file}" for name in ("anna", "bob") for file in ("config.json", "G_0.pth")]
    with pytest.raises(
        DownloadError, match=r"2 voices\. Name one of them: hf:a/b/anna, hf:a/b/bob"
    ):
        choose(hub, "hf:a/b", *paths)
    assert files(choose(hub, "hf:a/b/bob")) == ["bob/config.json", "bob/G_0.pth"]


def test_a_folder_is_not_the_beginning_of_a_name(hub: Hub) -> None:
    paths = ["anna/config.json", "anna/G_0.pth", "anna2/config.json", "anna2/G_0.pth"]
    assert files(choose(hub, "hf:a/b/anna", *paths)) == ["anna/config.json", "anna/G_0.pth"]


def test_what_holds_no_voice(hub: Hub) -> None:
    with pytest.raises(DownloadError, match="holds no voice"):
        choose(hub, "hf:a/b", "README.md", "D_0.pth")
    with pytest.raises(DownloadError, match="There is no 'x'"):
        choose(hub, "hf:a/b/x")
    with pytest.raises(DownloadError, match=r"no config\.json"):
        choose(hub, "hf:c/d", "G_0.pth")


@pytest.mark.parametrize("path", ["../../evil", "/etc/passwd", "a/../../b", "a\\..\\b"])
def test_names_that_lead_out_are_refused(hub: Hub, path: str) -> None:
    with pytest.raises(DownloadError, match="lies outside of it"):
        choose(hub, "hf:a/b", "config.json", "G_0.pth", path)


def test_a_repository_that_is_not_there(hub: Hub) -> None:
    with pytest.raises(DownloadError, match="repository a/nothing without a token"):
        choose(hub, "hf:a/nothing")


@pytest.mark.parametrize(
    "answer", [b"<html>", b"[]", b"{}", b'{"siblings": [{}], "sha": "x"}', b'{"siblings": 3}']
)
def test_answers_that_are_no_listing(hub: Hub, answer: bytes) -> None:
    hub.script = [body(answer)]
    with pytest.raises(DownloadError, match="as Hugging Face does"):
        choose(hub, "hf:a/b", "G_0.pth")


def test_lies_in_a_listing_do_no_harm(hub: Hub) -> None:
    listing: dict[str, Any] = {
        "sha": "not a commit",
        "siblings": [
            {"rfilename": "config.json", "size": -4, "lfs": {"sha256": 7}},
            {"rfilename": "G_0.pth", "size": True, "lfs": None},
        ],
        "cardData": {"license": ["a", "b"]},
    }
    import json

    hub.script = [status(503), body(json.dumps(listing).encode())]
    model = choose(hub, "hf:a/b")
    assert [(file.size, file.sha256) for file in model.files] == [(0, ""), (0, "")]
    assert (model.revision, model.licence) == ("main", "")
