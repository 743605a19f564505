"""Streams for a listener: no gaps where a voice is faster than it is heard, and little waiting."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import vinovits
from vinovits.engine.pacing import MARGIN, Following, Pace, Span
from vinovits.engine.voice import Voice
from vinovits.errors import TextError
from vinovits.text import front_ends

SHORT_THEN_LONG = (
    "No. The ferry leaves the island at half past nine in the morning, and takes an hour to the "
    "mainland. Then we walk. She turned the key."
)


class Clock:
    """A time that goes on by work alone, so that a busy machine changes nothing."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._lock = threading.Lock()

    def perf_counter(self) -> float:
        return self.now

    def work(self, seconds: float) -> None:
        """One device: what is done at once takes as long as one after the other."""
        with self._lock:
            self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("vinovits.engine.pacing.time", clock)
    monkeypatch.setattr("vinovits.engine.stream.time", clock)
    return clock


class Slow:
    """A graph that takes so many seconds for a frame."""

    def __init__(self, graph: Any, name: str, seconds: float, clock: Clock) -> None:
        self.graph, self.name, self.seconds, self.clock = graph, name, seconds, clock
        self.inputs, self.static = graph.inputs, False
        self.calls: list[str] = []
        self.info = graph.info

    def __call__(self, **inputs: Any) -> Any:
        self.calls.append(self.name)
        results = self.graph(**inputs)
        frames = inputs["z" if self.name == "decoder" else "z_p"].shape[2]
        self.clock.work(frames * self.seconds)
        return results


@pytest.fixture
def voice(graph_cache: Path) -> Voice:
    """The built-in voice, whose graphs may be made slow."""
    return vinovits.load("joe", features="none", cache_dir=graph_cache)


def _slow(voice: Voice, clock: Clock, preparing: float, decoding: float) -> dict[str, Slow]:
    """Let a second of sound take so many seconds to be prepared, and to be decoded."""
    frame = voice.manifest.hop_length / voice.manifest.sampling_rate
    for name, share in (("flow", preparing), ("decoder", decoding)):
        graph = voice.stages.graphs[name]
        voice.stages.graphs[name] = Slow(graph, name, share * frame, clock)
    return voice.stages.graphs


def _gaps(voice: Voice, clock: Clock, text: str) -> tuple[float, list[float], float]:
    """Seconds to the first sound, and of each silence of a player; and real-time factor."""
    began = clock.now
    first, dry, sound, gaps = 0.0, 0.0, 0.0, []
    for chunk in voice.stream(text):
        now = clock.now - began
        if not dry:
            first = dry = now
        if now > dry:
            gaps.append(now - dry)
            dry = now
        seconds = len(chunk.samples) / voice.manifest.sampling_rate
        dry, sound = dry + seconds, sound + seconds
    return first, gaps, (clock.now - began) / sound


@pytest.mark.parametrize("text", [SHORT_THEN_LONG, SHORT_THEN_LONG.partition(" ")[2]])
def test_a_slow_voice_has_no_gaps(voice: Voice, clock: Clock, text: str) -> None:
    _slow(voice, clock, 0.2, 0.48)
    first, gaps, factor = _gaps(voice, clock, text)
    assert 0.65 < factor < 0.9  # what it was meant to be
    assert not gaps
    assert first < 3


