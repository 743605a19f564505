"""Monotonic rational-quadratic splines with linear tails.

Durkan et al. 2019, Neural Spline Flows, https://arxiv.org/abs/1906.04032; the numbers in the
docstrings are that paper's equations.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

_MIN_WIDTH = _MIN_HEIGHT = _MIN_DERIVATIVE = 1e-3


def rational_quadratic(
    x: Tensor,
    widths: Tensor,
    heights: Tensor,
    derivatives: Tensor,
    bound: float,
    inverse: bool = False,
) -> tuple[Tensor, Tensor]:
    """Apply the spline, or its inverse, element by element.

    No element is selected by a condition: both the spline and the tails are computed on clamped
    inputs and `where` chooses, so that a traced graph works for every input.

    Args:
        x: Inputs of any shape S.
        widths: Unnormalised bin widths, S + (K,).
        heights: Unnormalised bin heights, S + (K,).
        derivatives: Unnormalised derivatives at the inner knots, S + (K - 1,).
        bound: The spline covers [-bound, bound]; outside it is the identity.
        inverse: Solve for the input instead.

    Returns:
        Outputs and log |d output / d input|, both of shape S.
    """
    edges_x = _knots(widths, _MIN_WIDTH, bound)
    edges_y = _knots(heights, _MIN_HEIGHT, bound)
    # The outer knots get derivative 1, so that the tails continue smoothly.
    edge = math.log(math.exp(1 - _MIN_DERIVATIVE) - 1)
    slopes = _MIN_DERIVATIVE + F.softplus(F.pad(derivatives, (1, 1), value=edge))

    inside = (x >= -bound) & (x <= bound)
    value = torch.clamp(x, -bound, bound)
    edges = edges_y if inverse else edges_x
    # One-hot bin: the last one whose left edge is not above the value.
    reached = (value.unsqueeze(-1) >= edges[..., 1:-1]).to(x.dtype)
    chosen = F.pad(reached, (1, 0), value=1.0) - F.pad(reached, (0, 1), value=0.0)

    def pick(per_bin: Tensor) -> Tensor:
        return (per_bin * chosen).sum(-1)

    bin_widths = edges_x[..., 1:] - edges_x[..., :-1]
    bin_heights = edges_y[..., 1:] - edges_y[..., :-1]
    left, bottom = pick(edges_x[..., :-1]), pick(edges_y[..., :-1])
    width, height = pick(bin_widths), pick(bin_heights)
    slope = height / width
    d0, d1 = pick(slopes[..., :-1]), pick(slopes[..., 1:])
    bend = d0 + d1 - 2 * slope

    if inverse:  # equations 6 to 8: the root of a quadratic
        rise = value - bottom
        a = height * (slope - d0) + rise * bend
        b = height * d0 - rise * bend
        c = -slope * rise
        # The discriminant is not negative in exact arithmetic; rounding may make it so.
        root = torch.sqrt(torch.clamp(b * b - 4 * a * c, min=0.0))
        theta = 2 * c / (-b - root)
        result = left + theta * width
    else:  # equation 4
        theta = (value - left) / width
        top = height * (slope * theta**2 + d0 * theta * (1 - theta))
        result = bottom + top / (slope + bend * theta * (1 - theta))
    # equation 5
    denominator = slope + bend * theta * (1 - theta)
    derivative = slope**2 * (
        d1 * theta**2 + 2 * slope * theta * (1 - theta) + d0 * (1 - theta) ** 2
    )
    log_slope = torch.log(derivative) - 2 * torch.log(denominator)
    if inverse:
        log_slope = -log_slope
    return torch.where(inside, result, x), torch.where(inside, log_slope, torch.zeros_like(x))


def _knots(logits: Tensor, minimum: float, bound: float) -> Tensor:
    """Bin edges S + (K + 1,) from -bound to bound, each bin at least `minimum` of the range."""
    share = minimum + (1 - minimum * logits.shape[-1]) * torch.softmax(logits, dim=-1)
    inner = 2 * bound * torch.cumsum(share, dim=-1)[..., :-1] - bound
    ends = torch.ones_like(share[..., :1]) * bound
    return torch.cat([-ends, inner, ends], dim=-1)
