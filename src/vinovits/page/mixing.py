"""A text with its languages written out, as upstream's lines of speakers have them."""

from __future__ import annotations

from vinovits.engine.voice import Voice

_TAGS = {"zh": "<zh>", "ja": "<jp>", "en": "<en>"}


def mixed_text(voice: Voice, speaker: str | None, text: str) -> str:
    """Write `[speaker]<lang>…` for what the voice hears in a text.

    Args:
        voice: That reads it.
        speaker: Who speaks; None: the voice's first.
        text: Without such tags.

    Raises:
        VinovitsError: It can't be read.
    """
    name = speaker or next(iter(voice.manifest.speakers), voice.manifest.name)
    pieces: list[str] = []
    place, language = 0, ""
    for sentence in voice.read(text):
        for word in sentence.words:
            own = word.language or sentence.language
            if word.is_punctuation or own == language:
                continue
            pieces.append(text[place : word.start])
            pieces.append(_TAGS[own])
            place, language = word.start, own
    return f"[{name}]" + "".join([*pieces[1:], text[place:]]).strip()
