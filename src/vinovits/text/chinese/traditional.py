"""Simplified and traditional characters: OpenCC's tables."""

from __future__ import annotations

from functools import cache
from typing import Any

from vinovits.errors import MissingExtraError


@cache
def _converter(table: str) -> Any:
    try:
        import opencc
    except ImportError:
        raise MissingExtraError(
            "Reading Chinese needs the package OpenCC. Install it with "
            '`pip install "vinovits[zh]"`.'
        ) from None
    return opencc.OpenCC(table)


def to_traditional(text: str) -> str:
    """Characters as Taiwan writes them, for g2pW: one for one."""
    return _converted(text, "s2tw")


def to_simplified(text: str) -> str:
    """Simplified characters: one for one."""
    return _converted(text, "t2s")


def _converted(text: str, table: str) -> str:
    text = text.encode("utf-8", "replace").decode()  # a lone surrogate is no text to OpenCC
    converted = str(_converter(table).convert(text))
    if len(converted) == len(text):
        return converted
    # A phrase has another length: its characters on their own keep theirs.
    return "".join(new if len(new := _converter(table).convert(c)) == 1 else c for c in text)
