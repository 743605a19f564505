"""A tiny voice through the whole engine."""

from __future__ import annotations

import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vinovits
from vinovits.engine.stream import _Sentences
from vinovits.engine.voice import Voice
from vinovits.errors import DeviceError, LanguageError, TextError, UsageError
from vinovits.graphs import GraphInfo

TEXT = "Hello there. This is a longer second sentence, with a pause! And 3 more?"


@pytest.fixture(scope="module")
def voice(tiny_voice: Path, graph_cache: Path) -> Voice:
    return vinovits.load(tiny_voice, cache_dir=graph_cache)


def test_speaking_gives_samples_timings_and_stats(voice: Voice) -> None:
    audio = voice.speak(TEXT)
    assert audio.sampling_rate == 8000
    assert audio.samples.dtype == np.float32
    assert audio.samples.ndim == 1
    assert np.isfinite(audio.samples).all()
    assert 0 < np.abs(audio.samples).max() <= 1
    assert [s.text for s in audio.sentences] == [
        "Hello there.",
        "This is a longer second sentence, with a pause!",
        "And 3 more?",
    ]
    assert audio.sentences[-1].end == pytest.approx(audio.seconds)
    for before, after in zip(audio.sentences, audio.sentences[1:], strict=False):
        assert before.end == pytest.approx(after.start)
    for sentence in audio.sentences:
        assert sentence.text == TEXT[sentence.start_char : sentence.end_char]
    three = next(w for s in audio.sentences for w in s.words if w.text == "three")
    assert TEXT[three.start_char : three.end_char] == "3"
    stats = audio.stats
    assert set(stats.stages) == {"read", "features", "encode", "durations", "flow", "decode"}
    assert all(seconds > 0 for seconds in stats.stages.values())
    assert stats.audio_seconds == pytest.approx(audio.seconds)
    assert 0 < stats.first_chunk_seconds <= stats.wall_seconds
    assert set(stats.graphs) == {"encoder", "flow", "decoder", "all-MiniLM-L6-v2"}
    for name, info in stats.graphs.items():
        assert info.devices == ("CPU",)
        assert info.precision == "f32" or name == "decoder"


def test_same_text_and_seed_are_the_same_samples(voice: Voice) -> None:
    first, again = voice.speak(TEXT, seed=5), voice.speak(TEXT, seed=5)
    np.testing.assert_array_equal(first.samples, again.samples)
    other = voice.speak(TEXT, seed=6)
    assert other.samples.shape != first.samples.shape or (other.samples != first.samples).any()


def test_a_stream_is_the_very_samples_of_speak(voice: Voice) -> None:
    whole = voice.speak(TEXT, seed=3)
    stream = voice.stream(TEXT, seed=3)
    chunks = list(stream)
    assert len(chunks) > 3
    np.testing.assert_array_equal(np.concatenate([c.samples for c in chunks]), whole.samples)
    starts = np.cumsum([0] + [len(c.samples) for c in chunks])
    assert [c.start_sample for c in chunks] == starts[:-1].tolist()
    assert tuple(c.spoken for c in chunks if c.spoken) == whole.sentences
    assert [c.sentence for c in chunks if c.last_of_sentence] == [0, 1, 2]
    assert stream.stats.audio_seconds == pytest.approx(whole.seconds)


def test_a_closed_stream_ends(voice: Voice) -> None:
    stream = voice.stream(TEXT)
    next(stream)
    stream.close()
    assert next(stream, None) is None
    with pytest.raises(UsageError, match="or was closed"):
        list(stream)


def test_sentences_begin_and_end_in_silence_so_that_seams_dont_click(voice: Voice) -> None:
    audio = voice.speak(TEXT)
    steps = np.abs(np.diff(audio.samples))
    for sentence in audio.sentences[1:]:
        seam = round(sentence.start * audio.sampling_rate)
        assert steps[seam - 1] <= 1e-6
        assert steps.max() > 0.001


def test_settings_change_what_they_should(voice: Voice) -> None:
    plain = voice.speak("Hello there.", noise=0, noise_w=0)
    slow = voice.speak("Hello there.", noise=0, noise_w=0, speed=0.5)
    assert slow.seconds > 1.5 * plain.seconds
    bob = voice.speak("Hello there.", noise=0, noise_w=0, speaker="bob")
    assert not np.array_equal(bob.samples, plain.samples)
    np.testing.assert_array_equal(
        bob.samples, voice.speak("Hello there.", noise=0, noise_w=0, speaker=1).samples
    )
    table = np.load(voice.folder / "speakers.npy")
    np.testing.assert_array_equal(
        bob.samples, voice.speak("Hello there.", noise=0, noise_w=0, speaker=table[1]).samples
    )
    without = voice.speak("Hello there.", noise=0, noise_w=0, seed=9)
    np.testing.assert_array_equal(without.samples, plain.samples)


