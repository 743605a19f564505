from __future__ import annotations

import json
from pathlib import Path

import pytest

from vinovits.text.chinese import RULES, normalise_and_read, read
from vinovits.text.reading import Word
from vinovits.text.traced import trace

GOLDEN = Path(__file__).parents[2] / "golden" / "text" / "zh_released.jsonl"
CASES = [json.loads(line) for line in GOLDEN.read_text("utf-8").splitlines()]


def _phones(words: list[Word]) -> str:
    return " ".join(["_", *(phone for word in words for phone in word.phones), "_"])


@pytest.mark.parametrize("rules", sorted({case["rules"] for case in CASES}))
def test_texts_are_read_as_the_released_front_end_reads_them(rules: str) -> None:
    cases = [case for case in CASES if case["rules"] == rules]
    assert len(cases) > 10
    for case in cases:
        words = list(normalise_and_read(trace(case["text"]), RULES[rules]))
        assert "".join(word.text for word in words) == case["norm_text"]
        assert _phones(words) == case["phones"]
        assert "".join(f"{tone}" for word in words for tone in word.tones) == case["tones"][1:-1]
        counts = "".join(str(count) for word in words for count in word.spread)
        assert counts == case["word2ph"][1:-1]


def test_sentences_together_are_the_whole_text() -> None:
    """Cutting into sentences changes nothing that a released front end says."""
    compared = 0
    for case in CASES:
        rules = RULES[case["rules"]]
        words = [word for sentence in read(case["text"], rules) for word in sentence.words]
        if words and "\u200b" not in case["text"]:
            assert _phones(words) == case["phones"], case
            compared += 1
    assert compared > 200


def test_the_families_share_front_ends_as_recorded() -> None:
    assert RULES["1.0.1"] is RULES["1.1.1"] is RULES["2.0"]
    assert RULES["2.1"] is RULES["2.2"] is RULES["2.3-tag"] is RULES["sbv2"]


@pytest.mark.parametrize("rules", ["2.0", "2.3-tag", "2.3", "2.3/cn2an", "2.4"])
@pytest.mark.parametrize("text", ["覅", "噷", "兙好", "1" * 30, "٣٣", "\ud800好", "", "A"])
def test_what_the_released_front_ends_raise_on_is_read_or_left_out(rules: str, text: str) -> None:
    for sentence in read(text, RULES[rules]):
        for word in sentence.words:
            assert sum(word.spread) == len(word.phones) == len(word.tones) > 0


def test_2_4_asks_a_model_in_traditional_characters() -> None:
    asked = []

    def model(text: str) -> list[str | None]:
        asked.append(text)
        return ["ceng2" if character == "曾" else None for character in text]

    [sentence] = read("曾后来。", RULES["2.4"], polyphones=model)
    assert asked == ["曾後來."]
    assert sentence.words[0].phones[:2] == ("c", "eng")
