"""From a normalised sentence to words with phones and tones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate

from vinovits.text.japanese import accents, open_jtalk, unidic
from vinovits.text.japanese.given import STAND_INS, Given
from vinovits.text.japanese.normalise import fold_mark
from vinovits.text.japanese.open_jtalk import MARKS, Node
from vinovits.text.japanese.rules import JapaneseRules
from vinovits.text.japanese.tables import kana as kana_table
from vinovits.text.notation import split_moras
from vinovits.text.reading import Source, Word
from vinovits.text.symbols import PUNCTUATION, SYMBOLS_112
from vinovits.text.traced import Span, Traced, joined, realign

LONG = "ー"
_SILENT = frozenset(PUNCTUATION)
_STAND_INS = re.compile(f"([{STAND_INS}])")
_MARKS = re.compile(f"([{re.escape(''.join(PUNCTUATION))}])")
_KNOWN = frozenset(SYMBOLS_112)
_VOWELS = frozenset("aiueoN")
_NOT_SPOKEN = re.compile(r"[^A-Za-z\d々\u3040-\u30ff\u4e00-\u9fff０-９Ａ-Ｚａ-ｚ\uff66-\uff9d]")
_SPLIT = {"kw": ("k", "u"), "gw": ("g", "u"), "fy": ("f", "u", "y"), "vy": ("b", "y")}
"""Open JTalk's phones that no family has, and what comes nearest."""
_LARGE = str.maketrans(
    {
        **dict(zip("ヵヶゕゖ", "カケカケ", strict=True)),
        **dict(zip("ヷヸヹヺ", ("ヴァ", "ヴィ", "ヴェ", "ヴォ"), strict=True)),
    }
)
_HIRAGANA = str.maketrans({chr(code): chr(code + 96) for code in range(0x3041, 0x3097)})


@dataclass(slots=True)
class _Unit:
    """A word of the sentence, or one mark, before it has tones."""

    text: str
    """As it is given to BERT: the written form."""
    written: str
    """The characters of the sentence that it stands for."""
    phones: list[str]
    silent: bool = False
    reading: str = ""
    """In kana; "" for marks."""
    source: Source = ""
    place: Span | None = None
    """In the original, where its reading is given."""
    tones: list[int] = field(default_factory=list)
    """Of the accent that is given; [] where none is."""


def words_of(
    sentence: Traced, rules: JapaneseRules, said: Mapping[str, Given]
) -> tuple[list[Word], list[str]]:
    """Read a normalised sentence.

    Args:
        sentence: As `normalise` made it.
        rules: Whose reading it is.
        said: Words whose reading is given, by the characters that stand for them in the sentence.

    Returns:
        Words and marks in order, and the characters that couldn't be read.
    """
    unread: list[str] = []
    if rules.source == "unidic":
        units = _unidic_units(sentence.text, rules, said, unread)
        tones = [[0] * len(unit.phones) for unit in units]
    else:
        # With its own comma Open JTalk takes "3,123" for one number.
        written = sentence.text.replace(",", "、") if rules.ours else sentence.text
        nodes = open_jtalk.words(written, said)
        units = [unit for node in nodes for unit in _units(node, rules, said, unread)]
        _lengthen(units, rules)
        tones = _tones(units, nodes, rules)
    tones = [unit.tones or levels for unit, levels in zip(units, tones, strict=True)]
    return list(_placed(units, tones, sentence)), unread


def _units(
    node: Node, rules: JapaneseRules, said: Mapping[str, Given], unread: list[str]
) -> list[_Unit]:
    written, reading = node["string"], node["pron"].replace("’", "")
    if written in said:
        return [_own(written, said[written], rules)]
    if is_spoken(node):
        phones = list(_phones(reading, rules))
        text = fold_mark(written, rules) or written
        return [_Unit(text, written, phones, reading=reading, source="dictionary")]
    return [_mark(character, rules, unread) for character in written]


