"""From the International Phonetic Alphabet to the notations of the front ends, by tables."""

from __future__ import annotations

import unicodedata
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from vinovits.errors import TextError
from vinovits.text.notation import (
    ERHUA,
    NEUTRAL,
    from_kana,
    near,
    stressed,
    syllables,
    tables,
    wrong,
)

_STRESS = {"ˈ": "1", "'": "1", "’": "1", "ˌ": "2"}
_SAME = {"g": "ɡ", ":": "ː", "ε": "ɛ", "α": "ɑ", "ǝ": "ə", "∫": "ʃ", "\u030d": "\u0329"}
"""Signs that are taken for another, and marks that are the same as another."""
_HELD = frozenset("\u0303\u0329")
"""Combining marks that are heard: nasal and syllabic. All others tell finer differences."""
_PASSED_OVER = frozenset(" ./[]|‖‿-–˞ˑːʰʱʲʷˠˤˀʼ˺ⁿˡ\u0303\u0329")
_LEVELS = dict(zip("12345", "˩˨˧˦˥", strict=True))
_TONE_LETTERS = frozenset(_LEVELS.values())
_GLIDES = dict(zip("jwɥʊɪɑɐæɤʌɘɛɔ", "iuyuiaaaəəəeo", strict=True))
"""For Mandarin, where neighbours alone colour the vowels."""
_R_COLOURED = frozenset("ɻɚ˞ɹ")


class _Sign(NamedTuple):
    """A sign of a reading in IPA, and where the user wrote it."""

    text: str
    place: int


def from_ipa(written: str, language: str) -> str:
    """Write a reading in IPA as a language's front end takes it.

    Args:
        written: With or without slashes around. Ties, dots between syllables and marks of finer
            differences are passed over.
        language: Its code.

    Raises:
        TextError: It has a sign that the language has no sound for, or there is no such language.
    """
    convert = {"en": _english, "ja": _japanese, "zh": _mandarin}.get(language)
    if convert is None:
        raise TextError(f"Readings in IPA are for en, ja and zh, not for {language!r}.")
    reading = convert(_signs(written), written)
    if not reading:
        raise wrong("No sound is there", written, 0, "Write some, such as /təˈmɑːtəʊ/.")
    return reading


def _signs(written: str) -> list[_Sign]:
    """The letters and marks that matter, one by one."""
    signs: list[_Sign] = []
    for place, character in enumerate(written):
        for sign in unicodedata.normalize("NFD", character):
            sign = _SAME.get(sign, sign)
            if sign == "\u0327" and signs and signs[-1].text == "c":
                signs[-1] = _Sign("ç", signs[-1].place)
            elif sign not in "()" and (sign in _HELD or not unicodedata.combining(sign)):
                signs.append(_Sign(sign, place))
    return signs


def _longest(signs: Sequence[_Sign], position: int, table: Container[str]) -> str:
    """The longest key of a table that begins there; "" if none does."""
    text = "".join(sign.text for sign in signs[position : position + 5])
    return next((text[:n] for n in range(len(text), 0, -1) if text[:n] in table), "")


def _unknown(sign: _Sign, written: str, language: str, known: Iterable[str]) -> TextError:
    return wrong(
        f"{sign.text} (U+{ord(sign.text):04X}) can't be there: {language} has no sound for it",
        written,
        sign.place,
        f"There are {' '.join(sorted({c for key in known for c in key} - _PASSED_OVER))}.",
    )


def _english(signs: Sequence[_Sign], written: str) -> str:
    data = tables()["ipa"]["en"]
    known: Mapping[str, str] = data["vowels"] | data["consonants"]
    phones: list[str] = []
    full: list[int] = []
    stress, marked = "", False
    position = 0
    while position < len(signs):
        sign = signs[position]
        key = _longest(signs, position, known)
        found = known[key].split() if key else []
        if key in data["vowels"]:
            if key[0] not in "əɚᵊlmnŋrɹɫ":
                full.append(len(phones))
            found[0], stress = found[0] + stress, ""
        elif not key and sign.text in _STRESS:
            stress, marked = _STRESS[sign.text], True
        elif not key and sign.text not in _PASSED_OVER:
            raise _unknown(sign, written, "English", known)
        phones += found
        position += len(key) or 1
    return stressed(phones, [] if marked and not full else full)


def _japanese(signs: Sequence[_Sign], written: str) -> str:
    data = tables()["ipa"]["ja"]
    rows = {key: row.split() for key, row in data["rows"].items()}
    vowels: Mapping[str, int] = data["vowels"]
    signs = list(_with_geminates([_Sign("j" if s == "ʲ" else s, p) for s, p in signs], rows))
    kana = ""
    position = 0
    while position < len(signs):
        sign = signs[position]
        key, vowel = _mora(signs, position, rows, vowels)
        alone = "" if vowel else _longest(signs, position, data["alone"])
        if vowel:
            kana += rows[key][vowels[vowel]]
        elif alone:
            kana += data["alone"][alone]
        elif sign.text not in _PASSED_OVER and sign.text not in _STRESS:
            raise _unknown(sign, written, "Japanese", [*rows, *vowels, *data["alone"]])
        position += len(key + vowel) or len(alone) or 1
    return from_kana(kana)


