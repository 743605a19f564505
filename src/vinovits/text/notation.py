"""Readings as people write them, and as the front ends take them.

ARPAbet (as the CMU Pronouncing Dictionary has it), pinyin, kana, and IPA, which becomes one of the
others.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

from vinovits.errors import TextError

Alphabet = Literal["cmu", "pinyin", "kana", "ipa"]
"""How a reading is written."""

NEUTRAL = 5
_TONES = frozenset("012345")
_TONE_MARKS = {"\u0304": 1, "\u0301": 2, "\u030c": 3, "\u0306": 3, "\u0300": 4}
"""Combining marks of the tones; a breve is often taken for a caron."""
_MARKED = re.compile(f"[{''.join(_TONE_MARKS)}]")
_SEPARATORS = re.compile(r"[\s'’·,.-]+")
_NUMBERED = re.compile(r"(\D*)(\d*)")
TO_KATAKANA = str.maketrans(
    {
        **{chr(code): chr(code + 96) for code in range(0x3041, 0x3097)},
        **dict(zip("ヵヶゕゖ", "カケカケ", strict=True)),
        **dict(zip("ヷヸヹヺ", ("ヴァ", "ヴィ", "ヴェ", "ヴォ"), strict=True)),
        **dict.fromkeys("〜～~−", "ー"),
    }
)
"""Hiragana, and katakana that no table has."""
_MORA = re.compile("[\u30a1-\u30fc][ァィゥェォャュョヮ]?")
_FALLS = re.compile("['’↓ꜜ]")
_ACCENT = re.compile(r"[:：](\d*)\s*\Z")
_MEANT = re.compile(r"[A-Z]{1,3}[0-2]?")
_PHONE = re.compile(r"([A-Za-z]+)([0-2]?)")


def to_reading(written: str, alphabet: Alphabet, language: str = "") -> tuple[str, str]:
    """Write a reading as the front ends take it (see `vinovits.text.reading.Said`).

    Args:
        written: "T AH0 M AA1 T OW0" (cmu: without digits the first vowel is stressed), "hang2
            zhang3", "hángzhǎng" or "nǚ'ér" (pinyin; 5, 0 or no mark for a syllable without tone,
            v and u: for ü), "ハシ:1" or "ハ'シ" (kana, hiragana as well: the tone falls behind
            mora 1; 0: it doesn't) or "/təˈmɑːtəʊ/" (ipa).
        alphabet: How it is written.
        language: Code of the language that IPA is meant in; "" for English. The others tell it.

    Returns:
        The code of the language, and the reading in ARPAbet, pinyin or kana.

    Raises:
        TextError: It is empty, or has a phone or syllable that there isn't.
    """
    if alphabet not in get_args(Alphabet):
        raise TextError(
            f"There is no alphabet {alphabet!r} for readings. Take one of "
            f"{', '.join(get_args(Alphabet))}."
        )
    if not written.strip():
        raise TextError("The reading is empty. Write how the word is said.")
    match alphabet:
        case "cmu":
            return "en", _from_arpabet(written)
        case "pinyin":
            return "zh", _from_pinyin(written)
        case "kana":
            return "ja", from_kana(written)
        case "ipa":
            from vinovits.text.ipa import from_ipa

            language = language or "en"
            return language, from_ipa(written, language)


def is_like_arpabet(written: str) -> bool:
    """Whether something in capitals can only be meant as ARPAbet, be it right or wrong.

    Two or more words of up to three letters are, if one is a phone, and one has the digit of a
    vowel; without digits, if most are phones, and one of these has two letters, unlike initials.
    """
    tokens = written.split()
    words = [_MEANT.fullmatch(token) for token in tokens]
    if len(tokens) < 2 or not all(words):
        return False
    phones = [token for token in tokens if _is_right(token, _from_arpabet)]
    if any(len(token) > 2 and token[-1].isdecimal() for token in tokens):
        return bool(phones)
    return 2 * len(phones) > len(tokens) and any(len(phone) > 1 for phone in phones)


def guess_alphabet(written: str) -> Alphabet | None:
    """The alphabet that a reading is written in; None where nothing tells.

    Kana are kana; syllables with tone digits or tone marks pinyin; ARPAbet in capitals cmu; what
    stands between slashes or square brackets is IPA. What is kana or IPA need not be
    right otherwise.
    """
    plain = unicodedata.normalize("NFKC", written).strip()
    if len(plain) > 2 and (plain[0], plain[-1]) in (("/", "/"), ("[", "]")):
        return "ipa"
    if plain and all("\u3041" <= c <= "\u30fc" for c in re.sub(r":\d*\Z|['’↓ꜜ\s]", "", plain)):
        return "kana" if re.search("[\u3041-\u30fc]", plain) else None
    phones = [_PHONE.fullmatch(token) for token in plain.split()]
    if phones and all(m and m[1].isupper() and m[1] in _arpabet() for m in phones):
        return "cmu" if _is_right(plain, _from_arpabet) else None
    marked = unicodedata.normalize("NFD", plain).lower()
    if not (re.search(r"[a-z:][0-5]", marked) or _MARKED.search(marked)):
        return None
    return "pinyin" if _is_right(plain, _from_pinyin) else None


def _is_right(written: str, convert: Callable[[str], str]) -> bool:
    try:
        convert(written)
    except TextError:
        return False
    return True


@cache
def tables() -> dict[str, Any]:
    """The tables of data/notation.toml."""
    return tomllib.loads((files("vinovits") / "data" / "notation.toml").read_text("utf-8"))


def split_moras(kana: str) -> list[str]:
    """The moras of katakana; a small kana goes with the one before it, ー and ッ are moras."""
    return _MORA.findall(kana)


def moras(kana: str) -> int:
    """How many moras katakana has."""
    return len(split_moras(kana))


def stressed(phones: Sequence[str], full: Collection[int] | None = None) -> str:
    """ARPAbet with a digit at every vowel.

    Args:
        phones: With or without digits.
        full: Indices of the vowels of which the first is stressed where none is; None: all.
    """
    vowels = _vowels()
    bare = [index for index, phone in enumerate(phones) if phone in vowels]
    digits = dict.fromkeys(bare, "0")
    if not any(phone[-1] == "1" for phone in phones):
        first = next((index for index in bare if full is None or index in full), None)
        digits |= {} if first is None else {first: "1"}
    return " ".join(phone + digits.get(index, "") for index, phone in enumerate(phones))


def wrong(what: str, written: str, place: int, advice: str) -> TextError:
    """The error for a part of a reading.

    Args:
        what: A clause about the part.
        written: The reading as the user wrote it.
        place: Index of the part's first character in it.
        advice: What there is instead.
    """
    shown = written if len(written) <= 60 else f"{written[:57]}..."
    # Written in simpler characters a reading may be longer than the user wrote it.
    number = min(place, len(written) - 1) + 1
    return TextError(f'{what} (character {number} of the reading "{shown}"). {advice}'.strip())


def near(name: str, known: Iterable[str]) -> str:
    """Advice that names what is spelled most like a name: "Near it: hang, huang."."""
    close = get_close_matches(name, sorted(known), n=6, cutoff=0.5)
    return f"Near it: {', '.join(close)}." if close else ""


def _from_arpabet(written: str) -> str:
    phones: list[str] = []
    for token in re.finditer(r"\S+", written):
        match = _PHONE.fullmatch(token[0])
        found = _arpabet().get(match[1].upper()) if match else None
        if match is None or found is None:
            raise wrong(
                f"{token[0]} is no phone of ARPAbet",
                written,
                token.start(),
                f"ARPAbet has the vowels {tables()['cmu']['vowels']} (with 0, 1 or 2 behind them "
                f"for their stress) and {tables()['cmu']['consonants']}.",
            )
        if match[2] and not any(phone.rstrip("012") in _vowels() for phone in found):
            raise wrong(
                f"{token[0]} has a digit",
                written,
                token.start(),
                f"Only vowels have one ({tables()['cmu']['vowels']}); take it off.",
            )
        for phone in found:
            is_vowel = match[2] and phone.rstrip("012") in _vowels()
            phones.append(phone.rstrip("012") + match[2] if is_vowel else phone)
    return stressed(phones)


@cache
def _vowels() -> frozenset[str]:
    return frozenset(tables()["cmu"]["vowels"].split())


@cache
def _arpabet() -> dict[str, list[str]]:
    """Phones by what they are called."""
    data = tables()["cmu"]
    ours = {name: [name] for name in f"{data['vowels']} {data['consonants']}".split()}
    return ours | {name: phones.split() for name, phones in data["others"].items()}


def _from_pinyin(written: str) -> str:
    # Digits may be small and raised: hang² zhang³.
    plain = unicodedata.normalize("NFKC", written).lower()
    has_digits = any(c.isdecimal() for c in plain)
    found: list[str] = []
    place = 0
    for token in filter(None, _SEPARATORS.split(plain)):
        place = plain.index(token, place)
        if has_digits:
            found += _numbered(token, written, place)
        elif _MARKED.search(unicodedata.normalize("NFD", plain)):
            found += _parted(token, written, place)
        else:
            advice = (
                f"Write it behind each syllable, {token}1 to {token}4, or {token}5 for none, or "
                "write tone marks (mā má mǎ mà)."
            )
            raise wrong(f"{token} has no tone", written, place, advice)
        place += len(token)
    if not found or found[0] == "r5":
        raise wrong("No syllable is there", written, 0, "Write pinyin, such as hang2 zhang3.")
    return " ".join(ERHUA if name == "r5" else name for name in found)


ERHUA = "er5"
"""The families have no vowels with r: 玩儿 is wan2 er5."""


def _numbered(token: str, written: str, place: int) -> Iterator[str]:
    """Syllables with digits, several of them maybe joined: yi4dianr3."""
    position = 0
    while position < len(token):
        match = _NUMBERED.match(token, position)
        assert match is not None
        shown, digits = match.groups()
        here = place + position
        if not shown:
            raise wrong(f"{digits} has no syllable before it", written, here, "Write it behind.")
        name = _folded(shown)
        if not (name == "r" or {name, name.removesuffix("r")} & syllables()):
            advice = _near_syllable(name)
            if digits and digits not in _TONES:
                advice = f"{advice} Tones are 1 to 5.".lstrip()
            raise wrong(f'There is no syllable "{shown}" in pinyin', written, here, advice)
        if digits not in _TONES:
            what = f"There is no tone {digits}" if digits else f"{shown} has no tone"
            advice = f"Write it behind the syllable, {shown}1 to {shown}4, or {shown}5 for none."
            raise wrong(what, written, here + len(shown) if digits else here, advice)
        tone = int(digits) or NEUTRAL
        if name == "r":
            yield "r5"
        elif name in syllables():
            yield f"{name}{tone}"
        else:
            yield f"{name[:-1]}{tone}"
            yield ERHUA
        position = match.end()


def _parted(token: str, written: str, place: int) -> list[str]:
    """Cut a word with tone marks into syllables: as few as can be, each with one mark at most.

    Behind the first none begins with a, e or o, which takes an apostrophe, unless there is no
    other way.
    """
    letters: list[tuple[str, int]] = []
    for character in unicodedata.normalize("NFD", token).replace("u:", "ü"):
        if character in _TONE_MARKS and letters:
            letters[-1] = (letters[-1][0], _TONE_MARKS[character])
        elif unicodedata.combining(character) and letters:
            base = unicodedata.normalize("NFC", letters[-1][0] + character)
            letters[-1] = (_folded(base), letters[-1][1])
        else:
            letters.append((_folded(character), 0))
    plain = "".join(letter for letter, _ in letters)
    # The cheapest way to each place: its cost, and its last syllables.
    best: dict[int, tuple[int, list[str]]] = {0: (0, [])}
    for start in range(len(plain)):
        if start not in best:
            continue
        cost, before = best[start]
        for end in range(start + 1, min(start + 7, len(plain)) + 1):
            tones = [tone for _, tone in letters[start:end] if tone]
            if len(tones) > 1:
                break
            found = _with_erhua(plain[start:end], tones[0] if tones else NEUTRAL)
            hidden = start > 0 and plain[start] in "aeoê"
            total = cost + len(found) + 4 * hidden + (not tones)
            if found and (end not in best or total < best[end][0]):
                best[end] = (total, [*before, *found])
    if len(plain) in best and plain:
        return best[len(plain)][1]
    reached = max(best)
    rest = "".join(letter for letter, _ in letters[reached:])
    what = f'No syllables of pinyin are in "{rest}"'
    raise wrong(what, written, place + reached, _near_syllable(rest))


def _with_erhua(letters: str, tone: int) -> list[str]:
    """A syllable, or one with r at its end; [] if it is neither."""
    name = _folded(letters)
    if name in syllables():
        return [f"{name}{tone}"]
    if name.endswith("r") and name[:-1] in syllables():
        return [f"{name[:-1]}{tone}", ERHUA]
    return []


def _folded(name: str) -> str:
    """ü as v, but u where only ü can be (ju, yue) and the other way (lue)."""
    name = name.replace("u:", "v").replace("ü", "v")
    name = re.sub("^([jqxy])v", r"\1u", name)
    return re.sub("^([ln])ue", r"\1ve", name)


def _near_syllable(name: str) -> str:
    """Syllables spelled most like one, without xv and the like, which xu stands for."""
    return near(name, (one for one in syllables() if _folded(one) == one))


@cache
def syllables() -> frozenset[str]:
    """Syllables of Mandarin in pinyin without tones, ü written v behind n and l."""
    from vinovits.text.chinese.tables import syllable_phones

    return frozenset(syllable_phones()) | frozenset(tables()["pinyin"]["rare"].split())


def from_kana(written: str) -> str:
    """Write kana as katakana, with the accent behind a colon if it is given.

    Args:
        written: Kana of any width, with ":1", or with "'" or "ꜜ" where the tone falls.

    Raises:
        TextError: It isn't kana, or has no such mora.
    """
    plain = unicodedata.normalize("NFKC", written)
    accent = _ACCENT.search(plain)
    kana = ""
    falls: list[int] = []
    for place, character in enumerate(plain[: accent.start()] if accent else plain):
        katakana = character.translate(TO_KATAKANA)
        if _FALLS.match(character):
            falls.append(moras(kana))
        elif katakana == "ー" and not kana:
            raise wrong("ー has nothing to lengthen", written, place, "Take it off.")
        elif set(katakana) <= _kana():
            kana += katakana
        elif not character.isspace() and character != "・":
            advice = "Write hiragana or katakana, and an accent behind a colon: ハシ:1."
            raise wrong(f"{character} is no kana", written, place, advice)
    if not kana:
        raise wrong("No kana is there", written, 0, "Write some, such as ハシモト or ハシ:1.")
    if accent:
        falls.append(int(accent[1] or 0))
    if len(falls) > 1 or any(fall > moras(kana) for fall in falls):
        advice = f"{kana} has {moras(kana)} moras: write one of {kana}:0 to {kana}:{moras(kana)}."
        place = accent.start() if accent else 0
        raise wrong("There is no such accent", written, place, advice)
    return f"{kana}:{falls[0]}" if falls else kana


@cache
def _kana() -> frozenset[str]:
    from vinovits.text.japanese.tables import kana

    return frozenset("".join(kana("plus"))) | {"ー"}
