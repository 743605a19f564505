"""How many words of a text were heard otherwise."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")


def edit_distance(
    one: Sequence[Item], other: Sequence[Item], same: Callable[[Item, Item], bool] = operator.eq
) -> int:
    """The least number of items put in, left out or replaced that make one the other.

    Levenshtein, "Binary codes capable of correcting deletions, insertions, and reversals", 1966.

    Args:
        one: Words, say.
        other: The same.
        same: Whether an item of `one` and one of `other` count as equal.
    """
    costs = list(range(len(other) + 1))
    for row, item in enumerate(one, 1):
        diagonal, costs[0] = costs[0], row
        for column, another in enumerate(other, 1):
            best = min(
                costs[column] + 1, costs[column - 1] + 1, diagonal + (not same(item, another))
            )
            diagonal, costs[column] = costs[column], best
    return costs[-1]


def error_rate(said: Sequence[object], heard: Sequence[object]) -> float:
    """The edit distance by the number of items said: the word error rate, if they are words.

    Args:
        said: What should be heard. If it is nothing, each item heard counts as an error.
        heard: What was.

    Returns:
        0 where they are equal; above 1 where much was heard that wasn't said.
    """
    return edit_distance(said, heard) / max(1, len(said))
