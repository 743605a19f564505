"""Simplified to traditional characters, as g2pW expects them: OpenCC's table for Taiwan."""

from __future__ import annotations

from functools import cache
from typing import Any

from vinovits.errors import MissingExtraError


@cache
def _converter() -> Any:
    try:
        import opencc
    except ImportError:
        raise MissingExtraError(
            "The readings of this voice need the package OpenCC. Install it with "
            '`pip install "vinovits[zh]"`.'
        ) from None
    return opencc.OpenCC("s2tw")


def to_traditional(text: str) -> str:
    """Convert a text, one character for one; where OpenCC changes the length, nothing is changed."""
    converted = str(_converter().convert(text))
    return converted if len(converted) == len(text) else text
