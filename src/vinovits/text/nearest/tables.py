"""The tables of what sounds like what, read at first need."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any


def _text(name: str) -> str:
    return (files("vinovits") / "data" / "nearest" / name).read_text("utf-8")


@cache
def sounds(name: str) -> dict[str, Any]:
    """A section of sounds.toml, such as "english-chinese"."""
    found: dict[str, Any] = tomllib.loads(_text("sounds.toml"))[name]
    return found


@cache
def morae() -> dict[str, tuple[str, str]]:
    """By the phones of a Japanese mora: its syllable in pinyin, and that with an n behind it."""
    return {mora: (plain, nasal) for mora, plain, nasal in _rows("morae.txt", " ")}


@cache
def syllables() -> dict[str, tuple[str, str]]:
    """By the pinyin of a Chinese syllable: its kana, and its ARPAbet."""
    return {name: (kana, phones) for name, kana, phones in _rows("pinyin.tsv", "\t")}


def _rows(name: str, separator: str) -> list[list[str]]:
    return [line.split(separator) for line in _text(name).splitlines() if line[0] != "#"]
