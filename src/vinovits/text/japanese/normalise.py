"""From text as people write it to kana, kanji and punctuation phones."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from vinovits.text.japanese import ours
from vinovits.text.japanese.given import STAND_INS
from vinovits.text.japanese.numbers import CURRENCIES, cardinal
from vinovits.text.japanese.rules import JapaneseRules
from vinovits.text.japanese.tables import marks
from vinovits.text.symbols import PUNCTUATION
from vinovits.text.traced import Traced, substitute

_CLUSTER = re.compile(f"(?s)[^{STAND_INS}][\u0300-\u036f\u3099\u309a\uff9e\uff9f]*")
"""What NFKC may put together."""
_GROUPED = re.compile("[0-9]{1,3}(?:,[0-9]{3})+")
_PRICE = re.compile(f"([{''.join(CURRENCIES)}])([0-9.]*[0-9])")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_KANA_AND_KANJI = "\u3040-\u30ff\u4e00-\u9fff\u3400-\u4dbf"
_OURS = "〆〇0-9０-９\uf900-\ufaff\U00020000-\U0003ffff"
_LETTERS = "A-Za-zＡ-Ｚａ-ｚ\u0370-\u03ff\u1f00-\u1fff"


def normalise(traced: Traced, rules: JapaneseRules) -> tuple[Traced, list[str]]:
    """Write a text as the readings of a family expect it.

    Args:
        traced: A sentence, with its places in the original.
        rules: Whose reading it is.

    Returns:
        Kana, kanji, punctuation phones, letters where the family reads them, and what stands for
        words whose reading is given; and the characters that were left out, spaces aside.
    """
    if rules.ours:
        traced = ours.after_nfkc(nfkc(ours.before_nfkc(traced)))
    else:
        traced = nfkc(traced)
        for pattern, replacement in _RELEASED_NUMBERS:
            traced = substitute(traced, pattern, replacement)
    traced = to_marks(traced, rules)
    unspoken = [_foreign_pattern(rules)]
    if rules.voicing_marks:
        unspoken.append(re.compile(f"[{rules.voicing_marks}]"))
    deleted: list[str] = []
    for pattern in unspoken:
        deleted += "".join(pattern.findall(traced.text))
        traced = substitute(traced, pattern, lambda match: "")
    return traced, [character for character in deleted if not character.isspace()]


_RELEASED_NUMBERS: tuple[ours.Rule, ...] = (
    (_GROUPED, lambda match: match[0].replace(",", "")),
    (_PRICE, lambda match: match[2] + CURRENCIES[match[1]]),
    (_NUMBER, lambda match: cardinal(match[0])),
)


def nfkc(traced: Traced) -> Traced:
    """Compatibility forms become ordinary ones: half-width kana, full-width letters and digits."""
    if unicodedata.is_normalized("NFKC", traced.text):
        return traced
    return substitute(traced, _CLUSTER, lambda match: unicodedata.normalize("NFKC", match[0]))


def to_marks(traced: Traced, rules: JapaneseRules) -> Traced:
    """Write all punctuation with the punctuation phones."""
    table = marks(rules.marks)
    return substitute(traced, _marks_pattern(rules.marks), lambda match: table[match[0]])


def fold_mark(text: str, rules: JapaneseRules) -> str:
    """The punctuation phones of what Open JTalk makes of them ("！", "．．．")."""
    table = marks(rules.marks)
    folded = _marks_pattern(rules.marks).sub(lambda match: table[match[0]], text)
    return _foreign_pattern(rules).sub("", folded)


@cache
def _marks_pattern(name: str) -> re.Pattern[str]:
    forms = sorted(marks(name), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, forms)))


@cache
def _foreign_pattern(rules: JapaneseRules) -> re.Pattern[str]:
    kept = _KANA_AND_KANJI + STAND_INS + re.escape("".join(PUNCTUATION))
    kept += "々" * rules.iteration_mark + _LETTERS * rules.letters + _OURS * rules.ours
    return re.compile(f"[^{kept}]+")
