"""The numbers of styles, by which VOICEVOX's clients name a voice with its speaker and style."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass

from vinovits import __version__
from vinovits.serve.details import refuse
from vinovits.serve.numbering import ModelNumbers
from vinovits.serve.voicevox.models import Speaker, Style
from vinovits.voices.store import VoiceInfo

_SPACE = uuid.UUID("6f0a2d58-6a0e-4d8b-8a5c-3c1f5f3b2a70")
"""Ours: names of speakers become UUIDs in it, the same everywhere."""
_USUAL = "ノーマル"
"""The name of the style of a voice that has none."""


@dataclass(frozen=True, slots=True)
class StyleOf:
    """What a style's number stands for."""

    id: int
    voice: VoiceInfo
    speaker: str | None
    """None: the voice has no named speakers."""
    style: str | None
    """None: the voice has no styles."""


class Styles:
    """All styles of all voices.

    The number of a style is made of its names, so that it stays what it is whatever voices come and
    go. As clients have small numbers built in, 0, 1, 2 … name the first styles too.
    """

    def __init__(self, numbers: ModelNumbers) -> None:
        """Take the voices in the order of their numbers."""
        self._numbers = numbers

    def all(self) -> dict[int, StyleOf]:
        """The styles by number, in order."""
        found: dict[int, StyleOf] = {}
        for info in self._numbers.infos().values():
            for speaker in info.manifest.speakers or (None,):
                for style in info.manifest.styles or (None,):
                    number = _number(info.name, speaker, style)
                    while number in found:
                        number = (number + 1) & 0x7FFFFFFF
                    found[number] = StyleOf(number, info, speaker, style)
        return found

    def get(self, number: int) -> StyleOf:
        """A style.

        Args:
            number: Its own, or its place among all.

        Raises:
            ApiError: There is none.
        """
        found = self.all()
        if number in found:
            return found[number]
        if 0 <= number < len(found):
            return list(found.values())[number]
        raise refuse(422, f"There is no style with the number {str(number)[:20]}: see /speakers.")

    def speakers(self) -> list[Speaker]:
        """The speakers with their styles."""
        found: dict[str, Speaker] = {}
        for one in self.all().values():
            key = speaker_id(one)
            if key not in found:
                found[key] = Speaker(
                    name=_name(one), speaker_uuid=key, styles=[], version=__version__
                )
            found[key].styles.append(Style(name=one.style or _USUAL, id=one.id))
        return list(found.values())


def speaker_id(one: StyleOf) -> str:
    """The UUID of a style's speaker."""
    return str(uuid.uuid5(_SPACE, f"{one.voice.name}/{one.speaker or ''}"))


def _name(one: StyleOf) -> str:
    if one.speaker is None or len(one.voice.manifest.speakers) == 1:
        return one.voice.name
    return f"{one.voice.name}/{one.speaker}"


def _number(voice: str, speaker: str | None, style: str | None) -> int:
    names = "\0".join((voice, speaker or "", style or ""))
    digest = hashlib.sha256(names.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:4], "big") & 0x7FFFFFFF
