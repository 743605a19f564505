"""Batches hold every clip, alike for all processes, and of like length."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vinovits.train.sampling import epoch_batches


@given(
    lengths=st.lists(st.floats(0.1, 20), min_size=1, max_size=60),
    size=st.integers(1, 5),
    ranks=st.integers(1, 3),
    epoch=st.integers(0, 3),
)
def test_every_clip_is_there_and_processes_get_as_much(
    lengths: list[float], size: int, ranks: int, epoch: int
) -> None:
    shares = [epoch_batches(lengths, size, 7, epoch, rank, ranks) for rank in range(ranks)]
    assert len({len(share) for share in shares}) == 1
    assert all(len(batch) == size for share in shares for batch in share)
    drawn = [clip for share in shares for batch in share for clip in batch]
    assert set(drawn) == set(range(len(lengths)))
    assert len(drawn) < len(lengths) + size * ranks
    assert shares[0] == epoch_batches(lengths, size, 7, epoch, 0, ranks)


def test_batches_are_of_like_length_and_epochs_differ() -> None:
    lengths = np.random.default_rng(3).uniform(1, 10, 160).tolist()
    batches = epoch_batches(lengths, 4, 1, 0)
    spread = np.mean([np.ptp([lengths[i] for i in batch]) for batch in batches])
    assert spread < 1.5  # of 9, where chance would give more than 5
    assert batches != epoch_batches(lengths, 4, 1, 1)
    assert batches != epoch_batches(lengths, 4, 2, 0)
