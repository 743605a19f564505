"""What recipes/kokoro hands to Kokoro for an English text."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("onnxruntime")

FILE = Path(__file__).parents[2] / "recipes" / "kokoro" / "speak.py"


@pytest.fixture(scope="module")
def speak() -> ModuleType:
    spec = importlib.util.spec_from_file_location("kokoro_speak", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_words_are_written_in_its_signs(speak: ModuleType) -> None:
    found = speak.english("The bird, Sarah, judged my voice!")
    assert found == "ðə bˈɜɹd, sˈɛɹə, ʤˈʌʤd mˈI vˈYs!"


def test_every_phone_of_the_dictionary_has_a_sign(speak: ModuleType) -> None:
    from vinovits.text.english.pronounce import letter_name

    table = speak.sounds()
    vowels = [phone for phone in table if phone[-1].isdigit()]
    assert len(vowels) == 3 * 15
    assert len(table) == 3 * 15 + 24
    assert all(
        phone in table for letter in "abcdefghijklmnopqrstuvwxyz" for phone in letter_name(letter)
    )
