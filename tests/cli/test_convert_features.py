"""`vinovits convert-features`: where its result goes, what it is called, what it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.conftest import GOLDEN
from vinovits.features.bert import BertFeatures
from vinovits.features.store import find_features
from vinovits.places import DATA

SOURCES = GOLDEN / "features"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's data folder."""
    monkeypatch.setenv(DATA, str(tmp_path / "data"))
    return tmp_path / "data"


def test_the_result_is_found_by_the_name_that_voices_ask_for(run: Run, data: Path) -> None:
    result = run("convert-features", str(SOURCES / "deberta-v3-large"))
    assert result.exit_code == 0, result.output
    folder = find_features("deberta-v3-large")
    assert folder == data / "features" / "deberta-v3-large"
    manifest = json.loads((folder / "features.json").read_bytes())
    assert (manifest["precision"], manifest["licence"]) == ("int8", "MIT")
    assert manifest["source"] == "https://huggingface.co/microsoft/deberta-v3-large"
    assert "deberta-v3-large, a deberta-v2 in int8" in result.stderr
    assert result.stdout == ""


def test_a_model_is_told_by_its_sizes_whatever_its_folder_is_called(
    run: Run, data: Path, tmp_path: Path
) -> None:
    source = Path(shutil.copytree(SOURCES / "bert-base-japanese-v3", tmp_path / "download (1)"))
    config = json.loads((source / "config.json").read_bytes())
    # Sizes of the real one: its tensors aren't here, so that the error names what was tried.
    config |= {"hidden_size": 768, "num_hidden_layers": 12, "vocab_size": 32768}
    (source / "config.json").write_text(json.dumps(config), encoding="utf-8")
    from vinovits.convert.features.known import usual_name

    assert usual_name(source) == "bert-base-japanese-v3"
    result = run("convert-features", str(source))
    assert result.exit_code == 1
    assert "the model has 32768 embeddings" in result.stderr
    assert not (data / "features" / "bert-base-japanese-v3").exists()


def test_boundaries_of_the_release_that_2_0_hears(run: Run, data: Path, tmp_path: Path) -> None:
    source = Path(shutil.copytree(SOURCES / "deberta-v3-large", tmp_path / "source"))
    result = run("convert-features", str(source), "--name", "deberta-v2-large-japanese")
    assert result.exit_code == 0, result.output
    manifest = json.loads(
        (find_features("deberta-v2-large-japanese") / "features.json").read_bytes()
    )
    assert (manifest["first_id"], manifest["last_id"]) == (2, 3)


def test_out_name_precision_and_layer(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = ("--name", "mine", "--precision", "f32", "--layer", "1", "--licence", "CC0-1.0")
    source = SOURCES / "chinese-roberta-wwm-ext-large"
    result = run("convert-features", str(source), str(out), *options)
    assert result.exit_code == 0, result.output
    manifest = json.loads((out / "features.json").read_bytes())
    found = [manifest[key] for key in ("name", "precision", "layer", "licence")]
    assert found == ["mine", "f32", 1, "CC0-1.0"]
    assert BertFeatures(out).features([5]).shape == (3, 32)


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"model_type": "gpt2"}, 1, "describes a 'gpt2' model. vinovits makes features from: bert"),
        ({"vocab_size": 300}, 1, "ids up to 534, but the model has 300 embeddings"),
        ({"position_embedding_type": "relative_key"}, 1, "relative positions"),
    ],
)
def test_what_is_refused(
    run: Run, data: Path, tmp_path: Path, change: dict[str, object], code: int, message: str
) -> None:
    source = Path(shutil.copytree(SOURCES / "chinese-roberta-wwm-ext-large", tmp_path / "model"))
    config = json.loads((source / "config.json").read_bytes())
    (source / "config.json").write_text(json.dumps({**config, **change}), encoding="utf-8")
    result = run("convert-features", str(source))
    assert result.exit_code == code
    assert message in result.stderr
    assert "Traceback" not in result.output
    assert not (data / "features" / "model").exists()


def test_wrong_use(run: Run, data: Path, tmp_path: Path) -> None:
    source = str(SOURCES / "chinese-roberta-wwm-ext-large")
    assert run("convert-features").exit_code == 2
    assert run("convert-features", source, "--precision", "int4").exit_code == 2
    assert run("convert-features", source, "--layer", "99").exit_code == 2
    assert run("convert-features", str(tmp_path / "nowhere")).exit_code == 2
    assert run("convert-features", str(tmp_path)).exit_code == 1  # a folder without a model
    beyond = run("convert-features", source, "--name", "../beyond")
    assert beyond.exit_code == 2
    assert "can't be '../beyond'" in beyond.stderr
    inside = run("convert-features", f"{source}/config.json", str(tmp_path / "out"))
    assert inside.exit_code == 1
    assert "is a file. Name the folder" in inside.stderr
    assert run("convert-features", source).exit_code == 0
    again = run("convert-features", source)
    assert again.exit_code == 1
    assert "isn't empty" in again.stderr
