"""What the page says, in each of its languages."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files

LANGUAGES = ("en", "zh", "ja")
"""The first is that of browsers which want none of these."""

Words = dict[str, dict[str, str]]
"""By language, by key."""


def read_words() -> Words:
    """All texts of words.toml.

    Raises:
        ValueError: A text isn't there in each language.
    """
    table: Mapping[str, Mapping[str, str]] = tomllib.loads(
        (files("vinovits.page") / "words.toml").read_text(encoding="utf-8")
    )
    for key, texts in table.items():
        if tuple(texts) != LANGUAGES:
            raise ValueError(f"words.toml: {key} must have {', '.join(LANGUAGES)}, in this order.")
    return {language: {key: table[key][language] for key in table} for language in LANGUAGES}
