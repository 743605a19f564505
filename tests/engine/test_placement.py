"""Stages on several devices: nothing falls back in silence."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vinovits
from tests.fake_core import FakeCore
from vinovits.engine.precision import LEAST_SNR
from vinovits.errors import DeviceError, DeviceFailedError
from vinovits.graphs import StaticGraph

TEXT = "Hello there. This is a longer second sentence, with a pause!"


def _load(folder: Path, cache: Path, device: str, **options: Any) -> vinovits.Voice:
    return vinovits.load(folder, device=device, warm=False, cache_dir=cache, **options)


def _devices(voice: vinovits.Voice) -> dict[str, str]:
    return {name: info.devices[0] for name, info in voice.graphs().items()}


def _is(name: str, length: int | None = None) -> Any:
    """Whether a model is the graph of this name, for an input of this length if one is given."""
    port = {"encoder": "phones", "flow": "z_p", "decoder": "z"}[name]

    def found(model: Any) -> bool:
        if port not in {one.get_any_name() for one in model.inputs}:
            return False
        return length is None or model.input(port).get_partial_shape()[-1] == length

    return found


@pytest.fixture
def expected(tiny_voice: Path, graph_cache: Path) -> np.ndarray:
    voice = vinovits.load(tiny_voice, precision="f32", cache_dir=graph_cache)
    return voice.speak(TEXT).samples


def test_each_stage_runs_where_it_was_placed(
    tiny_voice: Path,
    tmp_path: Path,
    fake_core: FakeCore,
    expected: np.ndarray,
) -> None:
    asked = "encoder=cpu,flow=gpu.0,decoder=gpu.1,features=npu"
    voice = _load(tiny_voice, tmp_path, asked, precision="f32")
    audio = voice.speak(TEXT)
    assert _devices(voice) == {
        "encoder": "CPU",
        "flow": "GPU.0",
        "decoder": "GPU.1",
        "all-MiniLM-L6-v2": "NPU",
    }
    infos = audio.stats.graphs
    assert {name: info.shapes for name, info in infos.items()} == {
        "encoder": "dynamic",
        "flow": "static",
        "decoder": "static",
        "all-MiniLM-L6-v2": "static",
    }
    assert infos["all-MiniLM-L6-v2"].precision == "f16"
    assert not any(info.note for info in infos.values())
    assert np.abs(audio.samples - expected).max() <= 1e-4 * np.abs(expected).max()


def test_auto_takes_the_discrete_gpu(tiny_voice: Path, tmp_path: Path, fake_core: FakeCore) -> None:
    voice = _load(tiny_voice, tmp_path, "auto", features="none")
    assert _devices(voice) == {"encoder": "CPU", "flow": "GPU.1", "decoder": "GPU.1"}
    fake_core.devices.clear()
    voice = _load(tiny_voice, tmp_path, "auto", features="none")
    assert set(_devices(voice).values()) == {"CPU"}
    assert not any(info.note for info in voice.graphs().values())


def test_auto_moves_on_and_says_so(
    tiny_voice: Path,
    tmp_path: Path,
    fake_core: FakeCore,
    expected: np.ndarray,
    caplog: pytest.LogCaptureFixture,
) -> None:
    fake_core.fails = {"GPU.1": _is("flow"), "GPU.0": _is("flow")}
    with caplog.at_level(logging.WARNING):
        voice = _load(tiny_voice, tmp_path, "auto", precision="f32")
    found = voice.graphs()
    assert found["flow"].devices == ("CPU",)
    assert found["flow"].shapes == "dynamic"
    for device in ("GPU.1", "GPU.0"):
        message = f"The device {device} can't compile the graph 'flow' for mask 1x1x512, speaker "
        assert message in found["flow"].note
        assert message in caplog.text
    assert found["decoder"].devices == ("GPU.1",)
    assert found["decoder"].note == ""
    audio = voice.speak(TEXT)
    assert audio.stats.graphs["flow"].note == found["flow"].note
    assert np.abs(audio.samples - expected).max() <= 1e-4 * np.abs(expected).max()


def test_auto_moves_on_when_a_device_is_lost_while_speaking(
    tiny_voice: Path,
    tmp_path: Path,
    fake_core: FakeCore,
    expected: np.ndarray,
) -> None:
    voice = _load(tiny_voice, tmp_path, "auto", precision="f32")
    fake_core.gone = {"GPU.1"}
    audio = voice.speak(TEXT)
    assert np.abs(audio.samples - expected).max() <= 1e-4 * np.abs(expected).max()
    info = audio.stats.graphs["decoder"]
    assert info.devices == ("GPU.0",)
    assert "GPU.1 can't compile the graph 'decoder' for kept " in info.note
    assert "The device is lost." in info.note
    fake_core.gone = {"GPU.1", "GPU.0"}
    np.testing.assert_allclose(
        voice.speak(TEXT).samples, expected, atol=1e-4 * np.abs(expected).max()
    )
    assert _devices(voice)["flow"] == "CPU"


def test_auto_moves_on_when_another_length_doesnt_compile(
    tiny_voice: Path, tmp_path: Path, fake_core: FakeCore
) -> None:
    fake_core.fails = {"GPU.1": _is("flow", 192)}
    voice = _load(tiny_voice, tmp_path, "auto", features="none")
    assert voice.graphs()["flow"].devices == ("GPU.1",)
    voice.stages.graphs["flow"].prepare({"": 192})
    assert voice.graphs()["flow"].devices == ("GPU.0",)
    assert "z_p 1x4x192" in voice.graphs()["flow"].note


@pytest.mark.parametrize("device", ["gpu.1", "flow=gpu.1", "encoder=npu,flow=gpu.1"])
def test_a_device_that_is_named_is_never_left(
    tiny_voice: Path, tmp_path: Path, fake_core: FakeCore, device: str
) -> None:
    fake_core.fails = {"GPU.1": _is("flow")}
    with pytest.raises(
        DeviceFailedError,
        match=r"GPU\.1 can't compile the graph 'flow' for .*z_p 1x4x512.*CL_OUT_OF_RESOURCES",
    ) as caught:
        _load(tiny_voice, tmp_path, device)
    assert caught.value.exit_code == 1


def test_a_device_that_is_lost_names_itself(
    tiny_voice: Path, tmp_path: Path, fake_core: FakeCore
) -> None:
    voice = _load(tiny_voice, tmp_path, "decoder=gpu.1", features="none", precision="f32")
    voice.speak(TEXT)
    fake_core.gone = {"GPU.1"}
    with pytest.raises(DeviceFailedError, match=r"GPU\.1 failed to run .*'decoder' for .*is lost"):
        voice.speak(TEXT)
    with pytest.raises(DeviceFailedError, match=r"GPU\.1"):
        _load(tiny_voice, tmp_path, "decoder=gpu.1", features="none")
    fake_core.gone = set()
    assert voice.speak(TEXT).seconds > 0


def test_features_that_fail_name_their_device(
    tiny_voice: Path, tmp_path: Path, fake_core: FakeCore
) -> None:
    fake_core.fails = {"NPU": lambda model: True}
    voice = _load(tiny_voice, tmp_path, "features=npu")
    with pytest.raises(DeviceFailedError, match=r"NPU can't compile the graph 'model' for"):
        voice.speak(TEXT)


def test_a_precision_that_a_gpu_lacks_is_a_reason_for_auto_to_move(
    tiny_voice: Path, tmp_path: Path, fake_core: FakeCore
) -> None:
    fake_core.devices["GPU.1"]["OPTIMIZATION_CAPABILITIES"] = ["FP32"]
    voice = _load(tiny_voice, tmp_path, "auto", features="none", precision="f16")
    info = voice.graphs()["decoder"]
    assert (info.devices, info.precision) == (("GPU.0",), "f16")
    assert "no instructions for f16" in info.note
    with pytest.raises(DeviceError, match="no instructions for f16"):
        _load(tiny_voice, tmp_path, "gpu.1", features="none", precision="f16")


def test_a_driver_that_cant_export_costs_time_only(
    tiny_voice: Path, tmp_path: Path, fake_core: FakeCore, caplog: pytest.LogCaptureFixture
) -> None:
    fake_core.exports = False
    voice = _load(tiny_voice, tmp_path, "gpu.1", features="none", precision="f32")
    assert voice.speak(TEXT).seconds > 0
    assert "GPU.1 can't keep the compiled graph" in caplog.text
    assert not list(tmp_path.glob("*.graph"))


def test_compiled_graphs_are_kept_by_device_driver_and_shape(
    tiny_voice: Path, tmp_path: Path, fake_core: FakeCore
) -> None:
    options: dict[str, Any] = {"features": "none", "precision": "f32"}
    _load(tiny_voice, tmp_path, "gpu.1", **options).speak(TEXT)
    first = len(fake_core.compiled)
    assert first >= 4
    _load(tiny_voice, tmp_path, "gpu.1", **options).speak(TEXT)
    assert len(fake_core.compiled) == first
    fake_core.devices["GPU.1"]["GPU_DRIVER_VERSION"] = "25.2"
    _load(tiny_voice, tmp_path, "gpu.1", **options).speak(TEXT)
    assert len(fake_core.compiled) == 2 * first
    _load(tiny_voice, tmp_path, "gpu.0", **options)
    assert len(fake_core.compiled) > 2 * first


@pytest.mark.parametrize(("noise", "taken"), [(0.001, "f16"), (0.1, "f32"), (float("nan"), "f32")])
def test_f16_is_measured_on_the_device_and_remembered(
    tiny_voice: Path, tmp_path: Path, fake_core: FakeCore, noise: float, taken: str
) -> None:
    fake_core.f16_noise = {"GPU.1": noise}
    voice = _load(tiny_voice, tmp_path, "gpu.1", features="none")
    found = {name: info.precision for name, info in voice.graphs().items()}
    assert found == {"encoder": "f32", "flow": "f32", "decoder": taken}
    [remembered] = tmp_path.glob("*.f16.json")
    facts = json.loads(remembered.read_text())
    assert (facts["snr"] >= LEAST_SNR) is (taken == "f16")
    assert facts["device"] == ["Intel(R) Arc(TM) B580 Graphics (dGPU)", "25.1"]
    if noise == 0.001:
        assert facts["snr"] == pytest.approx(60, abs=1)

    fake_core.f16_noise = {"GPU.1": 0.1 if taken == "f16" else 0.0}
    again = _load(tiny_voice, tmp_path, "gpu.1", features="none")
    assert again.graphs()["decoder"].precision == taken  # as it was, without measuring

    fake_core.devices["GPU.1"]["GPU_DRIVER_VERSION"] = "25.2"
    anew = _load(tiny_voice, tmp_path, "gpu.1", features="none")
    assert anew.graphs()["decoder"].precision != taken
    assert len(list(tmp_path.glob("*.f16.json"))) == 2


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"snr": "loud"}', b'{"snr": NaN}'])
def test_a_measurement_that_cant_be_read_is_made_anew(
    tiny_voice: Path, tmp_path: Path, fake_core: FakeCore, content: bytes
) -> None:
    _load(tiny_voice, tmp_path, "decoder=gpu.1", features="none")
    [remembered] = tmp_path.glob("*.f16.json")
    good = remembered.read_bytes()
    remembered.write_bytes(content)
    assert _load(tiny_voice, tmp_path, "decoder=gpu.1", features="none").graphs()
    assert remembered.read_bytes() == good


def test_f16_that_doesnt_compile_is_left_for_f32(
    tiny_voice: Path, tmp_path: Path, fake_core: FakeCore, caplog: pytest.LogCaptureFixture
) -> None:
    compile_model = fake_core.compile_model

    def no_f16(model: Any, device: str, config: dict[str, Any]) -> Any:
        if config["INFERENCE_PRECISION_HINT"] == "f16":
            raise RuntimeError("out of memory")
        return compile_model(model, device, config)

    fake_core.compile_model = no_f16
    voice = _load(tiny_voice, tmp_path, "gpu.1", features="none")
    assert voice.graphs()["decoder"].precision == "f32"
    assert "f16 isn't used" in caplog.text
    assert not list(tmp_path.glob("*.f16.json"))


def test_a_device_of_f16_alone_is_held_against_the_cpu(
    tiny_voice: Path, tmp_path: Path, fake_core: FakeCore
) -> None:
    voice = _load(tiny_voice, tmp_path, "decoder=npu", features="none")
    assert voice.graphs()["decoder"].precision == "f16"
    fake_core.f16_noise = {"NPU": 0.5}
    cache = tmp_path / "other"
    with pytest.raises(DeviceError, match=r"NPU.*f16 only.*30 dB.*decoder=cpu"):
        _load(tiny_voice, cache, "decoder=npu", features="none")
    asked = _load(tiny_voice, cache, "decoder=npu", features="none", precision="f16")
    assert asked.graphs()["decoder"].precision == "f16"


def test_dynamic_shapes_may_be_forced_on_a_gpu(
    tiny_voice: Path, tmp_path: Path, fake_core: FakeCore
) -> None:
    options: dict[str, Any] = {"features": "none", "precision": "f32", "shapes": "dynamic"}
    voice = _load(tiny_voice, tmp_path, "gpu.1", **options)
    assert {info.shapes for info in voice.graphs().values()} == {"dynamic"}
    assert not any(isinstance(graph, StaticGraph) for graph in voice.stages.graphs.values())
    with pytest.raises(DeviceFailedError, match=r"NPU can't compile .* for dynamic shapes"):
        _load(tiny_voice, tmp_path, "npu", features="none", shapes="dynamic", precision="f16")


def test_a_reference_graph_takes_any_recording_where_shapes_are_static(
    anyone_voice: Path, tmp_path: Path, fake_core: FakeCore
) -> None:
    rng = np.random.default_rng(0)
    cpu = vinovits.load(anyone_voice, features="none", cache_dir=tmp_path)
    gpu = _load(anyone_voice, tmp_path, "reference=gpu.1", features="none")
    for seconds in (1, 2):
        speech = rng.standard_normal(8000 * seconds).astype(np.float32) * 0.1
        vector = gpu.speaker_from(speech, 8000)
        np.testing.assert_allclose(vector, cpu.speaker_from(speech, 8000), atol=1e-4)
    assert _devices(gpu)["reference"] == "GPU.1"
