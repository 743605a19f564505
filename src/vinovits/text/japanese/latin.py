"""Latin words in katakana: from tables, Open JTalk's dictionary, a small model, or spelled out."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any, cast

from vinovits.text.japanese import open_jtalk
from vinovits.text.japanese.tables import table
from vinovits.text.reading import Source

_CASE_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_VOWELS = frozenset("aeiouy")
_MIN_WORD = 3
_MAX_INITIALISM = 5


def in_japanese(word: str) -> str:
    """How a Latin word is said in Japanese.

    Args:
        word: Letters a-z of any case, with hyphens or apostrophes inside at most.

    Returns:
        Katakana, or the word itself in the letters in which Open JTalk's dictionary has it: then it
        has an accent too.
    """
    return explained(word)[0]


@lru_cache(maxsize=4096)
def explained(word: str) -> tuple[str, Source]:
    """What `in_japanese` returns, and where it is from."""
    tables = table("words")
    word = word.replace("’", "'")
    known = tables["capitals"].get(word) or tables["words"].get(word.lower())
    if known:
        return str(known), "dictionary"
    plain = word.replace("'", "")
    if plain != word:
        return explained(plain)
    if "-" in word:
        return _joined([part for part in word.split("-") if part])
    if word.isupper() and (len(word) <= _MAX_INITIALISM or not _VOWELS & set(word.lower())):
        is_entry = len(open_jtalk.words(word)) == 1
        return (word, "dictionary") if is_entry else (spelled(word), "spelled")
    parts = _CASE_PARTS.findall(word)
    entry = _known(word)
    if entry:
        return entry, "dictionary"
    if len(parts) > 1 and not word.isupper():
        return _joined(parts)
    entry = _known(word.capitalize())
    return (entry, "dictionary") if entry else _guessed(word.lower())


def _joined(parts: list[str]) -> tuple[str, Source]:
    found = [explained(part) for part in parts]
    sources = [source for _, source in found]
    weakest = next((s for s in ("network", "spelled") if s in sources), "dictionary")
    return "".join(text for text, _ in found), cast(Source, weakest)


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


def _guessed(word: str) -> tuple[str, Source]:
    model = _model()
    if model is None or len(word) < _MIN_WORD or not _VOWELS & set(word):
        return spelled(word), "spelled"
    return str(model.convert(word, on_incomplete="ignore")), "network"


@cache
def _model() -> Any:
    """kanalizer, a small network that was trained on English words in Japanese; None without it."""
    try:
        import kanalizer
    except ModuleNotFoundError:
        return None
    return kanalizer
