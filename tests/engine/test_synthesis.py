"""The numpy stages between the graphs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.helpers import minimal_manifest
from tests.text.cutting import cut_into
from vinovits.engine import synthesis
from vinovits.engine.timings import time_sentence
from vinovits.text.reading import Sentence, Word
from vinovits.text.sequence import to_sequence
from vinovits.text.symbols import SYMBOLS_112, TABLE_V2


def _word(text: str, phones: str, start: int) -> Word:
    names = tuple(phones.split())
    return Word(text, start, start + len(text), names, (3,) * len(names))


SENTENCE = Sentence(
    text="Hello you.",
    start=0,
    end=10,
    words=(
        _word("hello", "hh ah l ow", 0),
        _word("you", "y uw", 6),
        Word(".", 9, 10, (".",), (0,), is_punctuation=True),
    ),
)


def test_durations_mix_logarithms_and_round_up() -> None:
    sdp = np.log(np.array([[[1.0, 8.0, 2.5]]], np.float32))
    dp = np.log(np.array([[[4.0, 2.0, 2.5]]], np.float32))
    mixed = synthesis.mix_durations(sdp, dp, 0.5)
    np.testing.assert_allclose(np.exp(mixed), [[[2.0, 4.0, 2.5]]], rtol=1e-6)
    assert synthesis.frames_per_phone(mixed - 1e-4, 1.0).tolist() == [[[2, 4, 3]]]
    assert synthesis.frames_per_phone(mixed - 1e-4, 2.0).tolist() == [[[4, 8, 5]]]


def test_there_is_at_least_one_frame() -> None:
    none = np.full((1, 1, 4), -np.inf, np.float32)
    assert synthesis.frames_per_phone(none, 1.0).sum() == 1


def test_expand_repeats_the_prior_and_scales_the_noise() -> None:
    m = np.array([[[1.0, 2.0]]], np.float32)
    logs = np.log(np.array([[[1.0, 10.0]]], np.float32))
    noise = np.ones((1, 1, 3), np.float32)
    z_p = synthesis.expand(m, logs, np.array([[[2, 1]]]), noise, 0.5)
    np.testing.assert_allclose(z_p, [[[1.5, 1.5, 7.0]]], rtol=1e-6)


def test_blanks_stand_between_phones_with_number_zero() -> None:
    sequence = to_sequence(
        SENTENCE, TABLE_V2, lambda _: cut_into({"hello": [7, 7], "you": [7], ".": [7]})
    )
    assert sequence.names == ("_", "hh", "ah", "l", "ow", "y", "uw", ".", "_")
    assert len(sequence.phones) == 2 * len(sequence.names) + 1
    for ids in (sequence.phones, sequence.tones, sequence.languages):
        assert not ids[::2].any()
    assert [SYMBOLS_112[i] for i in sequence.phones[1::2]] == list(sequence.names)
    assert sequence.tones[1::2].tolist() == [8, 11, 11, 11, 11, 11, 11, 8, 8]
    assert set(sequence.languages[1::2].tolist()) == {2}


def test_word2ph_shares_phones_among_pieces_as_the_released_models_do() -> None:
    sequence = to_sequence(
        SENTENCE, TABLE_V2, lambda _: cut_into({"hello": [1, 2, 3], "you": [4], ".": [5]})
    )
    [stretch] = sequence.stretches
    assert stretch.pieces == (1, 2, 3, 4, 5)
    # [CLS] 1, hello 2 1 1, you 2, "." 1, [SEP] 1: doubled for the blanks, one more at the front.
    assert stretch.word2ph == (3, 4, 2, 2, 4, 2, 2)
    assert sum(stretch.word2ph) == len(sequence.phones)


@given(
    pieces=st.lists(st.integers(0, 4), min_size=3, max_size=3),
    width=st.integers(3, 9),
)
def test_every_step_has_a_feature_row_whatever_the_pieces(pieces: list[int], width: int) -> None:
    counts = dict(zip(("hello", "you", "."), pieces, strict=True))
    sequence = to_sequence(
        SENTENCE, TABLE_V2, lambda _: cut_into({word: [1] * n for word, n in counts.items()})
    )
    [stretch] = sequence.stretches
    rows = np.arange(1, len(stretch.word2ph) + 1, dtype=np.float32)[:, None] * np.ones((1, 3))
    spread = synthesis.spread_features(rows.astype(np.float32), stretch.word2ph, width)
    assert spread.shape == (1, width, len(sequence.phones))
    assert (spread[0, :3] > 0).all()
    assert not spread[0, 3:].any()
    assert (np.diff(spread[0, 0]) >= 0).all()


def test_timings_follow_the_frames_without_gaps() -> None:
    manifest = minimal_manifest()
    sequence = to_sequence(SENTENCE, TABLE_V2, lambda _: cut_into({}))
    frames = np.arange(1, len(sequence.phones) + 1).reshape(1, 1, -1)
    seconds = manifest.hop_length / manifest.sampling_rate
    spoken = time_sentence(SENTENCE, sequence, frames, 10.0, seconds)
    assert spoken.start == 10.0
    assert spoken.end == pytest.approx(10 + frames.sum() * seconds)
    edges = [10.0, *(phone.end for phone in spoken.phones)]
    assert [phone.start for phone in spoken.phones] == pytest.approx(edges[:-1])
    assert spoken.phones[-1].end == pytest.approx(spoken.end)
    hello, you, dot = spoken.words
    assert (hello.start_char, hello.end_char) == (0, 5)
    # "hello" is phones 1 to 4: steps 0 to 2 belong to the edge before it, 2 * 4 + 1 is its last.
    assert hello.start == pytest.approx(10 + frames[0, 0, :2].sum() * seconds)
    assert hello.end == pytest.approx(10 + frames[0, 0, :10].sum() * seconds)
    assert (you.start, dot.start) == pytest.approx((hello.end, you.end))