def _mora(
    signs: Sequence[_Sign], position: int, rows: Container[str], vowels: Container[str]
) -> tuple[str, str]:
    """The consonant, maybe none, and the vowel that begin there; "" and "" if no vowel is there."""
    text = [sign.text for sign in signs[position : position + 4]]
    for length in range(len(text) - 1, -1, -1):
        if text[length] in vowels and "".join(text[:length]) in rows:
            return "".join(text[:length]), text[length]
    return "", ""


def _with_geminates(signs: Sequence[_Sign], rows: Container[str]) -> Iterator[_Sign]:
    """Long and doubled consonants with a Q in front (N for nasal ones), and once."""
    held: list[_Sign] = []
    for index, sign in enumerate(signs):
        consonant = sign.text in rows and sign.text not in "nmɲŋ"
        before = held[-1].text if held else ""
        if sign.text == "ː" and before in rows and before:
            start = len(held) - 1
            if start and held[start - 1].text + before in rows:
                start -= 1
            held.insert(start, _Sign("N" if before in "nmɲŋ" else "Q", sign.place))
        elif consonant and index + 1 < len(signs) and signs[index + 1].text == sign.text:
            held.append(_Sign("Q", sign.place))
        else:
            held.append(sign)
    yield from held


def _mandarin(signs: Sequence[_Sign], written: str) -> str:
    data = tables()["ipa"]["zh"]
    signs = [sign for sign in signs if sign.text not in _STRESS]
    found: list[str] = []
    toned = False
    position = 0
    while position < len(signs):
        sign = signs[position]
        if sign.text in _PASSED_OVER:
            position += 1
            continue
        name, length = _syllable(signs, position, data)
        if not name:
            known = [*data["initials"], *data["finals"], *_GLIDES, *_TONE_LETTERS]
            raise _unknown(sign, written, "Mandarin", known)
        position += length
        # Directly behind a syllable an r colours it, unless it begins the next: ʐən.
        coloured = _longest(signs, position, _R_COLOURED) != ""
        coloured = coloured and _syllable(signs, position, data)[1] < 2
        position += coloured
        tone, length = _tone(signs, position, data["tones"], written)
        position += length
        toned = toned or length > 0
        found += [f"{name}{tone}", *([ERHUA] if coloured else [])]
    if found and not toned:
        advice = "Write it behind each syllable, in tone letters (ma˥˩) or a digit (ma4)."
        raise wrong("No syllable has a tone", written, 0, advice)
    return " ".join(found)


def _syllable(signs: Sequence[_Sign], position: int, data: Mapping[str, Any]) -> tuple[str, int]:
    """The longest syllable that begins there in pinyin, and how many signs it has; "" if none."""
    text = "".join(sign.text for sign in signs[position : position + 9])
    best = ("", 0)
    for start in range(min(len(text), 4)):
        initial = data["initials"].get(text[:start])
        if initial is None:
            continue
        rest = "".join(_GLIDES.get(c, c) for c in text[start:])
        for length in range(min(len(rest), 4), 0, -1):
            final = data["finals"].get(rest[:length])
            name = _spelled(initial, final, data["alone"]) if final else ""
            if name in syllables() and start + length > best[1]:
                best = (name, start + length)
    return best


def _spelled(initial: str, final: str, alone: Mapping[str, str]) -> str:
    """An initial and a final as pinyin writes them together."""
    if not initial:
        return alone.get(final, final)
    if initial in "jqx":
        final = final.replace("v", "u")
    return initial + ("o" if final == "uo" and initial in "bpmf" else final)


def _tone(
    signs: Sequence[_Sign], position: int, tones: Mapping[str, int], written: str
) -> tuple[int, int]:
    """The tone that is written there, and in how many signs."""
    shape = ""
    end = position
    while end < len(signs):
        sign = unicodedata.normalize("NFKC", signs[end].text)
        if sign not in _TONE_LETTERS and not ("0" <= sign <= "5"):
            break
        shape += sign
        end += 1
    if len(shape) == 1 and shape in "012345":
        return int(shape) or NEUTRAL, 1
    levels = "".join(_LEVELS.get(level, level) for level in shape)
    if levels and levels not in tones:
        advice = f"Tones are ˥ ˧˥ ˨˩˦ ˥˩, or 1 to 5. {near(levels, tones)}"
        raise wrong(f"{shape} is no tone of Mandarin", written, signs[position].place, advice)
    return tones.get(levels, NEUTRAL), end - position