def is_spoken(node: Node) -> bool:
    """Whether Open JTalk reads a word aloud; else it is a mark, or has no known reading."""
    reading = node["pron"].replace("’", "")
    return bool(reading) and not (reading in MARKS or _NOT_SPOKEN.match(reading))


def _own(sign: str, word: Given, rules: JapaneseRules) -> _Unit:
    """A word whose reading is given."""
    names = list(_mora_phones(word.kana, rules))
    tones: list[int] = []
    if rules.tones != "none":
        for mora, high in zip(names, word.highs, strict=False):
            tones += [int(high)] * len(mora)
    phones = [phone for mora in names for phone in mora]
    reading, source = word.reading, word.source
    return _Unit(word.written, sign, phones, False, reading, source, word.span, tones)


def _mora_phones(kana: str, rules: JapaneseRules) -> Iterator[list[str]]:
    """The phones of each mora."""
    phones: list[str] = []
    for mora in split_moras(kana):
        if mora == LONG:
            phones = phones[-1:] if rules.long_vowels else []
        else:
            phones = [rules.moraic_n if p == "N" else p for p in from_kana(mora, rules)]
        yield phones


def _mark(character: str, rules: JapaneseRules, unread: list[str]) -> _Unit:
    folded = fold_mark(character, rules)
    if folded in _SILENT:
        return _Unit(folded, character, [folded], silent=True)
    if rules.ours and (phones := from_kana(kana := character.translate(_LARGE), rules)):
        return _Unit(character, character, phones, reading=kana, source="rule")
    unread.append(character)
    return _Unit(rules.unread, character, [rules.unread], silent=True, source="fallback")


def _phones(reading: str, rules: JapaneseRules) -> Iterable[str]:
    """Phones of a reading in katakana; a ー at its beginning stays."""
    tail = reading.lstrip(LONG)
    yield from LONG * (len(reading) - len(tail))
    if not tail:
        return
    if rules.source == "open-jtalk-twice":
        found = _read_again(tail)
    else:
        found = tuple(from_kana(tail, rules))
    for phone in found:
        yield rules.moraic_n if phone == "N" else phone


@lru_cache(maxsize=4096)
def _read_again(reading: str) -> tuple[str, ...]:
    """What Open JTalk makes of the kana of one word, as if it were a sentence."""
    labels = open_jtalk.labels(open_jtalk.words(reading))
    return tuple(accents.phone_of(label) for label in labels if label.phone != "pau")


def from_kana(reading: str, rules: JapaneseRules) -> list[str]:
    """Phones of kana by the family's table; what isn't kana is passed over.

    Args:
        reading: Katakana or hiragana, with ー behind the first at most.
        rules: The family's rules.
    """
    table = kana_table(rules.kana)
    nearest = {**_SPLIT, **dict(rules.respelled)}
    phones: list[str] = []
    reading = reading.translate(_HIRAGANA)
    position = 0
    while position < len(reading):
        length = 2 if reading[position : position + 2] in table else 1
        syllable = reading[position : position + length]
        position += length
        found = (":",) if syllable == LONG else table.get(syllable, ())
        for phone in found:
            if phone != ":":
                phones += nearest.get(phone, (phone,))
            elif rules.long_vowels and phones:
                phones.append(phones[-1])
    return phones


def _lengthen(units: Sequence[_Unit], rules: JapaneseRules) -> None:
    """Put phones in the place of those ー that stand at the beginning of a word."""
    everything = [(unit, index) for unit in units for index in range(len(unit.phones))]
    for number, (unit, index) in enumerate(everything):
        if unit.phones[index] != LONG:
            continue
        before, place = everything[number - 1]
        previous = before.phones[place]
        if rules.leading_long == "vowel" and (number == 0 or previous not in _VOWELS):
            previous = "-"
        unit.phones[index] = "-" if previous == LONG else previous


