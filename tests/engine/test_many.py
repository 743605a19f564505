"""Many texts: their order, what waits, what fails, and an end before the end."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vinovits
from vinovits.engine.many import Many, Stopped
from vinovits.engine.result import Audio, Stats
from vinovits.engine.voice import Voice
from vinovits.errors import TextError, UsageError, VinovitsError

TEXTS = [f"Number {number}. {'And some more words. ' * (number % 3)}" for number in range(8)]


@pytest.fixture(scope="module")
def voice(tiny_voice: Path, graph_cache: Path) -> Voice:
    return vinovits.load(tiny_voice, cache_dir=graph_cache)


class FakeSpeaker:
    """Speaks a text of digits as so many samples; each other one takes longer."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended = 0
        self.go_on = threading.Event()
        self.go_on.set()

    def __call__(self, text: str, own: Mapping[str, Any], stop: threading.Event) -> Audio:
        self.begun.append(text)
        if text == "bad":
            raise TextError("There is nothing in this text that can be spoken.")
        if text == "broken":
            raise RuntimeError("a fault of ours")
        while not self.go_on.wait(0.01):
            if stop.is_set():
                raise Stopped
        time.sleep(0.01 * (int(text) % 2))
        self.ended += 1
        return Audio(np.zeros(int(text), np.float32), 8000, (), Stats())


def _lengths(many: Many[Any]) -> list[int]:
    return [len(audio.samples) for audio in many]


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_the_order_is_that_of_the_texts(workers: int) -> None:
    texts = [str(number) for number in range(20)]
    assert _lengths(Many(FakeSpeaker(), texts, workers)) == list(range(20))


def test_texts_are_taken_as_they_are_needed() -> None:
    speaker, taken = FakeSpeaker(), []

    def texts() -> Iterator[str]:
        for number in itertools.count():
            taken.append(number)
            yield str(number)

    with Many(speaker, texts(), 2) as many:
        assert not taken
        for number in range(10):
            assert len(next(many).samples) == number
            assert len(taken) <= number + 4
    assert len(speaker.begun) <= 13
    assert next(many, None) is None


@pytest.mark.parametrize("workers", [1, 3])
def test_a_text_that_cant_be_spoken_loses_no_other(workers: int) -> None:
    texts = ["1", "bad", "2", "bad", "3"]
    many = Many[Audio](FakeSpeaker(), texts, workers)
    assert len(next(many).samples) == 1
    with pytest.raises(TextError):
        next(many)
    assert len(next(many).samples) == 2
    with pytest.raises(TextError):
        next(many)
    assert _lengths(many) == [3]

    both = list(Many[Audio | VinovitsError](FakeSpeaker(), texts, workers, "yield"))
    assert [type(one) for one in both] == [Audio, TextError, Audio, TextError, Audio]


def test_what_isnt_an_error_of_the_text_is_raised() -> None:
    many = Many[Any](FakeSpeaker(), ["1", "broken", "2"], 2, "yield")
    assert len(next(many).samples) == 1
    with pytest.raises(RuntimeError, match="a fault of ours"):
        next(many)
    assert _lengths(many) == [2]


def test_an_iterator_that_fails_does_so_behind_what_it_gave() -> None:
    def texts() -> Iterator[str]:
        yield "1"
        yield "2"
        raise OSError("the file is gone")

    many = Many[Audio](FakeSpeaker(), texts(), 2)
    assert [len(next(many).samples) for _ in range(2)] == [1, 2]
    with pytest.raises(OSError, match="the file is gone"):
        next(many)
    assert next(many, None) is None


def test_closing_ends_the_work() -> None:
    speaker = FakeSpeaker()
    many = Many[Audio](speaker, map(str, range(1000)), 2)
    next(many)
    speaker.go_on.clear()
    many.close()
    ended = speaker.ended
    assert next(many, None) is None
    speaker.go_on.set()
    time.sleep(0.05)
    assert speaker.ended == ended
    assert not [one for one in threading.enumerate() if one.name.startswith("vinovits-many")]


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_each_sounds_as_when_spoken_alone(voice: Voice, workers: int) -> None:
    found = list(voice.speak_many(TEXTS, workers=workers, seed=3))
    for text, audio in zip(TEXTS, found, strict=True):
        alone = voice.speak(text, seed=3)
        assert [sentence.text for sentence in audio.sentences] == [
            sentence.text for sentence in alone.sentences
        ]
        np.testing.assert_allclose(audio.samples, alone.samples, atol=1e-4)
        assert audio.stats.audio_seconds == pytest.approx(alone.seconds)


def test_a_text_may_have_settings_of_its_own(voice: Voice) -> None:
    texts = ["One.", {"text": "One.", "speaker": "bob"}, {"text": "One.", "speed": 0.5}]
    plain, bob, slow = voice.speak_many(texts, noise=0.0, noise_w=0.0)
    assert not np.array_equal(plain.samples, bob.samples)
    assert len(slow.samples) > len(plain.samples)


def test_errors_of_a_real_voice_come_at_their_turn(voice: Voice) -> None:
    texts = ["One.", "", "Two.", {"text": "Three.", "speaker": "nobody"}, {"speaker": "bob"}]
    found = list(voice.speak_many(texts, errors="yield"))
    assert [type(one) for one in found] == [Audio, TextError, Audio, UsageError, UsageError]


def test_a_closed_iterator_ends_a_long_text(voice: Voice) -> None:
    with voice.speak_many(["One.", "Two. " * 5000], workers=1) as many:
        next(many)
        began = time.monotonic()
    assert time.monotonic() - began < 60  # all of it would take minutes


@pytest.mark.parametrize(
    ("texts", "options", "message"),
    [
        ("one text", {}, "Speak one by `speak`"),
        (5, {}, "Speak one by `speak`"),
        ({"text": "One."}, {}, "Speak one by `speak`"),
        (["One."], {"workers": 0}, "number of workers must be"),
        (["One."], {"workers": True}, "number of workers must be"),
        (["One."], {"workers": "2"}, "number of workers must be"),
        (["One."], {"errors": "ignore"}, '"raise" or "yield"'),
        (["One."], {"speed": 100}, "setting speed must be"),
        (["One."], {"loudness": 1}, "no setting 'loudness'"),
    ],
)
def test_wrong_use_is_told_at_once(
    voice: Voice, texts: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        voice.speak_many(texts, **options)
