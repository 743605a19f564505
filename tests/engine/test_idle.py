"""Voices give their memory back: when asked, or when nobody has used them for a while."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import vinovits
from vinovits.engine.idle import IdleTimer
from vinovits.engine.voice import Voice
from vinovits.errors import UsageError


def _wait(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 30
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def test_it_acts_once_when_all_calls_have_ended() -> None:
    acted: list[float] = []
    timer = IdleTimer(0.05, lambda: acted.append(time.monotonic()))
    timer.enter()
    with timer.use():
        pass
    time.sleep(0.15)
    assert not acted  # one call is in flight
    timer.leave()
    assert _wait(lambda: len(acted) == 1)
    time.sleep(0.1)
    assert len(acted) == 1
    with timer.use():
        pass
    assert _wait(lambda: len(acted) == 2)


def test_a_call_in_time_begins_the_wait_anew() -> None:
    acted = threading.Event()
    timer = IdleTimer(0.3, acted.set)
    for _ in range(5):
        with timer.use():
            time.sleep(0.1)
        assert not acted.is_set()
    assert acted.wait(30)


def test_without_a_time_nothing_happens() -> None:
    timer = IdleTimer(None, lambda: pytest.fail("it acted"))
    before = set(threading.enumerate())  # a timer of a test before may still be among them
    with timer.use():
        pass
    assert not [one for one in set(threading.enumerate()) - before if one.name == "vinovits-idle"]


def test_a_voice_that_was_unloaded_speaks_the_same(tiny_voice: Path, graph_cache: Path) -> None:
    voice = vinovits.load(tiny_voice, cache_dir=graph_cache)
    before = voice.speak("Hello there.").samples
    stages = weakref.ref(voice.stages)
    voice.unload()
    gc.collect()
    assert not voice.loaded
    assert stages() is None
    np.testing.assert_array_equal(voice.speak("Hello there.").samples, before)
    assert voice.loaded


def test_a_stream_in_flight_survives_an_unload(tiny_voice: Path, graph_cache: Path) -> None:
    voice = vinovits.load(tiny_voice, cache_dir=graph_cache)
    text = "One sentence. Another one. And a third."
    whole = voice.speak(text).samples
    stream = voice.stream(text)
    chunks = [next(stream)]
    voice.unload()
    chunks += list(stream)
    np.testing.assert_array_equal(np.concatenate([one.samples for one in chunks]), whole)
    assert not voice.loaded


def test_an_idle_voice_unloads_itself(tiny_voice: Path, graph_cache: Path) -> None:
    voice = vinovits.load(tiny_voice, idle_seconds=0.2, cache_dir=graph_cache)
    assert _wait(lambda: not voice.loaded)
    stream = voice.stream("One sentence. Another one.")
    next(stream)
    time.sleep(0.5)
    assert voice.loaded  # the stream isn't at its end
    list(stream)
    assert _wait(lambda: not voice.loaded)


@pytest.mark.parametrize("end", ["close", "forget", "fail"])
def test_a_stream_that_isnt_heard_to_its_end_counts_no_more(
    voice_with_timer: Voice, end: str
) -> None:
    voice = voice_with_timer
    if end == "fail":
        with pytest.raises(UsageError):
            voice.stream("One.", speaker="nobody")
    else:
        stream = voice.stream("One sentence. Another one.")
        next(stream)
        if end == "close":
            stream.close()
        del stream
    # What is prepared ahead holds a forgotten stream until it is done.
    assert _wait(lambda: gc.collect() >= 0 and not voice.loaded)


@pytest.fixture
def voice_with_timer(tiny_voice: Path, graph_cache: Path) -> Voice:
    return vinovits.load(tiny_voice, idle_seconds=0.2, cache_dir=graph_cache)


def test_a_voice_with_a_timer_can_be_forgotten(tiny_voice: Path, graph_cache: Path) -> None:
    voice = vinovits.load(tiny_voice, idle_seconds=1000, cache_dir=graph_cache)
    voice.speak("Hello.")
    gone = weakref.ref(voice)
    del voice
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), "soon"])
def test_a_wrong_time_is_told(tiny_voice: Path, seconds: object) -> None:
    with pytest.raises(UsageError, match="idle_seconds"):
        vinovits.load(tiny_voice, idle_seconds=seconds)


def test_a_process_doesnt_wait_for_the_timer(tiny_voice: Path, graph_cache: Path) -> None:
    script = (
        "import vinovits\n"
        f"voice = vinovits.load({str(tiny_voice)!r}, idle_seconds=600, "
        f"cache_dir={str(graph_cache)!r})\n"
        "voice.speak('Hello.')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
