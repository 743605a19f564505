"""English and Japanese words in syllables of Chinese."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from vinovits.text.chinese.pinyin import parse
from vinovits.text.chinese.tables import readings, syllable_phones
from vinovits.text.nearest import Sounds
from vinovits.text.nearest.parts import NEUTRAL, VOWELS, arpabet, morae
from vinovits.text.nearest.tables import morae as mora_table
from vinovits.text.nearest.tables import sounds as table
from vinovits.text.reading import Word

_NASALS = {"N": "with-n", "NG": "with-ng"}
_LABIALS = frozenset(("P", "B", "F", "V"))
_SPOKEN_I = frozenset(("zh", "ch", "sh", "r", "z", "c", "s"))
"""Initials behind which pinyin writes i for another vowel."""
_AFFRICATES = frozenset(("T S", "D Z"))
_LONGEST = 6
"""Letters of a syllable in pinyin."""
_LONGEST_NAME = 24
_GIVEN = frozenset(("markup", "lexicon"))
_SILENT_R = frozenset(("AA", "AO", "ER"))
"""Vowels behind which an r isn't heard."""
_WEAK = "AH0"
"""The vowel that sounds otherwise without stress, and otherwise again at the end of a word."""


class _Syllable(NamedTuple):
    name: str
    stress: int | None
    """Of its vowel; None where English has no vowel."""


def sounds(word: Word, source: str, rules: Any) -> Sounds:
    """Phones and tones of a word in Chinese.

    Args:
        word: As read by the front end of its language.
        source: Code of that language, "en" or "ja".
        rules: Of the Chinese front end: its families all have the same phones.
    """
    letters = _spelled(word, arpabet(word)) if source == "en" else ""
    syllables: Iterable[tuple[str, int]]
    if letters:
        syllables = _pairs(" ".join(readings("letters")[letter.upper()] for letter in letters))
    else:
        syllables = _of_english(word) if source == "en" else _of_japanese(word)
    syllables = list(syllables)
    phones: list[str] = []
    tones: list[int] = []
    for name, tone in syllables:
        syllable = parse(f"{name}{tone}")
        if syllable is not None:
            phones += syllable.phones
            tones += [tone] * len(syllable.phones)
    names = " ".join(f"{name}{tone}" for name, tone in syllables) if letters else ""
    return Sounds(tuple(phones), tuple(tones), names)


def _of_english(word: Word) -> Sequence[tuple[str, int]]:
    if word.source in _GIVEN:
        return in_syllables(tuple(arpabet(word)))
    written = word.text.lower()
    if known := table("english-chinese")["words"].get(written):
        return _pairs(known)
    if word.source == "network" and (names := _pinyin(written)):
        return [(name, 1) for name in names]
    return in_syllables(tuple(arpabet(word)))


def _pairs(names: str) -> list[tuple[str, int]]:
    return [(name[:-1], int(name[-1])) for name in names.split()]


def _pinyin(written: str) -> tuple[str, ...]:
    """Syllables of a name that no English dictionary has, such as "Zhangjiakou"; () for none."""
    letters = written.replace("'", "")
    names = _in_pinyin(letters) if len(letters) <= _LONGEST_NAME else ()
    return names if len(names) > 1 else ()


@lru_cache(maxsize=4096)
def _in_pinyin(letters: str) -> tuple[str, ...]:
    """The whole of it in syllables, the longest first; () if it isn't made of them."""
    for length in range(min(len(letters), _LONGEST), 0, -1):
        name, rest = letters[:length], letters[length:]
        if name in syllable_phones() and (not rest or _in_pinyin(rest)):
            return (name, *_in_pinyin(rest)) if rest else (name,)
    return ()


def _spelled(word: Word, phones: Sequence[str]) -> str:
    """The letters of a word that is said letter by letter, such as "CPU"."""
    from vinovits.text.english.pronounce import letter_name

    if word.source in _GIVEN or not (word.text.isascii() and word.text.isalpha()):
        return ""
    if word.source == "spelled":
        return word.text
    # Several of them, as "CPUs", are said as one: Chinese has no plural.
    letters = word.text[:-1] if word.text[-1] == "s" and len(word.text) > 2 else word.text
    names = _plain([phone for letter in letters for phone in letter_name(letter)])
    is_capital = letters.isupper() or len(letters) == 1
    return letters if is_capital and _plain(phones)[: len(names)] == names else ""


def _plain(phones: Sequence[str]) -> list[str]:
    return [phone.rstrip("012") for phone in phones]


