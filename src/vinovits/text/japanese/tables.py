"""The Japanese data files."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

Phones = tuple[str, ...]


def _text(name: str) -> str:
    return (files("vinovits") / "data" / "japanese" / name).read_text("utf-8")


@cache
def table(name: str) -> dict[str, Any]:
    """One of the tables in data/japanese, read at first need.

    Args:
        name: File name without ".toml".
    """
    return tomllib.loads(_text(f"{name}.toml"))


@cache
def marks(name: str) -> dict[str, str]:
    """Characters, or runs of them, and the punctuation that they become.

    Args:
        name: A section of marks.toml.
    """
    section = dict(table("marks")[name])
    chained = dict(marks(section.pop("chain"))) if "chain" in section else {}
    for character in section.pop("removed", ()):
        del chained[character]
    return {**chained, **{form: mark for mark, forms in section.items() for form in forms}}


@cache
def kana(column: str) -> dict[str, Phones]:
    """Katakana, one or two, and their phones; ":" lengthens the vowel before it.

    Args:
        column: A column of kana.tsv.
    """
    lines = [line for line in _text("kana.tsv").splitlines() if not line.startswith("#")]
    names = lines[0].split("\t")[1:]
    found = {}
    for line in lines[1:]:
        syllable, *cells = line.split("\t")
        last = ""
        for name, cell in zip(names, cells, strict=True):
            last = last if cell == "=" else cell
            if name == column and last != ".":
                found[syllable] = tuple(last.split())
    return found
