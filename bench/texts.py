"""Texts of any length for the benches, of sentences that people say."""

from __future__ import annotations

import json
from pathlib import Path

from speed import CHINESE

RECORDED = Path(__file__).parent / "data" / "joe_recorded.json"


def english() -> list[str]:
    """The sentences that the built-in voice is judged by."""
    cases = json.loads(RECORDED.read_text(encoding="utf-8"))["sentences"]
    return [case["ref"] for case in cases]


def text_of(characters: int, language: str, number: int = 0) -> str:
    """A text of at most that many characters, cut behind a word if there is more than one.

    Args:
        characters: Long texts come back to their first sentence.
        language: "en" or "zh".
        number: Texts of other numbers begin with another sentence.
    """
    sentences, between = (CHINESE, "") if language == "zh" else (english(), " ")
    parts: list[str] = []
    length = 0
    while length <= characters:
        parts.append(sentences[(number + len(parts)) % len(sentences)])
        length += len(parts[-1]) + len(between)
    text = between.join(parts)
    end = text.rfind(" ", 0, characters + 1)
    return text[: end if end > 0 else characters]
