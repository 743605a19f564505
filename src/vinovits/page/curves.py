"""Curves as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import isfinite

SHOWN = ("aligned", "copied", "mel", "kl", "durations", "adversarial", "judge")
"""What the page shows of all that a training measures."""
_WIDTH, _HEIGHT, _EDGE, _POINTS = 320, 120, 4, 300


def curve(title: str, points: Sequence[tuple[int, float]]) -> str:
    """One curve, with its least, its greatest and its last value; "" where there is none.

    Args:
        title: Its name.
        points: Steps and values.
    """
    shown = [point for point in points if isfinite(point[1])]
    if not shown:
        return ""
    last = shown[-1]
    shown = [*shown[:: max(1, len(shown) // _POINTS)], last]
    steps, values = [p[0] for p in shown], [p[1] for p in shown]
    left, low = min(steps), min(values)
    across, up = (max(steps) - left) or 1, (max(values) - low) or 1.0
    wide, high = _WIDTH / across, (_HEIGHT - 2 * _EDGE) / up
    line = " ".join(
        f"{(step - left) * wide:.1f},{_HEIGHT - _EDGE - (value - low) * high:.1f}"
        for step, value in shown
    )
    told = f"{title}: {last[1]:.4g} ({low:.4g} – {max(values):.4g})"
    return (
        f'<figure class="vv-curve"><figcaption>{escape(told)}</figcaption>'
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(told)}">'
        f'<polyline fill="none" stroke="currentColor" stroke-width="1.5" points="{line}"/>'
        "</svg></figure>"
    )
