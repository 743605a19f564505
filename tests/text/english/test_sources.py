"""What a word tells of its reading."""

from __future__ import annotations

import pytest

from vinovits.text.english import read


@pytest.mark.parametrize(
    ("text", "word", "reading", "source"),
    [
        ("Hello there.", "Hello", "HH AH0 L OW1", "dictionary"),
        ("I have read it.", "read", "R EH1 D", "context"),
        ("It podcasted.", "podcasted", "P AA1 D K AE2 S T IH0 D", "rule"),
        ("two GPUs", "Us", "Y UW1 Z", "spelled"),
        ("A zorblatt.", "zorblatt", "Z AO1 R B AH0 L T", "network"),
        ("my résumé", "resume", "R EH1 Z AH0 M EY2", "dictionary"),
    ],
)
def test_reading_and_source(text: str, word: str, reading: str, source: str) -> None:
    words = {w.text: w for s in read(text) for w in s.words}
    assert (words[word].reading, words[word].source) == (reading, source)
