"""Which reading of a spelling is meant: rules over the neighbouring words, kept as data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from vinovits.text.english.lexicon import Phones, variants
from vinovits.text.english.part_of_speech import NOUN, PARTICIPLE, PAST, VERB, guess
from vinovits.text.english.tables import table

_VERBS = frozenset((VERB, PAST, PARTICIPLE))


def choose(words: Sequence[str], index: int, is_capital: bool = False) -> Phones:
    """Choose the reading of a heteronym by its context.

    Args:
        words: The sentence as it is spoken, in lower case, marks included.
        index: Which word.
        is_capital: It is written with a capital although no sentence begins with it.

    Returns:
        Its phones; () for a word that isn't in the tables.
    """
    word = words[index]
    readings = _tables()
    if word not in readings:
        return ()
    return readings[word](words, index, is_capital)


Choose = Callable[[Sequence[str], int, bool], Phones]


@cache
def _tables() -> dict[str, Choose]:
    data = table("heteronyms")
    found: dict[str, Choose] = {}
    for default in ("noun", "verb"):
        for word in data["stress"][default]:
            _add_pair(found, word, _by_stress, default)
    for word in data["ate"]["words"]:
        _add_pair(found, word, _by_last_vowel, "verb" if word in data["ate"]["verb"] else "noun")
    for word in data["voiced"]["words"]:
        _add_pair(found, word, _by_voicing, "noun")
    for word, readings in data["word"].items():
        found[word] = _by_readings(readings)
    return found


def _add_pair(
    found: dict[str, Choose], word: str, tell: Callable[[Phones], float], default: str
) -> None:
    """Add a word and its form in -s, whose readings `tell` orders from noun to verb."""
    for form in (word, f"{word}s"):
        known = sorted(variants(form), key=tell)
        if len(known) > 1 and tell(known[0]) < tell(known[-1]):
            lowest = [v for v in variants(form) if tell(v) == tell(known[0])]
            highest = [v for v in variants(form) if tell(v) == tell(known[-1])]
            found[form] = _by_part(lowest[0], highest[0], default)
        elif word in ("house", "misuse", "diffuse") and form == word and known:
            stem = known[0][:-1]
            found[form] = _by_part((*stem, "S"), (*stem, "Z"), default)


def _by_part(noun: Phones, verb: Phones, default: str) -> Choose:
    def choose_part(words: Sequence[str], index: int, is_capital: bool) -> Phones:
        part = guess(words, index)
        if part in _VERBS:
            # Behind "is" and "has", a form without an ending is no participle: "is present".
            return noun if part == PARTICIPLE else verb
        if part == NOUN:
            return noun
        return verb if default == "verb" else noun

    return choose_part


def _by_readings(readings: list[dict[str, Any]]) -> Choose:
    parsed = [
        (tuple(r["say"].split()), {k: v for k, v in r.items() if k != "say"}) for r in readings
    ]

    def choose_reading(words: Sequence[str], index: int, is_capital: bool) -> Phones:
        for phones, conditions in parsed:
            if all(_holds(k, v, words, index, is_capital) for k, v in conditions.items()):
                return phones
        return parsed[-1][0]

    return choose_reading


def _holds(condition: str, wanted: Any, words: Sequence[str], index: int, is_capital: bool) -> bool:
    previous = words[index - 1] if index else ""
    following = words[index + 1] if index + 1 < len(words) else ""
    match condition:
        case "pos":
            return guess(words, index) in wanted
        case "previous":
            return previous in wanted
        case "previous_not":
            return previous not in wanted
        case "next":
            return following in wanted or ("" in wanted and not following[:1].isalpha())
        case "nearby":
            return any(word in wanted for word in words)
        case "capital":
            return is_capital
    raise ValueError(f"heteronyms.toml has an unknown condition {condition!r}.")


def _by_stress(phones: Phones) -> float:
    """Where the primary stress lies, among the vowels; a secondary stress before it counts too."""
    vowels = [phone for phone in phones if phone[-1].isdigit()]
    return next((i for i, phone in enumerate(vowels) if phone[-1] == "1"), 0)


def _by_last_vowel(phones: Phones) -> float:
    last = next(phone for phone in reversed(phones) if phone[-1].isdigit())
    return 1.0 if last.startswith("EY") else 0.0


def _by_voicing(phones: Phones) -> float:
    """Voicing of the stem's last sound; in "uses" that is the sound before the ending's vowel."""
    consonants = [phone for phone in phones if phone in ("S", "Z")]
    has_ending = phones[-1] == "Z" and phones[-2] in ("AH0", "IH0")
    return 1.0 if consonants[-2 if has_ending else -1] == "Z" else 0.0
