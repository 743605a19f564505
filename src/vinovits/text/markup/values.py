"""Values of tags and attributes, and the errors about them."""

from __future__ import annotations

import re

from vinovits.errors import TextError
from vinovits.text.place import place

LONGEST_PAUSE = 60.0
"""Seconds."""
RATES = (0.25, 4.0)
"""The least and the greatest factor of the speed, of one tag and of nested ones together."""
LOUDEST = 4.0
"""The greatest factor of the amplitude: 12 dB."""
DEEPEST = 64
"""How many tags may be open at once."""
LONGEST_VALUE = 1000
"""Characters of a reading, or of what is read in place of something."""

LANGUAGES = {"zh": "zh", "cmn": "zh", "cn": "zh", "ja": "ja", "jp": "ja", "en": "en"}
"""What languages are called, and their codes."""

SLOW, FAST, SOFT, LOUD = 0.75, 1.25, 0.5, 1.41
EMPHASIS = {
    "strong": (0.8, 1.41),
    "moderate": (0.9, 1.25),
    "none": (1.0, 1.0),
    "reduced": (1.1, 0.8),
}
"""Factors of speed and amplitude: 1.41 is 3 dB."""

HINT = 'If it is no markup, take --markup off (Python: markup="off").'

HAN = re.compile("[\u2e80-\u2fdf\u3005-\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
_KANA = re.compile("[\u3041-\u30ff\uff66-\uff9f]")
_TIME = re.compile(r"\+?(\d+|\d*\.\d+)\s*(ms|s)")
_NUMBER = re.compile(r"(\d+|\d*\.\d+)(\s*%)?")
_DECIBELS = re.compile(r"([+-]?)(\d+|\d*\.\d+)\s*dB", re.IGNORECASE)


def wrong(text: str, index: int, what: str, why: str, hint: str = HINT) -> TextError:
    """The error about something in a text that isn't as it must be.

    Args:
        text: The original text.
        index: Of the character that it begins at.
        what: Names it.
        why: Goes on with what is wrong, and what to do.
        hint: Another sentence.
    """
    return TextError(f"{what} {place(text, index)} {why} {hint}".rstrip())


def quoted(text: str) -> str:
    """Text of the user for a message, shortened if it is long."""
    return text if len(text) <= 40 else f"{text[:37]}..."


def language_code(name: str) -> str | None:
    """Code of a language by a tag such as "ja", "jp" or "zh-Hans-CN"; None if there is none."""
    return LANGUAGES.get(re.split("[-_]", name.strip().lower())[0])


def language_of(word: str) -> str:
    """Code of the language that a word's letters tell; "" for none."""
    if _KANA.search(word):
        return "ja"
    return "zh" if HAN.search(word) else ""


def seconds(written: str) -> float | None:
    """A time such as "300ms", "1.5 s" or "0" in seconds; None if it isn't one."""
    match = _TIME.fullmatch(written.strip())
    if match is None:
        return 0.0 if written.strip() == "0" else None
    return float(match[1]) / (1000 if match[2] == "ms" else 1)


def factor(written: str) -> float | None:
    """A number such as "0.8" or "80%"; None if it isn't one."""
    match = _NUMBER.fullmatch(written.strip())
    if match is None:
        return None
    return float(match[1]) / (100 if match[2] else 1)


def decibels(written: str) -> float | None:
    """Decibels such as "-6dB" as a factor of the amplitude; None if they aren't any."""
    match = _DECIBELS.fullmatch(written.strip())
    if match is None:
        return None
    level = min(float(match[2]), 200.0)
    return float(10 ** ((-level if match[1] == "-" else level) / 20))
