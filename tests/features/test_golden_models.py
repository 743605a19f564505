"""Text models and g2pW against recorded cases: tokens, rows, what phones get of them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import GOLDEN
from vinovits.convert.features import convert_features
from vinovits.features.bert import BertFeatures
from vinovits.text import english
from vinovits.text.traced import trace

sys.path.insert(0, str(Path(__file__).parent.parent.parent / "bench"))
import parity_features  # the bench is no package

MODELS = (
    "chinese-roberta-wwm-ext-large",
    "Erlangshen-MegatronBert-1.3B-Chinese",
    "deberta-v2-large-japanese-char-wwm",
    "bert-base-japanese-v3",
    "deberta-v3-large",
    "g2pW",
)


@pytest.mark.parametrize("name", MODELS)
def test_everything_is_as_recorded(name: str) -> None:
    rows = list(parity_features.run_model(GOLDEN / "features" / name))
    assert {row.precision for row in rows} == {"f32", "int8"}
    assert len({row.what for row in rows}) > 4
    assert [row for row in rows if not row.passed] == []


@pytest.mark.parametrize("name", ["deberta-v3-large", "deberta-v2-large-japanese-char-wwm"])
def test_relative_attention_takes_any_length_and_padding_changes_nothing(
    tmp_path: Path, name: str
) -> None:
    convert_features(GOLDEN / "features" / name, tmp_path / "out", precision="f32")
    bert = BertFeatures(tmp_path / "out")
    rng = np.random.default_rng(0)
    # Positions end at 48 and distances have rows of their own up to 8: all are crossed.
    for length in (0, 1, 2, 7, 8, 9, 13, 14, 15, 30, 46, 47, 95, 96, 97, 200, 300):
        pieces = rng.integers(4, 150, length)
        ids = np.concatenate([[1], pieces, [2]])
        exact = bert.graph(input_ids=ids, mask=np.ones(length + 2, np.bool_))["features"]
        for padding in (1, 5, 64):
            longer = np.concatenate([ids, rng.integers(4, 150, padding)])
            mask = np.arange(len(longer)) < length + 2
            padded = bert.graph(input_ids=longer, mask=mask)["features"][: length + 2]
            np.testing.assert_allclose(padded, exact, atol=2e-5)


def test_tokens_of_a_text_part_the_words_of_a_released_front_end(tmp_path: Path) -> None:
    convert_features(GOLDEN / "features" / "deberta-v3-large", tmp_path / "out", precision="f32")
    bert = BertFeatures(tmp_path / "out")
    text = "Hello world, don't stop... it's  'fine'. \ud800"
    tokens = bert.tokens(text)
    assert tokens[0] == ("▁He", 0, 2)
    assert all(token.strip("▁") in text for token, _, _ in tokens[:-1])
    words, _ = english.normalise_and_read(trace(text), english.RULES["2.3"], bert.tokens)
    # This small vocabulary has "..": with the mark before it, it sticks to the word.
    found = ["Hello", "world", ",", "don't", "stop...", "it's", "'fine", "'", "."]
    assert [word.text for word in words][:9] == found
    assert [text[word.start : word.end] for word in words][:9] == found
