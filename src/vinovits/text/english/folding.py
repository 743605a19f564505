"""Folding of whatever people paste into the characters that the English rules know.

Every folded character remembers which original character it came from, so that the spoken words
keep their places in the original text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from vinovits.text.reading import Said

_SPECIAL = {
    **dict.fromkeys("‘’‛′ʼ＇`´ʹʻʽ", "'"),
    **dict.fromkeys("“”„‟″«»＂〝〞", '"'),
    **dict.fromkeys("‹›", "'"),
    **dict.fromkeys("‐‑⁃﹣－", "-"),
    **dict.fromkeys("‒–", "–"),
    **dict.fromkeys("—―⸺⸻︱", "—"),
    "−": "−",
    **dict.fromkeys("…⋯", "…"),
    **dict.fromkeys("\u00a0\u202f\u2007\u2009\u2008", "\u00a0"),
    **dict.fromkeys("。｡", "."),
    **dict.fromkeys("、，", ","),
    "！": "!",
    "？": "?",
    "‽": "?",
    "⁇": "?",
    "⁈": "?!",
    "⁉": "!?",
    "¡": " ",
    "¿": " ",
    "⁄": "/",
    "∕": "/",
    "∶": ":",
    "ß": "ss",
    "ẞ": "SS",
    "æ": "ae",
    "Æ": "Ae",
    "œ": "oe",
    "Œ": "Oe",
    "ø": "o",
    "Ø": "O",
    "ł": "l",
    "Ł": "L",
    "đ": "d",
    "Đ": "D",
    "ð": "th",
    "Ð": "Th",
    "þ": "th",
    "Þ": "Th",
    "ı": "i",
    "ŋ": "ng",
    "Ŋ": "Ng",
    "ħ": "h",
    "Ħ": "H",
    "ə": "a",
    "ŧ": "t",
    "Ŧ": "T",
    "ĸ": "k",
    "ƒ": "f",
    "ɑ": "a",
    "ɪ": "i",
    "ʃ": "sh",
    "ʒ": "zh",
    "ɛ": "e",
    "ɔ": "o",
    "ʊ": "u",
    "ʌ": "u",
    "ɡ": "g",
    "ɹ": "r",
    "№": "No. ",
    "℃": "°C",
    "℉": "°F",
    "∙": "·",
    "⋅": "·",
    "＋": "+",
}
"""Characters whose compatibility decomposition isn't what a reader wants."""

KEPT = frozenset(
    "–—−…°½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞⅐⅑⅒²³¹⁰⁴⁵⁶⁷⁸⁹⁻×÷±≈≠≤≥√∞∑∏∫∂∆∇∈≡∝→←⇒↔£€¥₹₩₽₺₪₫฿₦₴₱₿¢§¶©®™†‡•·‰′μ\u00a0"
)
"""Characters beyond ASCII that some rule reads or drops on purpose."""

_DIRECTIONS_AND_JOINERS = frozenset(
    "\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f\u061c\u180e\u2061\u2062\u2063\u2064"
)


PAD = "\u01c0"
"""Stands between a stretch whose reading is given and what touches it: a letter that no rule says
anything for, and that folding never leaves."""
_STAND_INS = ("thing", "Thing")
"""What the rules see where a reading is given for something that isn't words."""
_WORDS = re.compile(r"[A-Za-z]+(?: [A-Za-z]+)*")


class Given(NamedTuple):
    """Where a reading is given, in folded text."""

    start: int
    end: int
    said: Said
    written: str
    """What is there in the original."""


