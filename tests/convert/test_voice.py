"""Conversion checks its own result and leaves nothing behind when it fails."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vinovits
from vinovits.convert import voice as convert
from vinovits.convert.voice import convert_checkpoint
from vinovits.errors import CheckpointError, OutputError, UsageError


def _convert(source: Path, out: Path, **options: Any) -> convert.Conversion:
    return convert_checkpoint(source / "G_0.pth", source / "config.json", out, **options)


def test_half_precision_is_half_the_size_and_near_the_full_one(
    tiny_checkpoint: Path, tiny_voice: Path, tmp_path: Path, graph_cache: Path
) -> None:
    conversion = _convert(
        tiny_checkpoint,
        tmp_path / "half",
        precision="f16",
        languages=["en"],
        reading="released",
    )
    assert conversion.manifest.precision == "f16"
    assert conversion.manifest.reading == "released"
    assert max(found.relative for found in conversion.differences) <= convert.LIMIT
    for name in ("encoder.bin", "decoder.bin"):
        half = (tmp_path / "half" / name).stat().st_size
        assert half < 0.7 * (tiny_voice / name).stat().st_size
    options: dict[str, Any] = {"features": "none", "cache_dir": graph_cache}
    half_audio = vinovits.load(tmp_path / "half", **options).speak("Hello.", noise_w=0)
    full_audio = vinovits.load(tiny_voice, **options).speak("Hello.", noise_w=0)
    assert abs(half_audio.seconds - full_audio.seconds) < 0.1


def test_int8_is_smaller_still_and_speaks(
    tiny_checkpoint: Path, tiny_voice: Path, tmp_path: Path, graph_cache: Path
) -> None:
    conversion = _convert(tiny_checkpoint, tmp_path / "eighth", precision="int8")
    assert conversion.manifest.precision == "int8"
    assert 0 < max(found.relative for found in conversion.differences) < 0.1
    for name, share in (("encoder.bin", 0.4), ("flow.bin", 0.6), ("decoder.bin", 0.7)):
        size = (tmp_path / "eighth" / name).stat().st_size
        assert size < share * (tiny_voice / name).stat().st_size, name
    options: dict[str, Any] = {"features": "none", "cache_dir": graph_cache}
    small = vinovits.load(tmp_path / "eighth", **options).speak("Hello.", noise_w=0)
    full = vinovits.load(tiny_voice, **options).speak("Hello.", noise_w=0)
    assert abs(small.seconds - full.seconds) < 0.1


@pytest.mark.extra
def test_every_stage_is_compared(tiny_checkpoint: Path, tmp_path: Path) -> None:
    conversion = _convert(tiny_checkpoint, tmp_path / "voice")
    stages = [found.stage for found in conversion.differences]
    assert stages == ["m_p", "logs_p", "logw_sdp", "logw_dp", "z", "audio"]
    assert all(0 < found.relative < 1e-4 for found in conversion.differences)


@pytest.mark.extra
def test_a_checkpoint_that_draws_random_phones_out_is_compared_all_the_same(
    tiny_checkpoint: Path, tmp_path: Path
) -> None:
    import torch

    source = shutil.copytree(tiny_checkpoint, tmp_path / "source")
    content = torch.load(source / "G_0.pth", weights_only=True)
    content["model"]["dp.proj.bias"] += 12
    torch.save(content, source / "G_0.pth")
    conversion = _convert(source, tmp_path / "voice")
    assert all(0 < found.relative < 1e-4 for found in conversion.differences)


def test_features_that_have_no_effect_arent_asked_for(tiny_voice: Path) -> None:
    # The checkpoint's Chinese and Japanese projections are all zero.
    manifest = json.loads((tiny_voice / "voice.json").read_text())
    assert [need["input"] for need in manifest["features"]] == ["en_bert"]


def test_a_result_that_differs_from_torch_is_thrown_away(
    tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(convert, "LIMIT", 0.0)
    with pytest.raises(CheckpointError, match="don't give what torch gives"):
        _convert(tiny_checkpoint, tmp_path / "voice")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_when_the_checkpoint_is_bad(tiny_checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "G_0.pth").write_bytes(b"nonsense")
    with pytest.raises(CheckpointError):
        convert_checkpoint(
            tmp_path / "G_0.pth", tiny_checkpoint / "config.json", tmp_path / "voice"
        )
    assert [path.name for path in tmp_path.iterdir()] == ["G_0.pth"]


def test_a_folder_with_files_isnt_overwritten(tiny_checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "voice").mkdir()
    (tmp_path / "voice" / "mine").touch()
    with pytest.raises(OutputError, match="isn't empty"):
        _convert(tiny_checkpoint, tmp_path / "voice")
    assert [path.name for path in tmp_path.rglob("*")] == ["voice", "mine"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "int4"}, "Unknown precision"),
        ({"reading": "worse"}, "Unknown reading 'worse'; there are better, released"),
        ({"languages": ["fr"]}, "can't speak 'fr'"),
        ({"feature_models": {"fr_bert": "x"}}, "no feature input 'fr_bert'"),
        ({"name": ""}, "The name of the voice can't be ''. A name has 1 to 100 characters"),
        ({"name": "../x"}, "The name of the voice can't be '../x'"),
        ({"name": "x" * 300}, "The name of the voice can't be 'xxx"),
        ({"feature_models": {"en_bert": "a/b"}}, "The feature model of en_bert can't be 'a/b'"),
        ({"feature_models": {"en_bert": "a\n"}}, "The feature model of en_bert can't be "),
    ],
)
def test_options_that_cant_be(
    tiny_checkpoint: Path, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        _convert(tiny_checkpoint, tmp_path / "voice", **options)
    assert list(tmp_path.iterdir()) == []


def test_a_voice_without_speakers_takes_reference_speech(
    tiny_config: dict[str, Any], tmp_path: Path, graph_cache: Path
) -> None:
    import torch

    from vinovits.nets.config import ModelConfig
    from vinovits.nets.synthesizer import Synthesizer
    from vinovits.nets.variants import VARIANTS

    tiny_config["data"]["n_speakers"] = 0
    torch.manual_seed(3)
    variant = VARIANTS["2.3"]
    network = Synthesizer(ModelConfig.from_dict(tiny_config, variant), variant, posterior=False)
    (tmp_path / "config.json").write_text(json.dumps(tiny_config))
    torch.save({"model": network.state_dict()}, tmp_path / "G_0.pth")
    conversion = _convert(tmp_path, tmp_path / "anyone", languages=["en"])
    assert conversion.differences[0].stage == "g"
    assert "speakers.npy" not in conversion.manifest.files

    anyone = vinovits.load(tmp_path / "anyone", features="none", cache_dir=graph_cache)
    with pytest.raises(UsageError, match="speaker_from"):
        anyone.speak("Hello.")
    rng = np.random.default_rng(0)
    low = np.sin(np.arange(16000) * 0.05).astype(np.float32)
    noise = rng.standard_normal(22050).astype(np.float32) * 0.3
    vectors = [anyone.speaker_from(low, 8000), anyone.speaker_from(noise, 11025)]
    assert vectors[0].shape == (6,)
    assert not np.allclose(vectors[0], vectors[1])
    assert anyone.speak("Hello.", speaker=vectors[0]).seconds > 0
    with pytest.raises(UsageError, match="too short"):
        anyone.speaker_from(low[:10], 8000)
    with pytest.raises(UsageError, match="finite"):
        anyone.speaker_from(np.full(9000, np.nan, np.float32), 8000)


def test_named_speakers_take_no_reference_speech(tiny_voice: Path, graph_cache: Path) -> None:
    voice = vinovits.load(tiny_voice, features="none", cache_dir=graph_cache)
    with pytest.raises(UsageError, match="ann, bob"):
        voice.speaker_from(np.zeros(8000, np.float32), 8000)


def test_what_a_trained_checkpoint_listens_to_is_kept(
    tiny_checkpoint: Path, tiny_config: dict[str, Any], tmp_path: Path
) -> None:
    """Else it would be converted for the models of its family, which it has never heard."""
    shutil.copy(tiny_checkpoint / "G_0.pth", tmp_path)
    own = {"feature_models": {"en": "all-MiniLM-L6-v2", "zh": "a/b"}}
    config = tmp_path / "config.json"
    config.write_text(json.dumps(tiny_config | {"vinovits": own}), encoding="utf-8")
    with pytest.raises(UsageError, match="The feature model of bert can't be 'a/b'"):
        _convert(tmp_path, tmp_path / "voice")
    own["feature_models"].pop("zh")
    config.write_text(json.dumps(tiny_config | {"vinovits": own}), encoding="utf-8")
    (need,) = _convert(tmp_path, tmp_path / "voice").manifest.features
    assert (need.language, need.model) == ("en", "all-MiniLM-L6-v2")
