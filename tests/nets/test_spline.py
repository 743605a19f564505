"""The spline of the stochastic duration predictor is what the paper says it is."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vinovits.nets.spline import rational_quadratic

BOUND = 5.0


def _spline(seed: int, scale: float, count: int) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(seed)

    def draw(bins: int) -> torch.Tensor:
        return (scale * torch.randn(1, bins, generator=generator)).double().expand(count, bins)

    return draw(10), draw(10), draw(9)


@given(seed=st.integers(0, 1000), scale=st.floats(0.1, 4), x=st.floats(-8, 8))
@settings(max_examples=200, deadline=None)
def test_the_inverse_undoes_the_spline_and_its_slope(seed: int, scale: float, x: float) -> None:
    widths, heights, derivatives = _spline(seed, scale, 1)
    value = torch.tensor([x], dtype=torch.float64)
    y, slope = rational_quadratic(value, widths, heights, derivatives, BOUND)
    back, inverse_slope = rational_quadratic(y, widths, heights, derivatives, BOUND, inverse=True)
    torch.testing.assert_close(back, value, atol=1e-6, rtol=0)
    torch.testing.assert_close(inverse_slope, -slope, atol=1e-4, rtol=0)


@given(seed=st.integers(0, 1000))
@settings(max_examples=50, deadline=None)
def test_it_rises_everywhere_and_its_slope_is_the_derivative(seed: int) -> None:
    x = torch.linspace(-6, 6, 401, dtype=torch.float64).requires_grad_()
    y, slope = rational_quadratic(x, *_spline(seed, 1.0, 401), BOUND)
    assert bool((y.diff() > 0).all())
    (gradient,) = torch.autograd.grad(y.sum(), x)
    torch.testing.assert_close(gradient.log(), slope.detach(), atol=1e-6, rtol=1e-6)


def test_outside_of_the_bounds_nothing_changes() -> None:
    x = torch.tensor([-7.0, -5.1, 5.1, 90.0], dtype=torch.float64)
    y, slope = rational_quadratic(x, *_spline(1, 1.0, 4), BOUND)
    assert torch.equal(y, x)
    assert torch.equal(slope, torch.zeros_like(x))
