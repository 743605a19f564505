"""What the command line tells of devices, and how it takes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openvino
import pytest

from tests.cli.conftest import Run
from tests.fake_core import FakeCore


@pytest.fixture
def gpus(fake_core: FakeCore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeCore:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return fake_core


def _never(model: Any) -> bool:
    return True


def test_say_tells_where_each_graph_ran(run: Run, tiny_voice: Path, gpus: FakeCore) -> None:
    said = "say", "Hello there.", "--voice", str(tiny_voice), "--features", "none", "--stats"
    result = run(*said, "--device", "encoder=cpu,flow=gpu,decoder=gpu.1", "--precision", "f32")
    assert result.exit_code == 0, result.output
    rows = [line.split() for line in result.stderr.splitlines()]
    assert ["encoder", "CPU", "f32", "dynamic"] in rows
    assert ["flow", "GPU", "f32", "static"] in rows
    assert ["decoder", "GPU.1", "f32", "static"] in rows
    assert "note:" not in result.stderr


@pytest.mark.parametrize("options", [(), ("--stats", "--quiet")])
def test_say_tells_what_auto_left(
    run: Run, tiny_voice: Path, gpus: FakeCore, options: tuple[str, ...]
) -> None:
    gpus.fails = {"GPU.1": _never, "GPU.0": _never}
    result = run(
        *("say", "Hello there.", "--voice", str(tiny_voice), "--features", "none"),
        *("--device", "auto", "--precision", "f32", *options),
    )
    assert result.exit_code == 0, result.output
    assert ("on CPU (f32)" in result.stderr) is (options == ())
    for name in ("flow", "decoder"):
        for device in ("GPU.1", "GPU.0"):
            message = f"The device {device} can't compile the graph {name!r} for "
            assert result.stderr.count(message) == 1


@pytest.mark.parametrize(
    ("device", "code", "message"),
    [
        ("gpu.7", 2, "Did you mean 'gpu."),
        ("decodr=gpu", 2, "Did you mean 'decoder'?"),
        ("flow=gpu.1", 1, "GPU.1 can't compile the graph 'flow' for "),
    ],
)
def test_a_device_that_cant_be_had(
    run: Run, tiny_voice: Path, gpus: FakeCore, device: str, code: int, message: str
) -> None:
    gpus.fails = {"GPU.1": _never}
    result = run("say", "Hello.", "--voice", str(tiny_voice), "--device", device)
    assert result.exit_code == code
    assert message in result.stderr
    assert not Path("out.wav").exists()


def test_say_with_static_shapes_on_the_cpu(run: Run, tiny_voice: Path, gpus: FakeCore) -> None:
    said = "say", "Hello.", "--voice", str(tiny_voice), "--features", "none", "--stats"
    result = run(*said, "--shapes", "static", "--precision", "f32")
    rows = [line.split() for line in result.stderr.splitlines()]
    for name in ("encoder", "flow", "decoder"):
        assert [name, "CPU", "f32", "static"] in rows


def test_info_tells_where_a_voice_would_run(run: Run, tiny_voice: Path, gpus: FakeCore) -> None:
    gpus.fails = {"GPU.1": _never}
    result = run("info", str(tiny_voice), "--device", "auto")
    assert result.exit_code == 0, result.output
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["decoder", "GPU.0", "f16", "static"] in rows
    assert "flow isn't where it was wanted: The device GPU.1 can't compile" in result.stdout
    data = json.loads(run("info", str(tiny_voice), "--device", "auto", "--json").stdout)
    assert data["graphs"]["decoder"]["devices"] == ["GPU.0"]
    assert data["graphs"]["encoder"] == {
        "devices": ["CPU"],
        "precision": "f32",
        "shapes": "dynamic",
        "note": "",
    }


def test_doctor_tries_every_device(
    run: Run, gpus: FakeCore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openvino, "Core", lambda: gpus)
    gpus.fails = {"GPU.0": _never}
    result = run("doctor")
    assert result.exit_code == 0, result.output
    text = " ".join(result.stdout.split())
    assert "Arc(TM) B580 Graphics (dGPU) (discrete, driver 25.1, FP32, FP16" in text
    assert "a small graph runs on GPU.1" in text
    assert "a small graph runs on NPU" in text
    assert "a small graph fails: CL_OUT_OF_RESOURCES" in text
    assert "OpenVINO sees GPU.0, but can't run there. Update its driver" in text
    assert "flow, decoder: GPU.1, else GPU.0, else CPU" in text
