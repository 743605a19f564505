"""Latin words in katakana: from tables, Open JTalk's dictionary, a small model, or spelled out."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any

from vinovits.text.japanese import open_jtalk
from vinovits.text.japanese.tables import table

_CASE_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_VOWELS = frozenset("aeiouy")
_MIN_WORD = 3
_MAX_INITIALISM = 5


@lru_cache(maxsize=4096)
def in_japanese(word: str) -> str:
    """How a Latin word is said in Japanese.

    Args:
        word: Letters a-z of any case, with hyphens or apostrophes inside at most.

    Returns:
        Katakana, or the word itself in the letters in which Open JTalk's dictionary has it: then it
        has an accent too.
    """
    tables = table("words")
    word = word.replace("’", "'")
    known = tables["capitals"].get(word) or tables["words"].get(word.lower())
    if known:
        return str(known)
    plain = word.replace("'", "")
    if plain != word:
        return in_japanese(plain)
    if "-" in word:
        return "".join(in_japanese(part) for part in word.split("-") if part)
    if word.isupper() and (len(word) <= _MAX_INITIALISM or not _VOWELS & set(word.lower())):
        return word if len(open_jtalk.words(word)) == 1 else spelled(word)
    parts = _CASE_PARTS.findall(word)
    if len(parts) > 1 and not word.isupper():
        return _known(word) or "".join(map(in_japanese, parts))
    return _known(word) or _known(word.capitalize()) or _guessed(word.lower())


def spelled(word: str) -> str:
    """The names of the letters."""
    letters = table("words")["letters"]
    return "".join(letters[letter] for letter in word.upper() if letter in letters)


def _known(word: str) -> str:
    """The word if Open JTalk's dictionary has it, "" where it only spells it."""
    if len(word) < _MIN_WORD:
        return ""
    nodes = open_jtalk.words(word)
    reading = "".join(node["pron"] for node in nodes).replace("’", "")
    is_spelled = len(reading) >= len(spelled(word)) - 1
    return "" if len(nodes) != 1 or "、" in reading or is_spelled else word


def _guessed(word: str) -> str:
    model = _model()
    if model is None or len(word) < _MIN_WORD or not _VOWELS & set(word):
        return spelled(word)
    return str(model.convert(word, on_incomplete="ignore"))


@cache
def _model() -> Any:
    """kanalizer, a small network that was trained on English words in Japanese; None without it."""
    try:
        import kanalizer
    except ModuleNotFoundError:
        return None
    return kanalizer
