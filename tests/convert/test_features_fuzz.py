"""Whatever a config.json holds, there is a model or a sentence."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import GOLDEN
from vinovits.convert.features import convert_features
from vinovits.errors import VinovitsError

SOURCES = GOLDEN / "features"
VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-3, 70)
    | st.sampled_from([10**12, 2**70, -(10**12)])
    | st.floats()
    | st.sampled_from(["", "x", "p2c", "gelu", "relu", "tanh", "layer_norm", "none"])
    | st.lists(st.integers(0, 3) | st.sampled_from(["p2c", "c2p"]), max_size=3)
    | st.dictionaries(st.text(max_size=2), st.integers(), max_size=2)
)


def try_to_convert(source: Path, change: dict[str, object], file: str) -> None:
    """Any exception but ours fails the test."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(shutil.copytree(source, Path(scratch) / "model"))
        path = copy / file
        content = json.loads(path.read_bytes())
        path.write_text(json.dumps({**content, **change}), encoding="utf-8")
        with contextlib.suppress(VinovitsError):
            convert_features(copy, Path(scratch) / "out")
        assert not list(Path(scratch).glob(".*")), "nothing half made is left"


@pytest.mark.parametrize(
    "name",
    [
        "chinese-roberta-wwm-ext-large",
        "Erlangshen-MegatronBert-1.3B-Chinese",
        "deberta-v2-large-japanese-char-wwm",
    ],
)
def test_configs(name: str) -> None:
    keys = sorted(json.loads((SOURCES / name / "config.json").read_bytes()))

    @settings(max_examples=60, deadline=None)
    @given(st.dictionaries(st.sampled_from(keys), VALUES, min_size=1, max_size=2))
    def run(change: dict[str, object]) -> None:
        try_to_convert(SOURCES / name, change, "config.json")

    run()


@settings(max_examples=30, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(
            [
                *("do_lower_case", "tokenizer_class", "word_tokenizer_type", "strip_accents"),
                *("subword_tokenizer_type", "tokenize_chinese_chars"),
            ]
        ),
        VALUES,
        min_size=1,
    )
)
def test_tokenizer_configs(change: dict[str, object]) -> None:
    try_to_convert(SOURCES / "bert-base-japanese-v3", change, "tokenizer_config.json")
