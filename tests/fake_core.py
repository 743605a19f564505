"""A stand-in for OpenVINO's runtime with two GPUs and an NPU, which run on the CPU in truth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

DEVICES: dict[str, dict[str, Any]] = {
    "GPU.0": {
        "FULL_DEVICE_NAME": "Intel(R) Iris(R) Xe Graphics (iGPU)",
        "DEVICE_TYPE": "Type.INTEGRATED",
        "GPU_DRIVER_VERSION": "25.1",
        "OPTIMIZATION_CAPABILITIES": ["FP32", "FP16", "INT8", "EXPORT_IMPORT"],
    },
    "GPU.1": {
        "FULL_DEVICE_NAME": "Intel(R) Arc(TM) B580 Graphics (dGPU)",
        "DEVICE_TYPE": "Type.DISCRETE",
        "GPU_DRIVER_VERSION": "25.1",
        "OPTIMIZATION_CAPABILITIES": ["FP32", "FP16", "INT8", "EXPORT_IMPORT"],
    },
    "NPU": {
        "FULL_DEVICE_NAME": "Intel(R) AI Boost",
        "DEVICE_TYPE": "Type.INTEGRATED",
        "NPU_DRIVER_VERSION": "1004514",
        "OPTIMIZATION_CAPABILITIES": ["FP16", "INT8", "EXPORT_IMPORT"],
    },
}


class FakeCore:
    """What of `openvino.Core` is used, with devices that fail on demand."""

    def __init__(self, real: Any) -> None:
        self.real = real
        self.devices = {name: dict(facts) for name, facts in DEVICES.items()}
        self.fails: dict[str, Callable[[Any], bool]] = {}
        """By device, whether a model can't be compiled there."""
        self.gone: set[str] = set()
        """Devices that have vanished since they were listed."""
        self.f16_noise: dict[str, float] = {}
        """By device, the share of noise in what it computes in f16."""
        self.exports = True
        self.compiled: list[tuple[str, str]] = []
        """Device and precision of all that was compiled, not taken from the cache."""

    @property
    def available_devices(self) -> list[str]:
        return ["CPU", *self.devices]

    def get_property(self, device: str, name: str) -> Any:
        if device == "CPU":
            return self.real.get_property(device, name)
        device = "GPU.0" if device == "GPU" else device
        if device in self.gone or name not in self.devices[device]:
            raise RuntimeError(f"no property {name}")
        return self.devices[device][name]

    def read_model(self, path: Any) -> Any:
        return self.real.read_model(path)

    def compile_model(self, model: Any, device: str, config: dict[str, Any] | None = None) -> Any:
        config = config or {"INFERENCE_PRECISION_HINT": "f32"}
        if device == "CPU":
            return self.real.compile_model(model, device, config)
        if device in self.gone:
            raise RuntimeError("Exception from src/core.cpp:1:\nThe device is lost")
        if self.fails.get(device, lambda _: False)(model):
            raise RuntimeError("Exception from src/plugin.cpp:2:\nCL_OUT_OF_RESOURCES")
        if device == "NPU" and model.is_dynamic():
            raise RuntimeError("NPU: dynamic shapes aren't supported")
        self.compiled.append((device, config["INFERENCE_PRECISION_HINT"]))
        return self._wrap(self.real.compile_model(model, "CPU", _for_cpu(config)), device, config)

    def import_model(self, blob: bytes, device: str, config: dict[str, Any]) -> Any:
        if device == "CPU":
            return self.real.import_model(blob, device, config)
        return self._wrap(self.real.import_model(blob, "CPU", _for_cpu(config)), device, config)

    def _wrap(self, compiled: Any, device: str, config: dict[str, Any]) -> _Compiled:
        return _Compiled(self, compiled, device, config["INFERENCE_PRECISION_HINT"])


class _Compiled:
    def __init__(self, core: FakeCore, real: Any, device: str, precision: str) -> None:
        self.core, self.real, self.device, self.precision = core, real, device, precision
        self.inputs, self.outputs = real.inputs, real.outputs

    def get_property(self, name: str) -> Any:
        from vinovits.runtime import openvino as ov

        if name == "EXECUTION_DEVICES":
            return [self.device]
        return {"f32": ov.Type.f32, "f16": ov.Type.f16}[self.precision]

    def __call__(self, *inputs: Any) -> Any:
        return self.real(*inputs)

    def export_model(self) -> Any:
        if not self.core.exports:
            raise RuntimeError("export isn't supported")
        return self.real.export_model()

    def create_infer_request(self) -> _Request:
        return _Request(self)


class _Request:
    def __init__(self, compiled: _Compiled) -> None:
        self.compiled = compiled
        self.real = compiled.real.create_infer_request()

    def infer(self, inputs: Any, share_inputs: bool) -> None:
        if self.compiled.device in self.compiled.core.gone:
            raise RuntimeError("Exception from src/infer.cpp:3:\nThe device is lost")
        self.real.infer(inputs, share_inputs=share_inputs)

    def get_tensor(self, name: str) -> Any:
        tensor = self.real.get_tensor(name)
        noise = self.compiled.core.f16_noise.get(self.compiled.device, 0.0)
        if self.compiled.precision != "f16" or not noise:
            return tensor
        data = tensor.data
        spread = np.random.default_rng(0).standard_normal(data.shape, np.float32)
        noisy = data + spread * np.float32(noise * np.sqrt(np.square(data).mean()))
        return type("Tensor", (), {"data": noisy})


def _for_cpu(config: dict[str, Any]) -> dict[str, Any]:
    return {**config, "INFERENCE_PRECISION_HINT": "f32"}
