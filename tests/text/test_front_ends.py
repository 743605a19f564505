from __future__ import annotations

import subprocess
import sys

import pytest

from vinovits.errors import UsageError
from vinovits.text.front_ends import read


def test_a_family_decides_the_tones() -> None:
    tones = {
        family: next(read("Hi", ["en"], family)).words[0].tones
        for family in ("2.0", "2.1", "2.2", "2.3", "sbv2", "2.4")
    }
    assert {family for family, found in tones.items() if found == (0, 2)} == {"2.0", "2.1", "2.2"}
    assert {family for family, found in tones.items() if found == (3, 2)} == {"2.3", "sbv2", "2.4"}


def test_a_reading_is_ours_or_the_released_one() -> None:
    def spoken(reading: str) -> list[str]:
        sentences = read("100m", ["en"], "2.1", reading)
        return [word.text for sentence in sentences for word in sentence.words]

    assert spoken("better") == ["one", "hundred", "meters", "."]
    assert spoken("released") == ["one", "hundredm"]
    with pytest.raises(UsageError, match='"better" or "released"'):
        spoken("best")


def test_what_there_is_not() -> None:
    with pytest.raises(UsageError, match="There is no language 'fr'"):
        read("Bonjour", ["fr"], "2.3")
    with pytest.raises(UsageError, match=r"family 2\.4 were released without"):
        read("Hello", ["en"], "2.4", "released")


def test_english_loads_no_other_front_end() -> None:
    code = """
import sys
from vinovits.text.front_ends import read
next(read("Hello, 25 worlds.", ["en"], "2.3"))
for module in sys.modules:
    assert not module.startswith(("vinovits.text.chinese", "vinovits.text.japanese")), module
    assert module not in ("jieba", "pypinyin", "pyopenjtalk", "openvino", "torch"), module
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_released_reading_of_2_3_is_what_its_release_shipped() -> None:
    def spoken(family: str) -> list[str]:
        sentences = read("涨了5%", ["zh"], family, "released")
        return [phone for sentence in sentences for word in sentence.words for phone in word.phones]

    # The release deletes the sign; the front end read it later.
    assert spoken("2.3") == spoken("2.2") == ["zh", "ang", "l", "e", "w", "u"]
