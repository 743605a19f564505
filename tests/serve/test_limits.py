"""What each key may ask for: by minute, by day, until when; and what never gets into the log."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.serve.conftest import PATIENCE, TEXT, Running, running, settings
from tests.serve.test_jobs import body as job_body
from tests.serve.test_socket import heard, open_socket, tell
from tests.serve.test_speech import wav_body
from tests.serve.test_trust import SPEECH, error
from vinovits.serve.errors import ApiError
from vinovits.serve.keys import Grant, new_key
from vinovits.serve.limits import Limits
from vinovits.serve.voices import VoiceFolders


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def refused(limits: Limits, grant: Grant, texts: int, characters: int) -> ApiError:
    with pytest.raises(ApiError) as caught:
        limits.charge(grant, texts, characters)
    assert caught.value.status == 429
    return caught.value


def test_a_minute_has_its_bounds(tmp_path: Path) -> None:
    clock = Clock()
    limits = Limits(tmp_path / "used.json", clock)
    grant = Grant("ann", requests=3, characters=600)
    for _ in range(3):
        limits.charge(grant, 1, 100)
    error = refused(limits, grant, 1, 1)
    assert error.code == "rate_limited"
    assert error.headers["Retry-After"] == "20"
    clock.now += 20
    limits.charge(grant, 1, 1)
    clock.now += 60
    refused_nothing = Grant("bob", requests=1)
    limits.charge(refused_nothing, 1, 10**9)
    limits.charge(grant, 1, 599)
    assert int(refused(limits, grant, 1, 300).headers["Retry-After"]) >= 29
    clock.now += 60
    limits.charge(grant, 1, 5000)  # longer than a minute's bound: all of that is taken
    assert int(refused(limits, grant, 1, 600).headers["Retry-After"]) > 400


def test_a_day_has_its_quota_which_a_restart_keeps(tmp_path: Path) -> None:
    clock = Clock()
    path = tmp_path / "used.json"
    limits = Limits(path, clock)
    grant = Grant("ann", quota=1000)
    limits.charge(grant, 1, 700)
    error = refused(limits, grant, 1, 301)
    assert error.code == "quota_exceeded"
    assert "300 of its 1000" in str(error)
    limits.charge(grant, 1, 200)
    limits.save()
    again = Limits(path, clock)
    refused(again, grant, 1, 101)
    again.charge(grant, 1, 100)
    clock.now += int(error.headers["Retry-After"])
    again.charge(grant, 1, 1000)
    path.write_text("nonsense", encoding="utf-8")
    Limits(path, clock).charge(grant, 1, 1000)


def served(folders: VoiceFolders, tmp_path: Path, *grants: Grant, **options: Any) -> Any:
    """A server with keys, and these."""
    made = [new_key(grant) for grant in grants]
    file = tmp_path / "keys.txt"
    file.write_text("\n".join(line for _, line in made), encoding="utf-8")
    return running(settings(api_key_file=file, **options), folders), [key for key, _ in made]


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_keys_have_bounds_of_their_own_on_every_way_to_speech(
    folders: VoiceFolders, tmp_path: Path
) -> None:
    grants = (Grant("ann", characters=3 * len(TEXT)), Grant("bob", quota=len(TEXT)), Grant("cid"))
    server, (ann, bob, cid) = served(folders, tmp_path, *grants)
    with server as at:
        for path, asked in (
            (SPEECH, wav_body()),
            ("/api/speak", {"text": TEXT}),
            ("/api/read", {"text": TEXT}),
        ):
            assert at.post(path, asked, headers=bearer(ann)).status_code == 200
        for path, asked in (
            (SPEECH, wav_body()),
            ("/api/speak", {"text": TEXT}),
            ("/api/jobs", job_body()),
        ):
            answer = at.post(path, asked, headers=bearer(ann))
            assert answer.status_code == 429
            assert error(answer)["code"] == "rate_limited"
            assert int(answer.headers["retry-after"]) >= 1
        assert at.get("/v1/models", headers=bearer(ann)).status_code == 200
        assert at.post(SPEECH, wav_body(), headers=bearer(bob)).status_code == 200
        answer = at.post(SPEECH, wav_body(), headers=bearer(bob))
        assert error(answer)["code"] == "quota_exceeded"
        with open_socket(at, additional_headers=bearer(bob)) as socket:
            tell(socket, "text", text="Hello.")
            told, _ = heard(socket, "error")
            assert told[-1]["error"]["code"] == "quota_exceeded"
        for _ in range(5):
            assert at.post(SPEECH, wav_body(), headers=bearer(cid)).status_code == 200


def test_an_expired_key_is_told_so(folders: VoiceFolders, tmp_path: Path) -> None:
    today = datetime.now(UTC).date()
    grants = (
        Grant("ann", expires=today - timedelta(1)),
        Grant("bob", expires=today + timedelta(1)),
    )
    server, (ann, bob) = served(folders, tmp_path, *grants)
    with server as at:
        answer = at.get("/v1/models", headers=bearer(ann))
        assert answer.status_code == 401
        assert error(answer)["code"] == "expired_api_key"
        assert at.get("/v1/models", headers=bearer(bob)).status_code == 200
        (tmp_path / "keys.txt").write_text("# all are gone\n", encoding="utf-8")
        answer = at.get("/v1/models", headers=bearer(bob))
        assert answer.status_code == 401
        assert error(answer)["code"] == "invalid_api_key"


def test_no_key_and_no_text_gets_into_the_log(
    folders: VoiceFolders, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from vinovits.serve.log import logging_to_stderr

    server, (key,) = served(folders, tmp_path, Grant("ann"))
    wrong = key[:-3] + "xyz"
    for as_json in (False, True):
        with logging_to_stderr(as_json):
            logging.getLogger("vinovits").setLevel(logging.DEBUG)
            with server as at:
                ask_everything(at, key, wrong)
        server, (key,) = served(folders, tmp_path, Grant("ann"))
        wrong = key[:-3] + "xyz"
    log = capfd.readouterr().err
    assert "ann" in log
    assert "answered" in log
    assert "vv-" not in log.replace("vv-***", "")
    assert "butterfly" not in log


def ask_everything(at: Running, key: str, wrong: str) -> None:
    """Give keys and texts wherever they may be given."""
    text = "A butterfly that nobody may see."
    for one in (key, wrong):
        for headers in (bearer(one), {"X-API-Key": one}, {"Authorization": one}):
            at.post(SPEECH, wav_body(input=text), headers=headers)
            at.post(SPEECH, {"input": text, "voice": one}, headers=headers)
            at.post(SPEECH, wav_body(model=one), headers=headers)
            at.get(f"/v1/models/{one}?key={one}&text={text}", headers=headers)
            at.get(f"/api/jobs/{one}", headers=headers)
    with at.client() as client:
        client.get("/live", headers={"X-Request-Id": one}, timeout=PATIENCE)
    with open_socket(at, subprotocols=["vinovits", f"vinovits.key.{key}"]) as socket:
        tell(socket, "text", text=text)
        tell(socket, "end")
        heard(socket)