def test_a_pause_is_silence_between_sentences_and_timed(voice: Voice) -> None:
    plain, paused = voice.speak(TEXT), voice.speak(TEXT, pause=0.5)
    assert len(paused.samples) == len(plain.samples) + 2 * 4000
    for before, after in zip(paused.sentences, paused.sentences[1:], strict=False):
        assert after.start - before.end == pytest.approx(0.5)
        silence = paused.samples[round(before.end * 8000) : round(after.start * 8000)]
        assert len(silence) == 4000
        assert not silence.any()
    second = plain.sentences[1]
    start = round(second.start * 8000)
    moved = round(paused.sentences[1].start * 8000)
    length = round((second.end - second.start) * 8000)
    np.testing.assert_array_equal(
        paused.samples[moved : moved + length], plain.samples[start : start + length]
    )


def test_a_stream_is_gone_through_once(voice: Voice) -> None:
    stream = voice.stream(TEXT)
    first = next(stream)
    rest = list(stream)  # goes on where it was
    assert first.start_sample == 0 < rest[0].start_sample
    with pytest.raises(UsageError, match="This stream has given its chunks"):
        list(stream)


def test_features_change_the_sound_and_can_be_left_out(
    voice: Voice, tiny_voice: Path, graph_cache: Path
) -> None:
    bare = vinovits.load(tiny_voice, features="none", cache_dir=graph_cache)
    assert set(bare.graphs()) == {"encoder", "flow", "decoder"}
    with_features = voice.speak("Hello there.", noise=0, sdp_ratio=0)
    without = bare.speak("Hello there.", noise=0, sdp_ratio=0)
    assert set(without.stats.features.values()) == {"none"}
    assert with_features.stats.features["en_bert"] == "all-MiniLM-L6-v2"
    assert without.samples.shape != with_features.samples.shape or not np.array_equal(
        without.samples, with_features.samples
    )


def test_many_threads_never_get_each_others_audio(voice: Voice) -> None:
    jobs = [
        {"text": f"Number {i}, speaking now. {'More words here. ' * (i % 3)}", "seed": i % 4}
        for i in range(12)
    ]
    expected = [voice.speak(**job, speaker=i % 2) for i, job in enumerate(jobs)]
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        futures = [
            pool.submit(voice.speak, **job, speaker=i % 2)
            for _ in range(3)
            for i, job in enumerate(jobs)
        ]
        for i, future in enumerate(futures):
            np.testing.assert_array_equal(future.result().samples, expected[i % len(jobs)].samples)


def test_another_thread_may_load_features_while_graphs_are_listed(voice: Voice) -> None:
    stages = voice.stages
    stages.load_features("en")
    [(key, bert)] = stages._bert.items()

    class Slow:
        """Asked where it runs, a model that was unloaded takes seconds to compile."""

        name = "slow"

        @property
        def info(self) -> GraphInfo:
            stages._bert["another"] = bert
            return bert.info

    try:
        stages._bert[key] = Slow()
        assert {"encoder", "flow", "decoder", "slow"} <= set(voice.graphs())
    finally:
        stages._bert = {key: bert}


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("speed", 0),
        ("speed", -1),
        ("speed", float("nan")),
        ("speed", float("inf")),
        ("speed", 1e9),
        ("speed", "fast"),
        ("speed", True),
        ("sdp_ratio", 1.5),
        ("noise", -0.1),
        ("noise_w", float("nan")),
        ("pause", -1),
        ("seed", -1),
        ("seed", 1.5),
        ("seed", 2**64),
        ("speaker", "carol"),
        ("speaker", 2),
        ("speaker", -1),
        ("speaker", np.zeros(3, np.float32)),
        ("speaker", np.full(6, np.nan, np.float32)),
    ],
)
def test_settings_that_cant_be_are_refused_before_any_sound(
    voice: Voice, setting: str, value: object
) -> None:
    with pytest.raises(UsageError) as caught:
        voice.stream("Hello.", **{setting: value})
    assert setting in str(caught.value)


@pytest.mark.parametrize("text", ["", "   \n", "😀🎉", "?!...", "\x00\x01", "a" * 10_000])
def test_texts_that_cant_be_spoken(voice: Voice, text: str) -> None:
    with pytest.raises(TextError):
        voice.stream(text)


def test_a_foreign_language_is_named_with_the_voices_that_can(voice: Voice) -> None:
    with pytest.raises(LanguageError) as caught:
        voice.stream("你好，世界")
    assert "Chinese" in str(caught.value)
    assert "No voice here can." in str(caught.value)


