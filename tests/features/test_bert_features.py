from __future__ import annotations

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.features.record_minilm import RECORDED, SENTENCES
from tests.features.reference_bert import cosines
from tests.features.tiny_bert import LONGEST, VOCABULARY
from vinovits.errors import DeviceError, VoiceError
from vinovits.features.bert import BertFeatures, bucket, parts
from vinovits.features.store import find_features

MINILM = "all-MiniLM-L6-v2"


@pytest.fixture(scope="module")
def minilm() -> BertFeatures:
    return BertFeatures(find_features(MINILM))


@pytest.fixture(scope="module")
def tiny(converted: Path) -> BertFeatures:
    return BertFeatures(converted)


def test_packaged_model_is_near_the_released_one(minilm: BertFeatures) -> None:
    recorded = np.load(RECORDED)
    assert (minilm.name, minilm.width, minilm.info.precision) == (MINILM, 384, "f32")
    assert minilm.info.devices == ("CPU",)
    for index, sentence in enumerate(SENTENCES):
        pieces = [piece for word in sentence.split() for piece in minilm.pieces(word)]
        assert [101, *pieces, 102] == recorded[f"ids{index}"].tolist()
        rows = minilm.features(pieces)[recorded[f"kept{index}"]]
        expected = recorded[f"rows{index}"]
        assert cosines(rows, expected).min() > 0.999
        assert np.abs(rows - expected).max() < 0.3  # of a peak of 10
        assert np.sqrt(np.mean((rows - expected) ** 2)) < 0.02  # of 0.5


def test_words_are_tokenised_on_their_own(minilm: BertFeatures) -> None:
    assert minilm.pieces("table") == minilm.pieces("Table") == [2795]
    assert minilm.pieces("unbelievably") == [4895, 8671, 2666, 3567, 6321]
    assert minilm.pieces("a" * 10_000) == [100]  # [UNK], and neither cut off nor padded
    for nothing in ("", "  ", "\n", "\x00", "\ud800", "\x07\udfff "):
        assert minilm.pieces(nothing) == []


@given(st.text(st.characters(), max_size=20))
def test_any_text_has_pieces_within_the_vocabulary(minilm: BertFeatures, text: str) -> None:
    assert all(0 <= piece < 30522 for piece in minilm.pieces(text))


def test_a_text_longer_than_the_model_runs_in_parts(tiny: BertFeatures) -> None:
    window = LONGEST - 2
    pieces = np.random.default_rng(0).integers(5, len(VOCABULARY), 200).tolist()
    rows = tiny.features(pieces)
    assert rows.shape == (202, tiny.width)
    for start, stop, first, last in parts(len(pieces), window):
        part = tiny.features(pieces[start:stop])
        kept = slice(first + 1, last + 1)
        np.testing.assert_array_equal(rows[kept], part[first - start + 1 : last - start + 1])
    np.testing.assert_array_equal(rows[0], tiny.features(pieces[:window])[0])
    np.testing.assert_array_equal(rows[-1], tiny.features(pieces[-window:])[-1])


def test_one_piece_more_than_fits(tiny: BertFeatures) -> None:
    pieces = [5] * (LONGEST - 1)
    assert tiny.features(pieces).shape == (LONGEST + 1, tiny.width)


def test_padding_changes_nothing(tiny: BertFeatures) -> None:
    pieces = [7, 8, 9]
    ids = np.array([2, *pieces, 3], np.int64)
    exact = tiny.graph(input_ids=ids, mask=np.ones(5, np.bool_))["features"]
    np.testing.assert_allclose(tiny.features(pieces), exact, atol=1e-5)


def test_ids_outside_of_the_vocabulary(tiny: BertFeatures) -> None:
    for pieces in ([len(VOCABULARY)], [-1]):
        with pytest.raises(ValueError, match="Piece ids run from 0 to 24"):
            tiny.features(pieces)


def test_rows_are_the_callers_own(tiny: BertFeatures) -> None:
    first = tiny.features([5, 6])
    kept = first.copy()
    tiny.features([9, 9])
    np.testing.assert_array_equal(first, kept)


def test_threads_get_their_own_features(tiny: BertFeatures) -> None:
    rng = np.random.default_rng(0)
    texts = [rng.integers(5, len(VOCABULARY), rng.integers(0, 60)).tolist() for _ in range(100)]
    alone = [tiny.features(text) for text in texts]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(tiny.features, texts))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


def test_compiled_graphs_are_kept_in_the_cache_folder(converted: Path, tmp_path: Path) -> None:
    bert = BertFeatures(converted, "CPU", tmp_path)
    assert bert.info.precision == "f32"
    assert list(tmp_path.iterdir()), "the cache folder is used"
    np.testing.assert_array_equal(bert.features([5]), BertFeatures(converted).features([5]))


def test_a_device_that_is_not_there(converted: Path) -> None:
    with pytest.raises(DeviceError, match=r"no device 'FPGA' here\. OpenVINO sees: .*CPU"):
        BertFeatures(converted, "FPGA")


def test_a_graph_that_is_none(folder: Path) -> None:
    with pytest.raises(VoiceError, match=r"can't read .*model\.xml"):
        BertFeatures(_altered(folder, "model.xml", b"<net>")).features([5])


def test_a_tokenizer_that_is_none(folder: Path) -> None:
    with pytest.raises(VoiceError, match=r"tokenizer\.json isn't a tokenizer"):
        BertFeatures(_altered(folder, "tokenizer.json", b"{}"))


def test_features_of_another_kind(folder: Path) -> None:
    path = folder / "features.json"
    path.write_text(path.read_text("utf-8").replace('"kind": "bert"', '"kind": "clap"'), "utf-8")
    with pytest.raises(VoiceError, match="features of kind 'clap', but 'bert' is needed"):
        BertFeatures(folder)


def test_neither_torch_nor_safetensors_are_needed(converted: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(converted, tmp_path / "tiny")
    code = (
        "import sys; sys.modules.update(torch=None, safetensors=None, transformers=None)\n"
        "from pathlib import Path; from vinovits.features.bert import BertFeatures\n"
        f"print(BertFeatures(Path({str(folder)!r})).features([5, 6]).shape)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "(4, 32)\n"


@given(st.integers(0, 3000), st.integers(1, 600))
def test_parts_cover_a_sequence_once_with_context_on_both_sides(length: int, window: int) -> None:
    expected = 0
    for start, stop, first, last in parts(length, window):
        assert 0 <= start <= first <= last <= stop <= length
        assert stop - start <= window
        assert first == expected
        # What isn't at the text's ends has at least a quarter of a window around it.
        assert start == 0 or first - start >= window // 4
        assert stop == length or stop - last >= window // 4
        expected = last
    assert expected == length


@given(st.integers(1, 512), st.integers(0, 300))
def test_buckets_are_few_and_long_enough(length: int, more: int) -> None:
    longest = length + more
    assert length <= bucket(length, longest) <= longest
    assert bucket(length, longest) - length < (16 if length <= 128 else 64)
    assert len({bucket(n, 512) for n in range(1, 513)}) == 14


def _altered(folder: Path, name: str, content: bytes) -> Path:
    """Replace a file and its sums, as somebody who means harm would."""
    import hashlib

    (folder / name).write_bytes(content)
    path = folder / "features.json"
    manifest = json.loads(path.read_bytes())
    digest = hashlib.sha256(content).hexdigest()
    manifest["files"][name] = digest
    path.write_text(json.dumps(manifest), encoding="utf-8")
    return folder
