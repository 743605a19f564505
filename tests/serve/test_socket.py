"""Text in pieces over a WebSocket: the speech of the engine, sentence by sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.serve.conftest import PATIENCE, TEXT, HeldVoices, Running, running, settings, until
from tests.serve.test_speech import samples, wav_body
from vinovits.engine.voice import Voice
from vinovits.serve.keys import Grant, new_key
from vinovits.serve.voices import VoiceFolders
from vinovits.text.pieces import Pieces
from vinovits.text.sentences import split_sentences


def open_socket(server: Running, **options: Any) -> ClientConnection:
    return connect(f"{server.url.replace('http', 'ws')}/ws/speak", open_timeout=PATIENCE, **options)


def tell(socket: ClientConnection, type_: str, **fields: Any) -> None:
    socket.send(json.dumps({"type": type_, **fields}))


def heard(socket: ClientConnection, last: str = "done") -> tuple[list[dict[str, Any]], bytes]:
    """Messages and audio up to a message of some type."""
    told: list[dict[str, Any]] = []
    audio = b""
    while not told or told[-1]["type"] != last:
        message = socket.recv(timeout=PATIENCE)
        if isinstance(message, bytes):
            audio += message
        else:
            told.append(json.loads(message))
    return told, audio


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


def test_a_text_in_pieces_is_spoken_sentence_by_sentence(served: Running, voice: Voice) -> None:
    with open_socket(served) as socket:
        tell(socket, "start", voice="tiny", seed=3, speaker="bob")
        [ready], _ = heard(socket, "ready")
        assert (ready["sampling_rate"], ready["format"], ready["seed"]) == (8000, "pcm", 3)
        for character in TEXT:
            tell(socket, "text", text=character)
        tell(socket, "end")
        told, audio = heard(socket)
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=PATIENCE)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1000
    expected = [samples(voice, one, seed=3, speaker="bob") for one in sentences(TEXT)]
    assert audio == b"".join(expected)
    spoken = [one for one in told if one["type"] == "sentence"]
    assert [one["text"] for one in spoken] == sentences(TEXT)
    begins = np.cumsum([0, *(len(one) / 16000 for one in expected)])
    for one, begin in zip(spoken, begins, strict=False):
        assert one["start"] == pytest.approx(begin, abs=1e-4)
        for word in one["words"]:
            if word["source"]:
                assert TEXT[word["start_char"] : word["end_char"]]
    assert told[-1] == {"type": "done", "seconds": pytest.approx(begins[-1], abs=0.001)}


def test_a_sentence_is_spoken_before_the_text_ends(served: Running, voice: Voice) -> None:
    with open_socket(served) as socket:
        tell(socket, "text", text="Hello there. This is")
        _, audio = heard(socket, "ready")
        told, audio = heard(socket, "sentence")
        assert told[-1]["text"] == "Hello there."
        tell(socket, "flush")
        told, more = heard(socket, "sentence")
        assert told[-1]["text"] == "This is"
        tell(socket, "end")
        audio += more + heard(socket)[1]
    assert audio == samples(voice, "Hello there.") + samples(voice, "This is")


def test_the_caller_interrupts(held: HeldVoices, voice: Voice) -> None:
    with running(settings(workers=2), held) as server, open_socket(server) as socket:
        tell(socket, "text", text="One is this. Two is this. Three")
        held.voice.permits.release(1)
        heard(socket, "sentence")
        tell(socket, "cancel")
        told, _ = heard(socket, "cancelled")
        held.voice.permits.release(1)  # the window that was being decoded
        until(lambda: held.voice.closed == ["One is this."])
        held.voice.open()
        tell(socket, "text", text="Four is that.")
        tell(socket, "end")
        told, audio = heard(socket)
        assert [one["text"] for one in told if one["type"] == "sentence"] == ["Four is that."]
        assert audio == samples(voice, "Four is that.")
        assert held.voice.closed == ["One is this.", "Four is that."]


def test_a_caller_who_leaves_stops_his_speech(held: HeldVoices) -> None:
    with running(settings(workers=1), held) as server:
        with open_socket(server) as socket:
            tell(socket, "text", text="One is this. Two is this. Three")
            held.voice.permits.release(1)
            heard(socket, "sentence")
        until(lambda: b"hung_up_total 1.0" in server.services.metrics.text())
        held.voice.permits.release(1)
        until(lambda: held.voice.closed == ["One is this."])
        held.voice.open()
        assert server.post("/v1/audio/speech", wav_body()).status_code == 200


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("nonsense", "invalid_json"),
        ("{}", "invalid_value"),
        ('{"type": "nonsense"}', "invalid_value"),
        ('{"type": "start", "speed": 9}', "invalid_value"),
        ('{"type": "start", "speed": NaN}', "invalid_json"),
        ('{"type": "start", "format": "flac"}', "invalid_value"),
        ('{"type": "text", "text": 5}', "invalid_value"),
        ('{"type": "text", "text": "a", "nonsense": 1}', "invalid_value"),
        ("[" * 100_000, "invalid_json"),
        (b"\x00\x01", "invalid_json"),
    ],
)
def test_a_message_that_cannot_be_right_is_told(
    served: Running, message: str | bytes, code: str
) -> None:
    with open_socket(served) as socket:
        socket.send(message)
        told, _ = heard(socket, "error")
        assert told[-1]["error"]["code"] in (code, "invalid_value")
        assert told[-1]["error"]["type"] == "invalid_request_error"
        tell(socket, "text", text="Hello.")
        tell(socket, "end")
        heard(socket)


def test_a_sentence_that_cannot_be_spoken_ends_nothing(served: Running, voice: Voice) -> None:
    with open_socket(served) as socket:
        tell(socket, "text", text="Hello there. Здравствуйте, друзья. And then more.")
        tell(socket, "end")
        told, audio = heard(socket)
    [wrong] = [one for one in told if one["type"] == "error"]
    assert wrong["error"]["code"] == "text_not_speakable"
    assert wrong["start_char"] == 13
    assert audio == samples(voice, "Hello there.") + samples(voice, "And then more.")


@pytest.mark.parametrize(
    ("messages", "close"),
    [
        (['{"type": "start", "voice": "nobody"}'], 1011),
        (['{"type": "start"}', '{"type": "start"}'], 1011),
        ([json.dumps({"type": "text", "text": "word " * 1000})], 1011),
        (["x" * 300_000], 1009),
    ],
)
def test_what_goes_too_far_closes(served: Running, messages: list[str], close: int) -> None:
    with open_socket(served) as socket:
        for message in messages:
            socket.send(message)
        with pytest.raises(ConnectionClosed) as closed:
            heard(socket, "nothing")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == close


def test_a_silent_caller_is_left(folders: VoiceFolders) -> None:
    with running(settings(socket_idle=0.2), folders) as server, open_socket(server) as socket:
        told, _ = heard(socket, "error")
        assert told[-1]["error"]["code"] == "idle"


def test_strangers_open_no_socket(folders: VoiceFolders, tmp_path: Path) -> None:
    key, line = new_key(Grant("ann"))
    file = tmp_path / "keys.txt"
    file.write_text(line, encoding="utf-8")
    with running(settings(api_key_file=file), folders) as server:
        for options, status in (
            ({}, 401),
            ({"additional_headers": {"Authorization": "Bearer vv-wrong"}}, 401),
            ({"subprotocols": ["vinovits", "vinovits.key.vv-wrong"]}, 401),
            ({"origin": "https://evil.example", "additional_headers": {"X-API-Key": key}}, 403),
        ):
            with pytest.raises(InvalidStatus) as refused:
                open_socket(server, **options)
            assert refused.value.response.status_code == status
        for options in (
            {"additional_headers": {"Authorization": f"Bearer {key}"}},
            {"subprotocols": ["vinovits", f"vinovits.key.{key}"]},
        ):
            with open_socket(server, **options) as socket:
                tell(socket, "text", text="Hello.")
                tell(socket, "end")
                heard(socket)


@hypothesis_settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from(["Hello", " there", ". ", "! ", "Dr.", " 3.14", "。", "\n\n", "“", "”"])
    ),
    st.integers(1, 7),
)
def test_no_character_is_lost_in_pieces(parts: list[str], size: int) -> None:
    text = "".join(parts)
    pieces = Pieces()
    found = [
        one for start in range(0, len(text), size) for one in pieces.add(text[start : start + size])
    ] + pieces.flush()
    assert all(text[start:].startswith(sentence) for start, sentence in found)
    joined = "".join(sentence for _, sentence in found)
    assert "".join(joined.split()) == "".join(text.split())
