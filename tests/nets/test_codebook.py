"""How the quantiser of the emotion learns."""

from __future__ import annotations

import pytest
import torch

from vinovits.nets.conditioning import CodebookDraws, Quantiser
from vinovits.nets.variants import Condition

EVEN = 0.5
"""With the same draw for all rows the nearest is picked."""


def quantiser(cosine: bool) -> Quantiser:
    torch.manual_seed(0)
    condition = Condition("emotion", "clap", width=6, heads=2, rows=4, row_width=3, cosine=cosine)
    found = Quantiser(condition)
    found._codebook.cluster_size.fill_(10.0)
    found._codebook.embed_avg.copy_(10 * found._codebook.embed)
    return found


def even(batch: int) -> CodebookDraws:
    return CodebookDraws(torch.full((2, batch, 4), EVEN), torch.zeros(2, 4, dtype=torch.long))


@pytest.mark.parametrize("cosine", [False, True])
def test_without_chance_the_codes_are_those_of_synthesis(cosine: bool) -> None:
    network = quantiser(cosine)
    x = torch.randn(5, 6)
    expected = network(x)
    found, commitment = network.learn(x, even(5), decay=0.9)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)
    assert commitment > 0


def test_the_gradient_passes_straight_through() -> None:
    network = quantiser(cosine=False)
    x = torch.randn(3, 6, requires_grad=True)
    found, _ = network.learn(x, even(3), decay=0.9)
    weights = torch.randn(3, 6)
    (found * weights).sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad, weights)


def test_a_row_moves_towards_what_picked_it() -> None:
    network = quantiser(cosine=False)
    book = network._codebook
    row = book.embed[0, 2].clone()
    x = torch.cat([row + 0.1, book.embed[1, 1]])[None]
    others = book.embed[0, [0, 1, 3]].clone()
    network.learn(x, even(1), decay=0.9)
    # The mean of 9 past picks of the row and 0.1 of the new one.
    torch.testing.assert_close(book.embed[0, 2], row + 0.1 * 0.1 / 9.1, atol=1e-4, rtol=0)
    torch.testing.assert_close(book.embed[0, [0, 1, 3]], others, atol=1e-4, rtol=1e-4)
    assert book.cluster_size[0].tolist() == pytest.approx([9.0, 9.0, 9.1, 9.0])


def test_rows_that_nothing_picks_are_replaced() -> None:
    network = quantiser(cosine=False)
    book = network._codebook
    book.cluster_size[1, 3] = 0.5
    x = torch.randn(2, 6)
    draws = even(2)
    draws.replacements[1, 3] = 1
    network.learn(x, draws, decay=0.9)
    torch.testing.assert_close(book.embed[1, 3], x[1, 3:])
    torch.testing.assert_close(book.embed_avg[1, 3], 2 * x[1, 3:])
    assert book.cluster_size[1, 3] == 2.0