def test_it_is_the_lead_that_makes_it_so(
    voice: Voice, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    _slow(voice, clock, 0.2, 0.48)
    monkeypatch.setattr(Pace, "is_enough", lambda *_: True)
    assert _gaps(voice, clock, SHORT_THEN_LONG)[1]


def test_a_quick_voice_waits_for_nothing(voice: Voice, clock: Clock) -> None:
    graphs = _slow(voice, clock, 0.02, 0.02)
    stream = voice.stream(SHORT_THEN_LONG)
    next(stream)
    assert [*graphs["flow"].calls, *graphs["decoder"].calls] == ["flow", "decoder"]
    stream.close()


def test_chunks_are_those_of_speak_however_they_are_paced(voice: Voice, clock: Clock) -> None:
    quick = np.concatenate([chunk.samples for chunk in voice.stream(SHORT_THEN_LONG)])
    _slow(voice, clock, 0.2, 0.5)
    slow = list(voice.stream(SHORT_THEN_LONG))
    np.testing.assert_array_equal(np.concatenate([chunk.samples for chunk in slow]), quick)
    np.testing.assert_array_equal(voice.speak(SHORT_THEN_LONG).samples, quick)
    starts = np.cumsum([0, *(len(chunk.samples) for chunk in slow)])[:-1]
    assert [chunk.start_sample for chunk in slow] == starts.tolist()


def test_closing_stops_the_work_within_a_window(voice: Voice, clock: Clock) -> None:
    graphs = _slow(voice, clock, 0.05, 0.05)
    text = SHORT_THEN_LONG * 5
    stream = voice.stream(text)
    next(stream)
    before = len(graphs["decoder"].calls), len(graphs["flow"].calls)
    stream.close()
    after = len(graphs["decoder"].calls), len(graphs["flow"].calls)
    assert after[0] == before[0]
    assert after[1] <= before[1] + 1  # the sentence that was being prepared
    time.sleep(0.3)
    assert (len(graphs["decoder"].calls), len(graphs["flow"].calls)) == after
    assert not [one for one in threading.enumerate() if one.name.startswith("vinovits-ahead")]


def test_a_slow_reader_lets_no_work_pile_up(voice: Voice, clock: Clock) -> None:
    graphs = _slow(voice, clock, 0.0, 0.0)
    texts = [f"Number {number} is here. " for number in range(12)]
    done = []
    for chunk in voice.stream("".join(texts)):
        time.sleep(0.1)
        done.append((chunk.sentence, len(graphs["flow"].calls), len(graphs["decoder"].calls)))
    assert done[-1][0] == 11
    for number, (sentence, prepared, decoded) in enumerate(done):
        assert prepared <= sentence + 2  # the one that is heard, and the next
        assert decoded <= number + 1


def test_an_error_in_the_next_sentence_comes_through(
    voice: Voice, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = front_ends.read

    def broken(*arguments: Any) -> Iterator[Any]:
        yield next(iter(read(*arguments)))
        raise TextError("no more")

    monkeypatch.setattr("vinovits.engine.voice.front_ends.read", broken)
    with pytest.raises(TextError, match="no more"):
        list(voice.stream(SHORT_THEN_LONG))
    assert not [one for one in threading.enumerate() if one.name.startswith("vinovits-ahead")]


@given(
    preparing=st.floats(0.01, 0.35),
    decoding=st.floats(0.01, 0.35),
    sounds=st.lists(st.floats(2.5, 20), min_size=2, max_size=2),
    windows=st.lists(st.floats(0.5, 2), max_size=8),
    held=st.floats(0.3, 5),
)
def test_what_is_enough_is_enough(
    preparing: float, decoding: float, sounds: list[float], windows: list[float], held: float
) -> None:
    pace = Pace()
    pace.has_prepared(preparing * 4, 4.0)
    pace.has_decoded(decoding * 0.5, Span(0.5, 0.4))
    spans = [Span(1.1 * seconds, seconds) for seconds in windows]
    following = [Following(0.0, sound, Span(2.0, 1.9)) for sound in sounds]
    if not pace.is_enough(held, spans, following):
        assert preparing + decoding < 1
        # More that is held never makes it worse, and all of it is always enough.
        assert pace.is_enough(held + 100, spans, following)
        return
    clock, dry = 0.0, held
    for span in spans:
        clock += decoding * span.work
        assert clock <= dry
        dry += span.sound
    for sentence in following:
        clock += preparing * sentence.sound
        assert clock + decoding * sentence.first.work <= dry
        clock += decoding * sentence.sound
        dry += sentence.sound


def test_a_voice_that_is_slower_than_speech_isnt_held_back() -> None:
    pace = Pace()
    pace.has_prepared(4.0, 4.0)
    pace.has_decoded(1.0, Span(1.0, 1.0))
    assert pace.is_enough(0.1, [Span(9, 9)], [])


def test_the_next_sentence_waits_for_the_windows_that_are_due(clock: Clock) -> None:
    pace = Pace()
    pace.has_prepared(1.0, 5.0)  # 0.2
    pace.has_decoded(0.5, Span(1.0, 1.0))
    windows = [Span(1.0, 1.0)]
    assert not pace.has_time(windows, 10)  # nobody hears anything yet
    pace.given(0.5)
    pace.asked()
    assert not pace.has_time(windows, 10)
    pace.given(MARGIN * 3 + 0.1)
    pace.asked()
    assert pace.has_time(windows, 10)
    assert pace.has_time([], 1000)
    pace.given(0.0)
    clock.work(0.05)  # a player that has enough for now
    pace.asked()
    assert pace.has_time(windows, 1000)
