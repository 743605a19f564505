from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.features.tiny_bert import write_source
from vinovits.convert.features import convert_features


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random BERT; not to be altered."""
    return write_source(tmp_path_factory.mktemp("bert") / "source")


@pytest.fixture(scope="session")
def converted(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny BERT's third hidden state from the end as a feature folder; not to be altered."""
    out = tmp_path_factory.mktemp("features") / "tiny"
    convert_features(source, out, -3, "f32", origin="random numbers", licence="CC0-1.0")
    return out


@pytest.fixture
def folder(converted: Path, tmp_path: Path) -> Path:
    """A copy of the converted folder, to be broken."""
    return Path(shutil.copytree(converted, tmp_path / "tiny"))


GOLDEN = Path(__file__).parent.parent / "golden" / "features"


@pytest.fixture(scope="session")
def clap_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recorded CLAP in f32; not to be altered."""
    out = tmp_path_factory.mktemp("features") / "clap"
    convert_features(GOLDEN / "clap", out, precision="f32")
    return out


@pytest.fixture(scope="session")
def emotion_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recorded emotion regressor in f32; not to be altered."""
    out = tmp_path_factory.mktemp("features") / "emotion"
    convert_features(GOLDEN / "wav2vec2", out, precision="f32")
    return out


@pytest.fixture(scope="session")
def wavlm_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recorded WavLM in f32; not to be altered."""
    out = tmp_path_factory.mktemp("features") / "wavlm"
    convert_features(GOLDEN / "wavlm", out, precision="f32")
    return out
