"""Measuring a voice in processes of their own, and what is made of the figures."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from vinovits.engine import measure, tuning
from vinovits.engine.tuned import Tuned


@pytest.mark.parametrize(
    ("factors", "expected"),
    [
        ({"usual": 1.0, "other": 0.9}, "other"),
        ({"usual": 1.0, "other": 0.98}, "usual"),
        ({"usual": 1.0, "other": 0.5, "third": 0.4}, "third"),
        ({"usual": 1.0}, "usual"),
    ],
)
def test_only_what_is_faster_for_sure_is_taken(factors: dict[str, float], expected: str) -> None:
    assert tuning.fastest(factors) == expected


@pytest.mark.parametrize("language", ["en", "zh", "ja"])
def test_texts_differ(language: str) -> None:
    texts = {measure.text_of(language, number) for number in range(90)}
    assert len(texts) == 90


def test_a_process_speaks_and_ends(tiny_voice: Path, tmp_path: Path) -> None:
    tuned = Tuned(threads=1, precision="f32")
    with measure.start(str(tiny_voice), {}, tmp_path, tuned) as process:
        assert (process.loaded.voice, process.loaded.language) == ("tiny", "en")
        assert process.loaded.graphs["decoder"] == ["CPU", "f32"]
        assert process.loaded.load_seconds > 0
        runs = measure.take_turns({"one": process}, 1, 2, float("inf"))["one"]
        assert len(runs) == 2
        found = measure.summary(runs)
        assert set(found["ms_per_second"]) == set(measure.STAGES)
        assert found["real_time_factor"] > 0
        stream = process.stream("Hello there. And more.")
        assert 0 < stream.first_seconds <= stream.wall_seconds
        many = process.many(["One.", "Two.", "Three."], 2)
        assert many.audio_seconds > 0
        assert process.memory()["peak"] >= process.memory()["now"] >= 0
    assert list(tmp_path.glob("*.graph"))


def test_a_process_that_cant_load_says_why(tmp_path: Path) -> None:
    with (
        pytest.raises(measure.MeasurementError, match="no voice 'nobody'"),
        measure.start("nobody", {}, tmp_path),
    ):
        pass
    with (
        pytest.raises(measure.MeasurementError, match=r"has failed: .*TypeError"),
        measure.start("nobody", {"colour": "red"}, tmp_path),
    ):
        pass


class FakeProcess:
    """Speaks by a table of real-time factors."""

    loaded = measure.Loaded(0.1, 0.1, "fake", "en", 8000, {"decoder": ["CPU", "bf16"]})

    def __init__(self, tuned: Tuned) -> None:
        self.tuned = tuned

    def speak(self, text: str) -> measure.Run:
        factor = {1: 0.5, 2: 0.6, None: 1.0}[self.tuned.threads]
        factor *= {"f32": 2.0}.get(self.tuned.precision or "", 1.0)
        factor *= {320: 0.9}.get((self.tuned.windows or (0, 0))[1], 1.0)
        return measure.Run(1.0, factor, factor, {})

    def many(self, texts: list[str], workers: int) -> measure.Run:
        return measure.Run(1.0, 1 / workers, 1.0, {})


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> list[Tuned]:
    """Eight processors and processes that are fake; lists what they were started with."""
    started: list[Tuned] = []

    @contextmanager
    def start(voice: str, options: Any, cache: Path, tuned: Tuned) -> Iterator[FakeProcess]:
        started.append(tuned)
        yield FakeProcess(tuned)

    monkeypatch.setattr(measure, "start", start)
    monkeypatch.setattr(tuning, "usable", lambda: 4)
    monkeypatch.setattr("vinovits.devices.can_compute", lambda device, precision: True)
    return started


def test_each_setting_is_tried_with_the_best_before_it(fake: list[Tuned]) -> None:
    said: list[str] = []
    found, tries = tuning.tune("fake", 60, said.append)
    assert found == Tuned(threads=1, windows=(64, 320), workers=4)
    assert said == ["threads", "precision", "windows", "workers"]
    assert [one.value for one in tries if one.taken] == ["1", "auto", "64, 320", "4"]
    assert fake[-1] == Tuned(threads=1, windows=(64, 320))


def test_without_time_all_stays_as_it_comes(
    fake: list[Tuned], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.monotonic()
    clock = iter(range(10**6))
    monkeypatch.setattr(time, "monotonic", lambda: now + 100 * next(clock))
    found, tries = tuning.tune("fake", 1)
    assert found == Tuned()
    assert all(one.real_time_factor == 0 for one in tries)
