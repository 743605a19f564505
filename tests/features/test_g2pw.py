"""g2pW: which characters are asked about, what is put together of the answers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import GOLDEN
from vinovits.convert.features import convert_features
from vinovits.errors import CheckpointError, UsageError, VoiceError
from vinovits.features.g2pw import EXCLUDED_POLYPHONIC, G2pw
from vinovits.manifests import sha256

SOURCE = GOLDEN / "features" / "g2pW"


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("g2pw") / "g2pW"
    convert_features(SOURCE, out)
    return out


@pytest.fixture(scope="module")
def g2pw(converted: Path) -> G2pw:
    return G2pw(converted)


def copy_of_source(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SOURCE, tmp_path / "source"))


def test_weights_are_halved_unless_asked_otherwise(converted: Path) -> None:
    manifest = json.loads((converted / "features.json").read_bytes())
    assert (manifest["kind"], manifest["precision"]) == ("g2pw", "f16")
    assert (converted / "model.bin").stat().st_size < (SOURCE / "g2pw.onnx").stat().st_size * 0.6


def test_a_sentence_without_anything_to_ask_runs_no_model(
    g2pw: G2pw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(g2pw, "graph", None)
    assert g2pw.readings("") == []
    found = g2pw.readings("你a 7龘")
    assert [reading.source for reading in found] == ["monophonic", *["fallback"] * 4]
    assert found[0].pinyin == "ni3"
    assert found[1].bopomofo is found[1].pinyin is None


def test_excluded_characters_are_not_asked_about(tmp_path: Path) -> None:
    source = copy_of_source(tmp_path)
    path = source / "POLYPHONIC_CHARS.txt"
    text = path.read_text(encoding="utf-8")
    known = text.split("\n")[0].split("\t")[1]
    # Two that the rules leave out, with readings that the model tells apart.
    path.write_text(f"{text.rstrip()}\n一\t{known}\n和\t{known}\n", encoding="utf-8")
    (source / "MONOPHONIC_CHARS.txt").write_text("似\tㄙ4\n我\tㄨㄛ3\n", encoding="utf-8")
    convert_features(source, tmp_path / "out", precision="f32")
    model = G2pw(tmp_path / "out")
    assert model.queries("一和") is None
    assert [reading.source for reading in model.readings("一和似我")] == [
        *["fallback"] * 3,
        "monophonic",
    ]
    assert {"一", "和"} < EXCLUDED_POLYPHONIC


def test_places_after_spaces_words_and_letters_that_grow(g2pw: G2pw) -> None:
    plain = g2pw.queries("長")
    spaced = g2pw.queries(" \t長")
    assert plain is not None
    assert spaced is not None
    assert plain.inputs["position_ids"].tolist() == spaced.inputs["position_ids"].tolist() == [1]
    assert spaced.positions == (2,)
    grown = g2pw.queries("İİ長")  # two characters each in small letters
    assert grown is not None
    assert grown.positions == (2,)
    assert grown.inputs["position_ids"].tolist() == [3]
    np.testing.assert_array_equal(plain.inputs["char_ids"], grown.inputs["char_ids"])


def test_more_than_the_model_reads(g2pw: G2pw) -> None:
    queries = g2pw.queries("龘" * 600 + "長")
    assert queries is None
    queries = g2pw.queries("長" + "龘" * 600)
    assert queries is not None
    assert queries.inputs["input_ids"].shape == (1, 512)
    assert queries.inputs["input_ids"][0, -1] == g2pw._manifest.last_id


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(st.sampled_from("長大了你好行a7İ 龘,\ud800\x00"), max_size=30))
def test_every_character_has_a_reading_entry(g2pw: G2pw, text: str) -> None:
    found = g2pw.readings(text)
    assert len(found) == len(text)
    for character, reading in zip(text, found, strict=True):
        assert (reading.source == "model") == (character in "長大了好行")


def test_tables_that_do_not_belong_to_the_graph(tmp_path: Path) -> None:
    source = copy_of_source(tmp_path)
    path = source / "POLYPHONIC_CHARS.txt"
    path.write_text(path.read_text(encoding="utf-8") + "中\tㄓㄨㄥ9\n", encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"knows 121 readings, but POLYPHONIC.* lists 122"):
        convert_features(source, tmp_path / "out")
    path.write_text("no tab here\n", encoding="utf-8")
    with pytest.raises(CheckpointError, match="isn't a table of characters"):
        convert_features(source, tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("vocab.txt", r"vocab\.txt is missing. g2pW is released without it"),
        ("MONOPHONIC_CHARS.txt", r"MONOPHONIC_CHARS\.txt is missing"),
        ("bopomofo_to_pinyin_wo_tune_dict.json", "is missing"),
        ("g2pw.onnx", r"config\.json is missing"),
    ],
)
def test_files_that_are_missing(tmp_path: Path, name: str, message: str) -> None:
    source = copy_of_source(tmp_path)
    (source / name).unlink()
    with pytest.raises(CheckpointError, match=message):
        convert_features(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [b"", b"<html>", b"\x08\x07garbage" * 9])
def test_a_graph_that_is_none(tmp_path: Path, content: bytes) -> None:
    source = copy_of_source(tmp_path)
    (source / "g2pw.onnx").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"g2pw\.onnx"):
        convert_features(source, tmp_path / "out")


def test_there_is_no_layer_to_choose(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="leave out the layer"):
        convert_features(SOURCE, tmp_path / "out", 3)


@pytest.mark.parametrize("numbers", [[121], [-1], ["a"], 3, [True]])
def test_tables_that_were_altered(converted: Path, tmp_path: Path, numbers: object) -> None:
    folder = Path(shutil.copytree(converted, tmp_path / "g2pW"))
    tables = json.loads((folder / "tables.json").read_bytes())
    tables["polyphonic"]["長"] = numbers
    (folder / "tables.json").write_text(json.dumps(tables), encoding="utf-8")
    manifest = json.loads((folder / "features.json").read_bytes())
    manifest["files"]["tables.json"] = sha256(folder / "tables.json")
    (folder / "features.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(VoiceError, match="as the readings of"):
        G2pw(folder)
