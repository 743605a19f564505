"""What encoding a text file is in: by its marks, by UTF-8 being hard to mistake, else by guess."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from itertools import pairwise

from vinovits.errors import TextError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAMPLE = 1 << 17
"""Bytes by which an encoding is guessed: more don't change the answer, but take long."""
_GUESSED = {
    "gb18030": "GBK",
    "cp932": "Shift JIS",
    "big5": "Big5",
    "euc_jp": "EUC-JP",
    "cp1252": "Windows-1252",
}
"""What people call them, in the order in which they win where nothing else decides."""
_COMMON = frozenset(
    "的一是不了在人有我他这中来上个大国和说们到地出要你时就那也"
    "這來個國說們時對會著過還沒後為樣麼頭開關見東車長馬"
    "のはをにがでとてたしるれいうなかまもよりさすそこあらんくきけつえおみめせアイカクシスタテトラリルレロンー日本人年"
)
"""Characters that texts of these languages are full of, and wrongly decoded ones aren't."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text, and how sure its encoding is."""

    text: str
    encoding: str
    """As Python calls it."""
    note: str = ""
    """A sentence for the user where the encoding was guessed."""


def decode(data: bytes, name: str, encoding: str | None = None) -> Decoded:
    """Text of a file whose encoding nobody tells.

    Args:
        data: Its bytes.
        name: What to call it in messages.
        encoding: How it is encoded; None finds that out.

    Raises:
        TextError: No encoding fits, or not the given one; it holds bytes that no text has.
    """
    if encoding is not None:
        return Decoded(_given(data, name, encoding), encoding)
    for mark, marked in _MARKS:
        if data.startswith(mark):
            return Decoded(_given(data[len(mark) :], name, marked), marked)
    try:
        return Decoded(_without_nulls(data.decode("utf-8"), name), "utf-8")
    except UnicodeDecodeError:
        pass
    fitting = [
        (_likelihood(text), -place, found, text)
        for place, found in enumerate(_GUESSED)
        if (text := _try(data, found)) is not None
    ]
    if not fitting:
        raise TextError(
            f"{name} is no text in UTF-8, UTF-16, {', '.join(list(_GUESSED.values())[:-1])} or "
            f"{_GUESSED['cp1252']}. If it is one, save it as UTF-8."
        )
    _, _, best, text = max(fitting)
    note = f"{name} isn't UTF-8; it was read as {_GUESSED[best]}."
    return Decoded(_without_nulls(text, name), best, note)


def _given(data: bytes, name: str, encoding: str) -> str:
    try:
        return _without_nulls(data.decode(encoding), name)
    except LookupError:
        raise TextError(
            f"There is no encoding {encoding!r}. There are utf-8, gb18030, shift_jis and others."
        ) from None
    except UnicodeError as error:
        at = f" at byte {error.start}" if isinstance(error, UnicodeDecodeError) else ""
        raise TextError(
            f"{name} isn't {encoding} text{at}. Name no encoding to have it guessed, or save the "
            "file as UTF-8."
        ) from None


def _without_nulls(text: str, name: str) -> str:
    if "\0" in text:
        raise TextError(f"{name} holds null bytes: it is no text file.")
    return text


def _try(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _likelihood(text: str) -> float:
    """Share of common characters among those beyond ASCII, less that of odd ones."""
    beyond = [character for character in text[:_SAMPLE] if character > "\x7f"]
    if not beyond:
        return 0.0
    score = 0.0
    for character in beyond:
        if character in _COMMON:
            score += 1
        elif "À" <= character <= "ɏ" or character in "“”‘’—–…«»©°£§":
            # In a row, Latin letters with accents are bytes of something else.
            score += 0.3
        elif "\ue000" <= character <= "\uf8ff" or "\uff61" <= character <= "\uff9f":
            score -= 1
    pairs = pairwise(text[:_SAMPLE])
    accents = sum("\x80" <= a <= "ɏ" and "\x80" <= b <= "ɏ" for a, b in pairs)
    return (score - accents) / len(beyond)
