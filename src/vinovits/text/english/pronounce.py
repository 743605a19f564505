"""From a spoken word to phones: dictionary, derived forms, compounds, then the neural fallback."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from vinovits.text.english.letter_to_sound import MAX_LETTERS, predict
from vinovits.text.english.lexicon import Phones, variants
from vinovits.text.english.tables import table
from vinovits.text.reading import Source
from vinovits.text.word_sets import word_set

_SIBILANTS = word_set("S Z SH ZH CH JH")
_VOICELESS = frozenset(("P", "T", "K", "F", "TH"))
_VOWELS = frozenset("aeiouy")
_MIN_COMPOUND_PART = 3
CONSONANT_TONE = 3
"""The tone of consonants in the family of the built-in voice."""


def to_model(
    phones: Phones, consonant_tone: int = CONSONANT_TONE
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Write dictionary phones as the voice's symbols and tones.

    Args:
        phones: ARPAbet with stress digits, such as ("V", "EH1", "R", "IY0").
        consonant_tone: The tone of a phone that has no stress digit.

    Returns:
        Lower-case phones without digits, `v` as "V" (the symbol table has another `v`), and tones:
        the stress digit + 1, and `consonant_tone`.
    """
    names, tones = [], []
    for phone in phones:
        has_stress = phone[-1].isdigit()
        name = (phone[:-1] if has_stress else phone).lower()
        names.append("V" if name == "v" else name)
        tones.append(int(phone[-1]) + 1 if has_stress else consonant_tone)
    return tuple(names), tuple(tones)


def letter_name(letter: str, suffix: str = "") -> Phones:
    """Phones of the name of a letter a-z, with the sound of a plural or possessive after it."""
    phones: Phones = tuple(_own_words()["letters"][letter.lower()].split())
    return with_s(phones) if suffix else phones


def accented(written: str) -> Phones:
    """Phones of a word whose accents tell it from another, such as "résumé"; () for all others."""
    if written.isascii():
        return ()
    said: str = _own_words()["accented"].get(written.lower(), "")
    return tuple(said.split())


def with_s(phones: Phones) -> Phones:
    """Add the plural or possessive s: "cats" S, "dogs" Z, "buses" IH0 Z."""
    last = phones[-1]
    if last in _SIBILANTS:
        return (*phones, "IH0", "Z")
    return (*phones, "S" if last in _VOICELESS else "Z")


def with_ed(phones: Phones) -> Phones:
    """Add the past ending: "walked" T, "called" D, "waited" IH0 D."""
    last = phones[-1]
    if last in ("T", "D"):
        return (*phones, "IH0", "D")
    return (*phones, "T" if last in _VOICELESS or last in ("S", "SH", "CH") else "D")


def is_word(word: str) -> bool:
    """Whether a lower-case word has a pronunciation without guessing."""
    return bool(_listed(word) or _derived(word))


@lru_cache(maxsize=1)
def _own_words() -> dict[str, Any]:
    return table("words")


def _listed(word: str) -> Phones:
    own = _own_words()["words"].get(word)
    if own:
        return tuple(own.split())
    found = variants(word)
    return found[0] if found else ()


@lru_cache(maxsize=16384)
def pronounce(word: str) -> tuple[Phones, Source]:
    """Pronounce one word.

    Args:
        word: Lower-case letters a-z with inner or leading "'".

    Returns:
        Its phones, and where they came from ("network" if they were guessed). Phones are () only
        for a string without letters.
    """
    letters = "".join(c for c in word if "a" <= c <= "z")
    for known in filter(None, dict.fromkeys((word, letters))):
        if phones := _listed(known):
            return phones, "dictionary"
        if phones := _derived(known):
            return phones, "rule"
    if not letters:
        return (), ""
    if not _VOWELS & set(letters):
        return tuple(p for c in letters for p in letter_name(c)), "spelled"
    if phones := _compound(letters):
        return phones, "rule"
    return predict(letters[:MAX_LETTERS]) or letter_name(letters[0]), "network"


