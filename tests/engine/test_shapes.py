"""Static shapes give the samples of dynamic ones, in few lengths, each compiled once."""

from __future__ import annotations

import gc
import logging
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import vinovits
from tests.engine.helpers import check_windows
from vinovits import devices
from vinovits.engine import synthesis, warming
from vinovits.engine.shapes import (
    FRAME_BUCKETS,
    PHONE_BUCKETS,
    is_static,
    padded_frames,
    padded_steps,
    usual_lengths,
)
from vinovits.engine.voice import Voice
from vinovits.engine.windows import FIXED, GROWTH, SHORT, Reach, fixed_lengths, plan_windows
from vinovits.errors import DeviceFailedError, UsageError
from vinovits.graphs import StaticGraph, recipe
from vinovits.text.sequence import PhoneSequence

CLOSE = 1e-4
"""Of the peak."""

reaches = st.integers(0, 60).flatmap(
    lambda context: st.integers(0, context).map(lambda late: Reach(context, late))
)


@pytest.fixture(scope="module")
def voices(tiny_voice: Path, graph_cache: Path) -> tuple[Voice, Voice]:
    """The same voice with dynamic and with static shapes."""
    dynamic = vinovits.load(tiny_voice, precision="f32", cache_dir=graph_cache)
    return dynamic, vinovits.load(
        tiny_voice, precision="f32", shapes="static", warm=False, cache_dir=graph_cache
    )


def _apart(one: np.ndarray, other: np.ndarray) -> float:
    assert one.shape == other.shape
    return float(np.abs(one - other).max() / np.abs(one).max())


def _sequence(steps: int, rng: np.random.Generator) -> PhoneSequence:
    return PhoneSequence(
        phones=rng.integers(0, 100, steps),
        tones=rng.integers(0, 5, steps),
        languages=np.zeros(steps, np.int64),
        stretches=(),
        names=(),
        word_phones=(),
    )


