from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tests.features.sounds import sound
from vinovits.convert.features import convert_features
from vinovits.engine.emotion import EmotionPrompts
from vinovits.errors import UsageError, VoiceError
from vinovits.features.clap import ClapFeatures
from vinovits.features.emotion import EmotionFeatures
from vinovits.features.store import ENVIRONMENT, shared
from vinovits.voices.manifest import EmotionNeed

GOLDEN = Path(__file__).parent.parent / "golden" / "features"
SPEECH = sound(1.3, 22050, 3)
CLAP = EmotionNeed("clap", 40, "hears-and-reads")
REGRESSOR = EmotionNeed("speech", 32, "hears", rows=10)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny CLAP and a tiny emotion regressor."""
    folder = tmp_path_factory.mktemp("models")
    for name, source in (("hears-and-reads", "clap"), ("hears", "wav2vec2")):
        convert_features(GOLDEN / source, folder / name, precision="f32")
    return folder


@pytest.fixture(autouse=True)
def _store(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT, str(models))


def test_clap_reads_and_hears(models: Path, tmp_path: Path) -> None:
    prompts = EmotionPrompts(CLAP, "cpu", tmp_path)
    clap = ClapFeatures(models / "hears-and-reads")
    np.testing.assert_array_equal(prompts.text("calm"), clap.text("calm"))
    long = sound(11.0, 16000, 1)
    for seed in (0, 7):
        heard = prompts.audio(long, 16000, seed)
        np.testing.assert_array_equal(heard, clap.audio(long, 16000, seed))


def test_a_regressor_hears_only(models: Path, tmp_path: Path) -> None:
    prompts = EmotionPrompts(REGRESSOR, "cpu", tmp_path)
    wanted = EmotionFeatures(models / "hears").audio(SPEECH, 22050)
    np.testing.assert_array_equal(prompts.audio(SPEECH, 22050, seed=5), wanted)
    with pytest.raises(UsageError, match=r"takes no description .* a number from 0 to 9, or rec"):
        prompts.text("calm")
    with pytest.raises(UsageError, match="is silent"):
        prompts.audio(SPEECH * 0, 22050)


@pytest.mark.parametrize(
    ("need", "message"),
    [
        (EmotionNeed("speech", 1024, "hears"), "gives 32 numbers, but the voice takes 1024"),
        (EmotionNeed("clap", 32, "hears"), "of kind 'emotion', but 'clap' is needed"),
        (EmotionNeed("clap", 512, "clap-htsat-fused"), "models pull clap-htsat-fused"),
    ],
)
def test_models_that_do_not_fit_or_are_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, need: EmotionNeed, message: str
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with pytest.raises(VoiceError, match=message):
        EmotionPrompts(need, "cpu", tmp_path).audio(SPEECH, 22050)


def test_voices_share_a_model_and_keep_it(models: Path, tmp_path: Path) -> None:
    one, other = (EmotionPrompts(CLAP, "cpu", tmp_path) for _ in range(2))
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(one.text, ["a", "b", "c", "d"]))
    assert one._model() is other._model()
    copy = shutil.copytree(models / "hears-and-reads", tmp_path / "copy")
    assert shared(ClapFeatures, copy) is one._model()
