"""The server under load, by real HTTP clients: what is wrong, refused, slow, or made twice.

    python bench/serve.py [--json FILE] [--voice joe] [--seconds 60] [PART ...]

PART is load, overload, overhead, memory or jobs; all if none is named. Every answer is compared
with what `voice.speak` gives for the same text and seed, sample by sample. Each part starts a
server process on loopback, and has an end.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import re
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import psutil

import vinovits
from vinovits.batch.units import cut
from vinovits.output.wav import pcm16

SENTENCES = (
    "The train leaves at 9:45.",
    "It is raining again, and nobody minds.",
    "Please close the door behind you.",
    "Twelve ships came in on Monday.",
    "What would you like to hear next?",
    "The kettle is on, and the table is laid.",
)
PATIENCE = 300.0


@dataclass
class Server:
    """A server in a process of its own."""

    url: str
    process: subprocess.Popen[str]
    log: list[str] = field(default_factory=list)

    def resident(self) -> float:
        """MiB of memory."""
        return psutil.Process(self.process.pid).memory_info().rss / 2**20


@contextmanager
def server(voice: str, folder: Path, *options: str) -> Iterator[Server]:
    command = [sys.executable, "-m", "vinovits", "serve", "--port", "0", "--voice", voice]
    environment = {**os.environ, "VINOVITS_JOBS": str(folder), "VINOVITS_PAGE": "no"}
    process = subprocess.Popen(
        [*command, *options], stderr=subprocess.PIPE, text=True, env=environment
    )
    log: list[str] = []
    assert process.stderr is not None
    reader = threading.Thread(target=log.extend, args=(process.stderr,), daemon=True)
    reader.start()
    try:
        end = time.monotonic() + PATIENCE
        while not (found := re.search(r"url=(http://\S+)", "".join(log))):
            if process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"The server doesn't start:\n{''.join(log)}")
            time.sleep(0.05)
        with httpx2.Client(base_url=found[1], timeout=PATIENCE) as client:
            while client.get("/ready").status_code != 200:
                time.sleep(0.05)
        yield Server(found[1], process, log)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
        reader.join(10)


class Direct:
    """What answers are to hold: the samples that `voice.speak` gives, made once."""

    def __init__(self, name: str) -> None:
        self.voice = vinovits.load(name)
        self._known: dict[tuple[str, int], bytes] = {}

    def samples(self, text: str, seed: int) -> bytes:
        key = text, seed
        if key not in self._known:
            self._known[key] = pcm16(self.voice.speak(text, seed=seed).samples).tobytes()
        return self._known[key]


def body(text: str, seed: int) -> dict[str, Any]:
    return {
        "model": "vinovits",
        "voice": "VOICE",
        "input": text,
        "seed": seed,
        "response_format": "wav",
    }


async def ask(
    client: httpx2.AsyncClient, voice: str, text: str, seed: int
) -> tuple[int, bytes, float, float]:
    """Status, bytes, seconds to the first of them, and to the last."""
    began = time.perf_counter()
    data, first = bytearray(), 0.0
    try:
        request = {**body(text, seed), "voice": voice}
        async with client.stream("POST", "/v1/audio/speech", json=request) as answer:
            async for piece in answer.aiter_raw():
                first = first or time.perf_counter() - began
                data += piece
            return answer.status_code, bytes(data), first, time.perf_counter() - began
    except httpx2.TransportError:
        return 0, bytes(data), first, time.perf_counter() - began


async def load(at: Server, voice: str, clients: int, seconds: float, pause: float = 0.0) -> Any:
    """Have clients ask, each as soon as it is answered."""
    answers: list[tuple[str, int, int, bytes, float]] = []
    # Made beforehand: each reads certificates for a while, which is no time of the server's.
    https = [
        httpx2.AsyncClient(base_url=at.url, timeout=PATIENCE, verify=False) for _ in range(clients)
    ]
    end = time.perf_counter() + seconds

    async def client(number: int) -> None:
        async with https[number] as http:
            turn = 0
            while time.perf_counter() < end:
                text = SENTENCES[(number + turn) % len(SENTENCES)]
                seed = (number * 7 + turn) % 4
                status, data, _, took = await ask(http, voice, text, seed)
                answers.append((text, seed, status, data, took))
                turn += 1
                if status == 429 and pause:
                    await asyncio.sleep(pause)

    await asyncio.gather(*(client(number) for number in range(clients)))
    return answers


def part_load(arguments: argparse.Namespace, direct: Direct) -> dict[str, Any]:
    """16 clients below the bound of the queue: nothing is wrong, crossed or truncated."""
    with tempfile.TemporaryDirectory() as folder, server(arguments.voice, Path(folder)) as at:
        answers = asyncio.run(load(at, arguments.voice, 16, arguments.seconds))
    wrong = sum(
        status == 200 and data[44:] != direct.samples(text, seed)
        for text, seed, status, data, _ in answers
    )
    times = [took for _, _, status, _, took in answers if status == 200]
    return {
        "clients": 16,
        "seconds": arguments.seconds,
        "answers": len(answers),
        "status": dict(Counter(str(status) for _, _, status, _, _ in answers)),
        "wrong": wrong,
        "median_seconds": round(statistics.median(times), 3),
        "longest_seconds": round(max(times), 3),
    }


def part_overload(arguments: argparse.Namespace, direct: Direct) -> dict[str, Any]:
    """Twice as many clients as the server takes: the excess is refused at once.

    The bound is the median with as many clients as it takes, none of whom is refused.
    """
    options = ("--workers", "2", "--max-queue", "6")
    seconds = min(arguments.seconds, 30.0)
    with (
        tempfile.TemporaryDirectory() as folder,
        server(arguments.voice, Path(folder), *options) as at,
    ):
        asyncio.run(load(at, arguments.voice, 8, 3))
        bound = asyncio.run(load(at, arguments.voice, 8, seconds))
        over = asyncio.run(load(at, arguments.voice, 16, seconds, pause=0.5))
    usual = statistics.median(took for _, _, status, _, took in bound if status == 200)
    taken = [took for _, _, status, _, took in over if status == 200]
    refused = [took for _, _, status, _, took in over if status == 429]
    return {
        "bound_median_seconds": round(usual, 3),
        "accepted": len(taken),
        "accepted_median_seconds": round(statistics.median(taken), 3),
        "accepted_over_bound": round(statistics.median(taken) / usual, 2),
        "refused": len(refused),
        "refused_longest_ms": round(1000 * max(refused, default=0.0), 1),
        "refused_median_ms": round(1000 * statistics.median(refused or [0.0]), 1),
        "other": sum(status not in (200, 429) for _, _, status, _, _ in over),
        "wrong": sum(
            status == 200 and data[44:] != direct.samples(text, seed)
            for text, seed, status, data, _ in over
        ),
    }


def part_overhead(arguments: argparse.Namespace, direct: Direct) -> dict[str, Any]:
    """What HTTP adds, and the first byte: one client, and the server's own numbers of the engine.

    The engine's times are those that the server counts in the same requests, as two processes
    differ by more than what HTTP adds. The client is http.client, which does little of its own.
    """
    taken = []
    with (
        tempfile.TemporaryDirectory() as folder,
        server(arguments.voice, Path(folder)) as at,
        httpx2.Client(base_url=at.url, timeout=PATIENCE) as plain,
    ):
        connection = http.client.HTTPConnection(at.url.removeprefix("http://"), timeout=PATIENCE)
        for turn in range(60):
            before = engine(plain)
            text = SENTENCES[turn % len(SENTENCES)]
            asked = json.dumps({**body(text, 0), "voice": arguments.voice})
            began = time.perf_counter()
            connection.request(
                "POST", "/v1/audio/speech", asked.encode(), {"Content-Type": "application/json"}
            )
            answer = connection.getresponse()
            answer.read(1)
            first = time.perf_counter() - began
            answer.read()
            took = time.perf_counter() - began
            after = engine(plain)
            taken.append((first - after[0] + before[0], took - after[1] + before[1]))
        connection.close()
    first_bytes = [1000 * first for first, _ in taken[10:]]
    wholes = [1000 * whole for _, whole in taken[10:]]
    return {
        "requests": len(wholes),
        "first_byte_after_first_window_ms_median": round(statistics.median(first_bytes), 1),
        "first_byte_after_first_window_ms_most": round(max(first_bytes), 1),
        "overhead_ms_median": round(statistics.median(wholes), 1),
        "overhead_ms_most": round(max(wholes), 1),
    }


def engine(client: httpx2.Client) -> tuple[float, float]:
    """Seconds of the engine so far: to first samples, and in all."""
    text = client.get("/metrics").text
    first = re.search(r"^vinovits_first_chunk_seconds_sum (\S+)", text, re.M)
    whole = re.search(r"^vinovits_engine_seconds_total (\S+)", text, re.M)
    return (float(first[1]) if first else 0.0), (float(whole[1]) if whole else 0.0)


def part_memory(arguments: argparse.Namespace, direct: Direct) -> dict[str, Any]:
    """Memory after 200 requests, and after 2,000."""
    told: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, server(arguments.voice, Path(folder)) as at:

        async def measure() -> None:
            limit = asyncio.Semaphore(4)
            async with httpx2.AsyncClient(base_url=at.url, timeout=PATIENCE) as client:

                async def one(number: int) -> None:
                    async with limit:
                        text = SENTENCES[number % len(SENTENCES)]
                        await ask(client, arguments.voice, text, number % 50)

                for start, stop in ((0, 200), (200, arguments.requests)):
                    await asyncio.gather(*(one(number) for number in range(start, stop)))
                    told[f"after_{stop}_mib"] = round(at.resident(), 1)

        asyncio.run(measure())
    first, last = list(told.values())
    return {**told, "grown_mib": round(last - first, 1)}


def part_jobs(arguments: argparse.Namespace, direct: Direct) -> dict[str, Any]:
    """A kill -9 in the middle of ten jobs: all finish after the restart, nothing is made twice."""
    import io

    import soundfile

    texts = ["\n\n".join([*SENTENCES, f"This is job number {number}."]) for number in range(10)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (
            server(arguments.voice, folder) as at,
            httpx2.Client(base_url=at.url, timeout=PATIENCE) as client,
        ):
            asked = [
                {"text": text, "voice": arguments.voice, "format": "wav", "seed": number}
                for number, text in enumerate(texts)
            ]
            ids = [client.post("/api/jobs", json=one).json()["id"] for one in asked]
            total = sum(len(cut(text)) for text in texts)
            while done(client, ids) < total // 3:
                time.sleep(0.05)
            at.process.send_signal(signal.SIGKILL)
            at.process.wait()
        kept = done_before(folder)
        began = time.perf_counter()
        with (
            server(arguments.voice, folder) as at,
            httpx2.Client(base_url=at.url, timeout=PATIENCE) as client,
        ):
            while any(state(client, id_) in ("queued", "running") for id_ in ids):
                time.sleep(0.2)
            states = Counter(state(client, id_) for id_ in ids)
            made = re.search(
                r'vinovits_job_units_total\{how="made"\} (\S+)', client.get("/metrics").text
            )
            wrong = 0
            for number, (id_, text) in enumerate(zip(ids, texts, strict=True)):
                data = client.get(f"/api/jobs/{id_}/audio").content
                samples, _ = soundfile.read(io.BytesIO(data), dtype="int16")
                pause = direct.voice.manifest.defaults.pause
                silence = bytes(2 * round(pause * direct.voice.manifest.sampling_rate))
                parts = [direct.samples(part.text, number) for part in cut(text)]
                wrong += samples.tobytes() != silence.join(parts)
    return {
        "jobs": len(ids),
        "states": dict(states),
        "units": total,
        "kept_through_the_kill": kept,
        "made_after_it": int(float(made[1])) if made else 0,
        "made_twice": (int(float(made[1])) if made else 0) + kept - total,
        "wrong": wrong,
        "seconds_after_it": round(time.perf_counter() - began, 1),
    }


def state(client: httpx2.Client, id_: str) -> str:
    return str(client.get(f"/api/jobs/{id_}").json()["state"])


def done(client: httpx2.Client, ids: list[str]) -> int:
    jobs = client.get("/api/jobs").json()["jobs"]
    return sum(job["done"] for job in jobs if job["id"] in ids)


def done_before(folder: Path) -> int:
    """Units that the killed server has recorded as done."""
    with sqlite3.connect(folder / "units.db") as database:
        [count] = database.execute(
            "SELECT count(*) FROM units JOIN works ON works.id = units.work "
            "WHERE piece IS NOT NULL OR state = 'done'"
        ).fetchone()
    return int(count)


PARTS = {
    "load": part_load,
    "overload": part_overload,
    "overhead": part_overhead,
    "memory": part_memory,
    "jobs": part_jobs,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--voice", default="joe")
    parser.add_argument("--seconds", type=float, default=60.0, help="of the load")
    parser.add_argument("--requests", type=int, default=2000, help="of the part memory")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    direct = Direct(arguments.voice)
    results: dict[str, Any] = {}
    for name in arguments.parts or PARTS:
        results[name] = PARTS[name](arguments, direct)
        print(f"{name}: {json.dumps(results[name])}", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
