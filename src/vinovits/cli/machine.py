"""What the machine offers: processor, memory, OpenVINO's devices. Nothing here raises."""

from __future__ import annotations

import os
import platform
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import openvino

CPU_FEATURES = {
    "AVX2": ("avx2",),
    "AVX-512": ("avx512f",),
    "VNNI": ("avx512_vnni", "avx_vnni"),
    "AMX": ("amx_tile",),
}
"""What OpenVINO's kernels profit from, with the names that Linux gives it."""


@dataclass(frozen=True, slots=True)
class Device:
    """A device that OpenVINO sees."""

    name: str
    full_name: str
    capabilities: tuple[str, ...]
    """What OpenVINO says that it computes well, such as FP32 and INT8."""
    kind: str
    """"discrete" or "integrated" for a GPU, else ""."""
    driver: str
    """Its version; "" for a device without."""
    trial: str
    """Where OpenVINO says that a small graph ran that was meant for it, or why none did."""


def cpu_model() -> str:
    """The processor's name, as the system tells it."""
    if sys.platform == "darwin":
        return _output_of("sysctl", "-n", "machdep.cpu.brand_string") or platform.machine()
    match = re.search(r"^model name\s*:\s*(.+)$", _read("/proc/cpuinfo"), re.MULTILINE)
    return match[1] if match else platform.processor() or platform.machine() or "unknown"


def cpu_features() -> dict[str, bool] | None:
    """Which of `CPU_FEATURES` the processor has; None where the system doesn't tell."""
    match = re.search(r"^flags\s*:\s*(.+)$", _read("/proc/cpuinfo"), re.MULTILINE)
    if match is None:
        return None
    flags = set(match[1].split())
    return {name: bool(flags.intersection(names)) for name, names in CPU_FEATURES.items()}


def cpu_count() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def busy() -> str | None:
    """A sentence about others who use the processors; None if they are free, or nobody tells."""
    if not hasattr(os, "getloadavg"):
        return None
    load = os.getloadavg()[0]
    if load < 0.5 * (os.cpu_count() or 1):
        return None
    return f"The machine is busy: {load:.1f} programs ran at once in the last minute."


def memory() -> tuple[int | None, int | None]:
    """Bytes of memory in all, and those free for use; None where the system doesn't tell."""
    text = _read("/proc/meminfo")
    found = dict(re.findall(r"^(MemTotal|MemAvailable):\s*(\d+) kB", text, re.MULTILINE))
    if "MemTotal" in found:
        available = found.get("MemAvailable")
        return int(found["MemTotal"]) << 10, int(available) << 10 if available else None
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), None
    except (AttributeError, OSError, ValueError):
        return None, None


def openvino_devices() -> tuple[str, list[Device]]:
    """OpenVINO's version and devices.

    Returns:
        The version, or what is wrong with OpenVINO and what to do; the devices, none if it is
        broken.
    """
    try:
        from vinovits.runtime import openvino

        # Not the engine's: the doctor must work where the engine doesn't.
        core = openvino.Core()
        devices = [_device(core, str(name)) for name in core.available_devices]
        return str(openvino.get_version()), devices
    except ImportError as error:
        return f"can't be imported ({error}). Install it with: pip install openvino", []
    except RuntimeError as error:
        first = (str(error).strip().splitlines() or ["?"])[0]
        return f"doesn't start ({first}). Try: pip install --force-reinstall openvino", []


def _device(core: openvino.Core, name: str) -> Device:
    from vinovits.devices import driver, is_discrete

    kind = ""
    if name.startswith("GPU"):
        kind = "discrete" if is_discrete(name) else "integrated"
    return Device(
        name,
        str(core.get_property(name, "FULL_DEVICE_NAME")),
        tuple(core.get_property(name, "OPTIMIZATION_CAPABILITIES")),
        kind,
        ", ".join(driver(name)),
        _trial(core, name),
    )


def _trial(core: openvino.Core, name: str) -> str:
    """Run a graph of one operation on a device."""
    import numpy as np

    from vinovits.runtime import openvino

    ops = openvino.opset13
    try:
        given = ops.parameter([1, 16], np.float32)
        compiled = core.compile_model(openvino.Model([ops.relu(given)], [given], "trial"), name)
        compiled(np.ones((1, 16), np.float32))
        found = compiled.get_property("EXECUTION_DEVICES")
    except RuntimeError as error:
        return f"fails: {(str(error).strip().splitlines() or ['?'])[-1]}"
    return f"runs on {found if isinstance(found, str) else ', '.join(map(str, found))}"


def missing_drivers(devices: list[Device]) -> list[str]:
    """Sentences about hardware that is there but that OpenVINO doesn't see (Linux only).

    Args:
        devices: From `openvino_devices`.
    """
    advice = []
    seen = {device.name.partition(".")[0] for device in devices}
    for kind, folder, pattern, package in (
        ("GPU", "/dev/dri", "renderD*", "intel-opencl-icd"),
        ("NPU", "/dev/accel", "accel*", "intel-level-zero-npu"),
    ):
        nodes = sorted(Path(folder).glob(pattern)) if Path(folder).is_dir() else []
        if kind in seen or not nodes or not _is_intel(nodes[0]):
            continue
        if os.access(nodes[0], os.R_OK | os.W_OK):
            advice.append(
                f"There is an Intel {kind} ({nodes[0]}) that OpenVINO doesn't see. Install its "
                f"driver, the package {package}; see https://docs.openvino.ai, “Install OpenVINO”."
            )
        else:
            advice.append(
                f"There is an Intel {kind} ({nodes[0]}) that you may not use. Join its group: "
                "`sudo usermod -aG render $USER`, then log in again."
            )
    return advice


def _is_intel(node: Path) -> bool:
    kind = "drm" if "dri" in node.parts else "accel"
    return _read(f"/sys/class/{kind}/{node.name}/device/vendor").strip() == "0x8086"


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _output_of(*command: str) -> str:
    import subprocess

    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
