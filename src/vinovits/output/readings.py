"""How a text is read, as JSON data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vinovits.text.reading import Sentence


def reading_data(sentence: Sentence) -> dict[str, Any]:
    """Plain JSON data of a sentence: its place in the text, its words with readings and phones."""
    return {
        "text": sentence.text,
        "start_char": sentence.start,
        "end_char": sentence.end,
        "language": sentence.language,
        "notes": list(sentence.notes),
        "words": [
            {
                "text": word.text,
                "language": word.language or sentence.language,
                "start_char": word.start,
                "end_char": word.end,
                "punctuation": word.is_punctuation,
                "reading": word.reading,
                "source": word.source,
                "phones": list(word.phones),
                "tones": list(word.tones),
            }
            for word in sentence.words
        ],
    }
