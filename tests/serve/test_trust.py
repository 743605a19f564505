"""Who may ask, how much, and what a stranger can't do."""

from __future__ import annotations

import json
import math
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.serve.conftest import PATIENCE, TEXT, Running, running, settings
from tests.serve.test_speech import samples, wav_body
from vinovits.engine.voice import Voice
from vinovits.errors import MissingModelError, UsageError
from vinovits.features.store import find_features
from vinovits.serve import gate
from vinovits.serve.errors import api_error
from vinovits.serve.keys import Grant, Keys, new_key
from vinovits.serve.voices import VoiceFolders

SPEECH = "/v1/audio/speech"


def error(answer: Any) -> dict[str, Any]:
    """The error of an answer, in the form that all have."""
    body = answer.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type", "param", "code"}
    assert body["error"]["message"]
    assert "/tmp" not in answer.text
    assert "Traceback" not in answer.text
    found: dict[str, Any] = body["error"]
    return found


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"speed": 0.1}, "speed"),
        ({"speed": 4.01}, "speed"),
        ({"speed": -1}, "speed"),
        ({"speed": "fast"}, "speed"),
        ({"speed": True}, "speed"),
        ({"noise": 1e308}, "noise"),
        ({"noise_w": [1]}, "noise_w"),
        ({"sdp_ratio": {}}, "sdp_ratio"),
        ({"pause": 11}, "pause"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**64}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"seed": "7"}, "seed"),
        ({"speaker": -1}, "speaker"),
        ({"speaker": "x" * 300}, "speaker"),
        ({"style_weight": 21}, "style_weight"),
        ({"language": "xx"}, "language"),
        ({"markup": "latex"}, "markup"),
        ({"lexicon": "/etc/passwd"}, "lexicon"),
        ({"lexicon": {"a": 1}}, "lexicon"),
        ({"response_format": "m4a"}, "response_format"),
        ({"response_format": None}, "response_format"),
        ({"stream_format": "tape"}, "stream_format"),
        ({"sample_rate": 1}, "sample_rate"),
        ({"input": 5}, "input"),
        ({"input": None}, "input"),
        ({"voice": 5}, "voice"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_a_field_that_cannot_be_right_is_named(
    served: Running, changes: dict[str, Any], param: str
) -> None:
    answer = served.post(SPEECH, wav_body(**changes))
    assert answer.status_code == 400
    found = error(answer)
    assert found["type"] == "invalid_request_error"
    assert found["param"].partition(".")[0] == param


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["speed", "noise", "noise_w", "sdp_ratio", "pause", "seed"])
def test_what_is_no_number_is_refused(served: Running, name: str, value: float) -> None:
    with served.client() as client:
        answer = client.post(
            SPEECH,
            content=json.dumps(wav_body(**{name: value})),
            headers={"content-type": "application/json"},
        )
    assert answer.status_code == 400
    assert error(answer)["param"].partition(".")[0] == name


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "text_not_speakable"), ("…!?", "text_not_speakable"), ("你好", "text_not_speakable")],
)
def test_a_text_that_cannot_be_spoken_is_told(served: Running, text: str, code: str) -> None:
    for answer, param in (
        (served.post(SPEECH, wav_body(input=text)), "input"),
        (served.post("/api/speak", {"text": text}), "text"),
        (served.post("/api/speak", {"text": text, "reply": "json"}), "text"),
        (served.post("/api/read", {"text": text}), "text"),
    ):
        assert answer.status_code == 400
        assert (error(answer)["code"], error(answer)["param"]) == (code, param)


@pytest.mark.parametrize(
    "name", ["nobody", "", "../tiny", "/etc", "tiny/../tiny", "..\\tiny", "tiny\x00", "C:\\", "~"]
)
def test_a_voice_is_a_name_and_never_a_path(served: Running, tiny_voice: Path, name: str) -> None:
    for voice in (name, str(tiny_voice)):
        answer = served.post(SPEECH, wav_body(voice=voice))
        assert answer.status_code == 400
        error(answer)
    answer = served.post("/api/read", {"text": "Hi.", "voice": str(tiny_voice)})
    assert answer.status_code == 400


