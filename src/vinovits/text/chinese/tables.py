"""The Chinese data files, read at first need."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable


def data_file(name: str) -> Traversable:
    """The shipped Chinese data file of this name."""
    return files("vinovits") / "data" / "chinese" / name


@cache
def syllable_phones() -> dict[str, tuple[str, ...]]:
    """Phones of each syllable in pinyin without tone, such as "zhuang"; ü is written v."""
    return {syllable: tuple(phones) for syllable, *phones in rows_of("syllables")}


@cache
def words(name: str, key: str) -> frozenset[str]:
    """A word list: entry `key` of the file `name`.toml, words with spaces between."""
    return frozenset(tomllib.loads(data_file(f"{name}.toml").read_text("utf-8"))[key].split())


@cache
def readings(name: str) -> dict[str, str]:
    """A table of readings in pinyin: the file `name`.txt, a word and its syllables a line."""
    return {word: " ".join(names) for word, *names in rows_of(name)}


def rows_of(name: str) -> list[list[str]]:
    """The lines of the file `name`.txt, cut at spaces; those with # in front are comments."""
    lines = data_file(f"{name}.txt").read_text("utf-8").splitlines()
    return [line.split() for line in lines if line and not line.startswith("#")]
