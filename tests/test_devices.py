"""Devices and where stages are placed."""

from __future__ import annotations

import pytest

from tests.fake_core import FakeCore
from vinovits import devices
from vinovits.devices import STAGES, Placement, can_compute, find_device, parse_placement
from vinovits.errors import DeviceError, DeviceFailedError, UsageError


def test_devices_are_named_in_any_case() -> None:
    assert find_device("cpu") == find_device(" CPU ") == "CPU"
    with pytest.raises(DeviceError, match=r"OpenVINO sees: .*CPU"):
        find_device("tpu")


def test_a_number_may_be_left_out_or_given(fake_core: FakeCore) -> None:
    assert find_device("gpu") == "GPU"
    assert find_device("Gpu.1") == "GPU.1"
    fake_core.devices["GPU"] = fake_core.devices.pop("GPU.1")
    del fake_core.devices["GPU.0"]
    assert find_device("gpu.0") == "GPU.0"
    with pytest.raises(DeviceError):
        find_device("gpu.1")


@pytest.mark.parametrize(
    ("typo", "meant"),
    [("gpu.2", "gpu.1"), ("ngpu.1", "gpu.1"), ("npuu", "npu"), ("auot", "auto"), ("cpi", "cpu")],
)
def test_the_closest_device_is_suggested(fake_core: FakeCore, typo: str, meant: str) -> None:
    with pytest.raises(DeviceError, match=f"Did you mean '{meant}'") as caught:
        parse_placement(typo)
    assert "CPU, GPU.0, GPU.1, NPU" in str(caught.value)


@pytest.mark.usefixtures("fake_core")
def test_one_device_is_for_all_stages() -> None:
    placement = parse_placement("gpu.1")
    assert {placement.of(stage) for stage in STAGES} == {("GPU.1",)}
    assert parse_placement("cpu") == Placement()
    assert str(placement) == "all: GPU.1"


@pytest.mark.usefixtures("fake_core")
def test_stages_that_arent_named_run_on_the_cpu() -> None:
    placement = parse_placement(" Flow = gpu , decoder=GPU.1,features=npu")
    assert placement == Placement(flow=("GPU",), decoder=("GPU.1",), features=("NPU",))
    assert str(placement) == ("encoder, reference: CPU; flow: GPU; decoder: GPU.1; features: NPU")


def test_auto_prefers_discrete_gpus_for_the_heavy_stages(fake_core: FakeCore) -> None:
    heavy = ("GPU.1", "GPU.0", "CPU")
    assert parse_placement("auto") == Placement(flow=heavy, decoder=heavy)
    assert parse_placement("decoder=auto,features=auto") == Placement(decoder=heavy)
    assert "flow, decoder: GPU.1, else GPU.0, else CPU" in str(parse_placement("AUTO"))
    fake_core.devices.clear()
    assert parse_placement("auto") == Placement()


@pytest.mark.usefixtures("fake_core")
@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("decodr=gpu", r"no stage 'decodr' .*Did you mean 'decoder'\?.*encoder, flow, decoder"),
        ("decoder=gpu,decoder=cpu", "a device for decoder twice"),
        ("decoder=gpu,flow", "'flow' in .* isn't a stage and its device"),
        ("decoder=", "isn't a stage and its device"),
        ("=gpu", "isn't a stage and its device"),
        ("decoder=gpu,", "'' in .* isn't a stage and its device"),
        ("gpu,cpu", "names several devices"),
        ("decoder=gpux", "no device 'gpux' here. Did you mean"),
        ("", "no device ''"),
    ],
)
def test_what_makes_no_sense_is_told(asked: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_placement(asked)


def test_capabilities(fake_core: FakeCore) -> None:
    assert can_compute("gpu.1", "f16")
    assert not can_compute("gpu.1", "bf16")
    assert devices.exact_precision("gpu.1") == devices.exact_precision("cpu") == "f32"
    assert devices.exact_precision("npu") == "f16"
    assert devices.identity("NPU") == ("Intel(R) AI Boost", "1004514")
    assert len(devices.identity("CPU")) == 1
    fake_core.gone.add("GPU.1")
    with pytest.raises(DeviceFailedError, match=r"GPU\.1 doesn't tell"):
        can_compute("gpu.1", "f16")