def _tones(units: Sequence[_Unit], nodes: Sequence[Node], rules: JapaneseRules) -> list[list[int]]:
    if rules.tones == "none":
        return [[0] * len(unit.phones) for unit in units]
    labels = open_jtalk.labels(nodes)
    by_word = rules.tones == "word"
    spoken = _known(accents.steps(labels) if by_word else accents.phrase_tones(labels), rules)
    phones = [phone for unit in units for phone in unit.phones]
    aligned = iter(accents.align(phones, spoken, tolerant=rules.ours))
    values = [[next(aligned) for _ in unit.phones] for unit in units]
    if by_word:
        return accents.word_tones(values)
    return [[value or 0 for value in unit] for unit in values]


def _known(tones: Iterable[accents.Tone], rules: JapaneseRules) -> list[accents.Tone]:
    """Open JTalk's phones as the family writes them; released ones don't know clusters."""
    named = {**(_SPLIT if rules.ours else {}), **dict(rules.respelled), "N": (rules.moraic_n,)}
    return [(part, tone) for phone, tone in tones for part in named.get(phone, (phone,))]


def _unidic_units(
    text: str, rules: JapaneseRules, said: Mapping[str, Given], unread: list[str]
) -> list[_Unit]:
    units: list[_Unit] = []
    for part in _STAND_INS.split(text):
        if part in said:
            units.append(_own(part, said[part], rules))
            continue
        for written, reading in unidic.readings(part):
            if written in _SILENT:
                units.append(_Unit(written, written, [written], silent=True))
                continue
            phones = from_kana(reading, rules)
            if phones:
                units.append(_Unit(written, written, phones, reading=reading, source="dictionary"))
            elif "・" in written:
                units += [_Unit(",", character, [","], silent=True) for character in written]
            elif reading.strip(LONG):
                unread.extend(written)
    return units


def _placed(
    units: Sequence[_Unit], tones: Sequence[Sequence[int]], sentence: Traced
) -> Iterable[Word]:
    """Words with their places in the original text."""
    written = _aligned(sentence, "".join(unit.written for unit in units).translate(_WIDTHS))
    position = 0
    for unit, levels in zip(units, tones, strict=True):
        start, position = position, position + len(unit.written)
        phones = tuple(phone for phone in unit.phones if phone in _KNOWN)
        if phones:
            span = unit.place or written.span(start, position)
            kept = tuple(
                level for phone, level in zip(unit.phones, levels, strict=True) if phone in _KNOWN
            )
            spread = _even(len(phones), len(unit.text))
            yield Word(
                unit.text, *span, phones, kept, unit.silent, spread, unit.reading, unit.source
            )


def spans_of(sentence: Traced, nodes: Sequence[Node]) -> list[Span]:
    """Where each of Open JTalk's words stands in the original text.

    Args:
        sentence: As `normalise` made it.
        nodes: The words of all of it.
    """
    written = _aligned(sentence, "".join(node["string"] for node in nodes).translate(_WIDTHS))
    ends = accumulate(len(node["string"]) for node in nodes)
    return [
        written.span(end - len(node["string"]), end) for node, end in zip(nodes, ends, strict=True)
    ]


def _aligned(sentence: Traced, text: str) -> Traced:
    """What Open JTalk wrote, with its places; piece by piece, which is quicker for long lists."""
    ours, theirs = _MARKS.split(sentence.text), _MARKS.split(text)
    if len(ours) != len(theirs) or any(b and not a for a, b in zip(ours, theirs, strict=True)):
        return realign(sentence, text)
    ends = accumulate(map(len, ours))
    pieces = zip(ours, theirs, ends, strict=True)
    return joined(realign(sentence.part(end - len(a), end), b) for a, b, end in pieces)


def _even(phones: int, characters: int) -> tuple[int, ...]:
    """Phones per character, the earlier ones with the remainder: so did all families share them."""
    share, rest = divmod(phones, characters)
    return tuple(share + (index < rest) for index in range(characters))


_WIDTHS = str.maketrans(
    {
        **{chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},
        "−": "-",
        "’": "'",
        "、": ",",
    }
)
"""Open JTalk writes ASCII in full width."""
