"""What each family adds to a text, from the prompt to the sound."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vinovits
from tests.engine.test_conditions import save_checkpoint
from tests.features.sounds import sound
from tests.features.wide_models import GOLDEN, SPEECH_MODEL, write_clap, write_speech_emotion
from vinovits.convert.features import convert_features
from vinovits.convert.voice import convert_checkpoint
from vinovits.engine.emotion import EmotionPrompts
from vinovits.engine.voice import Voice
from vinovits.features import lazy
from vinovits.voices.manifest import EmotionNeed

pytestmark = pytest.mark.extra
RATE = 22050
RECORDING, OTHER = sound(1.3, RATE, 3), sound(0.9, RATE, 8)[::-1].copy()
TEXTS = {"zh": "你好，世界。", "ja": "こんにちは、世界。", "en": "Hello there, world."}
MOODS = {"zh": "我很高兴！", "ja": "うれしいです。", "en": "I am so happy!"}
STILL = {"noise": 0.0, "noise_w": 0.0}
EXTRA_BERT = "Erlangshen-MegatronBert-1.3B-Chinese"
BERTS = ("chinese-roberta-wwm-ext-large", "deberta-v2-large-japanese-char-wwm", "deberta-v3-large")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every feature model that these voices ask for, tiny."""
    folder = tmp_path_factory.mktemp("models")
    write_clap(folder)
    write_speech_emotion(folder)
    for name in (*BERTS, EXTRA_BERT):
        convert_features(GOLDEN / name, folder / name, precision="f32")
    return folder


@pytest.fixture(autouse=True)
def only_these_models(models: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VINOVITS_FEATURES", str(models))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


@pytest.fixture(scope="module")
def voices(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Tiny voices of random numbers, by family."""
    folder = tmp_path_factory.mktemp("voices")
    made = {}
    for family in ("2.2", "2.3", "2.4", "jp-extra"):
        source = save_checkpoint(folder / f"{family}-source", family)
        made[family] = convert_checkpoint(source, None, folder / family, variant=family).folder
    return made


@pytest.fixture
def load(voices: dict[str, Path], graph_cache: Path) -> Any:
    def call(family: str) -> Voice:
        return vinovits.load(voices[family], cache_dir=graph_cache)

    return call


def said(voice: Voice, text: str, **settings: Any) -> bytes:
    return voice.speak(text, **STILL, **settings).samples.tobytes()


def test_2_1_speaks_with_the_emotion_that_it_hears(
    tmp_path: Path, graph_cache: Path, models: Path
) -> None:
    """Of ten emotions the one that is nearest to a recording: here two are made of recordings."""
    from safetensors.numpy import load_file

    source = save_checkpoint(tmp_path / "source", "2.1")
    need = EmotionNeed("speech", 1024, SPEECH_MODEL, rows=10)
    prompts = EmotionPrompts(need, "cpu", graph_cache)
    heard = [prompts.audio(samples, RATE) for samples in (RECORDING, OTHER)]
    tensors = load_file(source / "tiny_s7.safetensors")
    rows = np.random.default_rng(5).standard_normal((10, 1024), np.float32)
    for row, vector in zip((3, 7), heard, strict=True):
        projection, bias = (tensors[f"enc_p.emo_proj.{part}"] for part in ("weight", "bias"))
        rows[row] = projection @ vector + bias
    convert_checkpoint(source, None, tmp_path / "voice", languages=["en"], emotion_rows=rows)
    voice = vinovits.load(tmp_path / "voice", cache_dir=graph_cache)

    by_number = [said(voice, TEXTS["en"], emotion=number) for number in range(10)]
    assert len(set(by_number)) == 10
    for row, samples in ((3, RECORDING), (7, OTHER)):
        emotion = voice.emotion_from(samples, RATE)
        assert emotion.shape == (1024,)
        assert said(voice, TEXTS["en"], emotion=emotion) == by_number[row]


@pytest.mark.parametrize(("family", "language"), [("2.2", "en"), ("2.4", "zh"), ("jp-extra", "ja")])
def test_clap_colours_by_text_and_by_recording(load: Any, family: str, language: str) -> None:
    voice, text = load(family), TEXTS[language]
    prompts = {
        "none": None,
        "calm": "a calm voice",
        "angry": "an angry mob is shouting!",
        "one": voice.emotion_from(RECORDING, RATE),
        "other": voice.emotion_from(OTHER, RATE),
    }
    sounds = {name: said(voice, text, emotion=prompt) for name, prompt in prompts.items()}
    assert len(set(sounds.values())) == len(prompts)
    assert said(voice, text, emotion="a calm voice") == sounds["calm"]
    again = load(family)
    assert said(again, text, emotion=again.emotion_from(RECORDING, RATE)) == sounds["one"]


@pytest.mark.parametrize(
    ("family", "language", "model"),
    [
        *(("2.3", language, model) for language, model in zip(TEXTS, BERTS, strict=True)),
        ("2.4", "zh", EXTRA_BERT),
        ("jp-extra", "ja", BERTS[1]),
    ],
)
def test_each_language_has_its_bert_and_takes_an_assist_text(
    load: Any, family: str, language: str, model: str
) -> None:
    voice, text, mood = load(family), TEXTS[language], MOODS[language]
    plain = voice.speak(text, language=language, **STILL)
    assert {*plain.stats.features.values()} - {"none"} == {model}
    assert model in plain.stats.graphs

    def coloured(assist: str, weight: float | None) -> bytes:
        return said(voice, text, language=language, assist_text=assist, assist_weight=weight)

    sounds = [plain.samples.tobytes()]
    sounds += [coloured(mood, None), coloured(mood, 0.2), coloured(text, 1.0)]
    assert len(set(sounds)) == 4
    assert coloured(mood, 0.0) == sounds[0]
    assert coloured(mood, 0.7) == sounds[1]


def test_ten_voices_of_two_families_listen_to_one_bert(
    load: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    gc.collect()  # voices of other tests
    compiled: list[str] = []
    recipe = lazy.recipe

    def count(path: Path, *rest: Any, **options: Any) -> Any:
        compiled.append(path.parent.name)
        return recipe(path, *rest, **options)

    monkeypatch.setattr(lazy, "recipe", count)
    voices = [load(family) for family in ("2.2", "2.3") * 5]
    sounds = [said(voice, TEXTS["en"]) for voice in voices]
    assert compiled in (["deberta-v3-large"], [])
    assert sounds[:2] * 5 == sounds
    assert sounds[0] != sounds[1]


def test_a_model_of_a_language_that_isnt_spoken_neednt_be_here(
    load: Any, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "english").mkdir()
    (tmp_path / "english" / "deberta-v3-large").symlink_to(models / "deberta-v3-large")
    monkeypatch.setenv("VINOVITS_FEATURES", str(tmp_path / "english"))
    voice = load("2.3")
    assert voice.speak(TEXTS["en"]).stats.features["en_bert"] == "deberta-v3-large"
    with pytest.raises(vinovits.VoiceError, match="models pull chinese-roberta-wwm-ext-large"):
        voice.speak(TEXTS["zh"])
