"""How errors name a place in a text."""

from __future__ import annotations


def place(text: str, index: int) -> str:
    """Where a character is, for people: "at character 6 (line 1)"."""
    return f"at character {index + 1:,} (line {text.count(chr(10), 0, index) + 1:,})"
