"""Cuts lie in pauses, clips have the lengths that were asked for, and no speech is lost."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.prepare.material import RATE, joined, sentence
from vinovits.prepare.cutting import cut, pieces
from vinovits.prepare.settings import Settings
from vinovits.prepare.sources import Utterance
from vinovits.prepare.speech import SECONDS, Heard, listen, smoothed


@given(
    st.lists(st.tuples(st.integers(1, 900), st.integers(1, 60)), min_size=1, max_size=30),
    st.floats(2, 20),
)
def test_all_speech_is_in_one_clip_or_another(parts: list[tuple[int, int]], longest: float) -> None:
    speech = np.concatenate([np.repeat([False, True], [gap, run]) for run, gap in parts])
    settings = Settings(longest=longest)
    found = cut(speech, np.ones(len(speech), np.float32), settings)
    covered = np.zeros(len(speech), int)
    for start, end in found:
        assert 0 < end - start <= longest / SECONDS
        covered[start:end] += 1
    assert covered.max() == 1
    assert covered[speech].min() == 1


def test_cuts_are_at_the_longest_pauses() -> None:
    runs = [(60, 100), (12, 100), (40, 100), (30, 100), (15, 100)]
    speech = np.concatenate([np.repeat([False, True], run) for run in runs])
    found = cut(speech, np.ones(len(speech), np.float32), Settings(longest=11.5))
    assert [end - start for start, end in found] == [212, 345]


def test_speech_is_heard_where_it_is() -> None:
    samples, places = joined([1, 2])
    heard = listen([samples[:9999], samples[9999:]], RATE)
    assert heard.seconds == pytest.approx(len(samples) / RATE)
    assert len(heard.speech) == len(heard.power)
    times = np.arange(len(heard.speech)) * SECONDS
    inside = np.zeros(len(times), bool)
    for start, end in places:
        inside |= (times > start) & (times < end)
    assert heard.speech[inside].mean() > 0.8
    assert heard.speech[~inside].mean() < 0.1


def test_silence_has_no_speech_and_a_header_alone_is_an_error() -> None:
    assert not listen([np.zeros(16_000, np.float32)], 16_000).speech.any()
    with pytest.raises(Exception, match="no sound in it"):
        listen([], 16_000)


def test_a_click_is_no_word_and_a_stop_is_no_pause() -> None:
    found = smoothed(
        np.array([0, 0.9, 0, 0, 0, 0, 0.9, 0.4, 0.9, 0.1, 0.6, 0.9, 0.4, 0], np.float32)
    )
    assert found.astype(int).tolist() == [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 0]


def test_subtitles_are_joined_by_sentence_and_moved_to_silence() -> None:
    samples, places = joined([1, 2, 3])
    heard = listen([samples], RATE)
    (a, b), (c, d), (e, f) = places
    cues = [(a + 0.15, b - 0.2, "The kettle"), (c - 0.05, d + 0.1, "We walked."), (e, f, "Nobody.")]
    ones = [Utterance(Path("x.wav"), "joe", text=t, start=s, end=n) for s, n, t in cues]
    found = pieces(ones, heard, Settings())
    assert [piece.text for piece in found] == ["The kettle We walked.", "Nobody."]
    assert found[0].start == pytest.approx(a - 0.1, abs=0.2)
    assert found[0].end == pytest.approx(d + 0.1, abs=0.2)
    apart = pieces(ones, heard, Settings(longest=5))
    assert [piece.text for piece in apart] == ["The kettle", "We walked.", "Nobody."]
    assert all(x.end <= y.start for x, y in pairwise(apart))


def test_a_recording_with_a_text_is_never_cut() -> None:
    heard = Heard(100.0, np.ones(3125, bool), np.ones(3125, np.float32), 1.0)
    [piece] = pieces([Utterance(Path("x"), "a", text="Long.")], heard, Settings())
    assert (piece.start, piece.end, piece.whole) == (0.0, 100.0, True)
    untold = pieces([Utterance(Path("x"), "a")], heard, Settings())
    assert all(0 < piece.end - piece.start <= 15 for piece in untold)
    assert (untold[0].start, untold[-1].end) == (0.0, 100.0)


def test_silence_around_a_clip_is_left_out() -> None:
    own = sentence(1)
    padded = np.concatenate([np.zeros(2 * RATE, np.float32), own, np.zeros(RATE, np.float32)])
    [piece] = pieces([Utterance(Path("x"), "a", text="T")], listen([padded], RATE), Settings())
    assert piece.start == pytest.approx(2.0, abs=0.25)
    assert piece.end == pytest.approx(2 + len(own) / RATE, abs=0.35)
