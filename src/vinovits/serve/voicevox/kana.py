"""The notation of readings that VOICEVOX has: コンニチワ'/セ'カイ、ハ'イ？."""

from __future__ import annotations

from collections.abc import Sequence

from vinovits.errors import VinovitsError
from vinovits.serve.voicevox.models import AccentPhrase, Mora
from vinovits.text.japanese.phrases import phones_of, written_out
from vinovits.text.notation import split_moras

_ACCENT, _UNVOICED = "'", "_"
_NEXT, _PAUSE, _QUESTION = "/", "、", "？"


class KanaError(VinovitsError):
    """A reading that can't be right, as VOICEVOX's clients know it."""

    def __init__(self, name: str, message: str, **arguments: str) -> None:
        """Say what is wrong.

        Args:
            name: One of VOICEVOX's names of errors, such as "ACCENT_NOTFOUND".
            message: A sentence.
            **arguments: Where it is.
        """
        super().__init__(message)
        self.name, self.arguments = name, arguments


def to_kana(phrases: Sequence[AccentPhrase]) -> str:
    """Write phrases in the notation."""
    parts = []
    for number, phrase in enumerate(phrases):
        accent = min(max(phrase.accent, 1), len(phrase.moras))
        texts = [mora.text for mora in phrase.moras]
        texts.insert(accent, _ACCENT)
        parts += [*texts, _QUESTION if phrase.is_interrogative else ""]
        if number + 1 < len(phrases):
            parts.append(_NEXT if phrase.pause_mora is None else _PAUSE)
    return "".join(parts)


def mora_of(text: str) -> Mora:
    """A mora without its lengths.

    Args:
        text: In katakana.
    """
    consonant, vowel = phones_of(text)
    return Mora(
        text=text,
        consonant=consonant or None,
        consonant_length=0.0 if consonant else None,
        vowel=vowel,
        vowel_length=0.0,
        pitch=0.0,
    )


def pause_mora(seconds: float) -> Mora:
    """The pause behind a phrase."""
    return Mora(text="、", vowel="pau", vowel_length=seconds, pitch=0.0)


def from_kana(text: str) -> list[AccentPhrase]:
    """Read the notation.

    Args:
        text: Accent phrases in katakana, each with its accent, parted by "/", or by "、" for a
            pause.

    Returns:
        Phrases without lengths.

    Raises:
        KanaError: It is none.
    """
    phrases: list[AccentPhrase] = []
    start = 0
    for index, sign in enumerate([*text, _NEXT]):
        if sign not in (_NEXT, _PAUSE):
            continue
        part = text[start:index]
        if not part:
            number = str(len(phrases) + 1)
            raise KanaError(
                "EMPTY_PHRASE", f"The accent phrase number {number} is empty.", position=number
            )
        phrases.append(_phrase(part, sign == _PAUSE))
        start = index + 1
    return phrases


def _phrase(part: str, has_pause: bool) -> AccentPhrase:
    body = part.removesuffix(_QUESTION)
    if _QUESTION in body:
        raise KanaError(
            "INTERROGATION_MARK_NOT_AT_END",
            f"The mark ？ may stand at the end of an accent phrase only: {part:.60}.",
            text=part[:200],
        )
    before, accent, behind = body.partition(_ACCENT)
    if not accent:
        raise KanaError(
            "ACCENT_NOTFOUND", f"This accent phrase has no accent ('): {part:.60}.", text=part[:200]
        )
    if _ACCENT in behind:
        raise KanaError(
            "ACCENT_TWICE", f"This accent phrase has two accents: {part:.60}.", text=part[:200]
        )
    if not before:
        raise KanaError(
            "ACCENT_TOP", f"An accent phrase can't begin with its accent: {part:.60}.",
            text=part[:200],
        )  # fmt: skip
    moras = _moras(before + behind)
    return AccentPhrase(
        moras=[mora_of(mora) for mora in moras],
        accent=len(_moras(before)),
        pause_mora=pause_mora(0.0) if has_pause else None,
        is_interrogative=part != body,
    )


def _moras(kana: str) -> tuple[str, ...]:
    plain = kana.replace(_UNVOICED, "")
    moras = split_moras(plain)
    found = written_out(plain)
    if "".join(moras) != plain or not found or not all(phones_of(mora)[1] for mora in found):
        raise KanaError("UNKNOWN_TEXT", f"This isn't katakana: {kana:.60}.", text=kana[:200])
    return found
