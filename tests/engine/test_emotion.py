from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.features.sounds import sound
from vinovits.convert.features import convert_features
from vinovits.engine.emotion import EmotionPrompts
from vinovits.errors import UsageError, VoiceError
from vinovits.features.clap import ClapFeatures
from vinovits.features.emotion import EmotionFeatures
from vinovits.features.store import ENVIRONMENT, shared

GOLDEN = Path(__file__).parent.parent / "golden" / "features"
SPEECH = sound(1.3, 22050, 3)


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


def prompts(name: str, width: int, cache: Path) -> EmotionPrompts:
    return EmotionPrompts(name, width, "cpu", cache)


def test_clap_reads_and_hears(models: Path, tmp_path: Path) -> None:
    voice = prompts("hears-and-reads", 40, tmp_path)
    clap = ClapFeatures(models / "hears-and-reads")
    np.testing.assert_array_equal(voice.text("calm"), clap.text("calm"))
    long = sound(11.0, 16000, 1)
    for seed in (0, 7):
        heard = voice.audio((long, 16000), seed)
        np.testing.assert_array_equal(heard, clap.audio(long, 16000, seed))


def test_a_regressor_hears_only(models: Path, tmp_path: Path) -> None:
    voice = prompts("hears", 32, tmp_path)
    wanted = EmotionFeatures(models / "hears").audio(SPEECH, 22050)
    np.testing.assert_array_equal(voice.audio((SPEECH, 22050), seed=5), wanted)
    with pytest.raises(UsageError, match="not from a text: its model, hears, can't read"):
        voice.text("calm")


@pytest.mark.parametrize("channels", [1, 2])
def test_recordings_are_files_too(tmp_path: Path, channels: int) -> None:
    path = tmp_path / "speech.wav"
    soundfile.write(path, np.stack([SPEECH] * channels, axis=1), 22050, "FLOAT")
    voice = prompts("hears", 32, tmp_path)
    samples = voice.audio((SPEECH, 22050))
    np.testing.assert_array_equal(voice.audio(path), samples)
    np.testing.assert_array_equal(voice.audio(str(path)), samples)


def test_recordings_that_are_none(tmp_path: Path) -> None:
    voice = prompts("hears", 32, tmp_path)
    with pytest.raises(UsageError, match="isn't there"):
        voice.audio(tmp_path / "nothing.wav")
    with pytest.raises(UsageError, match=r"a path, or a tuple .* not ndarray"):
        voice.audio(SPEECH)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="is silent"):
        voice.audio((SPEECH * 0, 22050))


def test_models_that_do_not_fit_or_are_missing(tmp_path: Path) -> None:
    with pytest.raises(VoiceError, match="hears gives 32 numbers, but the voice takes 1024"):
        prompts("hears", 1024, tmp_path).audio((SPEECH, 22050))
    with pytest.raises(VoiceError, match=r"models pull clap-htsat-fused"):
        prompts("clap-htsat-fused", 512, tmp_path).text("calm")


def test_voices_share_a_model_and_keep_it(models: Path, tmp_path: Path) -> None:
    one, other = (prompts("hears-and-reads", 40, tmp_path) for _ in range(2))
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(one.text, ["a", "b", "c", "d"]))
    assert one._model() is other._model()
    copy = shutil.copytree(models / "hears-and-reads", tmp_path / "copy")
    assert shared(ClapFeatures, copy) is one._model()