@dataclass(frozen=True, slots=True)
class Folded:
    """A piece of text in known characters, each with its origin."""

    text: str
    origins: Sequence[int]
    """For every folded character the index of the original one, and one entry more for the end."""
    emoji: tuple[str, ...]
    """Emoji that were left out."""
    unread: tuple[str, ...]
    """Other characters that English can't read and that were left out."""
    given: tuple[Given, ...] = ()
    """In order."""

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Original span of the folded characters start to end (end > start)."""
        return self.origins[start], self.origins[end - 1] + 1


def fold(text: str, offset: int = 0) -> Folded:
    """Fold a text into ASCII plus the characters of `KEPT` and the Greek letters.

    Accents go, wide and styled letters become plain ones, quotes and dashes become one kind each;
    invisible characters vanish; emoji and letters of other scripts become spaces.

    Args:
        text: Any text.
        offset: Index of its first character in the original.

    Returns:
        The folded text with origins counted from `offset`.
    """
    if text.isascii() and text.isprintable():
        return Folded(text, range(offset, offset + len(text) + 1), (), ())
    out: list[str] = []
    origins: list[int] = []
    emoji: list[str] = []
    unread: list[str] = []
    for index, character in enumerate(text):
        folded, kind = _fold_character(character)
        if kind == "emoji":
            emoji.append(character)
        elif kind == "unread":
            unread.append(character)
        out.append(folded)
        origins.extend([offset + index] * len(folded))
    origins.append(offset + len(text))
    return Folded("".join(out), origins, tuple(emoji), tuple(unread))


def fold_around(text: str, said: Sequence[Said], offset: int = 0) -> Folded:
    """Fold a text, but for the stretches whose reading is given.

    Args:
        text: Any text.
        said: What is given, in order, with places in it.
        offset: Index of its first character in the original.

    Returns:
        The folded text. In the place of a stretch are letters: its own if it is made of them.
    """
    if not said:
        return fold(text, offset)
    parts: list[str] = []
    origins: list[int] = []
    emoji: list[str] = []
    unread: list[str] = []
    given: list[Given] = []
    position = 0
    for one in [*said, None]:
        part = fold(text[position : one.start if one else None], offset + position)
        parts.append(part.text)
        origins += part.origins[:-1]
        emoji += part.emoji
        unread += part.unread
        if one is None:
            break
        if origins and not part.text[-1:].isspace():
            parts.append(PAD)
            origins.append(offset + max(one.start - 1, 0))
        written = text[one.start : one.end]
        seen = _stand_in(written)
        given.append(Given(len(origins), len(origins) + len(seen), one, written))
        parts.append(seen)
        origins += [offset + one.start] * (len(seen) - 1) + [offset + one.end - 1]
        position = one.end
        if position < len(text) and not text[position].isspace():
            parts.append(PAD)
            origins.append(offset + position)
    origins.append(offset + len(text))
    return Folded("".join(parts), origins, tuple(emoji), tuple(unread), tuple(given))


def _stand_in(written: str) -> str:
    folded = fold(written).text
    if _WORDS.fullmatch(folded) and (len(folded) > 1 or len(written) == 1):
        return folded
    letter = next(filter(str.isalpha, written), "")
    return _STAND_INS[letter.isupper()]


@lru_cache(maxsize=4096)
def _fold_character(character: str) -> tuple[str, str]:
    """Folded form of one character, and "emoji" or "unread" where it is left out on that ground."""
    if character.isascii():
        return (character if character.isprintable() else " ", "")
    if character in _SPECIAL:
        return _SPECIAL[character], ""
    if character in KEPT or is_greek_letter(character):
        return character, ""
    category = unicodedata.category(character)
    if character in _DIRECTIONS_AND_JOINERS or category in ("Mn", "Me", "Cf"):
        return "", ""
    if category in ("Cc", "Zs", "Zl", "Zp"):
        return " ", ""
    if category in ("Cs", "Co", "Cn"):
        return " ", "unread"
    plain = "".join(
        c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c)
    )
    if plain and plain != character:
        parts = [_fold_character(c) for c in plain]
        if not any(kind for _, kind in parts):
            return "".join(part for part, _ in parts), ""
    if category == "So" and is_emoji(character):
        return " ", "emoji"
    if category.startswith("P"):
        return _punctuation(category), ""
    if category == "Sk":
        return " ", "emoji" if is_emoji(character) else ""
    return " ", "unread"


def _punctuation(category: str) -> str:
    if category in ("Ps", "Pi"):
        return "("
    if category in ("Pe", "Pf"):
        return ")"
    return "-" if category == "Pd" else " "


def is_greek_letter(character: str) -> bool:
    """Whether this is an unaccented Greek letter, read by its name when it stands alone."""
    return (
        "Α" <= character <= "ω"
        and character.isalpha()
        and unicodedata.decomposition(character) == ""
    )


def is_emoji(character: str) -> bool:
    """Whether a symbol belongs to the blocks that emoji and pictographs come from."""
    point = ord(character)
    return (
        0x1F000 <= point <= 0x1FAFF
        or 0x2600 <= point <= 0x27BF
        or 0x2300 <= point <= 0x23FF
        or (0x2B00 <= point <= 0x2BFF)
    )
