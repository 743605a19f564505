"""Rates, volumes and pauses of single words, to the sample."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.text.cutting import cut_into
from vinovits.engine.delivery import (
    Splice,
    faded,
    final_pause,
    fit_pauses,
    length_scales,
    longer_phones,
    loudness,
    silences,
    spliced,
)
from vinovits.engine.timings import time_sentence
from vinovits.text.reading import Sentence, Word
from vinovits.text.sequence import PhoneSequence, to_sequence
from vinovits.text.symbols import TABLE_V2

HOP, RATE = 16, 8000
FADE = 24
"""3 ms."""


def sentence(**of_word: dict[str, float | None]) -> Sentence:
    """The sentence "Well, you." with fields of `well`, `comma`, `you` and `dot` changed."""
    words = {
        "well": Word("well", 0, 4, ("w", "eh", "l"), (0, 0, 0)),
        "comma": Word(",", 4, 5, (",",), (0,), is_punctuation=True),
        "you": Word("you", 6, 9, ("y", "uw"), (0, 0)),
        "dot": Word(".", 9, 10, (".",), (0,), is_punctuation=True),
    }
    changed = {name: replace(words[name], **fields) for name, fields in of_word.items()}
    return Sentence("Well, you.", 0, 10, tuple((words | changed).values()))


def sequence_of(one: Sentence) -> PhoneSequence:
    return to_sequence(one, TABLE_V2, lambda _: cut_into({}))


SEQUENCE = sequence_of(sentence())
STEPS = len(SEQUENCE.phones)
FRAMES = np.arange(STEPS).reshape(1, 1, -1) % 4 + 2


def test_a_rate_holds_for_a_words_phones_and_the_blanks_before_them() -> None:
    scales = length_scales(sentence(you={"rate": 2.0}), SEQUENCE, 0.5)
    first, last = SEQUENCE.word_phones[2]
    assert (scales[2 * first : 2 * last] == 1.0).all()
    assert (np.delete(scales, np.s_[2 * first : 2 * last]) == 2.0).all()


def test_a_rate_stays_within_the_range_of_the_speed() -> None:
    scales = length_scales(sentence(well={"rate": 4.0}, you={"rate": 0.25}), SEQUENCE, 3.0)
    assert scales.min() == np.float32(1 / 4)
    assert scales.max() == np.float32(1 / 0.75)


def cut_and_spliced(
    one: Sentence, frames: np.ndarray, sound: np.ndarray | None = None, part: int = 50
) -> tuple[np.ndarray, np.ndarray, tuple[Splice, ...]]:
    """Frames, samples and splices; the decoded sound is a one in every sample."""
    frames, splices = fit_pauses(one, SEQUENCE, frames, HOP, RATE)
    total = int(frames.sum()) * HOP
    sound = np.ones(total, np.float32) if sound is None else sound
    parts = [sound[start : start + part] for start in range(0, total, part)]
    return frames, np.concatenate(list(spliced(parts, splices, RATE))), splices


@given(
    st.integers(0, 3000),
    st.lists(st.integers(1, 9), min_size=STEPS, max_size=STEPS),
    st.integers(1, 400),
)
def test_a_mark_lasts_as_long_as_asked_and_words_are_left_alone(
    samples: int, own: list[int], part: int
) -> None:
    frames = np.array(own).reshape(1, 1, -1)
    one = sentence(comma={"pause": samples / RATE})
    new, sound, splices = cut_and_spliced(one, frames, part=part)
    first, last = SEQUENCE.word_phones[1]
    mark = slice(2 * first, 2 * last)
    assert (np.delete(new, np.s_[mark], axis=2) == np.delete(frames, np.s_[mark], axis=2)).all()
    assert (new <= frames).all()
    rest = int(np.delete(frames, np.s_[mark], axis=2).sum()) * HOP
    assert len(sound) == rest + samples
    start = int(frames[0, 0, : 2 * first].sum()) * HOP
    assert (sound[:start] == 1).all()
    assert (sound[start + samples :] == 1).all()
    spoken = time_sentence(
        one, SEQUENCE, new, 1.0, HOP / RATE, longer_phones(splices, len(SEQUENCE.names), RATE)
    )
    comma = spoken.words[1]
    assert comma.start == pytest.approx(1.0 + start / RATE, abs=1e-9)
    assert comma.end - comma.start == pytest.approx(samples / RATE, abs=1e-9)
    assert spoken.end == pytest.approx(1.0 + len(sound) / RATE, abs=1e-9)
    assert spoken.phones[-1].end == spoken.end


def test_silence_is_in_the_middle_of_a_mark_and_fades_lead_to_it() -> None:
    frames = np.full((1, 1, STEPS), 5)
    _, sound, _ = cut_and_spliced(sentence(comma={"pause": 0.1}), frames)
    first, _ = SEQUENCE.word_phones[1]
    start = 2 * first * 5 * HOP
    mark = sound[start : start + 800]
    ramp = np.arange(FADE)[::-1] / FADE
    np.testing.assert_allclose(mark[80 - FADE : 80], ramp, atol=1e-6)
    assert not mark[80:-80].any()
    np.testing.assert_allclose(mark[-80 : -80 + FADE], ramp[::-1], atol=1e-6)
    assert (mark[: 80 - FADE] == 1).all()
    assert (mark[-80 + FADE :] == 1).all()


def test_a_pause_of_nothing_takes_all_frames_of_its_mark() -> None:
    new, _, splices = cut_and_spliced(sentence(comma={"pause": 0.0}), FRAMES)
    first, last = SEQUENCE.word_phones[1]
    assert not new[0, 0, 2 * first : 2 * last].any()
    assert splices == ()


def test_a_mark_without_a_phone_pauses_all_the_same() -> None:
    one = sentence(comma={"phones": (), "tones": (), "pause": 0.25})
    sequence = sequence_of(one)
    frames = np.full((1, 1, len(sequence.phones)), 3)
    new, splices = fit_pauses(one, sequence, frames, HOP, RATE)
    [splice] = splices
    assert (new == frames).all()
    assert (splice.start, splice.stop, splice.silence) == (8 * 3 * HOP, 8 * 3 * HOP, 2000)
    longer = longer_phones(splices, len(sequence.names), RATE)
    assert longer[3] == longer.sum() == 0.25


def test_without_pauses_nothing_is_copied() -> None:
    frames, splices = fit_pauses(sentence(), SEQUENCE, FRAMES, HOP, RATE)
    assert frames is FRAMES
    assert splices == ()
    parts = [np.ones(5, np.float32), np.ones(3, np.float32)]
    assert all(map(np.shares_memory, spliced(parts, (), RATE), parts))


def test_long_silence_comes_in_pieces_of_a_second() -> None:
    assert [len(piece) for piece in silences(20_000, RATE)] == [8000, 8000, 4000]
    assert list(silences(0, RATE)) == []
    _, splices = fit_pauses(sentence(comma={"pause": 60.0}), SEQUENCE, FRAMES, HOP, RATE)
    total = int(FRAMES.sum()) * HOP
    pieces = list(spliced([np.ones(total, np.float32)], splices, RATE))
    assert max(map(len, pieces)) == RATE
    assert all(map(len, pieces))


def test_pauses_at_the_end_of_a_sentence() -> None:
    assert final_pause(sentence(comma={"pause": 1.0})) is None
    assert final_pause(sentence(dot={"pause": 0.0})) == 0
    both = sentence(dot={"pause": 2.0})
    quote = Word("'", 10, 11, ("'",), (0,), is_punctuation=True, pause=0.5)
    assert final_pause(replace(both, words=(*both.words, quote))) == 2.5


def test_volumes_are_exact_within_words_and_change_between_them() -> None:
    one = sentence(well={"volume": 0.5}, comma={"volume": 0.5}, you={"volume": 2.0})
    frames = np.full((1, 1, STEPS), 20)
    loud = loudness(one, SEQUENCE, frames, HOP, RATE)
    assert loud is not None
    step = 20 * HOP
    samples = np.full(STEPS * step, 0.3, np.float32)
    heard = np.concatenate([loud(samples[:777], 0), loud(samples[777:], 777)])
    (_, _), (_, comma), (_, you), (_, dot) = [
        (2 * first * step, 2 * last * step) for first, last in SEQUENCE.word_phones
    ]
    ramp = 40  # 5 ms
    np.testing.assert_array_equal(heard[: comma - ramp], np.float32(0.15))
    np.testing.assert_array_equal(heard[comma + ramp : you - ramp], np.float32(0.6))
    np.testing.assert_array_equal(heard[you + ramp : dot], np.float32(0.3))
    assert heard[comma] == pytest.approx(0.3 * (0.5 + 2.0) / 2)
    assert (np.abs(np.diff(heard)) <= 0.3 * 1.5 / 80 + 1e-6).all()


def test_loud_words_stay_within_the_range_of_samples() -> None:
    loud = loudness(sentence(well={"volume": 4.0}), SEQUENCE, FRAMES, HOP, RATE)
    assert loud is not None
    heard = loud(np.array([0.9, -0.9, 0.1], np.float32), 0)
    np.testing.assert_allclose(heard, [1.0, -1.0, 0.4], rtol=1e-6)


def test_equal_volumes_have_no_ramp() -> None:
    same = {"volume": 0.5}
    loud = loudness(
        sentence(well=same, comma=same, you=same, dot=same), SEQUENCE, FRAMES, HOP, RATE
    )
    assert loud is not None
    total = int(FRAMES.sum()) * HOP
    assert (loud(np.ones(total, np.float32), 0) == 0.5).all()
    assert loudness(sentence(), SEQUENCE, FRAMES, HOP, RATE) is None


def test_a_mark_without_frames_has_no_volume() -> None:
    frames = FRAMES.copy()
    first, last = SEQUENCE.word_phones[1]
    frames[..., 2 * first : 2 * last] = 0
    loud = loudness(sentence(comma={"volume": 0.1}), SEQUENCE, frames, HOP, RATE)
    assert loud is not None
    assert (loud(np.ones(int(frames.sum()) * HOP, np.float32), 0) == 1).all()


def test_fades_are_at_the_ends_of_a_sentence_only() -> None:
    whole = faded(np.ones(100, np.float32), 0, 100, 10)
    np.testing.assert_allclose(whole[:11], np.arange(11) / 10)
    np.testing.assert_allclose(whole[::-1], whole)
    middle = np.ones(50, np.float32)
    assert faded(middle, 25, 100, 10) is middle
