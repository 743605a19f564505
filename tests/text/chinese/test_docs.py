from __future__ import annotations

import re
from pathlib import Path

import pytest

from vinovits.text.chinese import RULES, read
from vinovits.text.chinese.citation import citation, tokens_of
from vinovits.text.chinese.prosody import spoken_tones

PAGE = (Path(__file__).parents[3] / "docs" / "chinese.md").read_text("utf-8")


def _rows(name: str) -> list[tuple[str, str]]:
    table = re.search(f"<!-- {name} -->\n(.*?)<!-- end -->", PAGE, re.DOTALL)
    assert table is not None
    rows = [line.strip("| ").split(" | ") for line in table[1].splitlines()[2:]]
    return [(written, said) for written, said in rows]


@pytest.mark.parametrize(("written", "said"), _rows("written"))
def test_written_forms_in_the_docs_are_read_so(written: str, said: str) -> None:
    assert "".join(word.text for sentence in read(written) for word in sentence.words) == said


@pytest.mark.parametrize(("written", "said"), _rows("readings"))
def test_readings_in_the_docs_are_given_so(written: str, said: str) -> None:
    tokens = tokens_of(written)
    syllables = citation(written, tokens)
    tones = spoken_tones(written, tokens, [syllable.tone for syllable in syllables])
    found = [f"{s.name}{tone}" for s, tone in zip(syllables, tones, strict=True)]
    assert " ".join(found) == said


def test_the_docs_name_every_row_of_the_rules() -> None:
    for name in RULES:
        assert f"`{name}`" in PAGE
