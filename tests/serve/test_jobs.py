"""Long texts in the background: as the engine speaks them, kept through restarts, made once."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
import soundfile

from tests.serve.conftest import PATIENCE, HeldVoices, Running, running, settings, until
from tests.serve.test_trust import error
from vinovits.batch.units import cut
from vinovits.engine.voice import Voice
from vinovits.output.wav import pcm16
from vinovits.serve.keys import Grant, new_key
from vinovits.serve.voices import VoiceFolders

BOOK = "\n\n".join(
    f"Chapter {number}. It was dark. {'Then the train left, and nobody saw it. ' * (number % 3)}"
    for number in range(1, 7)
)


def joined(voice: Voice, text: str, between: float, **given: Any) -> bytes:
    """What a job is to sound like: its units, each spoken by itself."""
    silence = bytes(2 * round(between * voice.manifest.sampling_rate))
    parts = [pcm16(voice.speak(part.text, **given).samples).tobytes() for part in cut(text)]
    return silence.join(parts)


def body(**changes: Any) -> dict[str, Any]:
    return {"text": BOOK, "voice": "tiny", "format": "wav", **changes}


def ended(client: httpx2.Client, id_: str) -> dict[str, Any]:
    until(lambda: client.get(f"/api/jobs/{id_}").json()["state"] not in ("queued", "running"))
    found: dict[str, Any] = client.get(f"/api/jobs/{id_}").json()
    return found


def test_a_job_has_the_samples_of_the_engine(served: Running, voice: Voice) -> None:
    with served.client() as client:
        begun = client.post("/api/jobs", json=body(seed=4, paragraph_pause=0.5, title="A book"))
        assert begun.status_code == 202, begun.text
        assert begun.headers["location"] == f"/api/jobs/{begun.json()['id']}"
        job = ended(client, begun.json()["id"])
        assert job["state"] == "done", job
        assert job["done"] == job["total"] == len(cut(BOOK)) == 6
        assert (job["title"], job["characters"]) == ("A book", len(BOOK))
        assert "owner" not in job
        audio = client.get(f"/api/jobs/{job['id']}/audio")
        assert audio.headers["content-type"] == "audio/wav"
        samples, rate = soundfile.read(io.BytesIO(audio.content), dtype="int16")
        assert samples.tobytes() == joined(voice, BOOK, 0.5, seed=4)
        assert job["seconds"] == pytest.approx(len(samples) / rate, abs=0.001)
        timings = client.get(f"/api/jobs/{job['id']}/timings/json").json()
        for sentence in timings["sentences"]:
            assert BOOK[sentence["start_char"] : sentence["end_char"]] == sentence["text"]
            for word in sentence["words"]:
                assert sentence["start"] <= word["start"] <= word["end"] <= sentence["end"] + 1e-4
        starts = [sentence["start"] for sentence in timings["sentences"]]
        assert starts == sorted(starts)
        assert timings["sentences"][-1]["end"] == pytest.approx(timings["seconds"], abs=0.01)
        for kind, sign in (("srt", "1\n00:00:00"), ("vtt", "WEBVTT"), ("lrc", "[re:vinovits]")):
            assert client.get(f"/api/jobs/{job['id']}/timings/{kind}").text.startswith(sign)
        assert job["id"] in [one["id"] for one in client.get("/api/jobs").json()["jobs"]]
        assert client.delete(f"/api/jobs/{job['id']}").status_code == 204
        assert error(client.get(f"/api/jobs/{job['id']}"))["code"] == "job_not_found"
        assert error(client.get(f"/api/jobs/{job['id']}/audio"))["code"] == "job_not_found"


@pytest.mark.parametrize("kind", ["mp3", "flac", "opus"])
def test_a_job_may_be_of_any_format(served: Running, kind: str) -> None:
    with served.client() as client:
        job = ended(client, client.post("/api/jobs", json=body(format=kind)).json()["id"])
        audio = client.get(f"/api/jobs/{job['id']}/audio").content
        samples, rate = soundfile.read(io.BytesIO(audio))
        assert len(samples) / rate == pytest.approx(job["seconds"], abs=0.2)
        client.delete(f"/api/jobs/{job['id']}")


@pytest.mark.parametrize(
    ("changes", "code", "status"),
    [
        ({"text": "..."}, "text_not_speakable", 400),
        ({"text": ""}, "text_not_speakable", 400),
        ({"text": "x" * 500_001}, "text_too_long", 413),
        ({"text": "[slow] never closed"}, "text_not_speakable", 400),
        ({"voice": "nobody"}, "voice_not_found", 400),
        ({"voice": "../tiny"}, "voice_not_found", 400),
        ({"speaker": "nobody"}, "invalid_value", 400),
        ({"format": "pcm"}, "invalid_value", 400),
        ({"title": "x" * 300}, "invalid_value", 400),
        ({"paragraph_pause": 11}, "invalid_value", 400),
        ({"sample_rate": 8000}, "invalid_value", 400),
        ({"lexicon": {"dark": "QQ"}}, "invalid_lexicon", 400),
    ],
)
def test_a_job_that_cannot_be_right_is_refused(
    served: Running, changes: dict[str, Any], code: str, status: int
) -> None:
    answer = served.post("/api/jobs", body(**changes))
    assert answer.status_code == status, answer.text
    assert error(answer)["code"] == code


def test_a_part_that_cannot_be_spoken_is_named(served: Running) -> None:
    with served.client() as client:
        text = "All is well.\n\nЗдравствуйте, это текст.\n\nAll is well."
        job = ended(client, client.post("/api/jobs", json=body(text=text)).json()["id"])
        assert job["state"] == "failed"
        assert job["error"].startswith("Part 2, from character 15 on: ")
        assert error(client.get(f"/api/jobs/{job['id']}/audio"))["code"] == "job_not_done"
        client.delete(f"/api/jobs/{job['id']}")


def test_jobs_are_cancelled_resumed_and_never_make_a_part_twice(
    held: HeldVoices, voice: Voice
) -> None:
    with running(settings(job_workers=1), held) as server, server.client() as client:
        id_ = client.post("/api/jobs", json=body()).json()["id"]

        def a_part_is_done() -> bool:
            held.voice.permits.release(1)
            return bool(client.get(f"/api/jobs/{id_}").json()["done"])

        until(a_part_is_done)
        assert client.post(f"/api/jobs/{id_}/cancel").json()["state"] == "cancelled"
        held.voice.permits.release(1)  # the window that was being decoded
        until(lambda: not server.services.jobs._active)
        done = client.get(f"/api/jobs/{id_}").json()["done"]
        assert 1 <= done < 6
        assert client.post(f"/api/jobs/{id_}/resume").json()["state"] == "queued"
        held.voice.open()
        assert ended(client, id_)["state"] == "done"
        spoken = [text for text in held.voice.closed if not text.startswith("Chapter 1.")]
        assert len(held.voice.closed) <= 6 + 2 + 1, "a part of one unit, the check of the first"
        assert len(set(spoken)) == 5
        samples, _ = soundfile.read(
            io.BytesIO(client.get(f"/api/jobs/{id_}/audio").content), dtype="int16"
        )
        assert samples.tobytes() == joined(voice, BOOK, voice.manifest.defaults.pause)


def test_owners_see_their_own_jobs_and_take_turns(held: HeldVoices, tmp_path: Path) -> None:
    keys = {name: new_key(Grant(name)) for name in ("ann", "bob")}
    file = tmp_path / "keys.txt"
    file.write_text("\n".join(line for _, line in keys.values()), encoding="utf-8")
    with running(settings(api_key_file=file, max_key_jobs=2), held) as server:
        ann, bob = (
            server.client(headers={"Authorization": f"Bearer {keys[name][0]}"}) for name in keys
        )
        with ann, bob:
            texts = [BOOK.replace("Chapter", "Part"), BOOK.replace("Chapter", "Scene")]
            first = ann.post("/api/jobs", json=body(text=texts[0])).json()["id"]
            second = ann.post("/api/jobs", json=body(text=BOOK)).json()["id"]
            refused = ann.post("/api/jobs", json=body(text=BOOK))
            assert refused.status_code == 429
            assert error(refused)["code"] == "too_many_jobs"
            third = bob.post("/api/jobs", json=body(text=texts[1])).json()["id"]
            assert [one["id"] for one in ann.get("/api/jobs").json()["jobs"]] == [second, first]
            assert [one["id"] for one in bob.get("/api/jobs").json()["jobs"]] == [third]
            for method, path in (
                ("GET", ""),
                ("GET", "/audio"),
                ("GET", "/timings/srt"),
                ("POST", "/cancel"),
                ("POST", "/resume"),
                ("DELETE", ""),
            ):
                answer = bob.request(method, f"/api/jobs/{first}{path}")
                assert answer.status_code == 404
                assert error(answer)["code"] == "job_not_found"
            held.voice.open()
            for client, id_ in ((ann, first), (bob, third), (ann, second)):
                assert ended(client, id_)["state"] == "done"
        order = [text.split()[0] for text in held.voice.closed]
        made = order[3:]  # behind the checks of what was asked
        assert made.index("Scene") < made.index("Chapter"), "bob needn't wait for all of ann's"
        # A part or two of ann's were made before bob came.
        assert abs(made[2:8].count("Scene") - made[2:8].count("Part")) <= 1


def test_a_fault_of_the_server_is_tried_again_and_then_told(
    held: HeldVoices, monkeypatch: pytest.MonkeyPatch
) -> None:
    held.voice.open()
    with running(settings(), held) as server, server.client() as client:
        text = f"{BOOK}\n\nAnd boom goes it. Again and again."
        job = ended(client, client.post("/api/jobs", json=body(text=text)).json()["id"])
        assert job["state"] == "failed"
        assert "log says why" in job["error"]
        assert "secret" not in str(job)
        assert held.voice.closed.count("And boom goes it. Again and again.") == 3
        assert job["done"] == 6


def test_a_second_server_on_the_folder_takes_no_jobs(folders: VoiceFolders, tmp_path: Path) -> None:
    with (
        running(settings(jobs=tmp_path), folders) as first,
        running(settings(jobs=tmp_path), folders) as second,
    ):
        refused = second.post("/api/jobs", body())
        assert refused.status_code == 503
        assert error(refused)["code"] == "no_jobs"
        assert second.post("/api/speak", {"text": "Hello."}).status_code == 200
        assert first.post("/api/jobs", body()).status_code == 202


def test_a_full_disk_is_told(folders: VoiceFolders, monkeypatch: pytest.MonkeyPatch) -> None:
    from vinovits.serve import jobs

    with running(settings(), folders) as server:
        monkeypatch.setattr(jobs, "_LEAST_FREE", 1 << 62)
        refused = server.post("/api/jobs", body())
        assert refused.status_code == 507
        assert error(refused)["code"] == "disk_full"


@contextmanager
def process(voice: Path, jobs: Path, cache: Path) -> Iterator[tuple[httpx2.Client, Any]]:
    """A server in a process of its own."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache), "VINOVITS_VOICE": "tiny"}
    environment["VINOVITS_PAGE"] = "no"  # it starts sooner
    command = [sys.executable, "-m", "vinovits", "serve", "--port", "0", "--log-json"]
    server = subprocess.Popen(
        [*command, "--voices", str(voice)],
        stderr=subprocess.PIPE,
        text=True,
        env={**environment, "VINOVITS_JOBS": str(jobs)},
    )
    lines: list[str] = []
    assert server.stderr is not None
    reader = threading.Thread(target=lines.extend, args=(server.stderr,))
    reader.start()
    try:
        until(lambda: any('"url"' in line for line in lines) or server.poll() is not None)
        [url] = re.findall(r'"url": "(http://127\.0\.0\.1:\d+)"', "".join(lines))
        with httpx2.Client(base_url=url, timeout=PATIENCE) as client:
            yield client, server
    finally:
        server.kill()
        server.wait()
        reader.join(PATIENCE)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
