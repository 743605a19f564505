"""The readings of released families, against lines that their own front ends made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vinovits.text.japanese import RULES, normalise_and_read, open_jtalk, words
from vinovits.text.reading import Word
from vinovits.text.traced import trace

GOLDEN = Path(__file__).parents[2] / "golden" / "text"
LINES = [
    json.loads(line)
    for line in (GOLDEN / "ja_released.jsonl").read_text(encoding="utf-8").splitlines()
]
BY_CHARACTER = ("2.1", "2.2", "2.3-tag", "2.3", "jp-extra", "sbv2")


def name(line: dict[str, Any]) -> str:
    return f"{line['version']}-{line['id']}"


def check(line: dict[str, Any]) -> None:
    row = {"sbv2": "sbv2-jp-extra"}.get(line["version"], line["version"])
    found, _ = normalise_and_read(trace(line["text"]), RULES[row])
    assert ["_", *(phone for word in found for phone in word.phones), "_"] == line["phones"]
    assert [0, *(tone for word in found for tone in word.tones), 0] == line["tones"]
    if line["version"] in BY_CHARACTER:
        assert [1, *(count for word in found for count in word.spread), 1] == line["word2ph"]
    else:
        assert_shared_evenly(found, line["word2ph"][1:-1])


def assert_shared_evenly(found: list[Word], counts: list[int]) -> None:
    """Some number of pieces of each word gives the recorded counts."""
    for word in found:
        pieces = next(n for n in range(1, len(counts) + 1) if sum(counts[:n]) == len(word.phones))
        share, rest = divmod(len(word.phones), pieces)
        assert counts[:pieces] == [share + (index < rest) for index in range(pieces)]
        counts = counts[pieces:]
    assert counts == []


@pytest.mark.parametrize("line", [line for line in LINES if "plus" in line["engine"]], ids=name)
def test_with_the_open_jtalk_that_the_extra_installs(line: dict[str, Any]) -> None:
    pytest.importorskip("pyopenjtalk")
    check(line)


@pytest.mark.parametrize(
    "line", [line for line in LINES if "mecab-python3" in line["engine"]], ids=name
)
def test_with_unidic(line: dict[str, Any]) -> None:
    pytest.importorskip("fugashi")
    check(line)


@pytest.mark.parametrize(
    "line", [line for line in LINES if "naist-jdic" in line["engine"]], ids=name
)
def test_with_recorded_answers_of_the_older_open_jtalk(
    line: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = json.loads((GOLDEN / "ja_open_jtalk.json").read_text(encoding="utf-8"))

    def recorded_words(text: str, said: object = None) -> list[open_jtalk.Node]:
        return [{"string": string, "pron": pron} for string, pron in answers["words"][text]]

    def recorded_labels(nodes: list[open_jtalk.Node]) -> list[open_jtalk.Label]:
        key = "/".join(node["string"] for node in nodes)
        return [open_jtalk.Label(*label) for label in answers["labels"][key]]

    monkeypatch.setattr(open_jtalk, "words", recorded_words)
    monkeypatch.setattr(open_jtalk, "labels", recorded_labels)
    words._read_again.cache_clear()
    check(line)
    words._read_again.cache_clear()


def test_style_bert_vits2_without_jp_extra_has_another_n() -> None:
    pytest.importorskip("pyopenjtalk")
    for row, phones in (("sbv2", ("h", "o", "n")), ("sbv2-jp-extra", ("h", "o", "N"))):
        (word,), _ = normalise_and_read(trace("本"), RULES[row])
        assert word.phones == phones