@lru_cache(maxsize=4096)
def in_syllables(phones: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
    """An English word in syllables of Chinese, with the tones that come nearest to its melody.

    Args:
        phones: ARPAbet, the vowels with their stress.

    Returns:
        Pinyin and tone of each: a stressed syllable falls (4) where it is the last with a vowel,
        and is high (1) before others; what is before the first rises (2), the rest has none (5).
    """
    syllables = list(_cut(phones))
    stresses = [syllable.stress for syllable in syllables]
    main = next((i for i, stress in enumerate(stresses) if stress), len(stresses))
    last = max((i for i, stress in enumerate(stresses) if stress is not None), default=0)

    def tone(index: int) -> int:
        if stresses[index] is None:
            return NEUTRAL
        if stresses[index]:
            return 4 if index == last else 1
        return 2 if index < main < len(stresses) else NEUTRAL

    return tuple((syllable.name, tone(index)) for index, syllable in enumerate(syllables))


def _cut(phones: Sequence[str]) -> Iterator[_Syllable]:
    """Syllables: each vowel with the consonant before it, and an n behind; the rest alone."""
    waiting: list[str] = []
    position = 0
    while position < len(phones):
        phone = phones[position]
        vowel = phone.rstrip("012")
        position += 1
        if vowel not in VOWELS:
            waiting.append(phone)
            continue
        *before, onset = waiting or [""]
        if before and f"{before[-1]} {onset}" in _AFFRICATES:
            onset = f"{before.pop()} {onset}"
        if onset == "Y" and vowel in ("UW", "UH") and before and (name := _with_glide(before[-1])):
            yield from _alone(before[:-1])
            nasal = ""
        else:
            yield from _alone(before, onset)
            nasal = _coda(phones, position)
            weak = phone == _WEAK and position < len(phones)
            name = _syllable(onset, phone if weak else vowel, nasal)
            if not name:
                nasal = ""
                name = _syllable(onset, phone if weak else vowel, "")
        yield _Syllable(name, int(phone[len(vowel) :] or 0))
        if vowel == "OY":
            yield _Syllable("yi", None)
        waiting = []
        position += bool(nasal)
        if _at(phones, position) == "R" and not _is_vowel(_at(phones, position + 1)):
            if vowel not in _SILENT_R:
                yield _Syllable("er", None)
            position += 1
    yield from _alone(waiting)


def _at(phones: Sequence[str], index: int) -> str:
    return phones[index] if index < len(phones) else ""


def _is_vowel(phone: str) -> bool:
    return phone.rstrip("012") in VOWELS


def _coda(phones: Sequence[str], index: int) -> str:
    """The nasal that goes with the vowel before it: "N", "NG" or ""."""
    phone, following = _at(phones, index), _at(phones, index + 1)
    if phone == "NG":
        return phone
    if phone == "N" and not _is_vowel(following) and following != "Y":
        return phone
    return "N" if phone == "M" and following in _LABIALS else ""


def _syllable(onset: str, vowel: str, nasal: str) -> str:
    """The first of the finals and initials that are a syllable; "" for none with this nasal."""
    tables = table("english-chinese")
    plain = vowel.rstrip("012")
    column = tables[_NASALS[nasal] if nasal else "finals"]
    finals: str = column.get(vowel) or column.get(plain, "")
    if not onset and not nasal:
        return str(tables["vowels"].get(vowel) or tables["vowels"][plain])
    whole = tables["together"].get(f"{onset} {vowel}")
    if whole and not nasal:
        return str(whole)
    initials = tables["initials"][onset].split() if onset else ["", "y", "w"]
    for final in finals.split():
        for initial in initials:
            spoken = final != "i" or initial not in _SPOKEN_I
            if spoken and initial + final in syllable_phones():
                return str(initial + final)
    return "" if nasal else f"{initials[0]}{finals.split()[0]}"


def _with_glide(consonant: str) -> str:
    """The syllable of a consonant and "you", as in "music" and "new"."""
    for initial in table("english-chinese")["initials"][consonant].split():
        if initial + "iu" in syllable_phones():
            return f"{initial}iu"
    return ""


def _alone(consonants: Sequence[str], following: str = "") -> Iterator[_Syllable]:
    """Consonants without a vowel, each with a short one; "ts" and "dz" are one."""
    tables = table("english-chinese")
    names = tables["alone"]
    if consonants and following == "W":
        *consonants, last = consonants
        yield from _alone(consonants)
        yield _Syllable(f"{tables['initials'][last].split()[0]}u", None)
        return
    position = 0
    while position < len(consonants):
        pair = " ".join(consonants[position : position + 2])
        name = names.get(pair) or names[consonants[position]]
        position += 2 if pair in names and " " in pair else 1
        yield _Syllable(name, None)


def _of_japanese(word: Word) -> Iterator[tuple[str, int]]:
    """Syllables by morae: high 1, falling 4 before a low one, rising 2 at a low start, else 5."""
    found = list(morae(word))
    high = [mora.high for mora in found]
    index = 0
    while index < len(found):
        nasal = index + 1 < len(found) and found[index + 1].phones == "N"
        names = mora_table().get(found[index].phones, ("en", "en"))
        behind = index + (2 if nasal else 1)
        if high[index]:
            tone = 4 if behind < len(high) and not high[behind - 1 if nasal else behind] else 1
        else:
            tone = NEUTRAL if any(high[:index]) else 2
        yield names[nasal], tone
        index = behind
