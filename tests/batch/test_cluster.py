"""Units on a real Ray cluster of this machine, with several processes."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vinovits.batch.cluster import RaySpeakers, connect
from vinovits.batch.run import run
from vinovits.batch.speakers import OwnSpeakers
from vinovits.batch.store import Unit, UnitStore
from vinovits.errors import TextError, UsageError


@pytest.fixture(scope="module")
def options() -> dict[str, Any]:
    return {"precision": "f32", "threads": 1}


@pytest.fixture(scope="module")
def speakers(options: dict[str, Any]) -> Iterator[RaySpeakers]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("RAY_DISABLE_MEMORY_MONITOR", "1")
        import ray

        ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
        made = RaySpeakers("local", options, actors=2)
        yield made
        made.close()
        ray.shutdown()


def units(voice: Path, count: int) -> list[Unit]:
    return [
        Unit(number, f"This is part {number} of a text.", 0, str(voice), {"seed": 3}, 0.1)
        for number in range(count)
    ]


def samples(store: UnitStore, work: str) -> list[bytes]:
    return [piece.path.read_bytes() for _, piece in store.pieces(work)]


def test_a_cluster_makes_what_one_process_makes(
    speakers: RaySpeakers, options: dict[str, Any], tiny_voice: Path, tmp_path: Path
) -> None:
    with UnitStore(tmp_path / "ray") as store:
        store.add("work", units(tiny_voice, 12), {})
        outcome = run(store, "work", speakers)
        assert (outcome.made, outcome.failed) == (12, [])
        on_cluster = samples(store, "work")
    own = OwnSpeakers(options)
    with UnitStore(tmp_path / "own") as store:
        store.add("work", units(tiny_voice, 12), {})
        run(store, "work", own)
        assert samples(store, "work") == on_cluster
    own.close()


def test_a_worker_that_is_killed_costs_its_unit_only(
    speakers: RaySpeakers, tiny_voice: Path, tmp_path: Path
) -> None:
    killed: list[int] = []

    def kill(_: object) -> None:
        if not killed:
            killed.append(_process_of(speakers))
            os.kill(killed[0], signal.SIGKILL)

    with UnitStore(tmp_path / "ray") as store:
        store.add("work", units(tiny_voice, 30), {})
        outcome = run(store, "work", speakers, tell=kill)
        assert killed
        assert (outcome.made, outcome.failed) == (30, [])
        assert all(len(piece) > 100 for piece in samples(store, "work"))


def _process_of(speakers: RaySpeakers) -> int:
    """The process of an actor."""
    from ray.util.state import list_actors

    try:
        return next(int(actor.pid) for actor in list_actors() if actor.state == "ALIVE")
    except Exception:  # without its dashboard, Ray may not tell
        return _by_name()


def _by_name() -> int:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes().startswith(b"ray::_Actor"):
                return int(path.parent.name)
        except OSError:
            continue
    raise AssertionError("There is no actor.")


def test_errors_come_over(speakers: RaySpeakers, tiny_voice: Path) -> None:
    with pytest.raises(TextError, match="Chinese"):
        speakers.speak(str(tiny_voice), "你好", {}).result()
    chunks = speakers.speak(str(tiny_voice), "Hello.", {}).result()
    assert np.concatenate([chunk.samples for chunk in chunks]).any()


@pytest.mark.parametrize(
    ("address", "message"),
    [("127.0.0.1:9", "No Ray cluster answers at 127.0.0.1:9"), ("nowhere", "is no address")],
)
def test_an_address_that_does_not_answer_is_told(address: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        connect(address)


@pytest.mark.parametrize(
    ("answer", "message"),
    [(b"", "something else"), (b"HTTP/1.1 400 Bad", "something else"), (None, "nothing came back")],
)
@pytest.mark.parametrize("way", ["address", "environment"])
def test_what_takes_a_connection_and_is_no_cluster_is_told_soon(
    monkeypatch: pytest.MonkeyPatch, answer: bytes | None, message: str, way: str
) -> None:
    monkeypatch.setattr("vinovits.batch.cluster._CONNECT_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"

        def serve() -> None:
            connection, _ = server.accept()
            if answer is None:
                told.wait(30)
            else:
                connection.recv(64)
                connection.sendall(answer)
            connection.close()

        told = threading.Event()
        thread = threading.Thread(target=serve)
        thread.start()
        if way == "environment":
            monkeypatch.setenv("RAY_ADDRESS", address)
        with pytest.raises(UsageError, match=f"No Ray cluster answers at {address}: .*{message}"):
            connect(address if way == "address" else "auto")
        told.set()
        thread.join()


def test_a_cluster_without_a_free_processor_is_told(
    speakers: RaySpeakers, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vinovits.batch.cluster._START_SECONDS", 2.0)
    with pytest.raises(UsageError, match="No processor of the cluster was free for 2 seconds"):
        RaySpeakers("local", options, actors=1)
    assert speakers.width == 2
