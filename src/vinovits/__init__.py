"""Bert-VITS2 voices on OpenVINO: `vinovits.load("joe").speak("Hello.")`.

Importing is quick: OpenVINO and the rest load when a voice does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vinovits.errors import (
    CheckpointError,
    DeviceError,
    DeviceFailedError,
    LanguageError,
    LexiconError,
    MissingExtraError,
    MissingModelError,
    OutputError,
    TextError,
    UsageError,
    VinovitsError,
    VoiceError,
)

if TYPE_CHECKING:
    from vinovits.engine.many import Many
    from vinovits.engine.result import (
        Audio,
        Chunk,
        MarkTiming,
        PhoneTiming,
        SpokenSentence,
        Stats,
        WordTiming,
    )
    from vinovits.engine.stream import Stream
    from vinovits.engine.voice import Voice, load
    from vinovits.graphs import GraphInfo
    from vinovits.text.lexicon import Lexicon, LexiconEntry
    from vinovits.text.markup import escape
    from vinovits.text.reading import Sentence, Word
    from vinovits.voices.store import VoiceInfo, list_voices

__version__ = "0.1.0"

__all__ = [
    "Audio",
    "CheckpointError",
    "Chunk",
    "DeviceError",
    "DeviceFailedError",
    "GraphInfo",
    "LanguageError",
    "Lexicon",
    "LexiconEntry",
    "LexiconError",
    "Many",
    "MarkTiming",
    "MissingExtraError",
    "MissingModelError",
    "OutputError",
    "PhoneTiming",
    "Sentence",
    "SpokenSentence",
    "Stats",
    "Stream",
    "TextError",
    "UsageError",
    "VinovitsError",
    "Voice",
    "VoiceError",
    "VoiceInfo",
    "Word",
    "WordTiming",
    "__version__",
    "escape",
    "list_voices",
    "load",
]

_LAZY = {
    **dict.fromkeys(
        (
            "Audio",
            "Chunk",
            "MarkTiming",
            "PhoneTiming",
            "SpokenSentence",
            "Stats",
            "WordTiming",
        ),
        "vinovits.engine.result",
    ),
    "GraphInfo": "vinovits.graphs",
    "Many": "vinovits.engine.many",
    "Stream": "vinovits.engine.stream",
    **dict.fromkeys(("Voice", "load"), "vinovits.engine.voice"),
    **dict.fromkeys(("Lexicon", "LexiconEntry"), "vinovits.text.lexicon"),
    **dict.fromkeys(("Sentence", "Word"), "vinovits.text.reading"),
    "escape": "vinovits.text.markup",
    **dict.fromkeys(("VoiceInfo", "list_voices"), "vinovits.voices.store"),
}


def __getattr__(name: str) -> Any:
    import importlib

    if name not in _LAZY:
        raise AttributeError(f"module 'vinovits' has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name]), name)
