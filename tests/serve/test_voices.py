"""Voices whose folders change while they are served, and voices that nobody uses."""

from __future__ import annotations

import json
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import vinovits
from tests.serve.conftest import PATIENCE, running, settings, until
from tests.serve.test_speech import wav_body
from vinovits.errors import VoiceError
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


class Late:
    """Voices of which the first comes when the test says so, or not at all."""

    def __init__(self, folders: VoiceFolders, fault: Exception | None = None) -> None:
        self.go_on = threading.Event()
        self._folders, self._fault = folders, fault

    def infos(self) -> Any:
        return self._folders.infos()

    def get(self, name: str) -> Any:
        assert self.go_on.wait(PATIENCE)
        if self._fault is not None:
            raise self._fault
        return self._folders.get(name)

    def loaded(self) -> dict[str, Any]:
        return {}


@pytest.mark.parametrize("fault", [None, VoiceError("/a/folder is broken."), MemoryError()])
def test_ready_tells_whether_the_first_voice_is_there(
    folders: VoiceFolders, fault: Exception | None
) -> None:
    voices = Late(folders, fault)
    with running(settings(), voices, ready=False) as server:
        try:
            before = server.get("/ready")
            assert (before.status_code, before.json()) == (503, {"status": "loading"})
            assert server.get("/live").status_code == 200
        finally:
            voices.go_on.set()
        status = "ok" if fault is None else "failed"
        until(lambda: server.get("/ready").json() == {"status": status})
        assert server.get("/ready").status_code == (503 if fault else 200)
        assert server.get("/health").json()["status"] == status


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
