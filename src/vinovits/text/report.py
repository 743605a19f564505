"""What of a text isn't spoken, told to the user: nothing vanishes in silence."""

from __future__ import annotations

import unicodedata

from vinovits.text.cutting import listing

_SIGNS = frozenset("|~<>=+−⁻₋∕⁄∙⋅")
"""Those that are marks rather than words."""


def unread(text: str) -> list[str]:
    """A note on the letters, digits and signs of a text that isn't spoken; none if it has none."""
    lost = [character for character in text if has_to_be_told(character)]
    return [f"Left out characters that can't be read: {listing(lost)}."] if lost else []


def has_to_be_told(character: str) -> bool:
    """Whether a character that isn't spoken is missed: neither space, mark nor invisible."""
    return any(map(_is_missed, unicodedata.normalize("NFKC", character)))


def _is_missed(character: str) -> bool:
    category = unicodedata.category(character)
    if category[0] in "LN" or category in ("Sc", "Sm", "So"):
        return character not in _SIGNS
    return category in ("Co", "Cs", "Cn")
