"""`--config default_config.yml`: what upstream's file says of serving counts here too."""

from __future__ import annotations

import logging
import re
import shutil
import textwrap
from pathlib import Path

import pytest

from vinovits.errors import UsageError
from vinovits.serve.settings import ServeSettings, read_settings

CONFIG = """
    mirror: ""
    openi_token: ""
    dataset_path: "Data/"
    resample: {sampling_rate: 44100, in_dir: "audios/raw", out_dir: "audios/wavs"}
    train_ms: {env: {MASTER_PORT: 10086}, model: "models", config_path: "config.json"}
    webui:
      device: "cuda"
      model: "anna/models/G_8000.pth"
      config_path: "config.json"
      port: 7860
      share: false
      debug: false
      language_identification_library: "langid"
    server:
      port: 5000
      device: "cuda"
      models:
        - model: "Data/anna/models/G_8000.pth"
          config: "Data/anna/config.json"
          device: "cuda"
          language: "ZH"
          speakers:
            - {speaker: "anna", sdp_ratio: 0.2, noise_scale: 0.6, noise_scale_w: 0.8}
        - model: "Data/other/models/G_100.pth"
          config: "Data/other/config.json"
          device: "cpu"
          language: "JP"
          speakers: []
    translate: {app_key: "", secret_key: ""}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "default_config.yml"
    path.write_text(textwrap.dedent(CONFIG), encoding="utf-8")
    (tmp_path / "Data/anna/models").mkdir(parents=True)
    return path


def test_converted_voices_are_found(
    config: Path, tiny_voice: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(tiny_voice, config.parent / "Data/anna/anna")
    with caplog.at_level(logging.WARNING):
        settings = read_settings({}, config)
    assert settings.port == 5000
    assert settings.device == "auto"
    assert settings.voices == (config.parent / "Data/anna/anna",)
    assert settings.voice == "anna"
    said = caplog.text
    used, unused = said.split(" Used of it: ")[1].splitlines()[0].split(" Not used: ")
    for key in ("server.port", "server.device", "server.models.0.model", "webui.model"):
        assert key in re.split(", |[.]$", used.strip()), key
    for key in ("webui.port", "train_ms.env", "server.models.0.speakers", "webui.share"):
        assert key in re.split(", |[.]$", unused.strip()), key
    assert "openi_token" not in said, "it holds nothing"
    other = config.parent / "Data/other"
    assert f"vinovits convert '{other}/models/G_100.pth' '{other}/config.json'" in said
    assert "isn't one of OpenVINO's" in said


def test_the_command_line_goes_first(config: Path, tiny_voice: Path) -> None:
    shutil.copytree(tiny_voice, config.parent / "Data/anna/models/G_8000")
    settings = read_settings({"port": 1234, "device": "cpu"}, config)
    assert (settings.port, settings.device) == (1234, "cpu")
    assert settings.voice == "G_8000"


@pytest.mark.parametrize("place", [".", "Data/anna", "Data/anna/models"])
def test_places_of_converted_voices(config: Path, tiny_voice: Path, place: str) -> None:
    shutil.copytree(tiny_voice, config.parent / place / "somename")
    assert read_settings({}, config).voice == "somename"


def test_two_voices_are_told_apart_by_name_only(config: Path, tiny_voice: Path) -> None:
    for name in ("one", "two"):
        shutil.copytree(tiny_voice, config.parent / "Data/anna" / name)
    with pytest.raises(UsageError, match="vinovits convert"):
        read_settings({}, config)
    shutil.copytree(tiny_voice, config.parent / "Data/anna/anna")
    assert read_settings({}, config).voice == "anna"


def test_without_a_converted_voice_the_way_is_told(config: Path) -> None:
    with pytest.raises(UsageError) as error:
        read_settings({}, config)
    folder = config.parent / "Data/anna"
    command = f"vinovits convert '{folder}/models/G_8000.pth' '{folder}/config.json'"
    assert f"{command} '{folder}/models/anna'" in str(error.value)


@pytest.mark.parametrize(
    ("text", "device", "port"),
    [
        ("webui: {device: 'xpu:1', port: 7860}", "gpu.1", 7860),
        ("webui: {device: 'mps', port: 7860}\nserver: {port: 5001}", "auto", 5001),
        ("server: {device: 'CPU', port: yes, models: 7}", "cpu", 8000),
        ("server: {device: [1], port: 99999, models: [1, {model: 2}]}", "cpu", 8000),
    ],
)
def test_parts_of_a_file(tmp_path: Path, text: str, device: str, port: int) -> None:
    path = tmp_path / "any.yml"
    path.write_text(text, encoding="utf-8")
    settings = read_settings({}, path)
    assert (settings.device, settings.port) == (device, port)
    assert settings.voices == ServeSettings.model_fields["voices"].default


def test_a_file_of_ours_is_none_of_upstream(tmp_path: Path) -> None:
    path = tmp_path / "default_config.yml"
    path.write_text("port: 9000", encoding="utf-8")
    assert read_settings({}, path).port == 9000
    path.write_text("server: 7", encoding="utf-8")
    with pytest.raises(UsageError, match="no setting 'server'"):
        read_settings({}, path)
