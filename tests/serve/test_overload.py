"""More work than there are workers, callers who leave, faults, deadlines, the end."""

from __future__ import annotations

import concurrent.futures
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import httpx2
import pytest

from tests.serve.conftest import (
    PATIENCE,
    TEXT,
    HeldVoices,
    Running,
    running,
    settings,
    until,
)
from tests.serve.test_speech import samples, wav_body
from vinovits.engine.voice import Voice


def queue(server: Running) -> tuple[int, int]:
    work = server.services.work
    return work.running, work.waiting


def test_beyond_the_bound_requests_are_refused_and_those_taken_are_answered(
    held: HeldVoices, voice: Voice
) -> None:
    with (
        running(settings(workers=1, max_queue=2), held) as server,
        concurrent.futures.ThreadPoolExecutor(3) as pool,
    ):
        taken = [
            pool.submit(server.post, "/v1/audio/speech", wav_body(seed=seed)) for seed in range(3)
        ]
        until(lambda: queue(server) == (1, 2))
        for path, body in (
            ("/v1/audio/speech", wav_body()),
            ("/api/speak", {"text": TEXT, "reply": "json"}),
            ("/api/read", {"text": TEXT}),
        ):
            refused = server.post(path, body)
            assert refused.status_code == 429
            assert int(refused.headers["retry-after"]) >= 1
            assert refused.json()["error"]["type"] == "rate_limit_error"
            assert refused.json()["error"]["code"] == "queue_full"
        metrics = server.get("/metrics").text
        assert "vinovits_queue_waiting 2.0" in metrics
        assert "vinovits_queue_running 1.0" in metrics
        held.voice.open()
        for seed, answer in enumerate(taken):
            assert answer.result().status_code == 200
            assert answer.result().content[44:] == samples(voice, seed=seed)
        until(lambda: queue(server) == (0, 0))
        assert server.post("/v1/audio/speech", wav_body()).status_code == 200


@pytest.mark.parametrize("events", [False, True])
def test_a_caller_who_hangs_up_frees_the_worker(
    held: HeldVoices, voice: Voice, events: bool
) -> None:
    with running(settings(workers=1, max_queue=2), held) as server:
        body = wav_body(stream_format="sse" if events else "audio")
        with server.client() as client:
            held.voice.permits.release(1)
            with client.stream("POST", "/v1/audio/speech", json=body) as answer:
                next(answer.iter_raw())  # the first window is heard
                assert not held.voice.closed
        until(lambda: b"hung_up_total 1.0" in server.services.metrics.text())
        held.voice.permits.release(1)  # the window that was being decoded
        until(lambda: held.voice.closed == [TEXT])
        until(lambda: queue(server) == (0, 0))
        held.voice.open()
        assert server.post("/v1/audio/speech", wav_body()).content[44:] == samples(voice)


def test_a_caller_who_hangs_up_in_the_queue_leaves_it_at_once(held: HeldVoices) -> None:
    with (
        running(settings(workers=1, max_queue=1), held) as server,
        concurrent.futures.ThreadPoolExecutor(1) as pool,
    ):
        first = pool.submit(server.post, "/v1/audio/speech", wav_body())
        until(lambda: queue(server) == (1, 0))
        for body in (wav_body(), {"text": TEXT, "reply": "json"}):
            path = "/api/speak" if "reply" in body else "/v1/audio/speech"
            with server.client() as client, pytest.raises(httpx2.ReadTimeout):
                client.post(path, json=body, timeout=httpx2.Timeout(PATIENCE, read=0.2))
            until(lambda: queue(server) == (1, 0))
        held.voice.open()
        assert first.result().status_code == 200


def test_a_fault_in_one_answer_touches_no_other(held: HeldVoices, voice: Voice) -> None:
    with (
        running(settings(workers=2), held) as server,
        concurrent.futures.ThreadPoolExecutor(2) as pool,
    ):
        good = pool.submit(server.post, "/v1/audio/speech", wav_body(seed=9))
        bad = pool.submit(
            server.post, "/v1/audio/speech", wav_body(input="And boom goes it. Again and again.")
        )
        until(lambda: queue(server) == (2, 0))
        held.voice.open()
        # The connection ends without the end of the answer: it can't be taken for whole.
        with pytest.raises(httpx2.RemoteProtocolError):
            bad.result()
        assert good.result().content[44:] == samples(voice, seed=9)
        events = server.post(
            "/v1/audio/speech",
            wav_body(input="And boom goes it. Again and again.", stream_format="sse"),
        )
        assert '"type": "error"' in events.text
        assert "secret" not in events.text
        whole = server.post(
            "/api/speak", {"text": "And boom goes it. Again and again.", "reply": "json"}
        )
        assert whole.status_code == 500
        assert whole.json()["error"]["type"] == "server_error"
        assert "secret" not in whole.text
        until(lambda: queue(server) == (0, 0))


