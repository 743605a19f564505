"""Programs written for upstream's servers get what they expect, and no path of theirs is opened."""

from __future__ import annotations

import io
import wave
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2
import numpy as np
import pytest
import soundfile

from tests.serve.conftest import Running
from vinovits.engine.voice import Voice
from vinovits.output.wav import pcm16

BERT = {"sdp_ratio": 0.2, "noise": 0.2, "noise_w": 0.9}
STYLE = {"sdp_ratio": 0.2, "noise": 0.6, "noise_w": 0.8}
LINES = "Hello there.\nAnd good bye."


@pytest.fixture
def number(served: Running) -> int:
    """Of the voice "tiny"."""
    models = served.get("/models/info").json()
    [found] = [int(key) for key, model in models.items() if "/tiny/" in model["model_path"]]
    return found


def samples(answer: httpx2.Response) -> bytes:
    """Of a whole WAV, as the standard library reads it."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "audio/wav"
    with wave.open(io.BytesIO(answer.content)) as file:
        assert (file.getsampwidth(), file.getnchannels(), file.getframerate()) == (2, 1, 8000)
        data = file.readframes(file.getnframes())
        assert len(data) == 2 * file.getnframes() > 0
        return data


def spoken(voice: Voice, text: str, **settings: Any) -> bytes:
    return pcm16(voice.speak(text, markup="off", **settings).samples).tobytes()


def test_models_are_told_as_both_servers_tell_them(served: Running, number: int) -> None:
    models = served.get("/models/info").json()
    assert list(models) == [str(key) for key in range(len(models))]
    model = models[str(number)]
    assert model["spk2id"] == {"ann": 0, "bob": 1}
    assert model["id2spk"] == {"0": "ann", "1": "bob"}
    assert model["style2id"] == {"Neutral": 0}
    assert (model["language"], model["version"], model["device"]) == ("EN", "2.3", "cpu")
    # The server's usual voice comes first; none of this machine's paths is told.
    assert number == 0
    assert model["config_path"] == "model_assets/tiny/voice.json"
    with served.client() as client:
        assert client.post("/models/refresh").json() == models


def test_bert_vits2_get(served: Running, voice: Voice, number: int) -> None:
    query = {"text": "Hello there.", "model_id": number, "speaker_name": "bob"}
    answer = served.get("/voice", params=query)
    assert samples(answer) == spoken(voice, "Hello there.", speaker="bob", **BERT)
    assert answer.headers["x-seed"] == "0"
    by_number = {"text": "Hello there.", "model_id": number, "speaker_id": 1, "length": 0.8}
    answer = served.get("/voice", params=by_number)
    assert samples(answer) == spoken(voice, "Hello there.", speaker="bob", speed=1.25, **BERT)


def test_bert_vits2_post_with_a_form(served: Running, voice: Voice, number: int) -> None:
    query = {"model_id": number, "speaker_id": 0, "language": "EN", "auto_translate": "false"}
    expected = spoken(
        voice, LINES, speaker="ann", language="en", assist_text="Great!", assist_weight=0.5, **BERT
    )
    with served.client() as client:
        for form in (
            {"files": {"text": (None, LINES), "style_text": (None, "Great!")}},
            {"data": {"text": LINES, "style_text": "Great!"}},
            {
                "content": urlencode({"text": LINES, "style_text": "Great!"}),
                "headers": {"Content-Type": "Application/X-WWW-Form-Urlencoded ; charset=utf-8"},
            },
        ):
            answer = client.post("/voice", params={**query, "style_weight": 0.5}, **form)
            assert samples(answer) == expected


def test_a_recording_without_use_is_told(served: Running, voice: Voice, number: int) -> None:
    sound = io.BytesIO()
    soundfile.write(sound, np.zeros(800), 8000, format="WAV")
    with served.client() as client:
        answer = client.post(
            "/voice",
            params={"model_id": number, "speaker_id": 0},
            files={"text": (None, "Hello."), "reference_audio": ("a.wav", sound.getvalue())},
        )
    assert samples(answer) == spoken(voice, "Hello.", speaker="ann", **BERT)
    assert answer.headers["x-ignored"] == "reference_audio"


def test_style_bert_vits2(served: Running, voice: Voice) -> None:
    """Its defaults; lines are spoken one by one, with silence between them."""
    query = {"text": LINES, "model_name": "tiny", "speaker_id": 1, "style": "Neutral"}
    for method in ("GET", "POST"):
        with served.client() as client:
            answer = client.request(method, "/voice", params=query)
        first, second = (spoken(voice, line, speaker="bob", **STYLE) for line in LINES.split("\n"))
        assert samples(answer) == first + bytes(2 * 4000) + second
        assert answer.headers["x-ignored"] == "style"
    whole = served.get("/voice", params={**query, "auto_split": "false"})
    assert samples(whole) == spoken(voice, LINES, speaker="bob", **STYLE)
    short = served.get("/voice", params={**query, "split_interval": 0.1})
    assert len(samples(short)) == len(samples(answer)) - 2 * 3200


def test_the_dialect_is_told_by_what_comes(served: Running, voice: Voice, number: int) -> None:
    text = "Hello there."
    plain = {"text": text, "model_id": number, "speaker_id": 0}
    assert samples(served.get("/voice", params=plain)) == spoken(voice, text, **BERT)
    styled = {**plain, "split_interval": 1}
    assert samples(served.get("/voice", params=styled)) == spoken(voice, text, **STYLE)
    without = {"text": text, "speaker_id": 0}
    assert samples(served.get("/voice", params=without)) == spoken(voice, text, **STYLE)


def test_a_text_may_be_encoded_twice(served: Running, voice: Voice) -> None:
    query = {"text": "Hello%20there.", "model_name": "tiny", "encoding": "utf-8"}
    assert samples(served.get("/voice", params=query)) == spoken(voice, "Hello there.", **STYLE)
    for encoding in ("zlib", "punycode", "utf-8\x00", "x" * 41):
        answer = served.get("/voice", params={**query, "encoding": encoding})
        assert answer.status_code == 422, encoding


def test_mix_syntax(served: Running, voice: Voice, number: int) -> None:
    query = {"text": "[bob]<en>Hello there.", "model_id": number, "speaker_id": 0}
    answer = served.get("/voice", params={**query, "language": "mix"})
    assert samples(answer) == spoken(voice, "Hello there.", speaker="bob", **BERT)


def test_seeds_are_ours(served: Running, voice: Voice) -> None:
    query = {"text": "Hello.", "model_name": "tiny", "seed": "random"}
    answer = served.get("/voice", params=query)
    seed = int(answer.headers["x-seed"])
    assert samples(answer) == spoken(voice, "Hello.", seed=seed, **STYLE)


@pytest.mark.parametrize(
    ("changes", "status", "number"),
    [
        ({"model_id": 999}, 404, 10),
        ({"model_id": -1}, 404, 10),
        ({"speaker_id": None}, 400, 11),
        ({"speaker_id": 7}, 404, 12),
        ({"speaker_id": 10**30}, 404, 12),
        ({"speaker_name": "../../etc/passwd"}, 404, 13),
    ],
)
def test_errors_of_bert_vits2(
    served: Running, changes: dict[str, Any], status: int, number: int
) -> None:
    """Its clients read `status` in the body; it sends them with HTTP 200, which is a fault."""
    query = {"text": "Hello.", "model_id": 0, "speaker_id": 0, **changes}
    sent = {name: value for name, value in query.items() if value is not None}
    answer = served.get("/voice", params=sent)
    assert answer.status_code == status
    assert answer.json()["status"] == number
    assert answer.json()["detail"].endswith(".")


@pytest.mark.parametrize(
    "changes",
    [
        {"text": None},
        {"model_name": "none"},
        {"model_name": "../tiny"},
        {"speaker_name": "nobody"},
        {"length": "0"},
        {"length": "nan"},
        {"noise": "inf"},
        {"noisew": "-1"},
        {"sdp_ratio": "2"},
        {"language": "Klingon"},
        {"language": "ZH"},
        {"text": "…", "auto_split": "maybe"},
        {"text": "。。。"},
        {"split_interval": "1e9"},
        {"seed": "-1"},
    ],
)
def test_errors_of_style_bert_vits2(served: Running, changes: dict[str, Any]) -> None:
    query = {"text": "Hello.", "model_name": "tiny", **changes}
    sent = {name: value for name, value in query.items() if value is not None}
    answer = served.get("/voice", params=sent)
    assert answer.status_code in (400, 422), answer.text
    assert answer.json().keys() == {"detail"}


def test_no_path_of_a_request_is_opened(served: Running, voice: Voice, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    pipe.mkdir()
    query = {"text": "Hello.", "model_name": "tiny", "reference_audio_path": str(pipe)}
    answer = served.get("/voice", params=query)
    assert samples(answer) == spoken(voice, "Hello.", **STYLE)
    assert answer.headers["x-ignored"] == "reference_audio_path"
    for path in ("/models/add", "/models/delete", "/models/get_local", "/tools/get_audio"):
        for method in ("GET", "POST"):
            with served.client() as client:
                answer = client.request(method, path, params={"path": str(tmp_path)})
            assert answer.status_code == 404


def test_broken_forms_are_refused(served: Running) -> None:
    kind = {"content-type": "multipart/form-data; boundary=x"}
    with served.client() as client:
        for body in (b"--x\r\nnonsense", b"\xff" * 100):
            answer = client.post("/voice", content=body, headers=kind)
            assert answer.status_code in (400, 422)
        files = [("a", ("a.wav", b"a")), ("b", ("b.wav", b"b"))]
        assert client.post("/voice", files=files).status_code == 400
        query = {"text": "Hello.", "model_id": 0, "speaker_id": 0}
        noise = {"reference_audio": ("a.wav", b"not a sound")}
        answer = client.post("/voice", params=query, files=noise)
        assert answer.status_code == 400
        assert "a.wav is no recording that can be read." in answer.json()["detail"]


def test_the_machine_is_told(served: Running) -> None:
    state = served.get("/status").json()
    assert state["devices"] == ["cpu"]
    assert 0 < state["memory_available"] < state["memory_total"]
    assert 0 <= state["cpu_percent"] <= 100


def test_kana_with_tones(served: Running) -> None:
    with served.client() as client:
        answer = client.post("/g2p", params={"text": "橋は、長い。"})
        assert answer.json() == [
            *(["ハ", 0], ["シ", 1], ["ワ", 0], [",", 0]),
            *(["ナ", 0], ["ガ", 1], ["イ", 0], [".", 0]),
        ]
        assert client.post("/g2p", params={"text": ""}).json() == []
        assert client.post("/g2p").status_code == 422
