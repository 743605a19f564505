"""From rows of features to phones: repeating, style texts, columns; and results that are kept."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vinovits.errors import TextError, VoiceError
from vinovits.features.bert import BertFeatures, mix_style, normalise_columns, spread_rows
from vinovits.features.cache import ResultCache


def rows_of(count: int, width: int = 3) -> np.ndarray:
    return np.arange(count * width, dtype=np.float32).reshape(count, width)


@given(st.lists(st.integers(0, 4), max_size=20), st.integers(0, 5))
def test_rows_are_repeated_in_order_and_surplus_ones_left_out(
    word2ph: list[int], more: int
) -> None:
    rows = rows_of(len(word2ph) + more)
    spread = spread_rows(rows, word2ph)
    assert spread.shape == (3, sum(word2ph))
    expected = [row for count, row in zip(word2ph, rows, strict=False) for _ in range(count)]
    np.testing.assert_array_equal(spread.T, np.array(expected, np.float32).reshape(-1, 3))


def test_phones_without_a_row_are_an_error_that_says_so() -> None:
    with pytest.raises(TextError, match="gives 6 rows of features, but phones are counted for 9"):
        spread_rows(rows_of(6), [1] * 9)
    with pytest.raises(TextError, match="has 5 tokens, but phones are counted for 4"):
        spread_rows(rows_of(6), [1] * 4, entries=5)
    assert spread_rows(rows_of(6), [1] * 5, entries=5).shape == (3, 5)


def test_style_is_mixed_by_weight() -> None:
    rows, mean = rows_of(4), np.array([10, 20, 30], np.float32)
    np.testing.assert_allclose(mix_style(rows, mean), rows * 0.3 + mean * 0.7, rtol=1e-6)
    np.testing.assert_array_equal(mix_style(rows, mean, 0), rows)
    np.testing.assert_array_equal(mix_style(rows, mean, 1), np.tile(mean, (4, 1)))


def test_mean_of_a_style_text_is_over_all_its_rows(converted: Path) -> None:
    bert = BertFeatures(converted)
    np.testing.assert_array_equal(bert.mean([5, 6]), bert.features([5, 6]).mean(axis=0))


def test_columns_get_the_length_one() -> None:
    rows = rows_of(5) - 4
    rows[:, 1] = 0
    normal = normalise_columns(rows)
    np.testing.assert_allclose(np.linalg.norm(normal, axis=0), [1, 0, 1], rtol=1e-6)


def test_words_need_a_tokenizer_for_words(converted: Path) -> None:
    with pytest.raises(VoiceError, match="no tokenizer for words"):
        BertFeatures(converted).pieces_of_words(["a"])


def test_a_text_asked_for_again_is_not_computed_again(
    converted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bert = BertFeatures(converted)
    runs = []
    run = bert._run
    monkeypatch.setattr(bert, "_run", lambda pieces: runs.append(1) or run(pieces))
    first = bert.features([5, 6, 7])
    first[:] = 0  # the caller's own
    again = bert.features([5, 6, 7])
    assert np.abs(again).max() > 0.1
    assert len(runs) == 1
    bert.features([5, 6])
    assert len(runs) == 2
    bert.unload()
    np.testing.assert_array_equal(bert.features([5, 6, 7]), again)
    assert len(runs) == 3


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 900)), max_size=40))
def test_cache_stays_within_its_bytes_and_keeps_what_was_used_last(
    puts: list[tuple[int, int]],
) -> None:
    limit = 5000
    cache = ResultCache(limit)
    kept: dict[int, np.ndarray] = {}
    for key, size in puts:
        value = np.full(size, key, np.float32)
        cache.put(key, value)
        assert cache.size <= limit
        if value.nbytes + 500 <= limit:
            kept[key] = value
            found = cache.get(key)
            assert found is not None
            np.testing.assert_array_equal(found, value)
            assert found is not value
    for key, value in kept.items():
        found = cache.get(key)
        assert found is None or np.array_equal(found, value)
    cache.clear()
    assert cache.size == 0
    assert all(cache.get(key) is None for key in range(10))


def test_cache_drops_what_was_used_longest_ago() -> None:
    cache = ResultCache(3 * 900)
    value = np.zeros(100, np.float32)
    for key in "abc":
        cache.put(key, value)
    cache.get("a")
    cache.put("d", value)
    assert [key for key in "abcd" if cache.get(key) is not None] == ["a", "c", "d"]


def test_cache_in_many_threads() -> None:
    cache = ResultCache(20_000)

    def work(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for _ in range(300):
            key = int(rng.integers(20))
            found = cache.get(key)
            assert found is None or (found == key).all()
            cache.put(key, np.full(key * 20, key, np.float32))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    assert 0 < cache.size <= 20_000