def test_the_deadline_ends_a_request_and_its_work(held: HeldVoices) -> None:
    with running(settings(workers=1, max_queue=1, deadline=0.3), held) as server:
        late = server.post("/v1/audio/speech", wav_body())
        assert late.status_code == 504
        assert late.json()["error"]["code"] == "deadline"
        held.voice.permits.release(1)
        until(lambda: held.voice.closed == [TEXT])
        held.voice.permits.release(1)
        with pytest.raises(httpx2.RemoteProtocolError):
            server.post("/v1/audio/speech", wav_body())
        held.voice.permits.release(1)
        until(lambda: held.voice.closed == [TEXT, TEXT])


def test_draining_refuses_what_is_new_and_finishes_what_runs(
    held: HeldVoices, voice: Voice
) -> None:
    with (
        running(settings(workers=1), held) as server,
        concurrent.futures.ThreadPoolExecutor(1) as pool,
        server.client() as kept,
    ):
        assert kept.get("/ready").json() == {"status": "ok"}
        running_one = pool.submit(server.post, "/v1/audio/speech", wav_body())
        until(lambda: queue(server) == (1, 0))
        server.server.handle_exit(signal.SIGTERM, None)
        refused = kept.post("/v1/audio/speech", json=wav_body())
        assert refused.status_code == 503
        assert refused.json()["error"]["code"] == "shutting_down"
        assert "retry-after" in refused.headers
        assert kept.get("/ready").status_code == 503
        assert kept.get("/live").status_code == 200
        held.voice.open()
        assert running_one.result().content[44:] == samples(voice)
        until(lambda: server.server.should_exit)


def test_a_second_signal_stops_what_runs_and_tells_so(held: HeldVoices) -> None:
    with (
        running(settings(workers=1), held) as server,
        concurrent.futures.ThreadPoolExecutor(1) as pool,
        server.client() as client,
    ):
        held.voice.permits.release(1)
        with client.stream("POST", "/v1/audio/speech", json=wav_body()) as begun:
            pieces = begun.iter_raw()
            next(pieces)
            waits = pool.submit(server.post, "/v1/audio/speech", wav_body())
            until(lambda: queue(server) == (1, 1))
            server.server.handle_exit(signal.SIGTERM, None)
            server.server.handle_exit(signal.SIGTERM, None)
            with pytest.raises(httpx2.RemoteProtocolError):
                list(pieces)
        assert waits.result().status_code == 503
        assert waits.result().json()["error"]["code"] == "shutting_down"
        held.voice.permits.release(1)  # the window that was being decoded
        until(lambda: held.voice.closed == [TEXT])


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGTERM")
def test_the_command_serves_drains_and_ends_well(tiny_voice: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "VINOVITS_VOICE": "tiny"}
    environment["VINOVITS_PAGE"] = "no"  # it starts sooner
    command = [sys.executable, "-m", "vinovits", "serve", "--port", "0", "--log-json"]
    process = subprocess.Popen(
        [*command, "--voices", str(tiny_voice)],
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    lines: list[str] = []
    assert process.stderr is not None
    reader = threading.Thread(target=lines.extend, args=(process.stderr,))
    reader.start()
    try:
        until(lambda: any('"url"' in line for line in lines))
        [url] = re.findall(r'"url": "(http://127\.0\.0\.1:\d+)"', "".join(lines))
        with httpx2.Client(base_url=url, timeout=PATIENCE) as client:
            until(lambda: client.get("/ready").status_code == 200)
            secret = "A sentence that nobody else should read."
            answer = client.post("/api/speak", json={"text": secret})
            assert answer.status_code == 200
            assert len(answer.content) > 1000
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        reader.join(PATIENCE)
    log = "".join(lines)
    assert answer.headers["x-request-id"] in log
    assert "nobody else" not in log
    assert "Traceback" not in log