def test_speakers_styles_and_emotions_are_looked_up_only(served: Running) -> None:
    for changes in (
        {"speaker": "/etc/passwd"},
        {"speaker": 99},
        {"speaker": 10**30},
        {"style": "../styles.npy"},
        {"emotion": "/etc/passwd"},
        {"emotion": 3},
        {"assist_weight": 0.5},
        {"lexicon": {"there": "NOT A PHONE"}},
    ):
        answer = served.post(SPEECH, wav_body(**changes))
        assert answer.status_code == 400, changes
        assert "root:" not in error(answer)["message"]


def test_long_texts_and_bodies_are_refused(folders: VoiceFolders, voice: Voice) -> None:
    with running(settings(max_text=100, max_body=2000), folders) as server:
        for path, field in ((SPEECH, "input"), ("/api/speak", "text"), ("/api/read", "text")):
            body = wav_body(input="a" * 101) if path == SPEECH else {"text": "a" * 101}
            answer = server.post(path, body)
            assert answer.status_code == 413
            assert error(answer)["code"] == "text_too_long"
            assert error(answer)["param"] == field
        announced = server.post(SPEECH, wav_body(input="a" * 3000))
        assert announced.status_code == 413
        assert error(announced)["code"] == "too_large"
        with server.client() as client:
            chunked = client.post(
                SPEECH,
                content=(b"x" * 500 for _ in range(20)),
                headers={"content-type": "application/json"},
            )
        assert chunked.status_code == 413
        assert error(chunked)["code"] == "too_large"
        assert server.post(SPEECH, wav_body()).content[44:] == samples(voice)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b"[" * 50_000,
        b'{"model":' + b"9" * 10_000 + b"}",
        b'{"model":"vinovits","voice":"tiny","input":"\\ud800"}',
        b'{"\\ud800": 1}',
    ],
)
def test_broken_bodies_are_told_of(served: Running, content: bytes) -> None:
    with served.client() as client:
        for path in (SPEECH, "/api/speak", "/api/read"):
            answer = client.post(
                path, content=content, headers={"content-type": "application/json"}
            )
            assert answer.status_code == 400
            error(answer)


def test_other_types_paths_and_methods_have_the_form_too(served: Running) -> None:
    with served.client() as client:
        form = client.post(SPEECH, data={"input": "Hi."})
        assert form.status_code == 400
        error(form)
        for method, path, status in (
            ("GET", "/nothing", 404),
            ("GET", "/../../etc/passwd", 404),
            ("GET", "/%2e%2e/%2e%2e/etc/passwd", 404),
            ("GET", "/docs", 404),
            ("GET", SPEECH, 405),
            ("DELETE", "/api/voices", 405),
        ):
            answer = client.request(method, path)
            assert answer.status_code == status
            error(answer)


@pytest.mark.parametrize("raw", [b"\x00\x01\x02\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"G" * 70_000])
def test_what_is_no_http_breaks_nothing(served: Running, raw: bytes) -> None:
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), PATIENCE) as connection:
        connection.sendall(raw)
        connection.settimeout(PATIENCE)
        with suppress(ConnectionResetError):
            assert b"200 OK" not in connection.recv(1000)
    assert served.get("/live").status_code == 200


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=5,
)
FIELDS = ["model", "voice", "input", "response_format", "speed", "seed", "speaker", "style",
          "emotion", "language", "markup", "lexicon", "sample_rate", "instructions",
          "stream_format", "assist_text", "reading", "noise", "\x00"]  # fmt: skip


@given(changes=st.dictionaries(st.sampled_from(FIELDS), JSON, min_size=1, max_size=3))
@hypothesis_settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_json_makes_the_server_fail(served: Running, changes: dict[str, Any]) -> None:
    with served.client() as client:
        answer = client.post(
            SPEECH,
            content=json.dumps(wav_body(input="Hi.") | changes),
            headers={"content-type": "application/json"},
        )
    assert answer.status_code in (200, 400, 404, 413)
    if answer.status_code != 200:
        error(answer)


