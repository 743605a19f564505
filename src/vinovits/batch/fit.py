"""Whether voices have what units ask of them, found out before a night of work."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from vinovits.batch.store import Unit
from vinovits.engine.settings import SpeakSettings, check_settings
from vinovits.errors import UsageError
from vinovits.text.markup import parse
from vinovits.voices.manifest import VoiceManifest, read_manifest
from vinovits.voices.store import find_voice

_LONGEST_NUMBER = 9
_NAMES_SHOWN = 20


def speaker_named(manifest: VoiceManifest, speaker: Any) -> Any:
    """What the engine takes for a speaker that a user names: the digits of a number are one.

    Args:
        manifest: Of the voice.
        speaker: A name, or what the engine takes by itself.
    """
    if not isinstance(speaker, str) or speaker in manifest.speakers:
        return speaker
    return int(speaker) if speaker.isdecimal() and len(speaker) <= _LONGEST_NUMBER else speaker


def check_fit(units: Iterable[Unit]) -> None:
    """Find what units can't be spoken with, without loading a voice.

    Args:
        units: In our own markup.

    Raises:
        UsageError: There is no such voice; or it has no such speaker, style or language; or a
            setting is out of its range.
    """
    manifests: dict[str, VoiceManifest] = {}
    seen: set[tuple[str, str]] = set()
    for unit in units:
        if unit.voice not in manifests:
            manifests[unit.voice] = read_manifest(find_voice(unit.voice))
        manifest = manifests[unit.voice]
        own = {name: value for name, value in unit.settings.items() if name != "lexicon"}
        key = unit.voice, json.dumps(own, sort_keys=True)
        try:
            if key not in seen:
                _check(manifest, own)
                seen.add(key)
            for speaker, style in _named(unit.text):
                _check_names(manifest, speaker, style)
        except UsageError as error:
            text = unit.text if len(unit.text) <= 60 else unit.text[:57] + "..."
            raise UsageError(f"{error} Part {unit.number + 1} asks for it: {text!r}.") from None


def _named(text: str) -> Iterator[tuple[str | None, str | None]]:
    """Speakers and styles that tags of a text ask for."""
    if "[" in text:
        for _, _, manner in parse(text, "plain").manners:
            yield manner.speaker or None, manner.style or None


def _check(manifest: VoiceManifest, own: Mapping[str, Any]) -> None:
    check_settings(manifest.defaults, cast(SpeakSettings, cast(Any, dict(own))))
    manifest.spoken(own.get("language"))
    _check_names(manifest, own.get("speaker"), own.get("style"))
    if own.get("emotion") is not None and manifest.emotion is None:
        raise UsageError(f"The voice {manifest.name!r} takes no emotion.")


def _check_names(manifest: VoiceManifest, speaker: Any, style: Any) -> None:
    speaker = speaker_named(manifest, speaker)
    if isinstance(speaker, str) and speaker not in manifest.speakers:
        raise UsageError(_unknown(manifest.name, "speaker", speaker, manifest.speakers))
    if isinstance(style, str) and style not in manifest.styles:
        raise UsageError(_unknown(manifest.name, "style", style, manifest.styles))


def _unknown(voice: str, what: str, name: str, known: Mapping[str, int]) -> str:
    near = difflib.get_close_matches(name[:60], known, 1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    names = ", ".join(list(known)[:_NAMES_SHOWN]) or "none"
    return f"The voice {voice!r} has no {what} {name!r:.60}.{hint} It has: {names}."
