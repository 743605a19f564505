"""Where the English data files are, and the tables of the normaliser."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any


def data_file(name: str) -> Traversable:
    """The shipped English data file of this name."""
    return files("vinovits") / "data" / "english" / name


@cache
def table(name: str) -> dict[str, Any]:
    """One of the tables in data/english, read at first need.

    Args:
        name: File name without ".toml".

    Returns:
        The tables of that file.
    """
    return tomllib.loads(data_file(f"{name}.toml").read_text("utf-8"))


@cache
def words_in(name: str, section: str, key: str) -> frozenset[str]:
    """One of the word lists of a table, as a set.

    Args:
        name: File name without ".toml".
        section: Section of the file.
        key: Name of the list in it.

    Returns:
        The words of the list.
    """
    return frozenset(table(name)[section][key])
