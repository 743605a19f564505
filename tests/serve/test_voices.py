"""Voices whose folders change while they are served, and voices that nobody uses."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest

import vinovits
from tests.serve.conftest import running, settings, until
from tests.serve.test_speech import wav_body
from vinovits.serve.errors import ApiError
from vinovits.serve.voices import VoiceFolders


@pytest.fixture
def folder(tiny_voice: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "voices" / "tiny"
    shutil.copytree(tiny_voice, copy)
    return copy


def retitle(folder: Path, title: object) -> None:
    path = folder / "voice.json"
    data = json.loads(path.read_text("utf-8"))
    data["card"]["title"] = title
    path.write_text(json.dumps(data), encoding="utf-8")


def test_a_voice_whose_folder_changes_is_loaded_again(folder: Path, graph_cache: Path) -> None:
    voices = VoiceFolders([folder], lambda path: vinovits.load(path, cache_dir=graph_cache))
    first = voices.get("tiny")
    assert voices.get("tiny") is first
    stream = first.stream("Hello there.")
    retitle(folder, "Another")
    second = voices.get("tiny")
    assert second is not first
    assert second.manifest.card.title == "Another"
    assert voices.get("tiny") is second
    assert sum(len(chunk.samples) for chunk in stream), "what is spoken meanwhile goes on"
    retitle(folder, 5)
    assert voices.get("tiny") is second, "the old one stays where the new one is broken"
    retitle(folder, "A third")
    assert voices.get("tiny").manifest.card.title == "A third"
    shutil.rmtree(folder)
    with pytest.raises(ApiError) as missing:
        voices.get("tiny")
    assert missing.value.code == "voice_not_found"
    assert voices.loaded() == {}


def test_a_voice_leaves_when_nobody_uses_it_and_comes_back(folder: Path, graph_cache: Path) -> None:
    voices = VoiceFolders(
        [folder], lambda path: vinovits.load(path, cache_dir=graph_cache, idle_seconds=0.2)
    )
    with running(settings(), voices) as server:
        voice = voices.get("tiny")
        answer = server.post("/v1/audio/speech", wav_body())
        until(lambda: not voice.loaded)
        assert server.post("/v1/audio/speech", wav_body()).content == answer.content
        stream = voice.stream("Hello there. And there.")
        next(stream)
        time.sleep(0.5)
        assert voice.loaded, "never while in use"
        list(stream)
        until(lambda: not voice.loaded)
