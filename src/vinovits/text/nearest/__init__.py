"""Words of a language that a voice lacks, said with the nearest sounds of one that it has.

A word is read by the front end of its own language first, so that numbers, polyphones and accents
are right; then its phones become those that come nearest. How, is in the tables of data/nearest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

from vinovits.text.reading import Word


class Sounds(NamedTuple):
    """How a word is said."""

    phones: tuple[str, ...]
    tones: tuple[int, ...]
    """One for each phone, before the language's offset."""
    spelled: str = ""
    """The names of its letters, if it is said letter by letter, as people write them."""


_TO = {"zh": "to_chinese", "ja": "to_japanese", "en": "to_english"}


def nearest(words: Sequence[Word], source: str, target: str, rules: Any) -> list[Word]:
    """Say words with the phones of another language.

    Args:
        words: As the front end of their language read them, by its rules "better".
        source: Code of that language.
        target: Code of the language whose phones they are to have, another one.
        rules: The row of that language's `RULES` for the voice's family.

    Returns:
        The words with their text, place and reading, and with phones and tones of `target`; marks
        as they are. Words that nothing comes near to are missing.
    """
    sounds: Callable[[Word, str, Any], Sounds] = _ways(target)
    found = []
    for word in words:
        if word.is_punctuation:
            spread = (1,) if len(word.text) == len(word.phones) == 1 else ()
            found.append(replace(word, language=target, spread=spread))
            continue
        said = sounds(word, source, rules)
        if said.phones:
            found.append(
                replace(
                    word,
                    phones=said.phones,
                    tones=said.tones,
                    language=target,
                    spread=_even(len(said.phones), len(word.text)),
                    reading=said.spelled or word.reading,
                    source="spelled" if said.spelled else "fallback",
                )
            )
    return found


@cache
def _ways(target: str) -> Any:
    return import_module(f"vinovits.text.nearest.{_TO[target]}").sounds


def _even(phones: int, characters: int) -> tuple[int, ...]:
    share, rest = divmod(phones, characters)
    return tuple(share + (index < rest) for index in range(characters))
