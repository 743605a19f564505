"""The queue by itself: what is far ahead waits, what nobody waits for ends."""

from __future__ import annotations

import asyncio
import threading

import pytest

from tests.serve.conftest import PATIENCE, until
from vinovits.serve import work as module
from vinovits.serve.errors import ApiError, api_error
from vinovits.serve.log import RequestRecord, request
from vinovits.serve.metrics import Metrics
from vinovits.serve.work import Job, Work, WorkerDiedError


def run_in_loop(check: object) -> None:
    asyncio.run(asyncio.wait_for(check, PATIENCE))


@pytest.fixture
def work() -> Work:
    return Work(workers=1, most_waiting=1, deadline=PATIENCE, metrics=Metrics())


def test_a_worker_waits_for_a_reader_who_is_far_behind(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_UNREAD", 15)
    put: list[int] = []

    def task(job: Job[int]) -> None:
        for number in range(10):
            job.put(number, 10)
            put.append(number)

    async def check() -> None:
        job = work.submit(task)
        await asyncio.to_thread(until, lambda: put == [0, 1])
        assert work.held == 20
        assert [await job.get() for _ in range(11)] == [*range(10), None]
        assert work.held == 0
        await asyncio.to_thread(work.close)

    run_in_loop(check())


def test_a_worker_who_waits_for_a_reader_ends_when_he_leaves(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_UNREAD", 5)
    ended = threading.Event()

    def task(job: Job[int]) -> None:
        try:
            while True:
                job.put(0, 10)
        finally:
            ended.set()

    async def check() -> None:
        job = work.submit(task)
        assert await job.get() == 0
        job.stop()
        assert await asyncio.to_thread(ended.wait, PATIENCE)
        assert work.held == 0
        await asyncio.to_thread(work.close)

    run_in_loop(check())


def test_nothing_is_taken_on_while_too_much_waits_to_be_read(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_HELD", 50)

    async def check() -> None:
        job = work.submit(lambda job: job.put(b"", 60))
        await asyncio.to_thread(until, lambda: work.held == 60)
        with pytest.raises(ApiError) as refused:
            work.submit(lambda job: job.put(b""))
        assert refused.value.status == 429
        job.stop()
        assert await work.call(lambda: "done") == "done"
        await asyncio.to_thread(work.close)

    run_in_loop(check())


def test_a_fault_is_raised_where_the_result_is_waited_for(work: Work) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    async def check() -> None:
        with pytest.raises(ZeroDivisionError):
            await work.call(fail)
        assert await work.call(lambda: 1) == 1
        await asyncio.to_thread(work.close)
        with pytest.raises(ApiError) as refused:
            await work.call(lambda: 1)
        assert refused.value.status == 503

    run_in_loop(check())


def test_owners_take_turns_and_nobody_is_kept_out(work: Work) -> None:
    gate, order = threading.Event(), list[str]()

    def asked(owner: str) -> Job[int]:
        token = request.set(RequestRecord("1", key=owner))

        def task(job: Job[int]) -> None:
            assert gate.wait(PATIENCE)
            order.append(owner)

        try:
            return work.submit(task)
        finally:
            request.reset(token)

    async def check() -> None:
        work._most_waiting = 3
        jobs = [asked("ann")]
        await asyncio.to_thread(until, lambda: work.running == 1)
        jobs += [asked("ann") for _ in range(3)]
        for _ in range(2):
            with pytest.raises(ApiError) as refused:
                asked("ann")
            assert refused.value.status == 429
        jobs += [asked("bob"), asked("cid")]
        with pytest.raises(ApiError):
            asked("bob")
        gate.set()
        for job in jobs:
            assert await job.get() is None
        assert order == ["ann", "ann", "bob", "cid", "ann", "ann"]
        await asyncio.to_thread(work.close)

    run_in_loop(check())


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_worker_that_dies_is_replaced(work: Work) -> None:
    def die() -> None:
        raise SystemExit

    async def check() -> None:
        for _ in range(3):
            with pytest.raises(WorkerDiedError):
                await work.call(die)
            await asyncio.to_thread(until, lambda: not any(t.is_alive() for t in work._threads))
            assert await work.call(lambda: 1) == 1
        await asyncio.to_thread(until, lambda: (work.running, work.waiting) == (0, 0))
        await asyncio.to_thread(work.close)

    run_in_loop(check())


def test_no_memory_is_answered(work: Work) -> None:
    def greedy() -> None:
        raise MemoryError

    async def check() -> None:
        with pytest.raises(MemoryError) as caught:
            await work.call(greedy)
        assert api_error(caught.value).status == 503
        assert await work.call(lambda: 1) == 1
        await asyncio.to_thread(work.close)

    run_in_loop(check())