@pytest.fixture
def key_file(tmp_path: Path) -> tuple[Path, str, str]:
    """A file of two keys, and these."""
    (first, one), (second, two) = new_key(Grant("laptop")), new_key(Grant("phone"))
    path = tmp_path / "keys.txt"
    path.write_text(f"# mine\n{one}\n\n{two}\n", encoding="utf-8")
    return path, first, second


@pytest.fixture
def guarded(key_file: tuple[Path, str, str], folders: VoiceFolders) -> Iterator[Running]:
    with running(settings(api_key_file=key_file[0]), folders) as server:
        yield server


def test_without_a_key_nothing_is_told_but_life(
    guarded: Running, key_file: tuple[Path, str, str]
) -> None:
    path, first, second = key_file
    line_of_file = path.read_text("utf-8").splitlines()[1].partition("sha256:")[2]
    wrong = [
        {},
        {"authorization": "Bearer"},
        {"authorization": "Bearer vv-wrong"},
        {"authorization": f"Bearer {first}x"},
        {"authorization": f"Bearer {line_of_file}"},
        {"authorization": f"Basic {first}"},
        {"x-api-key": "laptop"},
    ]
    for headers in wrong:
        for path_asked in ("/v1/models", "/api/voices", "/health", "/metrics", "/openapi.json"):
            answer = guarded.get(path_asked, headers=headers)
            assert answer.status_code == 401
            assert error(answer)["type"] == "authentication_error"
            assert answer.headers["www-authenticate"] == "Bearer"
        assert guarded.post(SPEECH, wav_body(), headers=headers).status_code == 401
    for path_asked in ("/live", "/ready"):
        assert guarded.get(path_asked).status_code == 200
    for headers in ({"authorization": f"Bearer {first}"}, {"x-api-key": second}):
        assert guarded.post(SPEECH, wav_body(), headers=headers).status_code == 200


def test_keys_are_added_and_revoked_while_the_server_runs(
    guarded: Running, key_file: tuple[Path, str, str]
) -> None:
    path, first, second = key_file
    third, line = new_key(Grant("tablet"))
    lines = path.read_text("utf-8").splitlines()
    path.write_text("\n".join([*lines[2:], line]), encoding="utf-8")

    def status(key: str) -> int:
        return guarded.get("/v1/models", headers={"authorization": f"Bearer {key}"}).status_code

    assert [status(first), status(second), status(third)] == [401, 200, 200]
    path.unlink()
    assert status(second) == 500
    broken = guarded.get("/v1/models", headers={"x-api-key": second})
    assert error(broken)["code"] == "internal_error"


def test_a_key_file_holds_hashes_and_faults_do_not_show_it(tmp_path: Path) -> None:
    key, line = new_key(Grant("laptop"))
    assert key not in line
    path = tmp_path / "keys.txt"
    path.write_text(key, encoding="utf-8")
    with pytest.raises(UsageError, match="line 1") as told:
        Keys(path)
    assert key not in str(told.value)
    path.write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match="no key"):
        Keys(path)
    with pytest.raises(UsageError, match="can't be read"):
        Keys(tmp_path / "none.txt")
    path.write_text(line, encoding="utf-8")
    assert Keys(path).find(key) == Grant("laptop")
    for name in ("", "a b", "x" * 65, "a\nb", "ü"):
        with pytest.raises(UsageError):
            new_key(Grant(name))


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "a@b", "", "[::1"])
def test_a_name_that_is_not_ours_is_refused(served: Running, host: str) -> None:
    answer = served.get("/v1/models", headers={"host": host})
    assert answer.status_code in (400, 403)
    if answer.status_code == 403:
        assert error(answer)["code"] == "host_not_allowed"