def test_unknown_voices_suggest_the_closest() -> None:
    with pytest.raises(UsageError, match=r"Did you mean 'joe'\?.*There are: .*joe"):
        vinovits.load("jo")
    with pytest.raises(UsageError, match="no voice folder"):
        vinovits.load("./nowhere")
    with pytest.raises(UsageError, match="features"):
        vinovits.load("joe", features="some")


def test_voices_of_the_environment_are_found_first(
    tiny_voice: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(tiny_voice, tmp_path / "mine")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "voice.json").write_text("{")
    monkeypatch.setenv("VINOVITS_VOICES", os.pathsep.join(["/nowhere", str(tmp_path)]))
    names = {info.name: info for info in vinovits.list_voices()}
    assert {"mine", "joe"} <= set(names)
    assert "broken" not in names
    assert names["mine"].size_bytes > 1000
    assert names["mine"].manifest.speakers == {"ann": 0, "bob": 1}


def test_a_device_that_isnt_there_names_those_that_are(tiny_voice: Path) -> None:
    with pytest.raises(DeviceError, match=r"'gpu\.7'.*CPU"):
        vinovits.load(tiny_voice, device="gpu.7")


def test_the_runtime_works_where_torch_cant_be_imported(
    tiny_voice: Path, graph_cache: Path
) -> None:
    script = (
        "import sys\n"
        "sys.modules['torch'] = None\n"
        "import vinovits\n"
        "assert 'openvino' not in sys.modules\n"
        f"voice = vinovits.load({str(tiny_voice)!r})\n"
        "print(voice.speak('Hello there, 42 times.').seconds)\n"
        "assert not any(name.split('.')[0] == 'transformers' for name in sys.modules)\n"
    )
    environment = {**os.environ, "XDG_CACHE_HOME": str(graph_cache)}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) > 0


def test_an_assist_text_colours_the_speech_by_its_weight(voice: Voice) -> None:
    still = {"noise": 0, "noise_w": 0, "sdp_ratio": 0}
    plain = voice.speak("Hello there.", **still)
    none = voice.speak("Hello there.", assist_text="I am so angry!", assist_weight=0, **still)
    np.testing.assert_array_equal(none.samples, plain.samples)
    angry = voice.speak("Hello there.", assist_text="I am so angry!", **still)
    happy = voice.speak("Hello there.", assist_text="What a lovely day.", **still)
    same = voice.speak("Hello there.", assist_text="I am so angry!", assist_weight=0.7, **still)
    np.testing.assert_array_equal(angry.samples, same.samples)
    assert not _alike(angry.samples, plain.samples)
    assert not _alike(angry.samples, happy.samples)
    # All of it: whatever the words are, every row of features is the mean of the assist text.
    assert [s.text for s in angry.sentences] == ["Hello there."]


def _alike(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and np.array_equal(one, other)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sped": 2}, "no setting 'sped'. Did you mean 'speed'"),
        ({"assist_text": 5}, "assist_text must be a str"),
        ({"assist_text": "so " * 1000}, "assist_text has 3000 characters; 2000 are read at most"),
        ({"assist_weight": 0.5}, "assist_weight is for an assist_text"),
        ({"assist_text": "a", "assist_weight": 1.5}, "assist_weight must be from 0 to 1"),
        ({"language": "zh"}, "doesn't speak 'zh'. It speaks en"),
        ({"reading": "fast"}, '"better" or "released", not \'fast\''),
    ],
)
def test_settings_that_make_no_sense(voice: Voice, settings: dict, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        voice.speak("Hello.", **settings)


def test_an_assist_text_without_features_is_refused(tiny_voice: Path, graph_cache: Path) -> None:
    bare = vinovits.load(tiny_voice, features="none", cache_dir=graph_cache)
    with pytest.raises(UsageError, match="heard through feature models"):
        bare.speak("Hello.", assist_text="I am so angry!")


def test_sentences_are_looked_at_while_another_thread_takes_them() -> None:
    """A stream looks ahead for its listener, and prepares the next sentence in another thread."""
    at_work, go_on = threading.Event(), threading.Event()

    def numbers() -> Any:
        for number in range(6):
            if number == 1:
                at_work.set()
                go_on.wait(10)
            yield number

    sentences: Any = _Sentences(numbers())
    assert next(sentences) == 0
    taken: list[int] = []
    taker = threading.Thread(target=lambda: taken.append(next(sentences)))
    taker.start()
    at_work.wait(10)
    threading.Timer(0.1, go_on.set).start()
    assert sentences.look(3) == [1, 2, 3]
    taker.join()
    assert taken == [1]
    assert list(sentences) == [2, 3, 4, 5]