# More than the 200 lengths that are promised, short and long ones among them.
@given(steps=st.integers(1, 400), frames=st.integers(1, 1200), seed=st.integers(0, 9))
@settings(
    max_examples=220,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_every_stage_gives_what_it_gives_with_dynamic_shapes(
    voices: tuple[Voice, Voice], steps: int, frames: int, seed: int
) -> None:
    rng = np.random.default_rng((steps, frames, seed))
    sequence = _sequence(steps, rng)
    width = voices[0].manifest.features[0].width
    features = {"en_bert": rng.standard_normal((1, width, steps), np.float32)}
    speaker = rng.standard_normal((1, 6, 1), np.float32)
    noise = rng.standard_normal((1, 2, steps), np.float32)
    z_p = rng.standard_normal((1, 4, frames), np.float32)
    found = []
    for voice in voices:
        graphs, reach = voice.stages.graphs, voice.stages.reach
        encoded = synthesis.encode(graphs["encoder"], sequence, features, {}, speaker, noise)
        z = synthesis.flow(graphs["flow"], z_p, speaker)
        # Each stage gets the same: errors of one mustn't hide behind those of another.
        windows = synthesis.decode(graphs["decoder"], z_p, speaker, reach, 16, GROWTH[seed % 2 :])
        found.append((encoded, z, np.concatenate(list(windows))))
    (encoded, z, audio), (other_encoded, other_z, other_audio) = found
    for name in ("m_p", "logs_p", "logw_sdp", "logw_dp"):
        assert _apart(getattr(encoded, name), getattr(other_encoded, name)) <= CLOSE
    assert _apart(z, other_z) <= CLOSE
    assert audio.shape == (frames * 16,)
    assert _apart(audio, other_audio) <= CLOSE


@pytest.mark.parametrize("text", ["Yes.", "Hello there. And 3 more?", "So much to say here. " * 9])
def test_speech_and_stream_are_the_same(voices: tuple[Voice, Voice], text: str) -> None:
    dynamic, static = (voice.speak(text, seed=4) for voice in voices)
    assert _apart(dynamic.samples, static.samples) <= CLOSE
    assert static.sentences == dynamic.sentences
    assert {info.shapes for info in dynamic.stats.graphs.values()} == {"dynamic"}
    assert {info.shapes for info in static.stats.graphs.values()} == {"static"}
    chunks = [chunk.samples for chunk in voices[1].stream(text, seed=4)]
    np.testing.assert_array_equal(np.concatenate(chunks), static.samples)


def test_a_real_voice_says_the_same(graph_cache: Path) -> None:
    dynamic, static = (
        vinovits.load(
            *("joe",), features="none", precision="f32", shapes=shapes, warm=False,
            cache_dir=graph_cache,
        )
        for shapes in ("dynamic", "static")
    )  # fmt: skip
    for text in ("Yes.", "The harbour lies quiet in the evening.", "One, two, three. " * 2):
        assert _apart(dynamic.speak(text).samples, static.speak(text).samples) <= CLOSE


def test_few_shapes_are_compiled(voices: tuple[Voice, Voice]) -> None:
    voice = voices[1]
    for words in range(1, 40):
        voice.speak("word " * words, seed=words)
    bert = voice.stages._bert["en_bert"].graph._graph()
    graphs = {**voice.stages.graphs, "bert": bert}
    for name, most in (("encoder", 5), ("flow", 12), ("decoder", 3), ("bert", 4)):
        graph = graphs[name]
        assert isinstance(graph, StaticGraph)
        assert 1 <= len(graph.shapes) <= 16
        if name in ("decoder", "bert"):
            kept = [shapes for shapes in graph.shapes if dict(shapes).get("kept", (32,))[0] >= 32]
            assert len(kept) <= most


@given(steps=st.integers(1, 2000))
def test_lengths_are_buckets_or_multiples(steps: int) -> None:
    for pad, buckets in ((padded_steps, PHONE_BUCKETS), (padded_frames, FRAME_BUCKETS)):
        static = pad(steps, True)
        assert static >= steps
        assert static in buckets or (static > buckets[-1] and static % 64 == 0)
        assert not any(steps <= bucket < static for bucket in buckets)
        assert pad(steps, False) == -(-steps // 64) * 64


@given(
    frames=st.integers(1, 3000), reach=reaches, growth=st.sampled_from([GROWTH, GROWTH[1:], (1,)])
)
def test_fixed_windows_cover_all_frames_with_context(
    frames: int, reach: Reach, growth: tuple[int, ...]
) -> None:
    lengths = fixed_lengths(reach)
    windows = list(plan_windows(frames, reach, growth, lengths))
    check_windows(windows, frames, reach)
    for window in windows:
        length, kept = window.stop - window.start, window.kept_to - window.kept_from
        if frames >= lengths[0]:
            assert length in lengths
            assert kept == length - reach.dropped
        else:
            assert (
                length == kept == (SHORT[0] if 2 * reach.context < SHORT[0] <= frames else frames)
            )


def test_the_first_fixed_window_is_the_small_one() -> None:
    released = Reach(13, 2)
    assert fixed_lengths(released) == FIXED
    assert fixed_lengths(Reach(60, 5)) == (192,)
    plan = plan_windows(1000, released, GROWTH, FIXED)
    assert [window.stop - window.start for window in plan[:2]] == list(FIXED)


@pytest.mark.parametrize(
    ("policy", "device", "expected"),
    [
        ("auto", "CPU", False),
        ("auto", "GPU.1", True),
        ("auto", "NPU", True),
        ("static", "CPU", True),
        ("dynamic", "GPU", False),
    ],
)
def test_the_policy_is_the_devices_unless_it_is_asked_for(
    policy: Any, device: str, expected: bool
) -> None:
    assert is_static(policy, device) is expected


def test_an_unknown_policy_is_named_with_those_there_are(tiny_voice: Path) -> None:
    with pytest.raises(UsageError, match=r"'statc'.*auto, dynamic, static"):
        vinovits.load(tiny_voice, shapes="statc")


@pytest.fixture
def static_decoder(tiny_voice: Path, tmp_path: Path) -> StaticGraph:
    return StaticGraph(recipe(tiny_voice / "decoder.xml", "cpu", tmp_path / "cache"))


def _count(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    made: list[int] = []
    compile_model = devices.core().compile_model

    def counted(model: Any, *others: Any) -> Any:
        made.append(model.input("z").get_partial_shape()[2].get_length())
        return compile_model(model, *others)

    monkeypatch.setattr(devices.core(), "compile_model", counted)
    return made


def test_each_shape_is_compiled_once_by_many_threads(
    static_decoder: StaticGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = _count(monkeypatch)
    speaker = np.ones((1, 6, 1), np.float32)

    def run(number: int) -> tuple[int, np.ndarray]:
        length = 20 + number % 4
        z = np.random.default_rng(number % 8).standard_normal((1, 4, length), np.float32)
        return number % 8, static_decoder(z=z, speaker=speaker, kept=np.arange(length))["audio"]

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(run, range(64)))
    assert sorted(made) == [20, 21, 22, 23]
    for number, audio in results:
        np.testing.assert_array_equal(audio, results[number][1])
    assert static_decoder.info.shapes == "static"


def test_memory_holds_only_some_shapes(static_decoder: StaticGraph) -> None:
    for length in range(20, 60):
        static_decoder.prepare({"": length})
    assert len(static_decoder.shapes) == 16
    assert {dict(shapes)["z"][2] for shapes in static_decoder.shapes} == set(range(44, 60))


def test_warming_compiles_the_usual_shapes_and_no_more(
    tiny_voice: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[threading.Thread] = []
    warm = warming.warm
    monkeypatch.setattr(warming, "warm", lambda jobs: started.append(warm(jobs)))
    cache = tmp_path / "cache"
    voice = vinovits.load(tiny_voice, features="none", shapes="static", cache_dir=cache)
    [thread] = started
    thread.join()
    for name, graph in voice.stages.graphs.items():
        assert isinstance(graph, StaticGraph)
        assert len(graph.shapes) == len(usual_lengths(name, voice.stages.reach))
    assert len(list(cache.glob("*.graph"))) == len(PHONE_BUCKETS) + len(FRAME_BUCKETS) + 3


def test_what_fails_while_warming_is_logged_and_the_rest_goes_on(
    static_decoder: StaticGraph, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        def prepare(self, lengths: dict[str, int]) -> None:
            raise [DeviceFailedError("the driver broke"), ValueError("a bug")][lengths[""]]

    broken: Any = Broken()
    gone: Any = Broken()
    jobs = [(broken, {"": 0}), (gone, {"": 0}), (broken, {"": 1}), (static_decoder, {"": 21})]
    del gone, jobs[1]
    gc.collect()
    with caplog.at_level(logging.WARNING):
        warming.warm(jobs).join()
    assert "Not compiled ahead: the driver broke" in caplog.text
    assert "a bug" in caplog.text
    assert len(static_decoder.shapes) == 1


def test_warming_ends_with_the_process(tmp_path: Path) -> None:
    script = (
        "import vinovits\n"
        "voice = vinovits.load('joe', features='none', shapes='static',\n"
        f"    cache_dir={str(tmp_path)!r})\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    # Three were compiled at load; the rest wasn't waited for.
    assert 3 <= len(list(tmp_path.glob("*.graph"))) < 14
