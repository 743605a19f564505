"""Which clips make which batch: of like length, in an order that a seed decides."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

POOL = 8
"""Batches that are sorted by length together: more waste less on padding, and mix less."""


def epoch_batches(
    lengths: Sequence[float], batch_size: int, seed: int, epoch: int, rank: int = 0, ranks: int = 1
) -> list[list[int]]:
    """The batches of one pass over all clips, for one of several processes.

    All processes get as many batches, of one size; the clips of their batches of one number are of
    like length. Where the clips don't fill the last ones, some are taken twice.

    Args:
        lengths: Of the clips, in any unit, at least one.
        batch_size: Clips of a batch.
        seed: Of the whole training.
        epoch: Number of the pass.
        rank: Number of the process.
        ranks: Processes in all.

    Returns:
        Indices into `lengths`.
    """
    order = np.random.default_rng((seed, epoch))
    together = batch_size * ranks
    count = -(-len(lengths) // together) * together
    drawn = np.resize(order.permutation(len(lengths)), count)
    known = np.asarray(lengths, np.float64)
    batches = []
    for start in range(0, count, together * POOL):
        pool = drawn[start : start + together * POOL]
        pool = pool[np.argsort(known[pool], kind="stable")]
        batches += np.split(pool, len(pool) // together)
    return [batches[i][rank::ranks].tolist() for i in order.permutation(len(batches))]