def test_names_and_pages_that_are_allowed_may_ask(folders: VoiceFolders) -> None:
    # An empty one is what an empty variable of the environment gives: it stands for nobody.
    options = {"allowed_hosts": ["speech.example"], "allowed_origins": ["https://page.example", ""]}
    with running(settings(**options), folders) as server:
        port = server.url.rpartition(":")[2]
        for host in ("speech.example", f"localhost:{port}", f"[::1]:{port}", f"192.168.1.2:{port}"):
            assert server.get("/live", headers={"host": host}).status_code == 200
        for origin, status in (
            ("https://page.example", 200),
            (server.url, 200),
            ("https://other.example", 403),
            ("null", 403),
            ("http://[", 403),
            ("http://page.example", 403),
        ):
            answer = server.get("/v1/models", headers={"origin": origin})
            assert answer.status_code == status, origin
            assert "access-control-allow-origin" not in answer.headers
        # A sound in a page is asked for without an origin.
        sound = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}
        for page, status in (
            ("https://page.example/", 200),
            ("https://page.example.org/", 403),
            ("https://[", 403),
            ("", 403),
        ):
            answer = server.get("/v1/models", headers={**sound, "referer": page})
            assert answer.status_code == status, page


def test_a_model_that_is_missing_is_named_but_no_folder() -> None:
    with pytest.raises(MissingModelError) as missing:
        find_features("deberta-v3-large")
    told = api_error(missing.value)
    assert (told.status, told.code) == (501, "model_missing")
    assert "run `vinovits models pull deberta-v3-large` there" in str(told)
    assert "/" not in str(told)


def test_pages_of_others_cannot_put_it_into_theirs(served: Running) -> None:
    def status(site: str, mode: str, dest: str) -> int:
        headers = {"sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": dest}
        return served.get("/v1/models", headers=headers).status_code

    for site in ("cross-site", "same-site"):
        assert status(site, "no-cors", "image") == 403
        assert status(site, "navigate", "iframe") == 403
        assert status(site, "navigate", "document") == 200, "a link is followed"
    assert status("same-origin", "no-cors", "audio") == 200
    assert status("none", "navigate", "document") == 200


def test_answers_have_ids_and_the_headers_that_keep_browsers_away(served: Running) -> None:
    answer = served.get("/live", headers={"x-request-id": "mine-1"})
    assert answer.headers["x-request-id"] == "mine-1"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "server" not in answer.headers
    other = served.get("/nothing", headers={"x-request-id": "not mine {}"})
    assert other.headers["x-request-id"] != "not mine {}"
    assert len(other.headers["x-request-id"]) == 16


def test_metrics_and_health_tell_of_the_work(served: Running) -> None:
    assert served.post("/api/speak", {"text": TEXT}).status_code == 200
    health = served.get("/health").json()
    assert health["status"] == "ok"
    assert set(health["voices"]["tiny"]) >= {"encoder", "flow", "decoder"}
    assert health["voices"]["tiny"]["flow"]["devices"] == ["CPU"]
    metrics = served.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    for part in (
        'vinovits_requests_total{route="/api/speak",status="200"}',
        "vinovits_audio_seconds_total",
        'vinovits_stage_seconds_total{stage="decode"}',
        'vinovits_feature_cache_total{result="found"}',
        "vinovits_first_chunk_seconds_count",
        "vinovits_real_time_factor_bucket",
        "process_resident_memory_bytes",
    ):
        assert part in metrics.text


def test_the_interface_describes_itself(served: Running) -> None:
    described = served.get("/openapi.json").json()
    assert set(described["paths"]) >= {
        "/v1/audio/speech",
        "/v1/models",
        "/v1/models/{name}",
        "/v1/audio/voices",
        "/api/speak",
        "/api/read",
        "/api/voices",
        "/live",
        "/ready",
        "/health",
        "/metrics",
    }
    for path, operations in described["paths"].items():
        for operation in operations.values():
            assert {"4XX", "5XX"} <= set(operation["responses"])
            # Interfaces that we have taken over answer as theirs do.
            assert "422" not in operation["responses"] or not path.startswith(("/v1", "/api"))


def test_a_body_that_comes_too_slowly_is_given_up(
    served: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "_BODY_SECONDS", 0.2)
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), PATIENCE) as connection:
        connection.sendall(
            b"POST /api/speak HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"
        )
        connection.settimeout(PATIENCE)
        assert b"408" in connection.recv(1000)
