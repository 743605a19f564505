"""Lexicons over HTTP: what they say is heard, and what can't be right changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.serve.conftest import Running, running, settings
from tests.serve.test_speech import samples, wav_body
from tests.serve.test_trust import error
from vinovits import lexicons
from vinovits.engine.voice import Voice
from vinovits.serve.voices import VoiceFolders

TOMATO = {"written": "tomato", "reading": "T AH0 M AA1 T OW0"}


@pytest.fixture
def client(
    folders: VoiceFolders, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[httpx2.Client]:
    monkeypatch.setenv("VINOVITS_DATA", str(tmp_path))
    with running(settings(), folders) as server, server.client() as client:
        yield client


def test_words_are_added_heard_changed_and_taken_out(client: httpx2.Client, voice: Voice) -> None:
    assert client.get("/api/lexicon").json() == {"entries": []}
    text = "A tomato."
    usual = client.post("/v1/audio/speech", json=wav_body(input=text)).content[44:]
    added = client.post("/api/lexicon", json={"entries": [TOMATO]})
    assert added.json() == {"added": 1, "changed": 0}
    changed = client.post("/v1/audio/speech", json=wav_body(input=text)).content[44:]
    lexicon = {"tomato": TOMATO["reading"]}
    assert changed == samples(voice, text, lexicon=lexicon) != usual
    [entry] = client.get("/api/lexicon").json()["entries"]
    assert entry == {**TOMATO, "language": "en", "context": [], "priority": 5}
    again = client.post("/api/lexicon", json={"entries": [{**TOMATO, "reading": "T OW1"}]})
    assert again.json() == {"added": 0, "changed": 1}
    own = {"entries": [{**TOMATO, "context": ["red"]}], "voice": "tiny"}
    assert client.post("/api/lexicon", json=own).json() == {"added": 1, "changed": 0}
    assert len(client.get("/api/lexicon?voice=tiny").json()["entries"]) == 1
    gone = client.delete("/api/lexicon", params={"written": "tomato"})
    assert gone.json() == {"removed": 1}
    again = client.delete("/api/lexicon", params={"written": "tomato"})
    assert again.status_code == 404
    assert error(again)["code"] == "entry_not_found"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"entries": [TOMATO, {"written": "a", "reading": "QQ1"}]}, "invalid_lexicon"),
        ({"entries": []}, "invalid_value"),
        ({"entries": [{"written": "a"}]}, "invalid_value"),
        ({"entries": [{**TOMATO, "written": "x" * 101}]}, "invalid_value"),
        ({"entries": [{**TOMATO, "written": "a\nb"}]}, "invalid_lexicon"),
        ({"entries": [{**TOMATO, "written": "\ud800"}]}, "invalid_value"),
        ({"entries": [{**TOMATO, "priority": 11}]}, "invalid_value"),
        ({"entries": [{**TOMATO, "priority": 1e400}]}, "invalid_value"),
        ({"entries": [{**TOMATO, "nonsense": 1}]}, "invalid_value"),
        ({"entries": [{"written": "a", "reading": "=a"}]}, "invalid_lexicon"),
        ({"entries": [TOMATO], "voice": "../../etc"}, "voice_not_found"),
        ({"entries": [TOMATO] * 1001}, "invalid_value"),
    ],
)
def test_what_cannot_be_right_changes_nothing(
    client: httpx2.Client, body: dict[str, Any], code: str
) -> None:
    answer = client.post(
        "/api/lexicon",
        content=json.dumps(body).replace("Infinity", "1e400"),
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 400, answer.text
    assert error(answer)["code"] in (code, "invalid_lexicon")
    assert not lexicons.user_file().exists()


def test_a_server_may_refuse_changes(served: Running, folders: VoiceFolders) -> None:
    with running(settings(change_lexicon=False), folders) as server, server.client() as client:
        for answer in (
            client.post("/api/lexicon", json={"entries": [TOMATO]}),
            client.delete("/api/lexicon", params={"written": "tomato"}),
        ):
            assert answer.status_code == 403
            assert error(answer)["code"] == "lexicon_read_only"
        assert client.get("/api/lexicon").status_code == 200
