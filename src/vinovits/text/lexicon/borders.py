"""Where words begin and end, as far as their script tells."""

from __future__ import annotations

import re

LETTER = r"[^\W\d_\u2e80-\U0010ffff]"
"""Of alphabets, which part words by spaces."""
DIGIT = r"\d"
KATAKANA = "[\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff]"
_IN_NUMBER = ".,:"
_IN_WORD = re.compile(r"[^\W_\u2e80-\uff0f\uff5b-\U0010ffff]")
"""Letters of alphabets and digits, those of full width too."""
_LETTER = re.compile(LETTER)
_DIGIT = re.compile(DIGIT)
_KATAKANA = re.compile(KATAKANA)
_HIRAGANA = re.compile("[\u3041-\u3096]")
_REST_OF_MORA = frozenset("ぁぃぅぇぉゃゅょゎー")
_HAN = re.compile("[\u2e80-\u2fdf\u3005-\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
_REPEATED = frozenset("々〻")


def is_whole(text: str, start: int, end: int) -> bool:
    """Whether text[start:end] isn't a part of a longer word, of a longer number, or of a mora.

    Letters and katakana stand in whole words only: AI isn't in MAIL, nor アイ in アイス. Words of
    hiragana and of Chinese characters may stand anywhere, since nothing tells where words end.

    Args:
        text: A folded text (`folding.fold`).
        start: Index of the first character.
        end: Index behind the last; beyond `start`.
    """
    return _begins(text, start) and _ends(text, end)


def is_possessive(text: str, end: int) -> bool:
    """Whether a word that ends there is followed by 's."""
    return text[end : end + 2] in ("'s", "'S") and not _LETTER.match(text[end + 2 : end + 3])


def runs_together(before: str, after: str) -> bool:
    """Whether a character makes one word or number with the next; "" stands for none."""
    return bool(_IN_WORD.match(before) and _IN_WORD.match(after))


def _begins(text: str, start: int) -> bool:
    if not start:
        return True
    first, before = text[start], text[start - 1]
    beyond = text[start - 2] if start > 1 else ""
    if _LETTER.match(first):
        return not _LETTER.match(before) and not (before == "'" and _LETTER.match(beyond))
    if _DIGIT.match(first):
        return not _DIGIT.match(before) and not (before in _IN_NUMBER and _DIGIT.match(beyond))
    return not (_KATAKANA.match(first) and _KATAKANA.match(before))


def _ends(text: str, end: int) -> bool:
    if end == len(text):
        return True
    last, after = text[end - 1], text[end]
    beyond = text[end + 1 : end + 2]
    if _LETTER.match(last):
        if after == "'" and _LETTER.match(beyond):
            return is_possessive(text, end)
        return not _LETTER.match(after)
    if _DIGIT.match(last):
        return not _DIGIT.match(after) and not (after in _IN_NUMBER and _DIGIT.match(beyond))
    if _KATAKANA.match(last):
        return not _KATAKANA.match(after)
    if _HIRAGANA.match(last):
        return after not in _REST_OF_MORA
    return not (_HAN.match(last) and after in _REPEATED)