@pytest.mark.extra
def test_a_killed_server_goes_on_where_it_was(
    tiny_voice: Path, voice: Voice, tmp_path: Path
) -> None:
    jobs = tmp_path / "jobs"
    text = "\n\n".join(f"Part {number}. {BOOK[:200]}" for number in range(12))
    with process(tiny_voice, jobs, tmp_path) as (client, server):
        until(lambda: client.get("/ready").status_code == 200)
        ids = [
            client.post("/api/jobs", json=body(text=text, seed=seed)).json()["id"]
            for seed in range(3)
        ]
        until(lambda: sum(client.get(f"/api/jobs/{id_}").json()["done"] for id_ in ids) >= 5)
        server.send_signal(signal.SIGKILL)
        server.wait()
    (jobs / "pieces" / "00").mkdir(exist_ok=True)
    half = jobs / "pieces" / "00" / ".vinovits-0123.part"
    half.write_bytes(b"half")
    with process(tiny_voice, jobs, tmp_path) as (client, _):
        found = [client.get(f"/api/jobs/{id_}").json()["done"] for id_ in ids]
        assert sum(found) >= 5, "finished parts are there"
        assert not half.exists()
        before = sum(found)
        for seed, id_ in enumerate(ids):
            assert ended(client, id_)["state"] == "done"
            audio = client.get(f"/api/jobs/{id_}/audio").content
            samples, _ = soundfile.read(io.BytesIO(audio), dtype="int16")
            expected = joined(voice, text, voice.manifest.defaults.pause, seed=seed)
            assert np.array_equal(samples, np.frombuffer(expected, "<i2"))
        total = 3 * len(cut(text))
        made = re.search(r'units_total\{how="made"\} (\d+)', client.get("/metrics").text)
        assert made is not None
        # Those that were recorded between the look at them and the restart are fewer still.
        assert int(made[1]) <= total - 5
        assert int(made[1]) <= total - before + 1
