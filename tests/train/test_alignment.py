from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vinovits.train.alignment import add_noise, log_likelihood, noise_scale, search


def every_path(frames: int, symbols: int) -> list[NDArray[np.float64]]:
    """All monotonic paths, by the frames at which the next symbol begins."""
    paths = []
    for changes in combinations(range(1, frames), symbols - 1):
        path = np.zeros((frames, symbols))
        for frame in range(frames):
            path[frame, sum(change <= frame for change in changes)] = 1
        paths.append(path)
    return paths


@st.composite
def tasks(draw: st.DrawFn) -> tuple[NDArray[np.float64], int, int]:
    frames = draw(st.integers(1, 8))
    symbols = draw(st.integers(1, frames))
    # Few whole numbers, so that ties are frequent and sums exact.
    numbers = st.lists(st.integers(-3, 3), min_size=frames * symbols, max_size=frames * symbols)
    return np.array(draw(numbers), float).reshape(frames, symbols), frames, symbols


@given(tasks())
@settings(deadline=None)  # the first call compiles
def test_no_path_has_a_higher_sum(task: tuple[NDArray[np.float64], int, int]) -> None:
    scores, frames, symbols = task
    found = search(torch.from_numpy(scores)[None], torch.tensor([frames]), torch.tensor([symbols]))[
        0
    ].numpy()
    paths = every_path(frames, symbols)
    assert any((found == path).all() for path in paths), "the path is monotonic and complete"
    assert (found * scores).sum() == max((path * scores).sum() for path in paths)


@given(tasks(), tasks(), st.integers(0, 3))
@settings(deadline=None)
def test_items_of_a_batch_do_not_touch_each_other(
    first: tuple[NDArray[np.float64], int, int],
    second: tuple[NDArray[np.float64], int, int],
    padding: int,
) -> None:
    items = (first, second)
    frames, symbols = (max(item[i] for item in items) + padding for i in (1, 2))
    batch = torch.full((2, frames, symbols), 9.0, dtype=torch.float64)
    for row, (scores, height, width) in zip(batch, items, strict=True):
        row[:height, :width] = torch.from_numpy(scores)
    counts = [torch.tensor([item[i] for item in items]) for i in (1, 2)]
    together = search(batch, *counts)
    for row, (scores, height, width) in zip(together, items, strict=True):
        alone = search(
            torch.from_numpy(scores)[None], torch.tensor([height]), torch.tensor([width])
        )[0]
        assert torch.equal(row[:height, :width], alone)
        assert row.sum() == height, "padding belongs to nothing"


def test_the_search_leaves_its_scores_alone() -> None:
    scores = torch.randn(1, 5, 3)
    before = scores.clone()
    search(scores, torch.tensor([5]), torch.tensor([3]))
    assert torch.equal(scores, before)


@pytest.mark.parametrize(("frames", "symbols"), [([6], [3]), ([5], [4]), ([0], [1]), ([5], [3, 3])])
def test_counts_that_do_not_fit_are_refused(frames: list[int], symbols: list[int]) -> None:
    with pytest.raises(ValueError, match="don't fit"):
        search(torch.zeros(1, 5, 3), torch.tensor(frames), torch.tensor(symbols))


def test_log_likelihood_is_that_of_a_diagonal_normal() -> None:
    torch.manual_seed(0)
    z, m, logs = torch.randn(2, 3, 5), torch.randn(2, 3, 4), 0.3 * torch.randn(2, 3, 4)
    normal = torch.distributions.Normal(m.unsqueeze(2), logs.exp().unsqueeze(2))
    expected = normal.log_prob(z.unsqueeze(3)).sum(1)
    torch.testing.assert_close(log_likelihood(z, m, logs), expected, atol=1e-5, rtol=1e-5)


def test_noise_is_scaled_by_the_deviation_of_the_scores() -> None:
    scores = torch.tensor([[[0.0, 2.0]]])
    noised = add_noise(scores, torch.tensor([[[1.0, -1.0]]]), 0.5)
    half = 0.5 * 2**0.5
    torch.testing.assert_close(noised, torch.tensor([[[half, 2 - half]]]))


@pytest.mark.parametrize(("step", "scale"), [(0, 0.01), (1500, 0.007), (5000, 0.0), (9000, 0.0)])
def test_noise_fades_within_5000_steps(step: int, scale: float) -> None:
    assert noise_scale(step) == pytest.approx(scale, abs=1e-12)