def _derived(word: str) -> Phones:
    """Phones of an inflected or prefixed form of a listed word, () if there is none."""
    for ending in ("'s", "s'"):
        if word.endswith(ending) and len(word) > len(ending) + 1:
            stem = word[: -len(ending)]
            if ending == "s'":
                return _listed(stem + "s") or _derived(stem + "s")
            phones = _listed(stem) or _derived(stem)
            return with_s(phones) if phones else ()
    if "'" in word:
        return _contracted(word)
    return _inflected(word) or _prefixed(word)


def _contracted(word: str) -> Phones:
    """Of "she'd've" and "who're": a listed word and the ending's own sound."""
    stem, _, ending = word.rpartition("'")
    said = _own_words()["contractions"].get(ending)
    phones = (_listed(stem) or _derived(stem)) if said and stem else ()
    if ending == "d" and phones and phones[-1] not in ("T", "D"):
        return (*phones, "D")
    return (*phones, *said.split()) if phones else ()


def _inflected(word: str) -> Phones:
    if word.endswith("ies") and len(word) > 5:
        base = _listed(word[:-3] + "y")
        if base:
            return with_s(base)
    if word.endswith("s") and not word.endswith("ss") and len(word) > 3:
        base = _listed(word[:-1]) or (_listed(word[:-2]) if word.endswith("es") else ())
        if base:
            return with_s(base)
    for ending, add in (("ed", with_ed), ("ing", _with("IH0", "NG")), ("er", _with("ER0"))):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            base = _base_of(word[: -len(ending)])
            if base:
                return add(base)
    for ending, phones in _own_words()["suffixes"].items():
        if word.endswith(ending) and len(word) > len(ending) + 2:
            base = _listed(word[: -len(ending)])
            if base:
                return (*base, *phones.split())
    return ()


def _with(*more: str) -> Any:
    return lambda phones: (*phones, *more)


def _base_of(stem: str) -> Phones:
    """Give the verb: "stopp" -> stop, "bak" -> bake, "walk" -> walk."""
    if len(stem) > 3 and stem[-1] == stem[-2] and stem[-1] not in "sle":
        return _listed(stem[:-1])
    if stem[-1] in "vcsuzgk" or stem.endswith(("at", "iz", "it", "ib", "id", "in", "ir", "or")):
        return _listed(stem + "e") or _listed(stem)
    return _listed(stem) or _listed(stem + "e")


def _prefixed(word: str) -> Phones:
    for prefix, phones in _own_words()["prefixes"].items():
        if word.startswith(prefix) and len(word) > len(prefix) + 3:
            base = _listed(word[len(prefix) :]) or _inflected(word[len(prefix) :])
            if base:
                return (*phones.split(), *base)
    return ()


def _compound(word: str) -> Phones:
    """Two listed words written as one ("crowdsourcing"), the second with secondary stress."""
    if word.endswith("s") and not word.endswith("ss"):
        single = _compound(word[:-1])  # time-stamps, before times-tamps
        if single:
            return with_s(single)
    if len(word) < 2 * _MIN_COMPOUND_PART + 1:
        return ()
    best: tuple[int, Phones, Phones] | None = None
    for cut in range(_MIN_COMPOUND_PART, len(word) - _MIN_COMPOUND_PART + 1):
        shorter = min(cut, len(word) - cut)
        if best and shorter <= best[0]:
            continue
        if shorter == _MIN_COMPOUND_PART and not _is_common_short(word, cut):
            continue
        first, second = _listed(word[:cut]), _listed(word[cut:]) or _inflected(word[cut:])
        if first and second:
            best = (shorter, first, second)
    if best is None:
        return ()
    return (*best[1], *(p.replace("1", "2") for p in best[2]))


def _is_common_short(word: str, cut: int) -> bool:
    """Three-letter parts are often names and accidents: only listed everyday ones count."""
    short = _own_words()["short_parts"]["words"]
    return all(len(part) > _MIN_COMPOUND_PART or part in short for part in (word[:cut], word[cut:]))
